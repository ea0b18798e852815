"""What has become of the acts of a file, and the error that leaves the rest of them undone."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Protocol

from oms_core.domain.import_commands import TellReject
from oms_core.errors import ErrorKind, OmsError
from oms_core.imports.act_spool import SpooledAct
from oms_core.imports.rejects import Noun, refused_reject


class Done(Protocol):
    """What an act has led to."""

    @property
    def replayed(self) -> bool:
        """Whether its key had done it before."""


@dataclass(slots=True)
class ActsDone:
    """What has become of the acts so far: how many were `made`, `replayed` and `refused`.

    `fault` is the error of a storage that failed.
    """

    noun: Noun
    counts: Counter[str]
    rejects: TellReject
    fault: OmsError | None = None

    @classmethod
    def beside(cls, malformed: int, noun: Noun, rejects: TellReject) -> ActsDone:
        """Return what has become of a file of which nothing is done yet; its malformed acts are refused."""
        return cls(noun, Counter(made=0, replayed=0, refused=malformed), rejects)

    def add(self, acts: Sequence[SpooledAct], acted: Callable[[], Sequence[Done | OmsError]]) -> None:
        """Count what some acts came to; a refusal is told, and a fault is kept."""
        try:
            outcomes = acted()
        except OmsError as error:
            self.fault = self.fault or error
            return
        for act, outcome in zip(acts, outcomes, strict=True):
            if not isinstance(outcome, OmsError):
                self.counts["replayed" if outcome.replayed else "made"] += 1
            elif outcome.kind is ErrorKind.UNAVAILABLE:
                self.fault = self.fault or outcome
            else:
                self.counts["refused"] += 1
                self.rejects(refused_reject(self.noun, act.line, act.document, outcome))

    def raise_fault(self) -> None:
        """Raise the error of a storage that failed, with the counts of what was done all the same."""
        if self.fault is None:
            return
        made = f"{self.counts['made']} {self.noun.plural} were made"
        raise OmsError(
            self.fault.code,
            self.fault.detail,
            further=f"{made}, and the same import goes on with the others",
            data={**self.fault.data, **self.counts},
            retry_after_seconds=self.fault.retry_after_seconds,
        ) from self.fault
