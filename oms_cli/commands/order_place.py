"""`oms orders place`: one order, from options or from a JSON document, placed at once or by a worker."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, NoReturn

import typer

from oms_cli.commands.command import command
from oms_cli.commands.session import Session
from oms_cli.commands.suggestions import suggesting
from oms_cli.terminal.arguments import WholeNumber, read_hold, read_line
from oms_cli.terminal.exits import usage_error
from oms_cli.terminal.files import read_document
from oms_cli.terminal.messages import say
from oms_cli.views.orders import PLACED, PlacedShown, placed_sentence
from oms_core.documents.json_text import parse_json
from oms_core.documents.orders import read_keyed_order, read_order
from oms_core.domain.commands import PlaceOrder
from oms_core.errors import OmsError

if TYPE_CHECKING:
    from oms_core import Oms

_WAIT_SECONDS_MAX = 3_600
_DOCUMENT_BYTES_MAX = 1024 * 1024


FileArgument = Annotated[
    str | None, typer.Argument(metavar="FILE|-", help="The order as a JSON document; - reads it from stdin.")
]
LinesOption = Annotated[
    list[str] | None,
    typer.Option("--line", metavar="SKU:QTY[@PRICE]", help="What is ordered; once per line of the order."),
]
CurrencyOption = Annotated[
    str | None, typer.Option("--currency", metavar="ISO", show_default="OMS_CURRENCY", help="Of the prices.")
]
HoldOption = Annotated[
    str | None,
    typer.Option("--hold", metavar="TIME", help="Hold its stock for 15m, 2h ... until it is confirmed; 0: for good."),
]
FromOption = Annotated[
    list[str] | None,
    typer.Option("--from", metavar="L", help="Serve it from these locations alone, in this order; repeatable."),
]
KeyOption = Annotated[
    str | None,
    typer.Option("--key", metavar="K", help="Idempotency key: the same order with the same key is placed once."),
]
WaitOption = Annotated[
    int | None,
    typer.Option(
        "--wait",
        metavar="N",
        parser=WholeNumber(lowest=0, highest=_WAIT_SECONDS_MAX),
        help="With --async: wait so many seconds for the outcome.",
    ),
]


def register(app: typer.Typer) -> None:
    """Add `place` to the orders' commands."""
    command(app, "place")(place_order)


def place_order(
    session: Session,
    *,
    file: FileArgument = None,
    customer: Annotated[str | None, typer.Option("--customer", metavar="C", help="Who orders.")] = None,
    line: LinesOption = None,
    reference: Annotated[str | None, typer.Option("--reference", metavar="R", help="The customer's number.")] = None,
    currency: CurrencyOption = None,
    hold: HoldOption = None,
    locations: FromOption = None,
    key: KeyOption = None,
    is_async: Annotated[bool, typer.Option("--async", help="Queue it; a worker places it.")] = False,
    wait: WaitOption = None,
) -> None:
    """Place an order: its stock is checked and reserved, all or nothing."""
    if wait is not None and not is_async:
        usage_error("--wait waits for a queued order: give --async too")
    if file is not None:
        if line or any(given is not None for given in (customer, reference, currency, hold, locations)):
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
            hold_seconds=None if hold is None else read_hold(hold),
            locations=tuple(locations) if locations else None,
            idempotency_key=key,
        )
    with session.oms() as oms, suggesting(oms, session.caller, [line.sku for line in wanted.lines]):
        shown = _accept(oms, session, wanted, wait or 0) if is_async else _place(oms, session, wanted)
    session.output.sentence(placed_sentence(shown))
    if not session.output.is_table:
        session.output.record(PLACED, shown)
    if is_async and shown.order.failure is not None and shown.place is None:
        _raise_failure(session, shown)


def _place(oms: Oms, session: Session, wanted: PlaceOrder) -> PlacedShown:
    placed = oms.orders.place(wanted, caller=session.caller)
    return PlacedShown(order=placed.order, replayed=placed.replayed)


def _accept(oms: Oms, session: Session, wanted: PlaceOrder, wait_seconds: int) -> PlacedShown:
    """Queue the order, and wait for its outcome if that was asked for."""
    accepted = oms.orders.accept(wanted, caller=session.caller)
    order = accepted.order
    if wait_seconds:
        try:
            order = oms.orders.wait(order.id, caller=session.caller, timeout_seconds=wait_seconds) or order
        except KeyboardInterrupt:
            say(f"order {order.id} is queued; what becomes of it was not waited for")
            raise
    return PlacedShown(order=order, replayed=accepted.replayed, place=oms.queue.place_of(order))


def _raise_failure(session: Session, shown: PlacedShown) -> NoReturn:
    """Raise the error that a worker met, below the order: one that is rejected is refused as it would have been at
    once.
    """
    session.output.flush()
    failure = shown.order.failure
    assert failure is not None  # noqa: S101  The caller has looked.
    detail = f"order {shown.order.id} is {shown.order.status}: {failure.detail}"
    raise OmsError(failure.error_code, detail, data=failure.figures)


def _read_file(file: str, key: str | None) -> PlaceOrder:
    document = parse_json(read_document(file, bytes_max=_DOCUMENT_BYTES_MAX))
    if key is None:
        return read_keyed_order(document)
    if isinstance(document, dict) and "idempotency_key" in document:
        usage_error("give the key in the document or by --key, not both")
    return read_order(document, idempotency_key=key)
