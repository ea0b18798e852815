"""How the queue, its workers and its dead letters are shown."""

from __future__ import annotations

from dataclasses import dataclass

from oms_cli.terminal.view import Column, View
from oms_core import DeadLetter, QueueStatus
from oms_core.documents.queue import show_bytes, show_dead_letter, show_queue_status, show_worker
from oms_core.domain.orders.queueing import WorkerState


@dataclass(frozen=True, slots=True, kw_only=True)
class QueueShown:
    """The queue as the database has it, and its broker (None: there is none). `fault` tells why the broker is away."""

    status: QueueStatus
    broker: str | None
    fault: str | None

    @property
    def broker_state(self) -> str:
        """Return `up`, `away`, or `none`."""
        if self.broker is None:
            return "none"
        return "away" if self.fault else "up"


@dataclass(frozen=True, slots=True, kw_only=True)
class DeadLettersMoved:
    """How many dead letters were found and moved, and how many of those named were not there."""

    moved: int
    missing: int


def dead_letters_view(verb: str) -> View[DeadLettersMoved]:
    """Return the view of what became of dead letters. `verb` heads their number."""
    return View(
        columns=(
            Column(name=verb, value=lambda moved: moved.moved, right=True),
            Column(name="missing", value=lambda moved: moved.missing, right=True),
        ),
        document=lambda moved: {verb: moved.moved, "missing": moved.missing},
    )


def _show_queue(shown: QueueShown) -> dict[str, object]:
    return {
        **show_queue_status(shown.status),
        "broker": {"name": shown.broker, "state": shown.broker_state, "fault": shown.fault},
    }


def _tenths(figure: float | None) -> float | None:
    return None if figure is None else round(figure, 1)


def _seconds(seconds: float | None) -> str | None:
    return None if seconds is None else f"{seconds:,.1f} s"


QUEUE: View[QueueShown] = View(
    columns=(
        Column(name="depth", value=lambda shown: shown.status.depth),
        Column(
            name="oldest_age_seconds",
            value=lambda shown: _tenths(shown.status.oldest_age_seconds),
            table_value=lambda shown: _seconds(shown.status.oldest_age_seconds),
        ),
        Column(name="orders_per_second", value=lambda shown: _tenths(shown.status.orders_per_second)),
        Column(
            name="workers",
            value=lambda shown: len(shown.status.workers),
            style=lambda shown: "" if shown.status.workers else "yellow",
        ),
        Column(name="failed", value=lambda shown: shown.status.failed),
        Column(name="rejected", value=lambda shown: shown.status.rejected),
        Column(name="broker", value=lambda shown: shown.broker),
        Column(
            name="broker_state",
            value=lambda shown: shown.broker_state,
            table_value=lambda shown: f"away: {shown.fault}" if shown.fault else shown.broker_state,
            style=lambda shown: "red" if shown.fault else "",
        ),
    ),
    document=_show_queue,
)

WORKERS: View[WorkerState] = View(
    columns=(
        Column(name="worker", value=lambda worker: worker.id, whole=True),
        Column(name="orders_per_second", value=lambda worker: _tenths(worker.orders_per_second), right=True),
        Column(name="settled", value=lambda worker: worker.settled, right=True),
        Column(name="seen_at", value=lambda worker: worker.seen_at),
        Column(name="started_at", value=lambda worker: worker.started_at, spare=True),
    ),
    document=show_worker,
    nothing="no worker is there",
)

DEAD_LETTERS: View[DeadLetter] = View(
    columns=(
        Column(name="id", value=lambda letter: letter.id, whole=True),
        Column(name="kind", value=lambda letter: letter.kind.value, spare=True),
        Column(name="code", value=lambda letter: letter.code, whole=True, style=lambda _: "red"),
        Column(name="detail", value=lambda letter: letter.detail),
        Column(name="died_at", value=lambda letter: letter.died_at, spare=True),
        Column(name="bytes", value=lambda letter: len(letter.body), right=True, spare=True),
        Column(name="body", value=lambda letter: show_bytes(letter.body, is_truncated=False)[0], in_table=False),
        Column(
            name="body_encoding", value=lambda letter: show_bytes(letter.body, is_truncated=False)[1], in_table=False
        ),
    ),
    document=show_dead_letter,
    nothing="no dead letters",
)
