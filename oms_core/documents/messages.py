"""Messages of the queue as JSON documents."""

from __future__ import annotations

from collections.abc import Mapping
from uuid import UUID

from oms_core.documents.json_text import parse_json
from oms_core.documents.orders import read_repeatable_order
from oms_core.domain.commands import PlaceOrder
from oms_core.domain.identifiers import parse_uuid
from oms_core.domain.limits import MESSAGE_BYTES_MAX, TRANSACTION_ORDERS_MAX
from oms_core.domain.validation import Findings, one_finding
from oms_core.errors import OmsError


def read_order_ids(body: bytes) -> list[UUID]:
    """Read `{"order_ids": [...]}`, 1 to 500 ids.

    Raise `payload_too_large`, `malformed_json` or `validation_error`.
    """
    document = _read(body)
    ids = document.get("order_ids") if isinstance(document, Mapping) else None
    if not isinstance(ids, list) or not 1 <= len(ids) <= TRANSACTION_ORDERS_MAX:
        raise one_finding("/order_ids", "wrong_length", f"must be a list of 1 to {TRANSACTION_ORDERS_MAX} order ids")
    findings = Findings()
    read = [_read_id(findings, index, text) for index, text in enumerate(ids)]
    findings.raise_if_any()
    return [order_id for order_id in read if order_id is not None]


def read_command(body: bytes) -> PlaceOrder:
    """Read an order to place: the body of POST /v1/orders with an `idempotency_key`, which is required here.

    Raise `payload_too_large`, `malformed_json` or `validation_error`.
    """
    return read_repeatable_order(_read(body), why="is required: a message may be delivered twice")


def _read(body: bytes) -> object:
    if len(body) > MESSAGE_BYTES_MAX:
        raise OmsError("payload_too_large", f"the message is larger than {MESSAGE_BYTES_MAX} bytes")
    return parse_json(body)


def _read_id(findings: Findings, index: int, text: object) -> UUID | None:
    try:
        return parse_uuid(text if isinstance(text, str) else "")
    except ValueError as error:
        findings.add(f"/order_ids/{index}", "wrong_type", str(error))
        return None
