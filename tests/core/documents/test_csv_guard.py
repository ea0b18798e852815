"""Cells that no spreadsheet runs, and that are read again as they were."""

from __future__ import annotations

import csv
import io

import pytest
from hypothesis import given
from hypothesis import strategies as st

from oms_core.documents.csv_guard import csv_writer, guard, unguard
from oms_core.imports.records import CsvRun, Lines, csv_runs

SIGNS = "=+-@\t\r\n\uff1d\uff0b\uff0d\uff20"
texts = st.text(st.one_of(st.sampled_from(SIGNS + "'\"1.,"), st.characters(exclude_categories=["Cs"])), max_size=8)


@pytest.mark.parametrize(
    ("value", "cell"),
    [
        ("=1+1", "'=1+1"),
        ('=HYPERLINK("http://x")', '\'=HYPERLINK("http://x")'),
        ("+cmd|' /C calc'!A0", "'+cmd|' /C calc'!A0"),
        ("-2+3", "'-2+3"),
        ("@SUM(A1)", "'@SUM(A1)"),
        ("\t=1", "'\t=1"),
        ("\r=1", "'\r=1"),
        ("\uff1d1", "'\uff1d1"),
        ("'=1", "''=1"),
        ("-5", "-5"),
        ("+1.5", "+1.5"),
        ("-5\n", "'-5\n"),
        (-5, -5),
        (None, None),
        ("it's", "it's"),
        ("'twas", "'twas"),
        ("a=b", "a=b"),
        ("", ""),
    ],
)
def test_what_would_be_run_gets_an_apostrophe_and_all_else_is_left_alone(value: object, cell: object) -> None:
    assert guard(value) == cell


@given(st.lists(texts, max_size=4))
def test_a_row_comes_back_as_it_was(row: list[str]) -> None:
    assert unguard(map(str, map(guard, row))) == row


@given(texts)
def test_no_guarded_text_begins_as_a_formula_does_unless_it_is_a_number(text: str) -> None:
    cell = str(guard(text))
    assert cell[:1] not in set(SIGNS) or cell[1:].replace(".", "", 1).isdecimal()


def test_lines_end_in_lf_and_a_lone_cr_is_quoted() -> None:
    text = io.StringIO(newline="")
    csv_writer(text).writerows([["", "\r", "a\rb", "a\nb", "c"], ["d"]])
    assert text.getvalue() == ',"\r","a\rb","a\nb",c\nd\n'


@given(st.lists(st.tuples(texts, texts), min_size=1, max_size=5), st.sampled_from([csv.QUOTE_MINIMAL, csv.QUOTE_ALL]))
def test_a_file_is_read_as_it_was_before_it_was_guarded(rows: list[tuple[str, str]], quoting: int) -> None:
    text = io.StringIO(newline="")
    writer = csv_writer(text, quoting=quoting)  # type: ignore[arg-type]  # The stubs want a literal.
    writer.writerows([guard(cell) for cell in (*row, "end")] for row in rows)
    runs = list(csv_runs(Lines(io.BytesIO(text.getvalue().encode()))))
    read = [row for run in runs if isinstance(run, CsvRun) for row in run.rows if row]
    assert read == [[*row, "end"] for row in rows]
