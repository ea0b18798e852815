"""`oms orders place`: one order, from options or from a document."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from oms_core import OrderFilter
from oms_core.use_cases.orders.orders import Orders
from tests.bad_input import BAD_ORDERS, BadInput
from tests.cli.conftest import Cli, Ran

PLACE = ("orders", "place", "--customer", "C1")


def available(cli: Cli, sku: str = "WIDGET") -> int:
    return cli.oms.stock.get(sku, caller=cli.caller).available


def only_order(cli: Cli) -> dict[str, object]:
    (order,) = cli("orders", "list", "-o", "json").json
    return dict(order)


def test_an_order_is_placed_and_its_stock_reserved(cli: Cli) -> None:
    cli.stock("WIDGET", 10)
    ran = cli(*PLACE, "--line", "WIDGET:2@12.50", "--line", "WIDGET:1@3", "--reference", "R1", "--currency", "USD")
    order = only_order(cli)
    assert ran.out == f"placed {order['id']} pending: 2 lines, total 28.00 USD\n"
    assert (ran.code, ran.err) == (0, "")
    assert order["reference"] == "R1"
    assert available(cli) == 7


def test_a_line_without_a_price_leaves_the_order_without_a_total(cli: Cli) -> None:
    cli.stock("WIDGET", 10)
    ran = cli(*PLACE, "--line", "WIDGET:2")
    assert ran.out.endswith("pending: 1 line, no total, a price is missing\n")


def test_a_sku_may_hold_colons_and_at_signs(cli: Cli) -> None:
    cli.stock("a:b@c", 10)
    assert cli(*PLACE, "--line", "a:b@c:2@1.50").code == 0
    assert available(cli, "a:b@c") == 8


def test_an_order_as_json_is_the_document_of_the_service(cli: Cli) -> None:
    cli.stock("WIDGET", 10)
    document = cli(*PLACE, "--line", "WIDGET:2", "-o", "json").json
    assert (document["status"], document["replayed"]) == ("pending", False)
    row = cli(*PLACE, "--line", "WIDGET:2", "-o", "csv").out.splitlines()[1]
    assert row.split(",")[1:3] == ["pending", "C1"]


def test_the_same_order_with_the_same_key_is_placed_once(cli: Cli) -> None:
    cli.stock("WIDGET", 10)
    first = cli(*PLACE, "--line", "WIDGET:2", "--key", "cart-1")
    again = cli(*PLACE, "--line", "WIDGET:2", "--key", "cart-1")
    order_id = only_order(cli)["id"]
    assert first.out.startswith(f"placed {order_id} ")
    assert again.out.startswith(f"placed before with this key: {order_id} ")
    assert again.code == 0
    other = cli(*PLACE, "--line", "WIDGET:3", "--key", "cart-1")
    assert other.code == 2
    assert other.err.startswith("error: idempotency_key_reused: ")


def test_too_little_stock_is_a_conflict_with_the_figures(cli: Cli) -> None:
    cli.stock("WIDGET", 1)
    cli.stock("GADGET", 2)
    one = cli(*PLACE, "--line", "WIDGET:2")
    assert (one.code, one.out) == (5, "")
    assert one.err == "error: insufficient_inventory: WIDGET: 2 requested, 1 available\n"
    both = cli(*PLACE, "--line", "WIDGET:2", "--line", "GADGET:3")
    assert both.err.splitlines()[1:] == [
        "  GADGET: 3 requested, 2 available",
        "  WIDGET: 2 requested, 1 available",
    ]
    assert cli("orders", "list", "-o", "json").json == []


def test_an_error_as_json_has_the_figures(cli: Cli) -> None:
    cli.stock("WIDGET", 1)
    ran = cli(*PLACE, "--line", "WIDGET:2", "-o", "json")
    assert json.loads(ran.err)["shortages"] == [{"sku": "WIDGET", "requested": 2, "available": 1}]


def test_an_unknown_sku_is_invalid(cli: Cli) -> None:
    ran = cli(*PLACE, "--line", "NONE:2")
    assert (ran.code, ran.err) == (2, "error: unknown_sku: no product has the SKU NONE\n")


@pytest.mark.parametrize(
    "line", ["", "WIDGET", "WIDGET:", ":2", "WIDGET:two", "WIDGET:-1", "WIDGET:1.5", "WIDGET:1@", "WIDGET:²"]
)
def test_a_line_that_is_none_is_a_usage_error(cli: Cli, line: str) -> None:
    ran = cli(*PLACE, "--line", line)
    assert (ran.code, ran.out) == (2, "")
    assert "is no line such as WIDGET:2 or WIDGET:2@12.50" in ran.err


@pytest.mark.parametrize("price", ["-1", "1e3", "1.00001", "NaN", "1,50", "922337203685477.5808"])
def test_a_price_that_is_none_is_a_usage_error(cli: Cli, price: str) -> None:
    ran = cli(*PLACE, "--line", f"WIDGET:1@{price}")
    assert ran.code == 2
    assert f"'WIDGET:1@{price}': the price must be" in ran.err


@pytest.mark.parametrize("quantity", ["0", "1000001"])
def test_a_quantity_out_of_bounds_is_refused(cli: Cli, quantity: str) -> None:
    ran = cli(*PLACE, "--line", f"WIDGET:{quantity}")
    assert ran.code == 2
    assert ran.err == "error: validation_error: /lines/0/quantity: must be between 1 and 1000000\n"


@pytest.mark.parametrize("options", [(), ("--customer", "C1"), ("--line", "WIDGET:1")])
def test_half_an_order_is_a_usage_error(cli: Cli, options: tuple[str, ...]) -> None:
    ran = cli("orders", "place", *options)
    assert ran.code == 2
    assert ran.err == "error: usage: give --customer and at least one --line, or a document: FILE or - for stdin\n"


def test_a_document_and_options_together_are_a_usage_error(cli: Cli) -> None:
    ran = cli(*PLACE, "-", given="{}")
    assert (ran.code, ran.err) == (2, "error: usage: give the order as a document or by options, not both\n")


DOCUMENT = {"customer_id": "C1", "lines": [{"sku": "WIDGET", "quantity": 2}], "metadata": {"channel": "phone"}}


def place_document(cli: Cli, document: object, *options: str) -> Ran:
    return cli("orders", "place", "-", *options, given=json.dumps(document))


def test_a_document_on_stdin_is_placed(cli: Cli) -> None:
    cli.stock("WIDGET", 10)
    assert place_document(cli, DOCUMENT).code == 0
    assert only_order(cli)["metadata"] == {"channel": "phone"}


def test_a_document_in_a_file_is_placed(cli: Cli, tmp_path: Path) -> None:
    cli.stock("WIDGET", 10)
    (tmp_path / "order.json").write_text(json.dumps(DOCUMENT))
    assert cli("orders", "place", str(tmp_path / "order.json")).code == 0


def test_a_byte_order_mark_before_a_document_is_passed_over(cli: Cli, tmp_path: Path) -> None:
    cli.stock("WIDGET", 10)
    (tmp_path / "order.json").write_text(json.dumps(DOCUMENT), encoding="utf-8-sig")
    assert cli("orders", "place", str(tmp_path / "order.json")).code == 0
    assert cli("orders", "place", "-", given=(tmp_path / "order.json").read_bytes()).code == 0


def test_a_document_in_another_encoding_is_told_which_it_is(cli: Cli) -> None:
    ran = cli("orders", "place", "-", given=json.dumps(DOCUMENT).encode("utf-16"))
    assert ran.code == 2
    assert "it is in UTF-16; send it in UTF-8" in ran.err


def test_the_key_may_stand_in_the_document_or_beside_it(cli: Cli) -> None:
    cli.stock("WIDGET", 10)
    assert not place_document(cli, {**DOCUMENT, "idempotency_key": "k"}, "-o", "json").json["replayed"]
    assert place_document(cli, DOCUMENT, "--key", "k", "-o", "json").json["replayed"]


def test_a_key_in_both_places_is_refused(cli: Cli) -> None:
    ran = place_document(cli, {**DOCUMENT, "idempotency_key": "k"}, "--key", "k")
    assert ran.code == 2
    assert ran.err == "error: usage: give the key in the document or by --key, not both\n"


@pytest.mark.parametrize("bad", BAD_ORDERS, ids=str)
def test_bad_input_is_refused_and_changes_nothing(cli: Cli, bad: BadInput) -> None:
    cli.stock("WIDGET", 10)
    ran = cli("orders", "place", "-", "-o", "json", given=bad.body)
    assert (ran.code, ran.out) == (2, "")
    error = json.loads(ran.err)
    assert error["code"] == bad.code
    if bad.pointer is not None:
        assert error["errors"][0]["pointer"] == bad.pointer
    assert available(cli) == 10


@pytest.mark.parametrize("bad", BAD_ORDERS, ids=str)
def test_bad_input_is_told_to_a_person_on_few_printable_lines(cli: Cli, bad: BadInput) -> None:
    cli.stock("WIDGET", 10)
    ran = cli("orders", "place", "-", given=bad.body)
    assert (ran.code, ran.out) == (2, "")
    assert ran.err.startswith(f"error: {bad.code}: ")
    assert ran.err.replace("\n", "").isprintable()
    assert len(ran.err.splitlines()) <= 101


def test_a_document_that_is_too_large_is_refused(cli: Cli) -> None:
    ran = cli("orders", "place", "-", given=b" " * (1024 * 1024 + 1))
    assert (ran.code, ran.err) == (2, "error: payload_too_large: the document is larger than 1048576 bytes\n")


@pytest.mark.parametrize("name", ["missing.json", "."])
def test_a_file_that_cannot_be_read_is_a_usage_error(cli: Cli, tmp_path: Path, name: str) -> None:
    ran = cli("orders", "place", str(tmp_path / name))
    assert (ran.code, ran.out) == (2, "")
    assert ran.err.startswith(f"error: usage: cannot read {tmp_path / name}: ")


def test_who_stops_waiting_is_told_which_order_is_queued(cli: Cli, monkeypatch: pytest.MonkeyPatch) -> None:
    cli.stock("WIDGET", 10)

    def interrupt(*_: object, **__: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(Orders, "wait", interrupt)
    ran = cli("orders", "place", "--customer", "C1", "--line", "WIDGET:1", "--async", "--wait", "9")
    (order,) = cli.oms.orders.list(OrderFilter(), caller=cli.caller).items
    assert ran.code == 130
    assert f"order {order.id} is queued; what becomes of it was not waited for\n" in ran.err
