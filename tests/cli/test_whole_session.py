"""A shop's first day, command by command, on each database."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path

import pytest

from tests.cli.programs import ENDING_SECONDS, OMS, Program


@pytest.fixture(params=["sqlite", "postgresql"])
def program(request: pytest.FixtureRequest, tmp_path: Path) -> Program:
    """The program on a database that nobody has used."""
    if request.param == "sqlite":
        return Program(folder=tmp_path, database_url="sqlite:///shop.db")
    return Program(folder=tmp_path, database_url=request.getfixturevalue("postgresql_url"))


def done(program: Program, *args: str, given: bytes = b"") -> str:
    """Run a command that has to succeed without a word on stderr."""
    ran = program.run(*args, given=given)
    assert (ran.returncode, ran.stderr) == (0, ""), ran.args
    return ran.stdout


def test_a_first_day(program: Program) -> None:
    fill_the_shelves(program)
    order_id = sell(program)
    import_more_orders(program)
    close_the_day(program, order_id)


def fill_the_shelves(program: Program) -> None:
    assert program.run("inventory", "list").returncode in {2, 7}, "there is no schema yet"
    assert "applied 0001_orders_and_stock\n" in done(program, "db", "upgrade")
    assert "0001_orders_and_stock  applied" in done(program, "db", "status")

    done(program, "inventory", "import", "-", given=b"sku,quantity,name\nWIDGET,20,Widget\nGADGET,3,\n")
    assert done(program, "inventory", "receive", "WIDGET", "5", "--reference", "D-1").startswith(
        "WIDGET main: on_hand 20 -> 25, reserved 0, available 25"
    )
    assert done(program, "inventory", "set", "GADGET", "4", "--expect", "3") == (
        "GADGET main: on_hand 3 -> 4, reserved 0, available 4\n"
    )


def sell(program: Program) -> str:
    order = ("orders", "place", "--customer", "C1", "--line", "WIDGET:2@12.50", "--line", "GADGET:4", "--key", "cart-1")
    placed = json.loads(done(program, *order, "-o", "json"))
    again = json.loads(done(program, *order, "-o", "json"))
    assert (again["id"], again["replayed"]) == (placed["id"], True)
    refused = program.run("orders", "place", "--customer", "C2", "--line", "GADGET:1")
    assert (refused.returncode, refused.stderr) == (
        5,
        "error: insufficient_inventory: GADGET: 1 requested, 0 available\n",
    )
    below = program.run("inventory", "adjust", "GADGET", "-1", "--reason", "lost")
    assert below.returncode == 5
    return str(placed["id"])


def import_more_orders(program: Program) -> None:
    orders = b"reference,customer_id,sku,quantity\nR1,C3,WIDGET,3\nR2,C3,GADGET,1\n"
    imported = program.run("orders", "import", "-", "-o", "json", given=orders)
    assert imported.returncode == 8
    assert {**json.loads(imported.stdout), "seconds": 0} == {
        "orders": 2,
        "placed": 1,
        "replayed": 0,
        "refused": 1,
        "blank": 0,
        "seconds": 0,
    }


def close_the_day(program: Program, order_id: str) -> None:
    assert done(program, "orders", "set-status", "shipped", order_id) == f"{order_id} shipped\n"
    open_orders = done(program, "orders", "list", "--status", "pending", "--ids")
    assert done(program, "orders", "cancel", "-", given=open_orders.encode()) == f"{open_orders.strip()} cancelled\n"

    listed = json.loads(done(program, "inventory", "list", "-o", "json"))
    assert [(row["sku"], row["on_hand"], row["reserved"]) for row in listed] == [("GADGET", 0, 0), ("WIDGET", 23, 0)]
    assert len(done(program, "inventory", "movements", "WIDGET", "-o", "jsonl").splitlines()) == 6
    told = [
        json.loads(line)["type"] for line in done(program, "orders", "events", order_id, "-o", "jsonl").splitlines()
    ]
    assert told == ["order.placed", "shipment.created", "order.shipped"]
    assert done(program, "audit") == "compared 2 stock levels and 2 orders: all agree with the ledger\n"


def test_an_export_piped_into_an_import_changes_nothing(program: Program) -> None:
    done(program, "db", "upgrade")
    rows = "".join(f"SKU-{number:04},{number},berlin,Thing {number}\n" for number in range(1_200))
    done(program, "inventory", "import", "-", given=f"sku,quantity,location,name\n{rows}".encode())
    ran = subprocess.run(
        ["bash", "-c", f"set -o pipefail; {OMS} inventory export | {OMS} inventory import - -o json"],
        capture_output=True,
        cwd=program.folder,
        env=program.environment,
        timeout=ENDING_SECONDS,
        check=True,
    )
    report = json.loads(ran.stdout)
    assert (report["rows"], report["unchanged"]) == (1_200, 1_200)


def test_a_question_is_asked_at_the_terminal_and_no_is_no(program: Program) -> None:
    done(program, "db", "upgrade")
    done(program, "inventory", "set", "WIDGET", "5")
    file = program.folder / "stock.csv"
    file.write_text("precious")
    seen = program.see("inventory", "export", "stock.csv", typed=b"n\n")
    assert seen.code == 130
    assert "stock.csv is there already. Replace it? [y/N]: " in seen.text
    assert seen.text.endswith("nothing was done\n")
    assert file.read_text() == "precious"
    seen = program.see("inventory", "export", "stock.csv", typed=b"y\n")
    assert seen.code == 0
    assert file.read_text() == "sku,quantity,location,name\nWIDGET,5,main,\n"
    assert program.see("inventory", "export", "stock.csv", "--yes").code == 0


def test_an_import_shows_a_bar_and_leaves_its_report(program: Program) -> None:
    done(program, "db", "upgrade")
    rows = "".join(f"SKU-{number},{number}\n" for number in range(3_000))
    (program.folder / "stock.csv").write_text(f"sku,quantity\n{rows}BAD,x\n")
    seen = program.see("inventory", "import", "stock.csv", "--skip-bad")
    assert seen.code == 8
    assert "reading" in seen.text
    *_, reject, report, created = seen.text.splitlines()
    assert reject.endswith("line 3002, quantity: wrong_type: quantity must be a whole number")
    assert report.startswith("imported 3,001 rows in ")
    assert created.startswith("created 3,000 products: SKU-0, ")
