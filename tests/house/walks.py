"""The walks whose rooms are counted, and how many rooms each may have; `python -m tests.house.walks` prints them."""

from __future__ import annotations

import argparse
import io
import json
import os
import shutil
import sqlite3
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import asdict, dataclass
from importlib.metadata import entry_points
from pathlib import Path
from typing import Any
from wsgiref.util import setup_testing_defaults

from tests.bench.brokers import own_names, rabbitmq_server
from tests.bench.postgresql import postgresql_server
from tests.house import architecture_page
from tests.house.rooms import Recorder, Room, Walk
from tests.services.unusable import ServerUnusable
from tests.services.waiting import wait_until
from tests.services.wheels import ROOT

SECONDS = 60.0
PROGRAM = Path(sys.executable).with_name("oms")
ORDER = {"customer_id": "C1", "lines": [{"sku": "WIDGET", "quantity": 1}]}
UNSETTLED = "SELECT (SELECT count(*) FROM orders WHERE status = 'queued') + (SELECT count(*) FROM outbox)"


@dataclass(frozen=True, slots=True, kw_only=True)
class Ground:
    """Where a walk goes: a folder of its own, a database from `prepare`, and a broker if it needs one."""

    folder: Path
    database_url: str
    queue_url: str = "memory://"
    queue_prefix: str = "oms"


class Service:
    """The application that `create_app` makes, asked without a server."""

    def __init__(self, app: Callable[..., Any]) -> None:
        self._app = app

    def ask(self, method: str, path: str, document: object, *, status: int, **headers: str) -> dict[str, Any]:
        """Send a document, and return the answer's; its status must be this one."""
        body = json.dumps(document).encode()
        environ = {f"HTTP_{name.upper()}": text for name, text in headers.items()} | {
            "REQUEST_METHOD": method,
            "PATH_INFO": path,
            "REMOTE_ADDR": "127.0.0.1",
            "CONTENT_TYPE": "application/json",
            "CONTENT_LENGTH": str(len(body)),
            "wsgi.input": io.BytesIO(body),
        }
        setup_testing_defaults(environ)
        statuses: list[str] = []
        answer = self._app(environ, lambda line, *_: statuses.append(line))
        text = b"".join(answer).decode()
        answer.close()
        assert statuses[0].startswith(str(status)), f"{statuses[0]}: {text}"
        return dict(json.loads(text))

    def place(self) -> str:
        """Place an order, and return its id."""
        return str(self.ask("POST", "/v1/orders", ORDER, status=201)["id"])


def place_order(ground: Ground, recorder: Recorder) -> Walk:
    with _served(ground) as service:
        service.place()
        return recorder.shortest(service.place)


def change_status(ground: Ground, recorder: Recorder) -> Walk:
    with _served(ground) as service:
        ids = [service.place() for _ in range(10)]

        def ship() -> None:
            service.ask("PUT", f"/v1/orders/{ids.pop()}/status", {"status": "shipped"}, status=200)

        ship()
        return recorder.shortest(ship)


def order_to_event(ground: Ground, recorder: Recorder) -> Walk:
    """From POST until the order is placed and its events are published; a broker and a worker on threads of ours."""
    with _served(ground, works=True) as service, sqlite3.connect(ground.database_url[len("sqlite:///") :]) as database:

        def order_and_wait() -> None:
            service.ask("POST", "/v1/orders", ORDER, status=202, prefer="respond-async")
            wait_until(lambda: database.execute(UNSETTLED).fetchone() == (0,), SECONDS, "events are published")

        order_and_wait()
        return recorder.shortest(order_and_wait)


def set_stock(ground: Ground, recorder: Recorder) -> Walk:
    return recorder.walk(_command(ground, "inventory", "set", "WIDGET", "25"))


def import_stock_row(ground: Ground, recorder: Recorder) -> Walk:
    (ground.folder / "stock.csv").write_text("sku,quantity\nWIDGET,25\n")
    return recorder.walk(_command(ground, "inventory", "import", "stock.csv"))


def open_oms(ground: Ground, recorder: Recorder) -> Walk:
    from oms_core import Oms, Settings

    settings = Settings(database_url=ground.database_url)
    with ExitStack() as ending:
        return recorder.walk(lambda: ending.enter_context(Oms.open(settings)))


@dataclass(frozen=True, slots=True, kw_only=True)
class Route:
    """A walk, and the rooms that it may have at most."""

    walk: Callable[[Ground, Recorder], Walk]
    rooms_max: int
    database: str = "sqlite"
    needs_broker: bool = False


# Orders pass two rooms more than they need: call_batches.py, where they are handed in to a shared thread, and
# direct_routes.py, which spares them Flask's contexts. A command's group registers its commands within the walk, since
# it is loaded when it is asked for. An act on an order asks which locations do not ship, and whoever writes a level
# locks its location: a room each. Rows that are written for many orders at once have theirs.
ROUTES: dict[str, Route] = {
    "place-order": Route(walk=place_order, rooms_max=34),
    "place-order-postgresql": Route(walk=place_order, rooms_max=37, database="postgresql"),
    "change-status": Route(walk=change_status, rooms_max=29),
    "order-to-event": Route(walk=order_to_event, rooms_max=62, needs_broker=True),
    "set-stock": Route(walk=set_stock, rooms_max=37),
    "import-stock-row": Route(walk=import_stock_row, rooms_max=46),
    "open": Route(walk=open_oms, rooms_max=10),
}


def prepare(database_url: str) -> None:
    """Make a database that a walk can use: of the present schema, with something in stock."""
    for command in (["db", "upgrade"], ["inventory", "set", "WIDGET", "1000"]):
        _run([str(PROGRAM), *command], ROOT, {"OMS_DATABASE_URL": database_url})


def sqlite_copy(prepared: Path, folder: Path) -> str:
    """Copy a prepared file; return the copy's URL."""
    return f"sqlite:///{shutil.copy(prepared, folder / 'oms.db')}"


def walk(name: str, ground: Ground, variables: Mapping[str, str] | None = None) -> Walk:
    """Take a walk in a process of its own, which has loaded nothing else."""
    recorded = ground.folder / "walk.json"
    given = json.dumps({"name": name, "recorded": str(recorded), "ground": asdict(ground)}, default=str)
    command = [
        sys.executable,
        "-c",
        "import sys; from tests.house.walks import walk_here; walk_here(sys.argv[1])",
        given,
    ]
    _run(command, ground.folder, {"OMS_DATABASE_URL": ground.database_url, **(variables or {})})
    told = json.loads(recorded.read_text())
    return Walk(entered=[Room(**room) for room in told["entered"]], files_loaded=told["files_loaded"])


def walk_here(given: str) -> None:
    """Take a walk in this process, and write it down as `walk` has asked for it."""
    task = json.loads(given)
    ground = Ground(**task["ground"] | {"folder": Path(task["ground"]["folder"])})
    recorder = Recorder()
    with recorder.listening():
        taken = ROUTES[task["name"]].walk(ground, recorder)
    Path(task["recorded"]).write_text(json.dumps(asdict(taken)))


def complaint(walk: Walk, rooms_max: int) -> str:
    """Say that a walk is too long, with its rooms; nothing where it is not."""
    if len(walk.rooms) <= rooms_max:
        return ""
    advice = "shorten it, or raise the number and say in the commit which room is new and why it is one"
    return f"more than {rooms_max} rooms: {advice}\n{walk.shown()}"


@contextmanager
def _served(ground: Ground, *, works: bool = False) -> Iterator[Service]:
    from oms_core import Oms, Settings
    from oms_http.app import create_app

    settings = Settings(database_url=ground.database_url, queue_url=ground.queue_url, queue_prefix=ground.queue_prefix)
    with Oms.open(settings) as oms:
        if works:
            oms.start_worker()
        yield Service(create_app(oms))


def _command(ground: Ground, *args: str) -> Callable[[], None]:
    """Return a call of the program's `main`, as its script makes it."""
    (program,) = entry_points(group="console_scripts", name="oms")
    main = program.load()

    def run() -> None:
        sys.argv = ["oms", *args]
        try:
            main()
        except SystemExit as ended:
            if ended.code:
                raise

    return run


def _run(command: list[str], folder: Path, variables: Mapping[str, str]) -> None:
    kept = {name: value for name, value in os.environ.items() if not name.startswith("OMS_")}
    ran = subprocess.run(command, cwd=folder, env={**kept, **variables}, capture_output=True, text=True, check=False)
    assert ran.returncode == 0, ran.stdout + ran.stderr


@contextmanager
def _ground(route: Route, folder: Path, sqlite: Path) -> Iterator[Ground]:
    """Lay out what a walk needs; `sqlite` is a prepared file to copy. Raises ServerUnusable."""
    folder.mkdir()
    with ExitStack() as ending:
        if route.database == "postgresql":
            url = ending.enter_context(ending.enter_context(postgresql_server()).database())
            prepare(url)
        else:
            url = sqlite_copy(sqlite, folder)
        if not route.needs_broker:
            yield Ground(folder=folder, database_url=url)
            return
        broker = ending.enter_context(own_names(ending.enter_context(rabbitmq_server()), url))
        yield Ground(folder=folder, database_url=url, queue_url=broker.url, queue_prefix=broker.prefix)


def main(args: Sequence[str] | None = None) -> None:
    """Print walks."""
    parser = argparse.ArgumentParser(description="Print the rooms of walks in their order, and their number.")
    parser.add_argument("--entries", action="store_true", help="every function, and the rooms that are made in vain")
    parser.add_argument("--page", action="store_true", help="put all of them on docs/architecture.md")
    parser.add_argument("walks", nargs="*", metavar="WALK", help=f"of {', '.join(ROUTES)}; by default all")
    given = parser.parse_args(args)
    tables = []
    with tempfile.TemporaryDirectory() as top:
        prepared = Path(top, "prepared.db")
        prepare(f"sqlite:///{prepared}")
        for name in given.walks or ROUTES:
            try:
                with _ground(ROUTES[name], Path(top, name), prepared) as ground:
                    walked = walk(name, ground)
                tables.append(architecture_page.drawn(name, walked, ROUTES[name].rooms_max))
                print(f"{name} (at most {ROUTES[name].rooms_max}): {walked.shown(entries=given.entries)}\n")
            except ServerUnusable as error:
                print(f"{name}: not walked: {error}\n")
    if given.page and len(tables) == len(ROUTES):
        architecture_page.write(tables)


if __name__ == "__main__":
    main()
