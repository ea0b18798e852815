"""The wheel alone is enough: in an environment with nothing else, an order runs its course, and more is asked for."""

from __future__ import annotations

import importlib.util
import subprocess
from pathlib import Path

import pytest

WHOLE_ORDER = """
from decimal import Decimal
from oms_core import (
    ALL_SCOPES, Caller, ChangeOrderStatus, Oms, OmsError, OrderLine, OrderStatus, PlaceOrder, SetStock, Settings,
)

clerk = Caller(name="clerk", scopes=ALL_SCOPES)
with Oms.open(Settings(database_url="memory://")) as oms:
    oms.stock.set(SetStock(sku="WIDGET", on_hand=5), caller=clerk)
    line = OrderLine(sku="WIDGET", quantity=3, unit_price=Decimal("2.50"))
    order = oms.orders.place(PlaceOrder(customer_id="C1", lines=[line]), caller=clerk).order
    try:
        oms.orders.place(PlaceOrder(customer_id="C2", lines=[line]), caller=clerk)
    except OmsError as error:
        print(error.code, error.data)
    oms.orders.change_status(ChangeOrderStatus(order_id=order.id, status=OrderStatus.SHIPPED), caller=clerk)
    product = oms.stock.get("WIDGET", caller=clerk)
    print(oms.orders.get(order.id, caller=clerk).status, order.total, product.on_hand, product.reserved)
    print(oms.audit(caller=clerk).discrepancies)
"""
OPEN = """
import sys
sys.path[:0] = {paths!r}
from oms_core import Oms, OmsError, Settings

try:
    Oms.open(Settings(database_url={url!r}))
except OmsError as error:
    print(error)
"""
THIRD_PARTY = """
import sys, sysconfig
import oms_core, oms_memory

standard = sysconfig.get_paths()["stdlib"]
files = {name: getattr(module, "__file__", None) or "" for name, module in sys.modules.items()}
print(sorted(name for name, file in files.items() if file and not file.startswith(standard) and "oms_" not in name))
"""


def run(environment: Path, script: str, folder: Path) -> str:
    """Run a script as somebody who has the wheel and nothing else, away from the checkout."""
    python = environment / "bin" / "python"
    done = subprocess.run([python, "-I", "-c", script], cwd=folder, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_pip_lists_nothing_but_the_wheel(bare_venv: Path, tmp_path: Path) -> None:
    listing = "import importlib.metadata as m; print(sorted(found.name for found in m.distributions()))"
    assert run(bare_venv, listing, tmp_path) == "['orderkeep']\n"


def test_a_whole_order_is_placed_shipped_and_audited(bare_venv: Path, tmp_path: Path) -> None:
    assert run(bare_venv, WHOLE_ORDER, tmp_path).splitlines() == [
        "insufficient_inventory {'shortages': [{'sku': 'WIDGET', 'requested': 3, 'available': 2}]}",
        "shipped 7.50 2 0",
        "()",
    ]
    assert list(tmp_path.iterdir()) == []


def test_the_core_and_its_memory_import_no_third_party_package(bare_venv: Path, tmp_path: Path) -> None:
    assert run(bare_venv, THIRD_PARTY, tmp_path) == "[]\n"


@pytest.mark.parametrize(("scheme", "extra"), [("sqlite", "sqlite"), ("postgresql", "postgres")])
def test_a_database_says_which_extra_to_install(bare_venv: Path, tmp_path: Path, scheme: str, extra: str) -> None:
    said = run(bare_venv, OPEN.format(url=f"{scheme}:///oms.db", paths=[]), tmp_path)
    advice = f"install orderkeep with the extra '{extra}'"
    assert said == f"invalid_setting: OMS_DATABASE_URL: {scheme}:// needs peewee; {advice}\n"


def test_postgresql_says_which_extra_to_install_where_only_sqlite_is_served(bare_venv: Path, tmp_path: Path) -> None:
    peewee = importlib.util.find_spec("peewee")
    assert peewee is not None
    assert peewee.origin is not None
    (tmp_path / "peewee.py").symlink_to(peewee.origin)
    (tmp_path / "playhouse").symlink_to(Path(peewee.origin).parent / "playhouse")
    script = OPEN.format(url="postgresql://127.0.0.1/oms", paths=[str(tmp_path)])
    said = run(bare_venv, script, tmp_path)
    advice = "install orderkeep with the extra 'postgres'"
    assert said == f"invalid_setting: OMS_DATABASE_URL: postgresql:// needs psycopg2; {advice}\n"
