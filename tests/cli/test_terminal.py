"""What a person sees on a terminal, and what pipes get instead."""

from __future__ import annotations

import csv
import io
import json
import os
import re
import signal
import subprocess
from pathlib import Path

import pytest

from oms_core import ALL_SCOPES, Caller, Oms, OrderLine, PlaceOrder, SetStock, Settings
from tests.cli.programs import ENDING_SECONDS, OMS, Program

NAME = "Große Dose — 漢字 🧀 [bold]not markup[/bold]"
ORDERS = 700


@pytest.fixture(scope="module")
def shop(tmp_path_factory: pytest.TempPathFactory) -> Program:
    """The program on a database with one product and more orders than a pipe holds."""
    folder = tmp_path_factory.mktemp("shop")
    url = f"sqlite:///{folder}/oms.db"
    caller = Caller(name="tester", scopes=ALL_SCOPES)
    with Oms.open(Settings(database_url=url)) as oms:
        oms.stock.set(SetStock(sku="DOSE", on_hand=1_000, name=NAME, low_stock_threshold=900), caller=caller)
        lines = [OrderLine(sku="DOSE", quantity=1)]
        oms.orders.place_many([PlaceOrder(customer_id="c" * 100, lines=lines)] * ORDERS, caller=caller)
    return Program(folder=folder, database_url=url)


def test_a_pipe_gets_whole_rows_without_colour_whatever_the_environment_says(shop: Program) -> None:
    ran = shop.under(COLUMNS="40", TERM="xterm-256color", FORCE_COLOR="1", TTY_COMPATIBLE="1").run("orders", "list")
    assert ran.returncode == 0
    assert "\x1b" not in ran.stdout + ran.stderr
    titles, *rows = ran.stdout.splitlines()
    assert titles.startswith("ID ")
    assert len(rows) == 50
    assert all("c" * 100 in row for row in rows)
    assert ran.stderr == "the first 50 are shown; --limit N or --all shows more\n"


def test_a_pipe_gets_csv_and_json_that_programs_read(shop: Program) -> None:
    rows = list(csv.DictReader(io.StringIO(shop.run("orders", "list", "--all", "-o", "csv").stdout)))
    assert len(rows) == ORDERS
    orders = json.loads(shop.run("orders", "list", "--all", "-o", "json").stdout)
    assert [order["id"] for order in orders] == [row["id"] for row in rows]


@pytest.mark.parametrize("locale", ["C", "POSIX", "C.UTF-8"])
def test_data_is_utf_8_in_every_locale(shop: Program, locale: str) -> None:
    shop = shop.under(LC_ALL=locale, PYTHONCOERCECLOCALE="0", PYTHONUTF8="0")
    assert json.loads(shop.run("inventory", "list", "-o", "json").stdout)[0]["name"] == NAME
    assert NAME in shop.run("inventory", "list", "-o", "csv").stdout
    assert shop.run("inventory", "list").returncode == 0


def test_a_terminal_gets_a_table_in_colour(shop: Program) -> None:
    seen = shop.see("inventory", "list", columns=120)
    assert seen.code == 0
    assert "\x1b[33m" in seen.screen, "300 available of a threshold of 900 is yellow"
    titles, row = seen.text.splitlines()
    assert titles.split()[:2] == ["sku", "name"]
    assert NAME in row


@pytest.mark.parametrize("environment", [{"NO_COLOR": "1"}, {"TERM": "dumb"}])
def test_colours_can_be_refused(shop: Program, environment: dict[str, str]) -> None:
    shop = shop.under(**environment)
    seen = shop.see("inventory", "list")
    assert seen.code == 0
    assert seen.colours == []
    assert shop.see("inventory", "show", "NONE").colours == []


def test_an_error_is_red_on_a_terminal(shop: Program) -> None:
    seen = shop.see("inventory", "show", "NONE")
    assert (seen.code, seen.text) == (4, "error: sku_not_found: no product has the SKU NONE\n")
    assert "\x1b[1;31merror:" in seen.screen


@pytest.mark.parametrize("columns", [20, 40, 79, 80, 81, 100, 120, 200])
@pytest.mark.parametrize("command", [("orders", "list", "--limit", "3"), ("inventory", "movements", "DOSE")])
def test_no_line_is_wider_than_the_terminal_and_no_id_is_folded_or_ambiguous(
    shop: Program, command: tuple[str, ...], columns: int
) -> None:
    seen = shop.under(NO_COLOR="1").see(*command, columns=columns)
    assert seen.code == 0
    ids = re.findall(r"[0-9a-f]{8}-[0-9a-f]{4}(?:-[0-9a-f]{4}){0,3}(?:-[0-9a-f]{12})?(?![0-9a-f-])", seen.text)
    if "order id" not in seen.text.partition("too narrow")[2]:
        assert ids
    assert {len(found) for found in ids} <= ({36} if "ids are shortened" not in seen.text else {13, 18})
    if command[0] == "orders":
        assert len(set(ids)) == 3
    if columns >= 79:
        told = ("too narrow", "--all", "ids are shortened")
        table = [line for line in seen.text.splitlines() if not any(words in line for words in told)]
        assert not [line for line in table if len(line) > columns]
    assert "…" not in seen.text


def test_a_narrow_terminal_is_told_which_columns_are_missing(shop: Program) -> None:
    seen = shop.see("inventory", "movements", "DOSE", "--limit", "1", columns=80)
    assert "the terminal is too narrow for: order id\n" in seen.text


def test_a_narrow_terminal_keeps_the_time_of_orders_and_shortens_their_ids(tmp_path: Path) -> None:
    program = Program(folder=tmp_path, database_url=f"sqlite:///{tmp_path}/oms.db")
    with Oms.open(Settings(database_url=program.database_url)) as oms:
        caller = Caller(name="tester", scopes=ALL_SCOPES)
        oms.stock.set(SetStock(sku="DOSE", on_hand=9), caller=caller)
        lines = [OrderLine(sku="DOSE", quantity=1)]
        order = oms.orders.place(PlaceOrder(customer_id="customer-1", lines=lines), caller=caller).order
    seen = program.see("orders", "list", columns=70)
    titles, row = seen.text.splitlines()[:2]
    assert titles.split()[:2] == ["id", "status"]
    assert row.startswith(f"{str(order.id)[:13]}  pending")
    assert f"{order.created_at:%Y-%m-%d %H:%M:%S}" in row
    assert "ids are shortened; commands take them as they stand here\n" in seen.text


def test_a_terminal_gets_machine_formats_plain(shop: Program) -> None:
    seen = shop.see("inventory", "list", "-o", "json")
    assert seen.colours == []
    assert json.loads(seen.text)[0]["name"] == NAME


def test_a_reader_that_has_seen_enough_is_no_error(shop: Program) -> None:
    for options in ([], ["-o", "csv"], ["-o", "json"], ["--ids"]):
        command = [str(OMS), "orders", "list", "--all", *options]
        with subprocess.Popen(
            command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, cwd=shop.folder, env=shop.environment
        ) as process:
            assert process.stdout is not None
            assert process.stderr is not None
            process.stdout.readline()
            process.stdout.close()
            assert process.stderr.read() == b""
            assert process.wait(ENDING_SECONDS) == 141


@pytest.mark.parametrize(
    ("closing", "said"), [("2>&-", b""), ("<&- >&-", b"error: sku_not_found: "), ("<&- >&- 2>&-", b"")]
)
def test_closed_streams_are_no_trouble(shop: Program, closing: str, said: bytes) -> None:
    ran = subprocess.run(
        ["bash", "-c", f"({OMS} inventory show NONE {closing}); echo $?"],
        capture_output=True,
        cwd=shop.folder,
        env=shop.environment,
        timeout=ENDING_SECONDS,
        check=False,
    )
    assert ran.stdout == b"4\n"
    assert ran.stderr.startswith(said)
    assert len(ran.stderr.splitlines()) == (1 if said else 0)


def test_a_full_disk_is_one_line(shop: Program) -> None:
    ran = subprocess.run(
        ["bash", "-c", f"{OMS} orders list --all >/dev/full"],
        capture_output=True,
        cwd=shop.folder,
        env=shop.environment,
        timeout=ENDING_SECONDS,
        check=False,
    )
    assert (ran.returncode, ran.stderr) == (1, b"error: output cannot be written: No space left on device\n")


def test_ctrl_c_ends_a_waiting_command_with_130_and_no_word(shop: Program) -> None:
    with subprocess.Popen(
        [OMS, "orders", "cancel", "-"],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        cwd=shop.folder,
        env=shop.environment,
    ) as process:
        assert process.stdin is not None
        assert process.stdout is not None
        process.stdin.write(b"4711\n")
        process.stdin.flush()
        assert process.stderr is not None
        assert process.stderr.readline().startswith(b"error: 4711: ")  # It has begun, and waits for more.
        process.send_signal(signal.SIGINT)
        assert process.wait(ENDING_SECONDS) == 130
        assert process.stderr.read() == b""


def test_ids_of_one_command_feed_another(shop: Program) -> None:
    listed = shop.run("orders", "list", "--ids", "--limit", "3", "--status", "pending")
    ran = shop.run("orders", "set-status", "processing", "-", given=listed.stdout.encode())
    assert ran.stdout.splitlines() == [f"{order_id} processing" for order_id in listed.stdout.splitlines()]


def test_long_work_shows_a_bar_on_a_terminal_and_leaves_none_behind(shop: Program) -> None:
    seen = shop.see("audit")
    assert seen.code == 0
    assert "auditing" in seen.text
    assert seen.text.rstrip().endswith(f"compared 1 stock level and {ORDERS} orders: all agree with the ledger")
    assert seen.screen.count("\x1b[?25l") == seen.screen.count("\x1b[?25h"), "the cursor is shown again"


def test_long_work_is_silent_in_a_pipe(shop: Program) -> None:
    ran = shop.under(TERM="xterm-256color", FORCE_COLOR="1").run("audit")
    assert (ran.returncode, ran.stderr) == (0, "")


def test_help_is_quick_and_needs_no_database(shop: Program) -> None:
    modules = "peewee flask granian psycopg2 oms_http oms_peewee rich.progress http.server"
    code = f"import sys, oms_cli.main; print([name for name in '{modules}'.split() if name in sys.modules])"
    python = Path(OMS).with_name("python")
    ran = subprocess.run([python, "-c", code], capture_output=True, text=True, env=dict(os.environ), check=True)
    assert ran.stdout == "[]\n"
    assert shop.run("--help").returncode == 0


def test_a_missing_database_is_named_by_its_whole_path(tmp_path: Path) -> None:
    program = Program(folder=tmp_path, database_url="sqlite:///shop.db")
    for command in (["inventory", "list"], ["inventory", "set", "A", "1"], ["audit"], ["db", "status"]):
        ran = program.run(*command)
        assert (ran.returncode, ran.stdout) == (2, "")
        assert ran.stderr.startswith("error: invalid_setting: ")
        assert str(tmp_path / "shop.db") in ran.stderr
        assert "`oms db upgrade`" in ran.stderr
    assert not list(tmp_path.iterdir())


def test_an_upgrade_makes_a_database_that_the_other_commands_use(tmp_path: Path) -> None:
    program = Program(folder=tmp_path, database_url="sqlite:///shop.db")
    assert f"\nupgraded: SQLite file {tmp_path / 'shop.db'}" in program.run("db", "upgrade").stdout
    assert program.run("db", "upgrade").stdout.startswith(f"up to date: SQLite file {tmp_path / 'shop.db'}")
    assert program.run("inventory", "set", "A", "1").returncode == 0
    assert program.run("audit").returncode == 0
