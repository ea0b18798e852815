"""Commands on many orders: ids from the command line or stdin, and an outcome for each."""

from __future__ import annotations

from codecs import BOM_UTF8
from collections.abc import Callable, Iterable, Iterator, Sequence
from io import BufferedReader
from itertools import chain
from typing import Annotated, TypeAlias, cast
from uuid import UUID

import typer

from oms_cli.commands.order_names import OrderNames
from oms_cli.terminal.exits import Tally, report, usage_error
from oms_cli.terminal.files import standard_input
from oms_cli.terminal.messages import say
from oms_cli.terminal.output import Output
from oms_cli.views.orders import MOVED, Moved
from oms_core.domain.limits import TRANSACTION_ORDERS_MAX
from oms_core.domain.orders.order import Order
from oms_core.errors import ErrorKind, OmsError

_ID_BYTES_MAX = 1_000
_STDIN_BYTES = 16_384
_SUBJECT_CHARACTERS_MAX = 64

IdsArgument = Annotated[list[str], typer.Argument(metavar="ID...|-", help="Order ids; - reads them from stdin.")]
Outcome: TypeAlias = Order | OmsError


def read_ids(given: Sequence[str]) -> Iterator[str]:
    """Return the ids of the command line, or for `-` each line of stdin as it comes. Empty lines are skipped."""
    return chain.from_iterable(read_batches(given))


def read_batches(given: Sequence[str]) -> Iterator[Sequence[str]]:
    """Return the ids as `read_ids` does, together those that are there together, 500 at most."""
    if "-" not in given:
        return _cut(given)
    if list(given) != ["-"]:
        usage_error("- stands alone: ids come from stdin or from the command line")
    return chain.from_iterable(map(_cut, _lines_of_stdin()))


def move_each(ids: Iterable[str], move: Callable[[UUID], Order], output: Output, names: OrderNames) -> None:
    """Move every order by itself, write each outcome as it comes, and exit with the code of `Tally.exit_code`.

    A table shows failures on stderr only. Once the database is away, the rest is not tried.
    """
    move_together(([text] for text in ids), lambda order_ids: [move(order_id) for order_id in order_ids], output, names)


def move_together(
    batches: Iterable[Sequence[str]],
    move: Callable[[Sequence[UUID]], Sequence[Outcome]],
    output: Output,
    names: OrderNames,
) -> None:
    """Move the orders of each batch together, and write and exit as `move_each` does."""
    tally = Tally()
    outcomes = _reported(_outcomes(batches, move, names), tally, as_json=output.is_json)
    if output.is_table:
        for outcome in outcomes:
            if outcome.order is not None:
                output.sentence(f"{outcome.order_id} {outcome.order.status}")
    else:
        output.list(MOVED, outcomes)
    if code := tally.exit_code():
        raise typer.Exit(code)


def _outcomes(
    batches: Iterable[Sequence[str]], move: Callable[[Sequence[UUID]], Sequence[Outcome]], names: OrderNames
) -> Iterator[Moved]:
    for texts in batches:
        named = _named(texts, names)
        moved = _moved(list(dict.fromkeys(each for each in named.values() if isinstance(each, UUID))), move)
        outcomes = [(text, moved[each] if isinstance(each := named[text], UUID) else each) for text in texts]
        for text, outcome in outcomes:
            if isinstance(outcome, OmsError):
                yield Moved(order_id=text, order=None, error=outcome)
            else:
                yield Moved(order_id=str(outcome.id), order=outcome, error=None)
        if any(isinstance(outcome, OmsError) and outcome.kind is ErrorKind.UNAVAILABLE for _, outcome in outcomes):
            say(f"stopped: the ids after {'this one' if len(texts) == 1 else 'these'} were not tried")
            return


def _named(texts: Iterable[str], names: OrderNames) -> dict[str, UUID | OmsError]:
    """Return the id that each text names. Once the database is away, no more are looked up."""
    named: dict[str, UUID | OmsError] = {}
    away: OmsError | None = None
    for text in texts:
        try:
            named[text] = away or names.order_id(text)
        except OmsError as error:
            named[text] = error
            away = error if error.kind is ErrorKind.UNAVAILABLE else None
    return named


def _moved(order_ids: Sequence[UUID], move: Callable[[Sequence[UUID]], Sequence[Outcome]]) -> dict[UUID, Outcome]:
    if not order_ids:
        return {}
    try:
        return dict(zip(order_ids, move(order_ids), strict=True))
    except OmsError as error:
        return dict.fromkeys(order_ids, error)


def _reported(outcomes: Iterable[Moved], tally: Tally, *, as_json: bool) -> Iterator[Moved]:
    for outcome in outcomes:
        tally.note(outcome.error)
        if outcome.error is not None:
            report(outcome.error, as_json=as_json, subject=outcome.order_id[:_SUBJECT_CHARACTERS_MAX])
        yield outcome


def _cut(ids: Sequence[str]) -> Iterator[Sequence[str]]:
    for start in range(0, len(ids), TRANSACTION_ORDERS_MAX):
        yield ids[start : start + TRANSACTION_ORDERS_MAX]


def _lines_of_stdin() -> Iterator[list[str]]:
    """Return the lines of stdin, those together that have come together, so that none waits for the next.

    A longer line than any id is more than one.
    """
    stdin = cast(BufferedReader, standard_input())
    mark = BOM_UTF8  # What some editors and shells of Windows begin a file with.
    begun = b""
    while come := stdin.read1(_STDIN_BYTES):
        *lines, begun = (begun + come).split(b"\n")
        if len(begun) > _ID_BYTES_MAX:
            lines, begun = [*lines, begun], b""
        if lines:
            lines[0] = lines[0].removeprefix(mark)
            mark = b""
        yield _texts(lines)
    yield _texts([begun.removeprefix(mark)])


def _texts(lines: Iterable[bytes]) -> list[str]:
    pieces = (line[at : at + _ID_BYTES_MAX] for line in lines for at in range(0, len(line), _ID_BYTES_MAX))
    return [text for piece in pieces if (text := piece.decode(errors="backslashreplace").strip())]
