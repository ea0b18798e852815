"""What must be true of a thing before it is changed, so that no change is overwritten unseen (RFC 9110, section 13)."""

from __future__ import annotations

from dataclasses import dataclass

from oms_core.errors import OmsError

ANY = "*"
NO_VERSION = 0  # For an If-Match that no order can meet: versions begin at 1.


@dataclass(frozen=True, slots=True, kw_only=True)
class Precondition:
    """The thing's revision is in `one_of` and not in `none_of`. None sets no condition, and ANY stands for every
    revision.

    A thing that does not exist has no revision: it is in neither.
    """

    one_of: frozenset[str] | None = None
    none_of: frozenset[str] | None = None

    def check(self, revision: str | None, *, is_done: bool = False) -> None:
        """Raise `version_mismatch` unless the precondition is met. If the change `is_done` already, `one_of` is not
        checked.
        """
        if self.one_of is not None and not is_done and not _is_in(revision, self.one_of):
            named = ", ".join(sorted(self.one_of)) or "nothing that could match: a weak entity tag never does"
            raise _mismatch(revision, f"what was named is {named}")
        if self.none_of is not None and _is_in(revision, self.none_of):
            raise _mismatch(revision, "which was excluded")


NOTHING_ASKED = Precondition()


def _is_in(revision: str | None, named: frozenset[str]) -> bool:
    return revision is not None and (ANY in named or revision in named)


def _mismatch(revision: str | None, why: str) -> OmsError:
    present = "there is none yet" if revision is None else f"it is at revision {revision}"
    return OmsError("version_mismatch", f"{present}; {why}", data={"revision": revision})
