"""The tables of the measurements show their rounds, keep them in JSON, and say what was reached and what was not."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from tests.bench.goals import GOALS, goal_table
from tests.bench.results import Column, Results, ResultTable, read_results, rounded
from tests.bench.usage import usage_of

TABLE = ResultTable(
    title="Loads",
    columns=[Column(name="of"), Column(name="answers/s", form="{:,.0f}"), Column(name="ratio", form="{:.2f}x")],
    rows=[["ours", [3000.0, 1000.0, 2000.0], [0.5, 0.5]], ["theirs", 4000, ""]],
)


def test_a_cell_shows_the_median_of_its_rounds_with_the_least_and_the_most() -> None:
    assert list(TABLE.shown()) == [["ours", "2,000 (1,000 to 3,000)", "0.50x"], ["theirs", "4,000", ""]]


def test_a_table_on_a_page_aligns_its_figures() -> None:
    assert TABLE.for_page().splitlines() == [
        "| of | answers/s | ratio |",
        "|---|---:|---:|",
        "| ours | 2,000 (1,000 to 3,000) | 0.50x |",
        "| theirs | 4,000 |  |",
    ]


def test_figures_are_found_by_the_beginning_of_their_row() -> None:
    assert TABLE.figures("answers/s", row="ours") == [3000, 1000, 2000]
    assert TABLE.figures("answers/s", row="theirs") == [4000]
    assert TABLE.figures("ratio", row="theirs") == TABLE.figures("ratio", row="nobody") == []


def test_results_are_read_as_they_were_written(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    results = Results(command="x", tables={"loads": TABLE}, plotted={"long": TABLE}, setting={"cores": "2"})
    results.give(tmp_path / "x.json")
    assert read_results(tmp_path / "x.json") == results
    assert capsys.readouterr().out.count("Loads") == 1, "what is only plotted is not printed"


def test_figures_keep_five_digits() -> None:
    assert rounded({"x": [1234567.8, 0.123456789, "text", 1234567]}) == {"x": [1234600.0, 0.12346, "text", 1234567]}


def test_a_goal_says_whether_it_was_reached(tmp_path: Path) -> None:
    columns = [Column(name="202 to 201"), Column(name="orders/s", form="{:.2f}x")]
    for rate, verdict in ((0.99, "no"), (1.0, "yes")):
        ratios = ResultTable(title="", columns=columns, rows=[["now", [rate, rate, 5.0]], ["before", [0.87]]])
        Results(command="x", tables={"ratios": ratios}).give(tmp_path / "accept.json")
        table = goal_table(tmp_path)
        assert len(table.rows) == len(GOALS)
        (row,) = (row for row in table.rows if row[0] == "202 to 201")
        assert row[1:] == ["0.87x", f"{rate:.2f}x ({rate:.2f}x to 5.00x)", "1.00x", "1.20x", verdict]


def test_what_was_not_measured_is_not_said_to_be_reached(tmp_path: Path) -> None:
    assert {row[-1] for row in goal_table(tmp_path).rows} == {"not measured"}


def test_a_goal_that_is_a_most_is_reached_from_above() -> None:
    cost = next(goal for goal in GOALS if goal.most is not None)
    assert cost.most is not None
    assert cost.is_reached(cost.most - 1)
    assert not cost.is_reached(cost.most + 1)


def test_what_this_process_uses_grows() -> None:
    before = usage_of(os.getpid())
    assert sum(range(10**6))
    used = usage_of(os.getpid()).since(before)
    assert used.cpu_seconds > 0
    assert used.voluntary >= 0
