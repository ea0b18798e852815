"""What a list or a record shows of a thing: the columns of its table and its CSV, and its JSON document."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Generic, TypeVar

from oms_cli.terminal.messages import printable

T = TypeVar("T")


@dataclass(frozen=True, slots=True, kw_only=True)
class Column(Generic[T]):
    """One column: `name` heads it in CSV and, with spaces for underscores, in tables.

    `value` is what CSV writes (a time becomes RFC 3339, None an empty field), `table_value` what a table shows where
    that differs. `right` aligns figures. `whole` is never folded: an id that is copied from the screen, a status.
    `in_table` False keeps it out of tables. A narrow terminal leaves a `spare` column out, shows the beginning of
    `prose`, and as much of each `is_id` as tells them apart. `style` returns Rich's name of a colour.
    """

    name: str
    value: Callable[[T], object]
    right: bool = False
    whole: bool = False
    in_table: bool = True
    spare: bool = False
    prose: bool = False
    is_id: bool = False
    table_value: Callable[[T], object] | None = None
    style: Callable[[T], str] | None = None

    @property
    def title(self) -> str:
        """Return the heading in a table."""
        return self.name.replace("_", " ")

    def text(self, item: T) -> str:
        """Return what a table shows: times in UTC to the second, and nothing that could move a terminal's cursor."""
        value = (self.table_value or self.value)(item)
        if value is None:
            return ""
        if isinstance(value, datetime):
            return show_seconds(value)
        return printable(str(value))


@dataclass(frozen=True, slots=True, kw_only=True)
class View(Generic[T]):
    """How one kind of thing is shown. `nothing` is the message in place of an empty table."""

    columns: Sequence[Column[T]]
    document: Callable[[T], Mapping[str, object]]
    nothing: str = "nothing found"

    @property
    def table_columns(self) -> list[Column[T]]:
        """Return the columns that a table shows."""
        return [column for column in self.columns if column.in_table]


def file_text(value: object) -> object:
    """Return a value as CSV writes it."""
    if value is None:
        return ""
    if isinstance(value, datetime):
        from oms_core.documents.orders import show_time

        return show_time(value)
    return value


def show_seconds(time: datetime) -> str:
    """Show a time to a person: in UTC, to the second."""
    return f"{time.astimezone(UTC):%Y-%m-%d %H:%M:%S}"
