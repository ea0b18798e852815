"""Messages: what is read from a broker, and which code a message has that cannot be."""

from __future__ import annotations

import json
from decimal import Decimal
from typing import Any
from uuid import UUID

import pytest

from oms_core import OmsError, OrderLine
from oms_core.documents.messages import read_command, read_order_ids
from oms_core.domain.limits import IDEMPOTENCY_KEY_LENGTH_MAX, MESSAGE_BYTES_MAX, TRANSACTION_ORDERS_MAX

IDS = [UUID(int=number) for number in range(1, TRANSACTION_ORDERS_MAX + 2)]
COMMAND: dict[str, Any] = {
    "customer_id": "C1",
    "lines": [{"sku": "A", "quantity": 2, "unit_price": "1.50"}],
    "idempotency_key": "k1",
}


def message(document: object) -> bytes:
    return json.dumps(document).encode()


def announcement(*order_ids: object) -> bytes:
    return message({"order_ids": [str(order_id) for order_id in order_ids]})


def refused(read: Any, body: bytes) -> OmsError:
    with pytest.raises(OmsError) as caught:
        read(body)
    return caught.value


def test_order_ids_are_read_in_their_order() -> None:
    assert read_order_ids(announcement(*IDS[:3])) == IDS[:3]
    assert read_order_ids(announcement(*IDS[:-1])) == IDS[:-1]


def test_members_that_a_later_release_adds_are_passed_over() -> None:
    assert read_order_ids(message({"order_ids": [str(IDS[0])], "sent_by": "later"})) == IDS[:1]


@pytest.mark.parametrize(
    "body",
    [
        message([]),
        message("text"),
        message({}),
        message({"order_ids": None}),
        message({"order_ids": {}}),
        message({"order_ids": "0199"}),
        announcement(),
        announcement(*IDS),
        message({"order_ids": [1]}),
        message({"order_ids": [None]}),
        message({"order_ids": [[str(IDS[0])]]}),
        announcement("no id"),
        announcement(IDS[0].hex),
        announcement("{" + IDS[0].hex + "}}}"),
        announcement("z" * 36),
        announcement("0000000_-0000-0000-0000-000000000001"),
    ],
    ids=repr,
)
def test_what_is_no_list_of_1_to_500_ids_is_not_valid(body: bytes) -> None:
    assert refused(read_order_ids, body).code == "validation_error"


def test_the_id_that_is_none_is_named() -> None:
    (found,) = refused(read_order_ids, announcement(IDS[0], "no id")).errors
    assert (found.pointer, found.code) == ("/order_ids/1", "wrong_type")


@pytest.mark.parametrize("read", [read_order_ids, read_command])
@pytest.mark.parametrize(
    ("body", "code"),
    [
        (b"", "malformed_json"),
        (b"{", "malformed_json"),
        (b"\xff\xfe", "malformed_json"),
        (b"\x80\x04N.", "malformed_json"),
        (b'{"order_ids": [], "order_ids": []}', "malformed_json"),
        (b"[" * 100_000, "malformed_json"),
        (b"NaN", "malformed_json"),
        (b" " * (MESSAGE_BYTES_MAX + 1), "payload_too_large"),
        (b"1" * MESSAGE_BYTES_MAX, "malformed_json"),
    ],
    ids=["empty", "cut", "no text", "pickle", "a name twice", "deep", "NaN", "huge", "a huge number"],
)
def test_a_body_that_is_no_json_of_ours_is_never_a_defect(read: Any, body: bytes, code: str) -> None:
    assert refused(read, body).code in {code, "validation_error"}


def test_a_body_of_the_greatest_size_is_read() -> None:
    body = announcement(IDS[0])
    assert read_order_ids(body + b" " * (MESSAGE_BYTES_MAX - len(body))) == IDS[:1]
    assert refused(read_order_ids, body + b" " * (MESSAGE_BYTES_MAX + 1 - len(body))).code == "payload_too_large"


def test_a_command_is_the_body_of_a_post_with_its_key() -> None:
    command = read_command(message(COMMAND))
    assert (command.customer_id, command.idempotency_key) == ("C1", "k1")
    assert list(command.lines) == [OrderLine(sku="A", quantity=2, unit_price=Decimal("1.50"))]


def test_a_command_without_a_key_is_refused_because_it_may_come_twice() -> None:
    document = {name: member for name, member in COMMAND.items() if name != "idempotency_key"}
    for without in (document, {**document, "idempotency_key": None}):
        error = refused(read_command, message(without))
        assert error.code == "validation_error"
        assert error.errors[0].pointer == "/idempotency_key"


@pytest.mark.parametrize(
    "change",
    [
        {"surprise": 1},
        {"lines": []},
        {"lines": None},
        {"customer_id": 7},
        {"customer_id": ""},
        {"idempotency_key": 7},
        {"idempotency_key": ""},
        {"idempotency_key": "k" * (IDEMPOTENCY_KEY_LENGTH_MAX + 1)},
        {"lines": [{"sku": "A", "quantity": 2.5}]},
        {"lines": [{"sku": "A", "quantity": True}]},
        {"lines": [{"sku": "A", "quantity": 2, "unit_price": 1.5}]},
    ],
    ids=repr,
)
def test_a_command_is_held_to_the_rules_of_a_post(change: dict[str, object]) -> None:
    assert refused(read_command, message({**COMMAND, **change})).code == "validation_error"
