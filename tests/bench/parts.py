"""The parts of `make bench`: what each measures, and how shortly it can."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Part:
    """A module of tests.bench with `main(argv)`; `words` are its arguments, `quick` those of `make bench-quick`.

    `compares` tells whether it takes --base, which names a checkout to measure beside this one.
    """

    name: str
    quick: Sequence[str]
    words: Sequence[str] = ()
    compares: bool = False

    @property
    def module(self) -> str:
        """Name it as `python -m` wants it."""
        return f"tests.bench.bench_{self.name}"


SHORT = ("--seconds", "1", "--rounds", "1")
PARTS = (
    Part(name="generators", quick=SHORT),
    Part(name="connections", quick=(*SHORT, "--connections", "64"), compares=True),
    Part(name="group_commit", quick=SHORT, compares=True),
    Part(name="lines", quick=SHORT),
    Part(name="sqlite", quick=SHORT, compares=True),
    Part(name="placing", quick=("--seconds", "0.3", "--rounds", "1", "--batches", "20", "500"), compares=True),
    Part(name="kept", quick=SHORT, compares=True),
    Part(name="growth", quick=(*SHORT, "--orders", "0", "20000", "--deep", "100")),
    Part(name="import", words=("--rows", "500000"), quick=("--rows", "10000", "--rounds", "1"), compares=True),
    Part(
        name="drain",
        words=("--rounds", "2"),
        quick=("--orders", "2000", "--seconds", "1", "--rounds", "1"),
        compares=True,
    ),
    Part(name="accept", quick=(*SHORT, "--pace", "100"), compares=True),
    Part(
        name="overload",
        words=("--seconds", "10", "--capacity-seconds", "5"),
        quick=("--seconds", "2", "--capacity-seconds", "1"),
    ),
    Part(name="request", quick=("--rounds", "1", "--requests", "5")),
    Part(name="pages", quick=("--rounds", "1"), compares=True),
    Part(name="location", quick=("--rounds", "1", "--orders", "3000", "--every", "100")),
    Part(name="archive", quick=(*SHORT, "--orders", "2000")),
    Part(name="holds", quick=(*SHORT, "--orders", "2000", "--holds", "1000")),
    Part(name="cancel", quick=("--rounds", "1", "--orders", "100")),
    Part(name="ship", quick=("--rounds", "1", "--orders", "100")),
    Part(name="audit", quick=("--rounds", "1", "--orders", "5000")),
    Part(name="start", quick=("--rounds", "2"), compares=True),
    Part(name="sell_out", quick=("--seconds", "2", "--units", "100")),
    Part(name="server", words=("--seconds", "2"), quick=("--seconds", "0.3", "--rounds", "1")),
    Part(name="attacks", words=("--seconds", "6"), quick=("--seconds", "2", "--only", "/metrics")),
    Part(name="auth", words=("--requests", "200"), quick=("--requests", "10")),
    Part(name="limits", words=("--requests", "100"), quick=("--requests", "10")),
)
