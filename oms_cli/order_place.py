"""`oms orders place`: one order, from options or from a JSON document."""

from __future__ import annotations

from typing import Annotated

import typer

from oms_cli.arguments import read_line
from oms_cli.command import command, usage_error
from oms_cli.files import read_document
from oms_cli.order_views import PLACED, placed_sentence
from oms_cli.session import Session
from oms_core.documents.json_text import parse_json
from oms_core.documents.orders import read_keyed_order, read_order
from oms_core.domain.commands import PlaceOrder

_DOCUMENT_BYTES_MAX = 1024 * 1024


def register(app: typer.Typer) -> None:
    """Add `place` to the orders' commands."""
    command(app, "place")(place_order)


def place_order(
    session: Session,
    *,
    file: Annotated[
        str | None, typer.Argument(metavar="FILE|-", help="The order as a JSON document; - reads it from stdin.")
    ] = None,
    customer: Annotated[str | None, typer.Option("--customer", metavar="C", help="Who orders.")] = None,
    line: Annotated[
        list[str] | None,
        typer.Option("--line", metavar="SKU:QTY[@PRICE]", help="What is ordered; once per line of the order."),
    ] = None,
    reference: Annotated[str | None, typer.Option("--reference", metavar="R", help="The customer's number.")] = None,
    currency: Annotated[
        str | None, typer.Option("--currency", metavar="ISO", show_default="OMS_CURRENCY", help="Of the prices.")
    ] = None,
    key: Annotated[
        str | None,
        typer.Option("--key", metavar="K", help="Idempotency key: the same order with the same key is placed once."),
    ] = None,
) -> None:
    """Place an order: its stock is checked, confirmed and reserved, all or nothing."""
    if file is not None:
        if customer is not None or line or reference is not None or currency is not None:
            usage_error("give the order as a document or by options, not both")
        wanted = _read_file(file, key)
    else:
        if customer is None or not line:
            usage_error("give --customer and at least one --line, or a document: FILE or - for stdin")
        wanted = PlaceOrder(
            customer_id=customer,
            lines=[read_line(text) for text in line],
            reference=reference,
            currency=currency,
            idempotency_key=key,
        )
    with session.oms() as oms:
        placed = oms.place_order(wanted, caller=session.caller)
    session.output.sentence(placed_sentence(placed))
    if not session.output.is_table:
        session.output.record(PLACED, placed)


def _read_file(file: str, key: str | None) -> PlaceOrder:
    document = parse_json(read_document(file, bytes_max=_DOCUMENT_BYTES_MAX))
    return read_keyed_order(document) if key is None else read_order(document, idempotency_key=key)
