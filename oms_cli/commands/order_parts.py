"""How the commands on shipments and returns name an order and units of it."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Annotated, Any

import typer

from oms_cli.terminal.arguments import WholeNumber
from oms_core.domain.numbers import parse_digits

_UNITS = re.compile(r"(?P<what>.+):(?P<quantity>[0-9]{1,40})", re.DOTALL)

OrderArgument = Annotated[str, typer.Argument(metavar="ID", help="The order: its id, or its reference.")]
OrderOrFileArgument = Annotated[
    str | None, typer.Argument(metavar="ID", help="The order: its id, or its reference. Not with --file.")
]
SkuOption = Annotated[
    list[str] | None, typer.Option("--line", metavar="SKU:QTY", help="Units of a product; repeatable.")
]
LineOption = Annotated[
    list[str] | None, typer.Option("--line-no", metavar="N:QTY", help="Units of the order's Nth line; repeatable.")
]
ReferenceOption = Annotated[str | None, typer.Option("--reference", metavar="R", help="Your own number for it.")]
KeyOption = Annotated[
    str | None,
    typer.Option("--key", metavar="K", help="Idempotency key; for a file, with the number of its line."),
]
VersionOption = Annotated[
    int | None,
    typer.Option(
        "--if-version", metavar="N", parser=WholeNumber(lowest=1), help="Refuse unless the order is at version N now."
    ),
]


def read_parts(skus: Sequence[str] | None, line_nos: Sequence[str] | None) -> list[dict[str, Any]]:
    """Read SKU:QTY, and N:QTY where N is the number of a line, as fields of a line; a SKU may hold colons itself."""
    return [*_parts(skus or [], is_sku=True), *_parts(line_nos or [], is_sku=False)]


def _parts(texts: Sequence[str], *, is_sku: bool) -> list[dict[str, Any]]:
    parts = []
    for text in texts:
        match = _UNITS.fullmatch(text)
        if match is None or not (is_sku or (match["what"].isascii() and match["what"].isdigit())):
            raise typer.BadParameter(f"{text!r} is no {'WIDGET:2' if is_sku else 'number of a line and units, as 1:2'}")
        named = {"sku": match["what"]} if is_sku else {"line_no": parse_digits(match["what"])}
        parts.append({"quantity": parse_digits(match["quantity"]), **named})
    return parts
