"""Commands on many orders: ids from the command line or stdin, and an outcome for each."""

from __future__ import annotations

from codecs import BOM_UTF8
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Annotated
from uuid import UUID

import typer

from oms_cli.commands.order_names import OrderNames
from oms_cli.terminal.exits import Tally, report, usage_error
from oms_cli.terminal.files import standard_input
from oms_cli.terminal.messages import say
from oms_cli.terminal.output import Output
from oms_cli.views.orders import MOVED, Moved
from oms_core.domain.orders.order import Order
from oms_core.errors import ErrorKind, OmsError

_ID_BYTES_MAX = 1_000
_SUBJECT_CHARACTERS_MAX = 64

IdsArgument = Annotated[list[str], typer.Argument(metavar="ID...|-", help="Order ids; - reads them from stdin.")]


def read_ids(given: Sequence[str]) -> Iterator[str]:
    """Return the ids of the command line, or for `-` each line of stdin as it comes. Empty lines are skipped."""
    if "-" not in given:
        return iter(given)
    if list(given) != ["-"]:
        usage_error("- stands alone: ids come from stdin or from the command line")
    return _lines_of_stdin()


def move_each(ids: Iterable[str], move: Callable[[UUID], Order], output: Output, names: OrderNames) -> None:
    """Move every order, write each outcome as it comes, and exit with the code of `Tally.exit_code`.

    A table shows failures on stderr only. Once the database is away, the rest is not tried.
    """
    tally = Tally()
    outcomes = _reported(_outcomes(ids, move, names), tally, as_json=output.is_json)
    if output.is_table:
        for outcome in outcomes:
            if outcome.order is not None:
                output.sentence(f"{outcome.order_id} {outcome.order.status}")
    else:
        output.list(MOVED, outcomes)
    if code := tally.exit_code():
        raise typer.Exit(code)


def _outcomes(ids: Iterable[str], move: Callable[[UUID], Order], names: OrderNames) -> Iterator[Moved]:
    for text in ids:
        try:
            order = move(names.order_id(text))
            yield Moved(order_id=str(order.id), order=order, error=None)
        except OmsError as error:
            yield Moved(order_id=text, order=None, error=error)
            if error.kind is ErrorKind.UNAVAILABLE:
                say("stopped: the ids after this one were not tried")
                return


def _reported(outcomes: Iterable[Moved], tally: Tally, *, as_json: bool) -> Iterator[Moved]:
    for outcome in outcomes:
        tally.note(outcome.error)
        if outcome.error is not None:
            report(outcome.error, as_json=as_json, subject=outcome.order_id[:_SUBJECT_CHARACTERS_MAX])
        yield outcome


def _lines_of_stdin() -> Iterator[str]:
    mark = BOM_UTF8  # What some editors and shells of Windows begin a file with.
    stdin = standard_input()
    while line := stdin.readline(_ID_BYTES_MAX):
        if text := line.removeprefix(mark).decode(errors="backslashreplace").strip():
            yield text
        mark = b""
