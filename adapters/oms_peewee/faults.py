"""What can go wrong in a database, in as many kinds as there are ways to go on."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import Enum

from oms_core.errors import OmsError

RETRY_AFTER_SECONDS = 1


class Fault(Enum):
    """What a driver's error means for the work that met it."""

    BUSY = "somebody else is writing"
    CONFLICT = "a deadlock, a lock timeout, a serialisation failure, or figures that changed meanwhile"
    TAKEN = "a unique key is taken"
    TAKEN_SOON = "a unique key is being taken by a transaction that does not end"
    UNCOVERED = "the stock does not cover what was decided"
    DISCONNECTED = "the connection is gone"
    READ_ONLY = "the server only reads; another connection may find one that writes"
    UNAVAILABLE = "the database cannot do it now"
    NO_ROOM = "the database has no room left"
    UNUSABLE = "the database does not let us work, and only its operator can change that"
    NO_DATABASE = "the file is something else"
    OUTDATED = "the schema lacks something"
    DEFECT = "the database will not take this"


@dataclass(frozen=True, slots=True)
class Meaning:
    """A fault, and what its operator can do about it other than wait."""

    fault: Fault
    remedy: str = ""


# The same work may succeed when it is done again.
TRANSIENT = frozenset({Fault.BUSY, Fault.CONFLICT, Fault.TAKEN, Fault.TAKEN_SOON, Fault.DISCONNECTED, Fault.READ_ONLY})

# Further work will meet it too.
LASTING = frozenset({Fault.NO_ROOM, Fault.UNUSABLE})


class ChangedMeanwhileError(Exception):
    """Rows are not as they were when the work was decided; it must be decided again."""


class UncoveredError(Exception):
    """A level would break its bounds: it has changed since the decision, or the decision was wrong."""


class CommitLostError(Exception):
    """The connection was lost while committing: the transaction may have happened."""


class TooLateError(Exception):
    """This process had no connection, no writer lock or no thread to spare until the deadline."""


class NoRoomError(Exception):
    """The disk of the database is full, or nearly."""


class ReadOnlyError(Exception):
    """The database's server only reads: a standby, or one that was told to."""


class NotFollowingError(Exception):
    """The server asked for a replica is none of the primary, or the primary cannot say where it is."""


class UnfitError(Exception):
    """The database, or this program's role in it, lacks what the work needs; the text says what helps."""


class UnstorableValueError(Exception):
    """The driver cannot pass a value to the database at all (a NUL, a lone surrogate, an integer beyond 64 bits)."""


def outcome_unknown(data: Mapping[str, object]) -> OmsError:
    """Say that a transaction may or may not have happened, and what to look up."""
    return OmsError(
        "outcome_unknown",
        "the database was lost while committing and could not be asked again in time",
        data=data,
        retry_after_seconds=RETRY_AFTER_SECONDS,
    )


def storage_unavailable(detail: str) -> OmsError:
    """Say that nothing was changed because the database was away or busy for too long."""
    return OmsError("storage_unavailable", detail, retry_after_seconds=RETRY_AFTER_SECONDS)


def storage_unusable(detail: str) -> OmsError:
    """Say that nothing was changed, and nothing can be until the operator has mended what the detail names."""
    return OmsError("storage_unusable", detail)


def as_oms_error(error: Exception, fault: Fault, *, database: str, reason: str) -> OmsError:
    """Return the error that a caller gets for a fault that repetition did not cure.

    `database` names the database for a person; `reason` is what it said, with the remedy.
    """
    match fault:
        case Fault.DEFECT | Fault.TAKEN | Fault.UNCOVERED:  # Not the text, which may quote the row.
            return OmsError("internal_error", f"the database refused what was to be written: {type(error).__name__}")
        case Fault.TAKEN_SOON:
            return OmsError("idempotency_key_in_use", "the first request with this key has not ended in time")
        case Fault.OUTDATED:
            detail = f"the schema of {database} is not of this release: run `oms db upgrade`"
            return OmsError("schema_outdated", detail)
        case Fault.NO_DATABASE:
            return OmsError("invalid_setting", f"OMS_DATABASE_URL: {database} is not a database")
        case Fault.UNUSABLE:
            return storage_unusable(f"{database}: {reason}")
        case _:
            return storage_unavailable(f"{database}: {reason}")


def reason_of(error: Exception | str, remedy: str = "") -> str:
    """Return a driver's message in one line, and the remedy; none of them holds a password.

    The lines after the first are left out: they explain, or quote a row.
    """
    words = str(error).strip().splitlines()[:1] or [type(error).__name__]
    return "; ".join([*words, remedy] if remedy else words)
