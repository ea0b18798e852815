"""Commands that list say on stderr how old what they show may be, where it was read on a replica."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from oms_memory import MemoryStorage

from oms_core import Ports, Settings
from tests.cli.conftest import Cli, KeptOms
from tests.memory_replica import AWAY, MemoryReplica

SAID = re.compile(r"read from the replica, at most \d+\.\d s behind\n")
COMMANDS = [
    ["orders", "list"],
    ["inventory", "list"],
    ["inventory", "movements", "WIDGET"],
    ["inventory", "export", "-"],
    ["audit"],
]


@pytest.fixture
def replica() -> MemoryReplica:
    return MemoryReplica(MemoryStorage())


@pytest.fixture
def cli(replica: MemoryReplica, tmp_path: Path) -> Cli:
    ports = Ports(storage=replica.primary, replica=replica)
    oms = KeptOms(settings=Settings(database_url="memory://"), ports=ports)
    cli = Cli(oms, tmp_path)
    assert cli("inventory", "set", "WIDGET", "5").code == 0
    return cli


@pytest.mark.parametrize("command", COMMANDS, ids=" ".join)
def test_a_list_from_the_replica_says_how_old_it_may_be(cli: Cli, command: list[str]) -> None:
    ran = cli(*command)
    assert ran.code == 0
    assert SAID.search(ran.err)


@pytest.mark.parametrize("command", COMMANDS, ids=" ".join)
def test_a_list_from_the_primary_says_nothing_of_it(cli: Cli, replica: MemoryReplica, command: list[str]) -> None:
    replica.place_fault = AWAY
    ran = cli(*command)
    assert ran.code == 0
    assert "replica" not in ran.err.replace("lists are read from the primary: the replica is away", "")


def test_one_thing_is_shown_as_it_is_now(cli: Cli, replica: MemoryReplica) -> None:
    assert cli("inventory", "list").code == 0
    replica.stop()
    assert cli("inventory", "set", "NEW", "7").code == 0
    assert "NEW" not in cli("inventory", "list").out
    shown = cli("inventory", "show", "NEW")
    assert (shown.code, "replica" in shown.err) == (0, False)


def test_a_change_is_told_against_the_primary_where_the_replica_found_the_reference(
    cli: Cli, replica: MemoryReplica
) -> None:
    order = cli.place(reference="WEB-1")
    assert cli("orders", "list").code == 0
    replica.stop()
    cli("orders", "change", str(order.id), "--line-no", "1:2")
    assert "line 1: 2 -> 3 WIDGET" in cli("orders", "change", "WEB-1", "--line-no", "1:3").out
