"""`oms inventory`: stock, one product at a time, and its lists."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Annotated

import typer

from oms_cli.commands.command import command, command_group
from oms_cli.commands.paging import AllOption, LimitOption, Pages, say_more
from oms_cli.commands.product_sorting import SORT_FIELDS, complete_sort, read_sort
from oms_cli.commands.session import Session
from oms_cli.commands.suggestions import suggesting
from oms_cli.terminal.arguments import WHOLE_NUMBER, read_low_stock
from oms_cli.terminal.exits import usage_error
from oms_cli.terminal.view import show_seconds
from oms_cli.views.stock import (
    CHANGE,
    LEVELS,
    LOW_STOCK,
    MOVEMENTS,
    PRODUCTS,
    ChangeShown,
    change_sentence,
    levels_shown,
)
from oms_core.domain.commands import UNSET, AdjustStock, DeleteProduct, ReceiveStock, SetStock
from oms_core.domain.stock.products import Product, ProductFilter
from oms_core.domain.stock.transfers import TransferStock

if TYPE_CHECKING:
    from oms_core import Oms, StockChanged

app = command_group("inventory", "Stock: counts, receipts, corrections, the ledger.")

SkuArgument = Annotated[str, typer.Argument(metavar="SKU", help="The product; case-sensitive.")]
LocationOption = Annotated[
    str | None, typer.Option("--location", metavar="L", show_default="the first of OMS_LOCATIONS", help="Where.")
]
ReasonOption = Annotated[str | None, typer.Option("--reason", metavar="R", help="Why, for the ledger.")]
ReferenceOption = Annotated[
    str | None, typer.Option("--reference", metavar="R", help="Your own number for it, for the ledger.")
]
KeyOption = Annotated[
    str | None,
    typer.Option("--key", metavar="K", help="Idempotency key: the same command with the same key happens once."),
]
SortOption = Annotated[
    str | None,
    typer.Option(
        "--sort",
        metavar="[-]FIELD",
        help=f"By {', '.join(SORT_FIELDS)}; with - the greatest first. Reads all products.",
        autocompletion=complete_sort,
    ),
]
KeptBackOption = Annotated[
    int | None,
    typer.Option("--kept-back", metavar="N", parser=WHOLE_NUMBER, help="Safety stock there: N units are not sold."),
]
ExpectOption = Annotated[
    int | None,
    typer.Option("--expect", metavar="N", parser=WHOLE_NUMBER, help="Refuse unless N units are on hand now."),
]
LowStockFlag = Annotated[bool, typer.Option("--low-stock", help="Only products at or below their low-stock threshold.")]


@command(app, "set")
def set_stock(
    session: Session,
    *,
    sku: SkuArgument,
    quantity: Annotated[
        int | None,
        typer.Argument(metavar="QTY", parser=WHOLE_NUMBER, help="Units counted there; leave out to set only the rest."),
    ] = None,
    location: LocationOption = None,
    expect: ExpectOption = None,
    reason: ReasonOption = None,
    reference: ReferenceOption = None,
    name: Annotated[str | None, typer.Option("--name", metavar="N", help="The product's name.")] = None,
    kept_back: KeptBackOption = None,
    low_stock: Annotated[
        str | None, typer.Option("--low-stock", metavar="N|none", help="At how many available units stock is low.")
    ] = None,
) -> None:
    """Set the count of a product, or create it; also its name and low-stock threshold.

    Prints what became of it: WIDGET main: on_hand 10 -> 25, reserved 4, available 21
    """
    threshold = read_low_stock(low_stock)
    if quantity is None and name is None and threshold is UNSET and kept_back is None:
        usage_error("give QTY, --name, --low-stock or --kept-back")
    wanted = SetStock(
        sku=sku,
        on_hand=quantity,
        location=location,
        expected_on_hand=expect,
        name=name,
        low_stock_threshold=threshold,
        kept_back=kept_back,
        reason=reason,
        reference=reference,
    )
    with session.oms() as oms:
        _write_change(session, oms, oms.stock.set(wanted, caller=session.caller), location)


@command(app, "adjust")
def adjust_stock(
    session: Session,
    *,
    sku: SkuArgument,
    delta: Annotated[
        int, typer.Argument(metavar="DELTA", parser=WHOLE_NUMBER, help="Units to add, or with a minus to take away.")
    ],
    reason: Annotated[str, typer.Option("--reason", metavar="R", help="Why, for the ledger.")],
    location: LocationOption = None,
    reference: ReferenceOption = None,
    key: KeyOption = None,
) -> None:
    """Correct a count by a difference: damage, loss, a find."""
    wanted = AdjustStock(
        sku=sku, delta=delta, reason=reason, location=location, reference=reference, idempotency_key=key
    )
    with session.oms() as oms, suggesting(oms, session.caller, [sku]):
        _write_change(session, oms, oms.stock.adjust(wanted, caller=session.caller), location)


@command(app, "receive")
def receive_stock(
    session: Session,
    *,
    sku: SkuArgument,
    quantity: Annotated[int, typer.Argument(metavar="QTY", parser=WHOLE_NUMBER, help="Units that arrived.")],
    location: LocationOption = None,
    reason: ReasonOption = None,
    reference: ReferenceOption = None,
    key: KeyOption = None,
) -> None:
    """Record goods that arrived."""
    wanted = ReceiveStock(
        sku=sku, quantity=quantity, location=location, reason=reason, reference=reference, idempotency_key=key
    )
    with session.oms() as oms, suggesting(oms, session.caller, [sku]):
        _write_change(session, oms, oms.stock.receive(wanted, caller=session.caller), location)


@command(app, "transfer")
def transfer_stock(
    session: Session,
    *,
    sku: SkuArgument,
    quantity: Annotated[int, typer.Argument(metavar="QTY", parser=WHOLE_NUMBER, help="Units to move.")],
    source: Annotated[str, typer.Option("--from", metavar="L", help="Where they leave.")],
    target: Annotated[str, typer.Option("--to", metavar="L", help="Where they arrive.")],
    reason: ReasonOption = None,
    reference: ReferenceOption = None,
    key: KeyOption = None,
) -> None:
    """Move units that nobody has reserved to another location, in one act."""
    wanted = TransferStock(
        sku=sku,
        quantity=quantity,
        from_location=source,
        to_location=target,
        reason=reason,
        reference=reference,
        idempotency_key=key,
    )
    with session.oms() as oms, suggesting(oms, session.caller, [sku]):
        changed = oms.stock.transfer(wanted, caller=session.caller)
    changes = [ChangeShown(changed=changed, location=location) for location in (source, target)]
    if session.output.is_table:
        for change in changes:
            session.output.sentence(change_sentence(change))
        return
    session.output.list(CHANGE, changes)


@command(app, "delete")
def delete_product(session: Session, sku: SkuArgument) -> None:
    """Delete a product that was never used: its stock has not moved, and no order names it."""
    with session.oms() as oms:
        oms.stock.delete(DeleteProduct(sku=sku), caller=session.caller)
    session.output.sentence(f"deleted {sku}")


@command(app, "show")
def show_product(session: Session, sku: SkuArgument) -> None:
    """Show a product's stock, location by location."""
    with session.oms() as oms, suggesting(oms, session.caller, [sku]):
        product = oms.stock.get(sku, caller=session.caller)
    if session.output.is_json:
        session.output.document(PRODUCTS.document(product))
        return
    session.output.sentence(_heading(product))
    session.output.list(LEVELS, levels_shown(product))


@command(app, "list")
def list_products(
    session: Session,
    *,
    low_stock: LowStockFlag = False,
    sort: SortOption = None,
    limit: LimitOption = 50,
    everything: AllOption = False,
) -> None:
    """List products by SKU, with their figures over all locations."""
    wanted = ProductFilter(low_stock=low_stock)
    order = None if sort is None else read_sort(sort)
    if order is not None and everything:
        usage_error("--sort shows the first of all products: give --limit N in place of --all")
    with session.oms() as oms:
        pages = Pages(
            partial(oms.stock.list, wanted, caller=session.caller), limit=None if everything or order else limit
        )
        products = pages if order is None else order.first(pages, limit)
        shown = session.output.list(LOW_STOCK if low_stock else PRODUCTS, products)
    say_more(pages, shown)


@command(app, "movements")
def list_movements(session: Session, sku: SkuArgument, limit: LimitOption = 50, everything: AllOption = False) -> None:
    """List a product's ledger, newest first: every change of its stock, by whom and why."""
    with session.oms() as oms, suggesting(oms, session.caller, [sku]):
        pages = Pages(partial(oms.stock.movements, sku, caller=session.caller), limit=None if everything else limit)
        shown = session.output.list(MOVEMENTS, pages)
    say_more(pages, shown)


def _write_change(session: Session, oms: Oms, changed: StockChanged, location: str | None) -> None:
    change = ChangeShown(changed=changed, location=location or oms.settings.default_location)
    session.output.sentence(change_sentence(change))
    if not session.output.is_table:
        session.output.record(CHANGE, change)


def _heading(product: Product) -> str:
    named = f' "{product.name}"' if product.name else ""
    unsellable = f", unsellable {product.unsellable}" if product.unsellable else ""
    low = "" if product.low_stock_threshold is None else f", low stock at {product.low_stock_threshold}"
    return (
        f"{product.sku}{named}: on_hand {product.on_hand}, reserved {product.reserved}, "
        f"available {product.available}{unsellable}{low}, updated {show_seconds(product.updated_at)}"
    )
