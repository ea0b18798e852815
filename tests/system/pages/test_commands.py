"""Every block of commands of every page is pasted as it stands, into bash and zsh."""

from __future__ import annotations

import json
import os
import re
import ssl
import sys
import urllib.request
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from tests.adapters.rabbitmq_broker import RabbitmqVhost
from tests.cli.programs import Program
from tests.cli.serving import Service, serving
from tests.services.certificates import Certificate
from tests.services.tcp import free_port
from tests.services.waiting import wait_until
from tests.services.wheels import ROOT
from tests.system.pages.blocks import PAGES, Block, block_with, blocks_of
from tests.system.pages.shells import SHELLS, paste, pasted_server

SECONDS = 60
INVOICES = "InvoiceNo,CustomerID,StockCode,Quantity,UnitPrice,Country\n536365,17850,WIDGET,6,2.55,United Kingdom\n"


@dataclass(frozen=True, slots=True, kw_only=True)
class Pasted:
    """A block that ends: on which page, by which words, and what its output says."""

    page: str
    words: str
    says: str

    @property
    def block(self) -> Block:
        """Where it stands."""
        return block_with(self.page, "sh", self.words)


# They run on one database, in this order: what each needs, those above it have left.
ENDING = (
    Pasted(page="docs/cli.md", words="oms db upgrade", says="placed .* pending: 1 line.* shipped.*all agree"),
    Pasted(page="docs/cli.md", words="invoices.csv", says="imported 1 order"),
    Pasted(page="docs/cli.md", words="export API_KEY", says="^$"),
    Pasted(page="docs/orders.md", words="--hold 15m", says="held.*cancelled.*WIDGET"),
    Pasted(
        page="docs/orders.md",
        words="left in the yard",
        says="1 shipped from main: 2 WIDGET.*partly_shipped.*1 cancelled.*2 shipped from main: 3.*2 delivered",
    ),
    Pasted(
        page="docs/orders.md",
        words="parcels.csv",
        says="made 2 shipments of 2 .*made 0 shipments of 2 .* 2 made before, 0 refused.*1Z-1.*1Z-2",
    ),
    Pasted(
        page="docs/cli.md",
        words="returned.csv",
        says=r"return 1: 1 MUG \(restock, main\); order \S+ partly_returned.*made 1 return of 1 .*"
        r"1 MUG \(restock, main\).*1 MUG \(restock, main\), 1 MUG \(discard\)",
    ),
    Pasted(
        page="docs/cli.md",
        words="moves.csv",
        says="made 2 transfers of 2 .* 0 made before, 0 refused.*made 0 transfers of 2 .* 2 made before, 0 refused"
        r".*east +3 .*main +12 .*north +5 ",
    ),
    Pasted(
        page="docs/cli.md",
        words="WEB-1007",
        says=r"pending: 1 line.*locations +north, east\n.*east: 2 reserved, north: 4 reserved",
    ),
    Pasted(
        page="docs/cli.md",
        words="WEB-1006B",
        says=r"nothing was changed; it would be: (order \S+ pending: line 1: 4 -> 6 CUP, line 2: removed 4 SPOON, "
        r"line 3: added 6 SPOON; total 19\.00 -> 27\.00 EUR)\n\1\n.*added channel=phone\n.* removed +1\.25\n",
    ),
    Pasted(
        page="docs/stock.md",
        words="counted",
        says="40 -> 64.*64 -> 61.*main: on_hand 61 -> 51.*north: on_hand 0 -> 10.*new location.*on_hand 61.*transfer",
    ),
    Pasted(
        page="docs/stock.md",
        words="ship-7",
        says="yard: quarantine, neither sells nor ships.*ship-7: on_hand 0 -> 100, reserved 0, available 0.*"
        "ship-7 +incoming +false +false +2027-03-01.*on_hand 161, reserved 0, available 59.*main: on_hand 49 -> 149",
    ),
    Pasted(page="docs/stock.md", words="--kept-back", says='available 5, kept back 5.*"unsellable": 7.*"kept_back": 5'),
    Pasted(page="docs/security.md", words="keys create root", says=r"(?:oms_[0-9a-f]{32}_[0-9a-f]{64}\n){3}"),
    Pasted(page="docs/api.md", words="cart-815", says='"on_hand":25.*"total":"25.00".*"available":'),
    Pasted(page="docs/api.md", words="cart-816", says='^HTTP/1.1 202.*"status":"queued"'),
    Pasted(
        page="docs/orders.md",
        words="cart-817",
        says='"status":"held".*"hold_extensions":1.*"status":"pending".*"payment_reference":"PAY-817"',
    ),
    Pasted(
        page="docs/orders.md",
        words="cart-820",
        says='"quantity":3.*"total":"37.50".*"total":"47.50".*"version":2.*"quantity":0.*"total":"10.00".*"version":3'
        '.*"reference":"WEB-820".*"gift":"yes".*"version":4'
        '.*"type":"order.placed".*"type":"order.changed".*only the gift',
    ),
    Pasted(
        page="docs/orders.md",
        words="cart-818",
        says='"order_status":"partly_shipped".*"order_status":"shipped".*"status":"delivered".*"items":.*00340434161094042',
    ),
    Pasted(
        page="docs/orders.md",
        words="cart-819",
        says='"disposition":"restock".*"disposition":"quarantine".*"order_status":"partly_returned".*"items":.*"RMA-17"',
    ),
    Pasted(
        page="docs/stock.md",
        words="PO-79",
        says='"on_hand":64.*"on_hand":61.*"on_hand":51.*"kept_back":2.*"name":"annex","kind":"quarantine".*"unsellable":2',
    ),
    Pasted(
        page="docs/orders.md",
        words="cart-821",
        says='"status":"pending".*"quantity":3.*"order_status":"partly_shipped".*"order_status":"shipped"'
        '.*"disposition":"discard".*"location":null.*"order_status":"partly_returned"'
        '.*"type":"order.held".*"type":"order.changed".*one more, by telephone.*"type":"order.partly_returned"',
    ),
    Pasted(page="docs/api.md", words="v1/inventory/export", says="^sku,quantity,location,name\n(?:.*\n)*WIDGET,"),
    Pasted(page="docs/security.md", words="oms.example", says='"items":'),
)
# So many of the last ask a service.
ASKING = 10
# Blocks whose last command goes on, with the words of its log that say it works.
SERVING = {
    ("docs/running.md", "OMS_DATABASE_URL=postgresql"): "http://127.0.0.1",
    ("docs/running.md", "OMS_QUEUE_URL=amqp"): "http://127.0.0.1",
    ("docs/running.md", "oms worker"): "orders to a batch",
    ("docs/running.md", "--tls-certificate"): "https://127.0.0.1",
}
# What other tests run, and where.
ELSEWHERE = {
    ("docs/citus.md", "csearch_path"): "tests/adapters/test_contracts_postgresql.py",
    ("docs/citus.md", "OMS_TEST_CITUS_URL"): "tests/adapters/test_contracts_postgresql.py",
    ("docs/deploying.md", "docker build"): "tests/deploy/test_image.py",
    ("docs/deploying.md", "docker compose"): "tests/deploy/test_compose.py",
    ("docs/deploying.md", "/opt/oms/bin/pip"): "tests/deploy/test_systemd.py",
    ("docs/deploying.md", "systemctl enable"): "tests/deploy/test_systemd.py",
    ("docs/deploying.md", "helm install"): "tests/deploy/test_chart.py",
    ("docs/queue.md", "docs/subscriber.py"): "tests/system/test_subscriber.py",
    ("docs/online-retail.md", "--clients 8"): "tests/system/online_retail/test_replay.py",
    ("docs/online-retail.md", "--workers 2"): "tests/system/online_retail/test_queued.py",
    ("docs/adapters.md", "--editable"): "tests/system/pages/test_programs.py",
}


@pytest.fixture(params=SHELLS)
def shell(request: pytest.FixtureRequest) -> str:
    return str(request.param)


def environment_with(**variables: str) -> dict[str, str]:
    """Give the developer's environment without his settings, with this Python's programs first in the path."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith("OMS_")}
    return kept | {"PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"} | variables


def test_every_block_that_ends_runs_as_it_stands_one_after_another(shell: str, tmp_path: Path) -> None:
    (tmp_path / "invoices.csv").write_text(INVOICES)
    program = Program(folder=tmp_path, database_url=f"sqlite:///{tmp_path}/oms.db")
    for pasted in ENDING[:-ASKING]:
        check(shell, pasted, tmp_path, {})
    with serving(program) as service:
        for pasted in ENDING[-ASKING:]:
            check(shell, pasted, tmp_path, addresses(service))


def addresses(service: Service) -> Mapping[str, str]:
    """Name the service that runs in the place of those on the pages."""
    return dict.fromkeys(("localhost:8080", "https://oms.example"), f"http://127.0.0.1:{service.port}")


def check(shell: str, pasted: Pasted, folder: Path, instead: Mapping[str, str]) -> None:
    """Paste a block, and look at what it says."""
    text = pasted.block.text
    for usual, ours in instead.items():
        text = text.replace(usual, ours)
    ran = paste(shell, text, folder=folder, environment=environment_with(API_KEY="none"))
    assert ran.returncode == 0, f"{text}{ran.stdout}{ran.stderr}"
    assert re.search(pasted.says, ran.stdout, re.DOTALL | re.IGNORECASE), ran.stdout
    assert not ran.stdout or ran.stdout.endswith("\n"), "it would meet the prompt"


@dataclass(frozen=True, slots=True, kw_only=True)
class Surroundings:
    """What a block that serves finds: settings from outside, and addresses in the place of the page's."""

    settings: dict[str, str] = field(default_factory=dict)
    instead: dict[str, str] = field(default_factory=dict)


@pytest.fixture
def surroundings(request: pytest.FixtureRequest, tmp_path: Path, unique_name: str) -> Callable[[str], Surroundings]:
    """Make what a block that serves needs: a database, a broker and Redis, or a certificate."""
    sqlite = f"sqlite:///{tmp_path}/oms.db"

    def make(words: str) -> Surroundings:
        if "postgresql" in words:
            url = request.getfixturevalue("postgresql_url")
            return Surroundings(instead={"postgresql://oms@127.0.0.1:5432/oms": url})
        if "tls" in words:
            certificate: Certificate = request.getfixturevalue("certificate")
            for given, name in ((certificate.path, "oms.crt"), (certificate.key, "oms.key")):
                (tmp_path / name).symlink_to(given)
            return Surroundings(settings={"OMS_DATABASE_URL": sqlite})
        broker, redis = request.getfixturevalue("rabbitmq_url"), request.getfixturevalue("redis_url")
        request.addfinalizer(RabbitmqVhost(broker, unique_name).delete_all)
        settings = {"OMS_DATABASE_URL": sqlite, "OMS_QUEUE_PREFIX": unique_name}
        if "worker" in words:
            url = request.getfixturevalue("postgresql_url")
            assert Program(folder=tmp_path, database_url=url).run("db", "upgrade").returncode == 0
            return Surroundings(settings=settings | {"OMS_DATABASE_URL": url, "OMS_QUEUE_URL": broker})
        return Surroundings(
            settings=settings,
            instead={"amqp://oms:secret@127.0.0.1:5672/oms": broker, "redis://127.0.0.1:6379/0": redis},
        )

    return make


@pytest.mark.parametrize(("page", "words"), SERVING)
def test_a_block_that_serves_runs_as_it_stands(
    shell: str, page: str, words: str, surroundings: Callable[[str], Surroundings], tmp_path: Path
) -> None:
    found, port = surroundings(words), free_port()
    text = block_with(page, "sh", words).text
    for usual, ours in found.instead.items():
        assert usual in text
        text = text.replace(usual, ours)
    environment = environment_with(OMS_PORT=str(port), **found.settings)
    with pasted_server(shell, text, folder=tmp_path, environment=environment) as log:
        wait_until(lambda: SERVING[page, words] in log.read_text(), SECONDS, f"{words} works: {log}")
        if words != "oms worker":
            assert_ready(port, secure="tls" in words)


def assert_ready(port: int, *, secure: bool) -> None:
    """Ask the service whether it can do its work."""
    context = ssl._create_unverified_context() if secure else None
    scheme = "https" if secure else "http"
    with urllib.request.urlopen(f"{scheme}://127.0.0.1:{port}/readyz", timeout=20, context=context) as answer:
        assert json.load(answer)["status"] == "ready"


def test_no_block_of_commands_is_left_unrun() -> None:
    pasted = {each.block for each in ENDING} | {block_with(*key[:1], "sh", key[1]) for key in SERVING}
    elsewhere = {block_with(page, "sh", words) for page, words in ELSEWHERE}
    assert all((ROOT / test).exists() for test in ELSEWHERE.values())
    for page in PAGES:
        for block in blocks_of(page):
            # The README has test_readme.py; install lines are what test_programs.py makes environments of.
            if block.language != "sh" or page == "README.md" or block.text.startswith("pip install "):
                continue
            if page == "CONTRIBUTING.md":
                assert re.fullmatch(r"make \w+\n", block.text)
                continue
            assert block in pasted | elsewhere, f"{page}: {block.text}"
