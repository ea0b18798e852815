"""List API keys."""

from __future__ import annotations

from oms_core.domain.api_keys import ApiKey, check_key_name
from oms_core.domain.callers import Caller, Scope
from oms_core.domain.limits import PAGE_ITEMS_DEFAULT
from oms_core.domain.pages import Page, bad_cursor, check_limit, decode_cursor, encode_cursor, page_of, read_row_number
from oms_core.domain.validation import Findings
from oms_core.ports.storage import Storage

_CURSOR = "keys"
_NUMBER_MAX = 2**31 - 1


def list_keys(
    *, caller: Caller, storage: Storage, cursor: str | None = None, limit: int = PAGE_ITEMS_DEFAULT
) -> Page[ApiKey]:
    """Return one page of up to 500 keys by name, the oldest of a name first.

    Raises `validation_error` for a bad cursor or limit, `forbidden`.
    """
    caller.require(Scope.ADMIN)
    caller.require_unbound()
    check_limit(limit)
    after = None if cursor is None else _read_cursor(cursor)
    rows = storage.keys.find(after=after, limit=limit + 1)
    return page_of(rows, limit, lambda key: encode_cursor(_CURSOR, f"{key.number}:{key.name}"))


def _read_cursor(cursor: str) -> tuple[str, int]:
    number, _, name = decode_cursor(_CURSOR, cursor).partition(":")
    findings = Findings()
    check_key_name(findings, name)
    if findings.errors:
        raise bad_cursor()
    return name, read_row_number(number, highest=_NUMBER_MAX)
