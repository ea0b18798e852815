"""`oms orders change`: other quantities, further lines, another reference, other metadata; and how they are shown."""

from __future__ import annotations

import csv
import io
import json
from decimal import Decimal
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest

from oms_core import Event, OrderLine
from tests.cli.conftest import Cli, Ran

UNKNOWN = "01980000-0000-7000-8000-000000000000"
HOSTILE = "a\tb\u202egnp\u200d"


@pytest.fixture(autouse=True)
def stocked(cli: Cli) -> None:
    """There are ten of everything."""
    for sku in ("WIDGET", "GADGET", "GIZMO"):
        cli.stock(sku, 10)


@pytest.fixture
def order(cli: Cli) -> str:
    """An order of three widgets and a gadget."""
    lines = (
        OrderLine(sku="WIDGET", quantity=3, unit_price=Decimal("12.50")),
        OrderLine(sku="GADGET", quantity=1, unit_price=Decimal(2)),
    )
    return str(cli.place(*lines, reference="WEB-1", metadata={"channel": "web", "note": "x"}).id)


def shown(cli: Cli, order: str) -> dict[str, Any]:
    found: dict[str, Any] = cli("orders", "show", order, "-o", "json").json
    return found


def quantities(cli: Cli, order: str) -> list[tuple[str, int]]:
    return [(line["sku"], line["quantity"]) for line in shown(cli, order)["lines"]]


def last_event(cli: Cli, order: str) -> Event:
    return cli.oms.orders.events(UUID(order), caller=cli.caller).items[-1]


def reserved(cli: Cli, sku: str) -> int:
    return cli.oms.stock.get(sku, caller=cli.caller).reserved


def refused(ran: Ran, code: int, words: str) -> None:
    assert (ran.code, ran.out) == (code, "")
    assert words in ran.err


@pytest.mark.parametrize(
    ("options", "told"),
    [
        (("--line-no", "1:5"), "line 1: 3 -> 5 WIDGET; total 39.50 -> 64.50 EUR"),
        (("--line-no", "2:0"), "line 2: removed 1 GADGET; total 39.50 -> 37.50 EUR"),
        (("--line", "GIZMO:2@1.25"), "line 3: added 2 GIZMO; total 39.50 -> 42.00 EUR"),
        (("--line", "GIZMO:2"), "line 3: added 2 GIZMO; total 39.50 EUR -> none: a price is missing"),
        (
            ("--line", "WIDGET:1@0", "--line-no", "2:0", "--line-no", "1:2"),
            "line 1: 3 -> 2 WIDGET, line 2: removed 1 GADGET, line 3: added 1 WIDGET; total 39.50 -> 25.00 EUR",
        ),
        (("--line", "WIDGET:1@0"), "line 3: added 1 WIDGET; total 39.50 EUR"),
        (("--line-no", "1:3"), "nothing to change; total 39.50 EUR"),
    ],
)
def test_it_says_which_lines_became_what(cli: Cli, order: str, options: tuple[str, ...], told: str) -> None:
    rehearsed = cli("orders", "change", order, *options, "--dry-run")
    would_be = f"dry run, nothing was changed; it would be: order {order} pending: {told}\n"
    assert (rehearsed.code, rehearsed.out, rehearsed.err) == (0, would_be, "")
    assert (shown(cli, order)["version"], reserved(cli, "WIDGET")) == (1, 3)
    ran = cli("orders", "change", order, *options)
    assert (ran.code, ran.out, ran.err) == (0, f"order {order} pending: {told}\n", "")
    assert cli("audit").code == 0


def test_what_is_reserved_follows_the_lines(cli: Cli, order: str) -> None:
    cli("orders", "change", "WEB-1", "--line-no", "1:5", "--line-no", "2:0", "--line", "GIZMO:2", "--reason", "he rang")
    assert quantities(cli, order) == [("WIDGET", 5), ("GADGET", 0), ("GIZMO", 2)]
    assert [reserved(cli, sku) for sku in ("WIDGET", "GADGET", "GIZMO")] == [5, 0, 2]
    assert last_event(cli, order).event.data["reason"] == "he rang"


def test_a_line_that_was_removed_comes_back_under_its_number(cli: Cli, order: str) -> None:
    cli("orders", "change", order, "--line-no", "2:0")
    assert "line 2: 0 -> 4 GADGET; total 37.50 -> 45.50" in cli("orders", "change", order, "--line-no", "2:4").out


def test_total_and_prices_may_be_missing_before_and_after(cli: Cli) -> None:
    order = str(cli.place().id)
    ran = cli("orders", "change", order, "--line-no", "1:2")
    assert ran.out == f"order {order} pending: line 1: 1 -> 2 WIDGET; no total, a price is missing\n"
    assert (
        "; total none -> 5.00 EUR\n" in cli("orders", "change", order, "--line", "GADGET:1@5", "--line-no", "1:0").out
    )


def test_many_lines_are_counted(cli: Cli, order: str) -> None:
    options = [option for _ in range(6) for option in ("--line", "GIZMO:1@1")]
    assert (
        f"order {order} pending: 6 lines changed; total 39.50 -> 45.50" in cli("orders", "change", order, *options).out
    )


def test_the_order_is_a_document_and_a_row(cli: Cli, order: str) -> None:
    change = ("orders", "change", order[:18], "--line-no", "1:5", "--line-no", "2:0")
    would_be = cli(*change, "--dry-run", "-o", "json").json
    assert (would_be.pop("dry_run"), would_be.pop("replayed"), shown(cli, order)["version"]) == (True, False, 1)
    document = cli(*change, "--key", "K", "-o", "json").json
    assert (document.pop("dry_run"), document.pop("replayed")) == (False, False)
    assert (document["version"], document["total"]) == (2, "62.50")
    assert {**would_be, "updated_at": document["updated_at"]} == document
    ran = cli(*change, "--key", "K", "-o", "csv")
    (row,) = csv.DictReader(io.StringIO(ran.out))
    assert (row["id"], row["lines"], row["total"], row["version"]) == (order, "1", "62.50", "2")
    assert (row["replayed"], row["dry_run"]) == ("true", "false")


def test_under_a_key_lines_are_changed_once(cli: Cli, order: str) -> None:
    change = ("orders", "change", order, "--line", "GIZMO:2@1", "--key", "K")
    assert "line 3: added 2 GIZMO" in cli(*change).out
    ran = cli(*change)
    assert (ran.code, ran.err) == (0, "")
    assert ran.out == f"order {order} pending: it was changed before with this key; total 41.50 EUR\n"
    assert len(quantities(cli, order)) == 3
    refused(cli(*change, "--reason", "other"), 2, "idempotency_key_reused")


@pytest.mark.parametrize(
    ("options", "told", "details"),
    [
        (("--reference", "WEB-2"), "reference WEB-1 -> WEB-2", ("WEB-2", {"channel": "web", "note": "x"})),
        (("--reference", "None"), "reference WEB-1 -> none", (None, {"channel": "web", "note": "x"})),
        (
            ("--metadata", "channel=shop=1", "--metadata", "note=", "--metadata", "gift=yes"),
            "channel web -> shop=1, removed note=x, added gift=yes",
            ("WEB-1", {"channel": "shop=1", "gift": "yes"}),
        ),
        (
            ("--metadata", "note=", "--reference", "R"),
            "reference WEB-1 -> R, removed note=x",
            ("R", {"channel": "web"}),
        ),
        (("--reference", "WEB-1"), "nothing to change; total 39.50 EUR", ("WEB-1", {"channel": "web", "note": "x"})),
        (("--metadata", "gone="), "nothing to change; total 39.50 EUR", ("WEB-1", {"channel": "web", "note": "x"})),
    ],
)
def test_reference_and_metadata_are_others_and_all_else_stays(
    cli: Cli, order: str, options: tuple[str, ...], told: str, details: tuple[str | None, dict[str, str]]
) -> None:
    ran = cli("orders", "change", "WEB-1", *options, "--if-version", "1")
    assert (ran.code, ran.out, ran.err) == (0, f"order {order} pending: {told}\n", "")
    document = shown(cli, order)
    assert (document["reference"], document["metadata"]) == details
    assert (document["total"], reserved(cli, "WIDGET")) == ("39.50", 3)


def test_details_are_changed_in_any_status_and_many_entries_are_counted(cli: Cli, order: str) -> None:
    cli("orders", "cancel", order)
    options = [option for number in range(6) for option in ("--metadata", f"n{number}=1")]
    ran = cli("orders", "change", order, *options)
    assert ran.out == f"order {order} cancelled: 6 entries of metadata changed\n"
    assert cli("orders", "change", order, "--metadata", "n1=", "-o", "json").json["dry_run"] is False


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ((), "say what to change"),
        (("--if-version", "1"), "say what to change"),
        (("--reason", "R"), "say what to change"),
        (("--line-no", "1:5", "--reference", "R"), "two transactions"),
        (("--line", "GIZMO:1", "--metadata", "a=b"), "two transactions"),
        (("--reference", "R", "--dry-run"), "for changes of lines"),
        (("--reference", "R", "--key", "K"), "for changes of lines"),
        (("--metadata", "a=b", "--reason", "R"), "for changes of lines"),
        (("--line-no", "1:5", "--dry-run", "--key", "K"), "takes no --key"),
        (("--line-no", "WIDGET:5"), "is no number of a line"),
        (("--line-no", "1:-1"), "is no number of a line"),
        (("--line", "GIZMO"), "is no line such as"),
        (("--line", "GIZMO:1@x"), "the price"),
        (("--line", "GIZMO:0"), "/lines/0/quantity"),
        (("--line-no", "1:2", "--line-no", "1:3"), "listed already"),
        (("--line-no", "9:1"), "no line of line_no 9"),
        (("--metadata", "channel"), "is no entry"),
        (("--metadata", "=web"), "is no entry"),
        (("--metadata", "a=b", "--metadata", "a="), "given twice"),
        (("--reference", ""), "/reference"),
    ],
)
def test_a_wrong_call_changes_nothing(cli: Cli, order: str, options: tuple[str, ...], words: str) -> None:
    refused(cli("orders", "change", order, *options), 2, words)
    assert shown(cli, order)["version"] == 1


@pytest.mark.parametrize("rehearsal", [(), ("--dry-run",)])
def test_what_is_refused_is_told_with_its_exit_code(cli: Cli, order: str, rehearsal: tuple[str, ...]) -> None:
    change = ("orders", "change", order, *rehearsal)
    refused(cli("orders", "change", UNKNOWN, "--line-no", "1:5", *rehearsal), 4, "order_not_found")
    refused(cli(*change, "--line-no", "1:11"), 5, "insufficient_inventory")
    refused(cli(*change, "--line", "GIZMA:1"), 2, "unknown_sku: no product has the SKU GIZMA; did you mean GIZMO?")
    refused(cli(*change, "--line-no", "1:0", "--line-no", "2:0"), 5, "empty_order")
    refused(cli(*change, "--line-no", "1:5", "--if-version", "7"), 5, "version_mismatch")
    refused(cli("orders", "change", UNKNOWN, "--reference", "R"), 4, "order_not_found")
    refused(cli("orders", "change", order, "--reference", "R", "--if-version", "7"), 5, "version_mismatch")
    cli("orders", "ship", order, "--line", "WIDGET:2")
    ran = cli(*change, "--line-no", "1:1", "-o", "json")
    assert (ran.code, json.loads(ran.err)["code"]) == (5, "below_shipped")
    assert json.loads(ran.err)["lines"] == [{"line_no": 1, "sku": "WIDGET", "requested": 1, "shipped": 2}]
    cli("orders", "set-status", "shipped", order)
    refused(cli(*change, "--line-no", "1:5"), 5, "invalid_transition")


def test_an_order_of_which_the_rest_is_removed_has_shipped(cli: Cli, order: str) -> None:
    cli("orders", "ship", order, "--line", "WIDGET:2")
    ran = cli("orders", "change", order, "--line-no", "1:2", "--line-no", "2:0")
    assert ran.out.startswith(
        f"order {order} shipped: line 1: 3 -> 2 WIDGET, line 2: removed 1 GADGET; total 39.50 -> 25"
    )


def test_a_removed_line_is_recognised_and_is_not_counted(cli: Cli, order: str) -> None:
    cli("orders", "change", order, "--line-no", "2:0")
    rows = cli("orders", "show", order).out.splitlines()[-2:]
    assert [row.split() for row in rows] == [
        ["1", "WIDGET", "3", "12.50", "main:", "3", "reserved"],
        ["2", "GADGET", "removed", "2.00"],
    ]
    in_csv = csv.DictReader(io.StringIO(cli("orders", "show", order, "-o", "csv").out))
    assert [row["quantity"] for row in in_csv] == ["3", "0"]
    (listed,) = csv.DictReader(io.StringIO(cli("orders", "list", "-o", "csv").out))
    assert listed["lines"] == "1"


def test_events_say_what_changed(cli: Cli, order: str) -> None:
    cli("orders", "change", order, "--line-no", "1:5", "--line-no", "2:0", "--line", "GIZMO:2@1", "--reason", "he rang")
    cli("orders", "change", order, "--reference", "none", "--metadata", "note=")
    rows = list(csv.DictReader(io.StringIO(cli("orders", "events", order, "-o", "csv").out)))
    told = "line 1: 3 -> 5 WIDGET, line 2: removed 1 GADGET, line 3: added 2 GIZMO; total 39.50 -> 64.50"
    assert [(row["type"], row["change"], row["reason"]) for row in rows] == [
        ("order.placed", "", ""),
        ("order.changed", told, "he rang"),
        ("order.changed", "reference WEB-1 -> none, removed note=x", ""),
    ]
    assert told in cli("orders", "events", order).out


def test_what_a_stranger_wrote_steers_no_terminal_and_runs_in_no_spreadsheet(cli: Cli, order: str) -> None:
    given = ("--metadata", f"note={HOSTILE}", "--reference", "=1+1")
    for arguments in (("orders", "change", order, *given), ("orders", "events", order)):
        ran = cli(*arguments)
        assert ran.code == 0, ran.err
        assert not {"\u202e", "\u200d", "\t"} & set(ran.out + ran.err)
    rows = list(csv.reader(io.StringIO(cli("orders", "events", order, "-o", "csv").out)))
    assert not [cell for row in rows for cell in row if cell[:1] in set("=+-@\t")]
    assert shown(cli, order)["metadata"]["note"] == HOSTILE


def test_an_export_leaves_removed_lines_out_where_it_can_be_imported(cli: Cli, order: str, tmp_path: Path) -> None:
    cli("orders", "change", order, "--line-no", "1:0", "--line", "GIZMO:2@1")
    rows = list(csv.DictReader(io.StringIO(cli("orders", "export").out)))
    assert [(row["line_no"], row["sku"], row["quantity"]) for row in rows] == [
        ("2", "GADGET", "1"),
        ("3", "GIZMO", "2"),
    ]
    file = tmp_path / "orders.csv"
    cli("orders", "export", str(file))
    ran = cli("orders", "import", str(file), "--map", "reference=reference")
    assert ran.out.startswith("imported 1 order"), ran.err
    first, again = [json.loads(line) for line in cli("orders", "export", "-o", "jsonl").out.splitlines()]
    assert [(line["sku"], line["quantity"]) for line in again["lines"]] == [("GADGET", 1), ("GIZMO", 2)]
    assert again["total"] == first["total"]
    assert [line["quantity"] for line in first["lines"]] == [0, 1, 2], "JSON Lines are the orders as they are"
