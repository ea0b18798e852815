"""`oms queue`: the queue, and the messages that could not be read."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Annotated
from urllib.parse import urlsplit

import typer

from oms_cli.commands.command import command, command_group
from oms_cli.commands.order_ids import read_ids
from oms_cli.commands.session import Session
from oms_cli.terminal.arguments import WholeNumber
from oms_cli.terminal.exits import EXIT_CODES, PARTLY_APPLIED, usage_error
from oms_cli.terminal.files import confirm
from oms_cli.terminal.messages import counted, say
from oms_cli.views.queue import DEAD_LETTERS, QUEUE, WORKERS, DeadLettersMoved, QueueShown, dead_letters_view
from oms_core.domain.limits import PAGE_ITEMS_DEFAULT, PAGE_ITEMS_MAX
from oms_core.errors import ErrorKind, OmsError

if TYPE_CHECKING:
    from oms_core import Oms

app = command_group("queue", "The queue of accepted orders, and dead letters.")
dead = command_group("dead", "Messages that could not be read.")
app.add_typer(dead)

IdsArgument = Annotated[
    list[str] | None, typer.Argument(metavar="ID...|-", help="Ids of dead letters; - reads them from stdin.")
]
AllFlag = Annotated[bool, typer.Option("--all", help="All that are there now.")]


@command(app, "status")
def show_status(session: Session) -> None:
    """Show how many orders wait and for how long, the workers and their pace, and whether the broker answers."""
    with session.oms() as oms:
        status = oms.queue.status(caller=session.caller)
        shown = QueueShown(status=status, broker=oms.describe().broker, fault=_fault(oms))
    session.output.record(QUEUE, shown)
    if session.output.is_table:
        if status.workers:
            session.output.sentence("")
        session.output.list(WORKERS, status.workers)


@command(dead, "list")
def list_dead(
    session: Session,
    limit: Annotated[
        int,
        typer.Option(
            "--limit", metavar="N", parser=WholeNumber(lowest=1, highest=PAGE_ITEMS_MAX), help="How many at most."
        ),
    ] = PAGE_ITEMS_DEFAULT,
) -> None:
    """List messages that could not be read, oldest first, with the reason."""
    _say_where(session)
    with session.oms() as oms:
        letters = oms.queue.dead_letters.list(caller=session.caller, limit=limit)
    shown = session.output.list(DEAD_LETTERS, letters)
    if shown == limit:
        say(f"the first {shown:,} are shown; --limit N shows more")


@command(dead, "replay")
def replay(session: Session, ids: IdsArgument = None, everything: AllFlag = False) -> None:
    """Send dead letters back to where they came from, once what was wrong is mended; workers then read them again."""
    wanted = _wanted(ids, everything)
    _say_where(session)
    with session.oms() as oms:
        moved = _moved(wanted, lambda: oms.queue.dead_letters.replay(wanted, caller=session.caller))
    _end(session, "replayed", moved)


@command(dead, "discard")
def discard(
    session: Session,
    ids: IdsArgument = None,
    everything: AllFlag = False,
    yes: Annotated[bool, typer.Option("--yes", help="Discard --all without asking.")] = False,
) -> None:
    """Remove dead letters for good."""
    wanted = _wanted(ids, everything)
    if wanted is None and not yes:
        confirm("Discard all dead letters?")
    _say_where(session)
    with session.oms() as oms:
        moved = _moved(wanted, lambda: oms.queue.dead_letters.discard(wanted, caller=session.caller))
    _end(session, "discarded", moved)


def _fault(oms: Oms) -> str | None:
    try:
        oms.queue.check()
    except OmsError as error:
        return error.detail
    return None


def _say_where(session: Session) -> None:
    """Say that dead letters of memory:// are not seen here: the list would only look empty."""
    if urlsplit(session.settings.queue_url).scheme == "memory":
        say("with OMS_QUEUE_URL=memory:// dead letters live in the memory of `oms serve`, and cannot be seen from here")


def _wanted(ids: Sequence[str] | None, everything: bool) -> list[str] | None:
    """Return the ids that were named, each once; None for all."""
    if everything == bool(ids):
        usage_error("give ids, - for stdin, or --all")
    return None if everything else list(dict.fromkeys(read_ids(ids or [])))


def _moved(wanted: Sequence[str] | None, move: Callable[[], int]) -> DeadLettersMoved:
    moved = 0 if wanted == [] else move()
    return DeadLettersMoved(moved=moved, missing=0 if wanted is None else len(wanted) - moved)


def _end(session: Session, verb: str, moved: DeadLettersMoved) -> None:
    """Say what became of the dead letters; ids that were not there are exit code 8, or 4 when none was."""
    session.output.sentence(f"{verb} {counted(moved.moved, 'dead letter')}")
    if not session.output.is_table:
        session.output.record(dead_letters_view(verb), moved)
    if moved.missing:
        session.output.flush()
        say(f"{counted(moved.missing, 'id')} not there: replayed or discarded before, or never dead")
        raise typer.Exit(PARTLY_APPLIED if moved.moved else EXIT_CODES[ErrorKind.NOT_FOUND])
