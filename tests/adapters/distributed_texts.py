"""What a distributed PostgreSQL does not take, found in the texts of statements (docs/citus.md)."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping

import peewee
from oms_peewee import models, order_models
from oms_peewee.postgresql.scripts import statements_of

TABLES = frozenset(
    each._meta.table_name
    for each in (*vars(models).values(), *vars(order_models).values())
    if isinstance(each, type) and issubclass(each, peewee.Model) and each.__subclasses__() == []
)
# The one small table whose rows are taken by whoever comes first; it would stay on one node.
QUEUE = "waiting_orders"

_DDL = re.compile(r"\b(?:CREATE(?! TEMP)|ALTER|DROP|COMMENT ON)\s", re.IGNORECASE)
_ADDED = re.compile(r"ADD COLUMN [^,;]*\b(?:CHECK|UNIQUE|REFERENCES|PRIMARY)\b", re.IGNORECASE)
_TOGETHER = re.compile(r"ALTER TABLE \w+\s+(?:[^;]*,\s*)(?:ADD|DROP) CONSTRAINT", re.IGNORECASE)
_SEVERAL_ARRAYS = re.compile(r"\b(?:FROM|JOIN|LATERAL) unnest\([^()]*,", re.IGNORECASE)
_NO_COLUMNS = re.compile(r"\bSELECT\s+FROM\b", re.IGNORECASE)
_PLACE = re.compile(r"\bctid\b", re.IGNORECASE)
_CHANGING = re.compile(r"DO UPDATE SET .*\b(?:now|clock_timestamp|random|nextval|gen_random_uuid)\(", re.DOTALL)
_CHANGING_COLUMN = re.compile(
    r"\bSET\b(?:(?!\b(?:FROM|WHERE|RETURNING)\b).)*\b(?:make_interval|to_char|date_trunc)\([^()]*\b\w+\.\w+", re.DOTALL
)
_LOCK = re.compile(r"\bFOR (?:NO KEY )?UPDATE\b(?P<skips> SKIP LOCKED)?", re.IGNORECASE)
_NUMBER = re.compile(r"\bnextval\(", re.IGNORECASE)
_TABLE = re.compile(r'(?:\bFROM|\bJOIN|,)\s+"?(\w+)"?', re.IGNORECASE)
_SELECT = re.compile(r"\bSELECT\b", re.IGNORECASE)
_FROM = re.compile(r"\b(?:FROM|JOIN)\b", re.IGNORECASE)
_QUOTED = re.compile(r"'[^']*'")
_GENERIC = "force_generic_plan"


def _selects_around(text: str, found: re.Pattern[str]) -> Iterator[tuple[re.Match[str], str]]:
    """Give each match with the SELECT that it is in, without what that has in parentheses."""
    for match in found.finditer(text):
        depth, begins_at = 0, 0
        for at in range(match.start() - 1, -1, -1):
            depth += (text[at] == ")") - (text[at] == "(")
            if depth < 0:
                begins_at = at + 1
                break
        ends_at, depth = len(text), 0
        for at in range(match.start(), len(text)):
            depth += (text[at] == "(") - (text[at] == ")")
            if depth < 0:
                ends_at = at
                break
        level = _without_parentheses(text[begins_at:ends_at])
        yield match, level[max([each.start() for each in _SELECT.finditer(level)], default=0) :]


def _without_parentheses(text: str) -> str:
    while (shorter := re.sub(r"\([^()]*\)", " ", text)) != text:
        text = shorter
    return text


def _tables(select: str) -> set[str]:
    """Give the tables that a SELECT reads: what stands before its FROM are columns, which may be called like one."""
    reads = _FROM.search(select)
    return TABLES.intersection(_TABLE.findall(select[reads.start() :])) if reads else set()


def _numbers_beside_tables(text: str) -> bool:
    return any(_tables(select) for _, select in _selects_around(text, _NUMBER))


def _locks_several_tables(text: str) -> bool:
    return any(len(_tables(select)) > 1 for _, select in _selects_around(text, _LOCK))


def _skips_elsewhere(text: str) -> bool:
    return any(lock["skips"] and _tables(select) != {QUEUE} for lock, select in _selects_around(text, _LOCK))


def _unnests_arrays_beside_tables(text: str) -> bool:
    return bool(_SEVERAL_ARRAYS.search(text) and _tables(text))


def _sends_ddl_with_others(text: str) -> bool:
    return bool(_DDL.search(text)) and len(list(statements_of(text))) > 1


GENERIC_PLAN = "a forced generic plan"
REFUSED: Mapping[str, Callable[[str], object]] = {
    "the place of a row": _PLACE.search,
    "a SELECT of no columns": _NO_COLUMNS.search,
    "nextval beside a table": _numbers_beside_tables,
    "what changes by itself in DO UPDATE": _CHANGING.search,
    "what changes with the session, of a column, in UPDATE": _CHANGING_COLUMN.search,
    "locks over several tables": _locks_several_tables,
    "SKIP LOCKED outside the queue": _skips_elsewhere,
    "DDL sent with another statement": _sends_ddl_with_others,
    "a column added with its constraint": _ADDED.search,
    "a constraint changed with something else": _TOGETHER.search,
    "several arrays in one unnest": _unnests_arrays_beside_tables,
}


def refused_in(text: str) -> list[str]:
    """Name what a distributed server would refuse in a text that is sent to it."""
    unquoted = _QUOTED.sub("''", text)
    found = [name for name, finds in REFUSED.items() if finds(unquoted)]
    return [*found, GENERIC_PLAN] if _GENERIC in text and "citus_version" not in text else found
