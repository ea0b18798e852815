"""The command line as a test drives it: in this process over memory, or as a program with pipes and terminals."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from functools import cache
from pathlib import Path
from typing import Any

import pytest
from typer.main import get_command
from typer.testing import CliRunner

from oms_cli.commands.session import Invocation, Surroundings
from oms_cli.main import app
from oms_core import ALL_SCOPES, Caller, Oms, Order, OrderLine, PlaceOrder, SetStock, Settings

HOURS_AHEAD = 3  # The command line's clock, against the system's: what was placed just now is three hours old.


@cache
def _command() -> Any:
    """Make the command of the whole program, which takes longer than most of its runs."""
    return get_command(app)


@dataclass(frozen=True, slots=True)
class Ran:
    """What a command left behind."""

    code: int
    out: str
    err: str

    @property
    def json(self) -> Any:
        """Its output, read as one JSON document."""
        return json.loads(self.out)


@dataclass(frozen=True, slots=True)
class Cli:
    """Runs commands in this process, all on one `oms` in memory, as the OS user `tester`."""

    oms: Oms
    folder: Path
    caller: Caller = field(default_factory=lambda: Caller(name="tester", scopes=ALL_SCOPES))
    opened: list[tuple[Settings, bool]] = field(default_factory=list)

    def __call__(self, *args: str, given: str | bytes | None = None, **environment: str) -> Ran:
        """Run one command; `given` is its stdin."""
        with CliRunner().isolation(input=given) as (out, err, _):
            code = self.on_own_streams(*args, **environment)
            sys.stdout.flush()
            sys.stderr.flush()
            return Ran(code, *(stream.getvalue().decode().replace("\r\n", "\n") for stream in (out, err)))

    def on_own_streams(self, *args: str, **environment: str) -> int:
        """Run one command on the standard streams as they are, and give its exit code."""
        with pytest.raises(SystemExit) as ended:
            _command().main(list(args), obj=self._invocation(environment), prog_name="oms")
        return int(ended.value.code or 0)

    def stock(self, sku: str, on_hand: int, **fields: Any) -> None:
        """Put a product on the shelf."""
        self.oms.stock.set(SetStock(sku=sku, on_hand=on_hand, **fields), caller=self.caller)

    def place(self, *lines: OrderLine, **fields: Any) -> Order:
        """Place an order, of one WIDGET unless lines are given."""
        lines = lines or (OrderLine(sku="WIDGET", quantity=1),)
        command = PlaceOrder(**{"customer_id": "C1", **fields}, lines=lines)
        return self.oms.orders.place(command, caller=self.caller).order

    def _invocation(self, environment: Mapping[str, str]) -> Invocation:
        return Invocation(
            Surroundings(
                environment=environment,
                folder=self.folder,
                open_oms=self._open,
                os_user=lambda: "tester",
                now=lambda: datetime.now(UTC) + timedelta(hours=HOURS_AHEAD),
            )
        )

    def _open(self, settings: Settings, create: bool) -> Oms:
        self.opened.append((settings, create))
        return self.oms


class KeptOms(Oms):
    """A system that a command does not close: the test asks it afterwards what became of it."""

    def close(self) -> None:
        """Leave it open."""


@pytest.fixture
def cli(tmp_path: Path) -> Iterator[Cli]:
    """The command line over an empty memory."""
    oms = KeptOms.open(Settings(database_url="memory://", group_commit=False))
    yield Cli(oms, tmp_path)
    Oms.close(oms)
