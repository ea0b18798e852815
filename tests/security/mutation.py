"""A defence taken out: one change of a source file, and the tests that must then fail."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Mutation:
    """`before` stands once in `file`, and becomes `after`; each of `tests` (pytest's node ids) must then fail."""

    name: str
    file: str
    before: str
    after: str
    tests: tuple[str, ...]


def mutation(name: str, file: str, before: str, after: str, *tests: str) -> Mutation:
    """Make a mutation; the name says what is then so."""
    return Mutation(name=name, file=file, before=before, after=after, tests=tests)
