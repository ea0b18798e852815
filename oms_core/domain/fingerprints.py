"""What makes two commands the same: a SHA-256 of their validated content, the same for every driver."""

from __future__ import annotations

import hashlib
import json

from oms_core.domain.change_commands import ChangeOrderLines
from oms_core.domain.commands import AdjustStock, PlaceOrder, ReceiveStock, RetryOrder
from oms_core.domain.hold_commands import ConfirmOrder, ExtendHold
from oms_core.domain.money import to_ten_thousandths
from oms_core.domain.orders.details import later_details
from oms_core.domain.return_commands import CreateReturn
from oms_core.domain.shipment_commands import CancelShipment, CreateShipment
from oms_core.domain.stock.transfers import TransferStock

# `json.dumps` would make an encoder for each digest.
_encode = json.JSONEncoder(separators=(",", ":")).encode


def order_fingerprint(command: PlaceOrder, currency: str) -> bytes:
    """Return the digest of an order: 32 bytes. The key itself and the order of metadata do not count."""
    lines = [
        (line.sku, line.quantity, None if line.unit_price is None else to_ten_thousandths(line.unit_price))
        for line in command.lines
    ]
    content: list[object] = [command.customer_id, currency, command.reference, sorted(command.metadata.items()), lines]
    content += [[name, value] for name, value in later_details(command).items() if value is not None]
    if command.hold_seconds is not None:
        content.append(["hold_seconds", command.hold_seconds])
    return _digest(content)


def stock_fingerprint(command: AdjustStock | ReceiveStock, location: str) -> bytes:
    """Return the digest of a change of stock: 32 bytes."""
    units = ("adjust", command.delta) if isinstance(command, AdjustStock) else ("receive", command.quantity)
    return _digest([*units, command.sku, location, command.reason, command.reference])


def transfer_fingerprint(command: TransferStock) -> bytes:
    """Return the digest of a transfer: 32 bytes."""
    places = [command.from_location, command.to_location]
    return _digest(["transfer", command.sku, command.quantity, *places, command.reason, command.reference])


def retry_fingerprint(command: RetryOrder) -> bytes:
    """Return the digest of a retry: 32 bytes. `if_version` does not count, since it does not change what is done."""
    return _digest(["retry", str(command.order_id), command.reason])


def confirm_fingerprint(command: ConfirmOrder) -> bytes:
    """Return the digest of a confirmation: 32 bytes."""
    return _digest(["confirm", str(command.order_id), command.payment_reference])


def extend_fingerprint(command: ExtendHold) -> bytes:
    """Return the digest of an extension: 32 bytes."""
    return _digest(["extend", str(command.order_id), command.seconds])


def shipment_fingerprint(command: CreateShipment) -> bytes:
    """Return the digest of a new shipment: 32 bytes."""
    lines = None if command.lines is None else [(line.line_no, line.sku, line.quantity) for line in command.lines]
    tracking = [command.carrier, command.tracking_number, command.tracking_url]
    return _digest(["ship", str(command.order_id), command.location, lines, *tracking, command.reference])


def shipment_cancellation_fingerprint(command: CancelShipment) -> bytes:
    """Return the digest of taking a shipment back: 32 bytes."""
    return _digest(["cancel_shipment", str(command.order_id), command.shipment_no, command.reason])


def return_fingerprint(command: CreateReturn) -> bytes:
    """Return the digest of a return: 32 bytes."""
    lines = None
    if command.lines is not None:
        lines = [
            (line.line_no, line.sku, line.quantity, line.disposition.value, line.location) for line in command.lines
        ]
    return _digest(["return", str(command.order_id), lines, command.reference, command.reason])


def line_changes_fingerprint(command: ChangeOrderLines) -> bytes:
    """Return the digest of a change of lines: 32 bytes."""
    lines = [
        (
            *(line.line_no, line.sku, line.quantity),
            None if line.unit_price is None else to_ten_thousandths(line.unit_price),
        )
        for line in command.lines
    ]
    return _digest(["change_lines", str(command.order_id), lines, command.reason])


def _digest(content: object) -> bytes:
    return hashlib.sha256(_encode(content).encode()).digest()
