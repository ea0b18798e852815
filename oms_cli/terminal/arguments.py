"""How single arguments are read from text: statuses, times, durations, order lines, thresholds."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from uuid import UUID

import typer

from oms_core.domain.callers import Scope
from oms_core.domain.commands import UNSET, OrderLine, Unset
from oms_core.domain.identifiers import parse_uuid
from oms_core.domain.money import parse_money
from oms_core.domain.numbers import parse_digits, parse_whole_number
from oms_core.domain.orders.statuses import SETTABLE, OrderStatus
from oms_core.domain.validation import one_finding
from oms_core.errors import ERROR_CODES

_DURATION = re.compile(r"(?:(\d{1,6})w)?(?:(\d{1,6})d)?(?:(\d{1,6})h)?(?:(\d{1,6})m)?(?:(\d{1,6})s)?", re.ASCII)
_LINE = re.compile(r"(?P<sku>.+):(?P<quantity>[0-9]{1,40})(?:@(?P<price>[^:@]+))?", re.DOTALL)


@dataclass(frozen=True, slots=True, kw_only=True)
class WholeNumber:
    """The `parser=` of every parameter that is a number, within inclusive bounds. Typer's own takes `1_0` and `5.0`."""

    lowest: int | None = None
    highest: int | None = None

    def __call__(self, given: str | int) -> int:
        """Return the number that was given. Typer hands in the default too, which is a number already."""
        number = _parse_whole_number(given) if isinstance(given, str) else given
        if self.lowest is not None and number < self.lowest:
            raise typer.BadParameter(f"must be at least {self.lowest}; it is {number}")
        if self.highest is not None and number > self.highest:
            raise typer.BadParameter(f"must be at most {self.highest}; it is {number}")
        return number


WHOLE_NUMBER = WholeNumber()


def read_statuses(texts: Sequence[str]) -> frozenset[OrderStatus]:
    """Read statuses, comma-separated or one at a time, in any case. An empty text is an error: it does not mean all."""
    return frozenset(read_status(word) for text in texts for word in text.split(","))


def read_status(text: str) -> OrderStatus:
    """Read one status in any case."""
    try:
        return OrderStatus(text.strip().lower())
    except ValueError as error:
        raise typer.BadParameter(f"{text!r} is no status; there are {', '.join(OrderStatus)}") from error


def complete_statuses(incomplete: str) -> list[str]:
    """Complete the last of comma-separated statuses."""
    before, comma, last = incomplete.rpartition(",")
    return [f"{before}{comma}{status}" for status in OrderStatus if status.startswith(last)]


def complete_settable(incomplete: str) -> list[str]:
    """Complete a status that an order can be moved to."""
    return [status.value for status in OrderStatus if status in SETTABLE and status.startswith(incomplete)]


def read_scopes(texts: Sequence[str]) -> frozenset[Scope]:
    """Read scopes, comma-separated or one at a time."""
    return frozenset(_read_scope(word.strip()) for text in texts for word in text.split(",") if word.strip())


def complete_scopes(incomplete: str) -> list[str]:
    """Complete the last of comma-separated scopes."""
    before, comma, last = incomplete.rpartition(",")
    return [f"{before}{comma}{scope}" for scope in Scope if scope.startswith(last)]


def complete_error_codes(incomplete: str) -> list[str]:
    """Complete the reason of a rejected or failed order."""
    return [code for code in ERROR_CODES if code.startswith(incomplete)]


def read_time(text: str) -> datetime:
    """Read a date or a time in ISO 8601; without an offset it is UTC."""
    try:
        time = datetime.fromisoformat(text.strip())
        return time.replace(tzinfo=UTC) if time.tzinfo is None else time.astimezone(UTC)
    except (ValueError, OverflowError) as error:
        raise typer.BadParameter(f"{text!r} is no time such as 2026-11-22 or 2026-11-22T21:00:00Z") from error


def read_duration(text: str) -> timedelta:
    """Read a duration such as 45s, 30m, 2h, 1h30m, 7d or 2w."""
    match = _DURATION.fullmatch(text.strip().lower())
    if match is None or not any(match.groups()):
        raise typer.BadParameter(f"{text!r} is no duration such as 30m, 2h, 1h30m or 7d")
    weeks, days, hours, minutes, seconds = (parse_digits(part or "0") for part in match.groups())
    return timedelta(weeks=weeks, days=days, hours=hours, minutes=minutes, seconds=seconds)


def read_hold(text: str) -> int:
    """Read how long to hold: a duration such as 15m, or 0; return seconds."""
    return 0 if text.strip() == "0" else read_duration(text) // timedelta(seconds=1)


def read_line(text: str) -> OrderLine:
    """Read an order line: SKU:QTY or SKU:QTY@PRICE; the SKU may hold colons itself."""
    match = _LINE.fullmatch(text)
    if match is None:
        raise typer.BadParameter(f"{text!r} is no line such as WIDGET:2 or WIDGET:2@12.50")
    try:
        price = None if match["price"] is None else parse_money(match["price"])
    except ValueError as error:
        raise typer.BadParameter(f"{text!r}: the price {error}") from error
    return OrderLine(sku=match["sku"], quantity=parse_digits(match["quantity"]), unit_price=price)


def read_low_stock(text: str | None) -> int | Unset | None:
    """Read a threshold: a count, or `none` to have none; UNSET where nothing was given."""
    if text is None:
        return UNSET
    if text.lower() == "none":
        return None
    try:
        return parse_whole_number(text)
    except ValueError as error:
        raise typer.BadParameter(f"{text!r} is neither a count nor none") from error


def read_clearable(text: str | None) -> str | Unset | None:
    """Read a text that `none` clears, in any case; UNSET where nothing was given."""
    if text is None:
        return UNSET
    return None if text.lower() == "none" else text


def read_order_id(text: str) -> UUID:
    """Read an order id. Raise `validation_error`."""
    try:
        return parse_uuid(text)
    except ValueError as error:
        raise one_finding("/order_id", "wrong_type", f"{text[:64]!a} is no order id, which is a UUID") from error


def _parse_whole_number(text: str) -> int:
    try:
        return parse_whole_number(text)
    except ValueError as error:
        raise typer.BadParameter(f"{text!r} {error}") from error


def _read_scope(text: str) -> Scope:
    try:
        return Scope(text)
    except ValueError as error:
        raise typer.BadParameter(f"{text!r} is no scope; there are {', '.join(Scope)}") from error
