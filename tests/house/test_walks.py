"""No walk has more rooms than the table says, and a room that is added is counted."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from importlib import import_module
from pathlib import Path
from threading import Thread

import pytest

from tests.adapters.rabbitmq_broker import RabbitmqVhost
from tests.house.architecture_page import PAGE, rooms_on_page
from tests.house.rooms import Recorder
from tests.house.walks import ROUTES, Ground, complaint, prepare, sqlite_copy, walk
from tests.services.run import Run

# A storage of a stranger's, which hands on to ours: one more file on every walk that opens the database.
PLANTED = """
from importlib.metadata import entry_points

def open_storage(url, options):
    (ours,) = entry_points(group="oms.storage", name="sqlite")
    return ours.load()(url.replace("planted", "sqlite", 1), options)
"""
BOX = """
class Box:
    def __init__(self):
        self.held = []

    def put(self, thing):
        self.held.append(thing)

Box().put("what is there from the start")
"""


@pytest.fixture(scope="session")
def prepared(test_run: Run) -> Path:
    """A SQLite file that every walk gets a copy of."""

    def make() -> str:
        path = test_run.new_folder("walks") / "prepared.db"
        prepare(f"sqlite:///{path}")
        return str(path)

    return Path(test_run.once("walks", make))


@pytest.fixture
def ground(request: pytest.FixtureRequest, tmp_path: Path, prepared: Path) -> Iterator[Callable[[str], Ground]]:
    """Lay out what a walk needs."""
    with ExitStack() as ending:

        def lay(name: str) -> Ground:
            if ROUTES[name].database == "postgresql":
                url = request.getfixturevalue("postgresql_url")
                prepare(url)
            else:
                url = sqlite_copy(prepared, tmp_path)
            if not ROUTES[name].needs_broker:
                return Ground(folder=tmp_path, database_url=url)
            broker = RabbitmqVhost(request.getfixturevalue("rabbitmq_url"), request.getfixturevalue("unique_name"))
            ending.callback(broker.delete_all)
            return Ground(folder=tmp_path, database_url=url, queue_url=broker.url, queue_prefix=broker.prefix)

        yield lay


@pytest.mark.parametrize("name", ROUTES)
def test_a_walk_has_no_more_rooms_than_the_table_says(name: str, ground: Callable[[str], Ground]) -> None:
    walked = walk(name, ground(name))
    assert not complaint(walked, ROUTES[name].rooms_max)
    assert any(room.path.startswith("oms_peewee/") for room in walked.rooms), "it did not come to the database"
    page = rooms_on_page(name, PAGE.read_text(encoding="utf-8"))
    assert set(page) == {room.path for room in walked.rooms}, "run `python -m tests.house.walks --page`"


def test_a_room_that_is_added_is_counted_and_complained_about(ground: Callable[[str], Ground]) -> None:
    (package := ground("open").folder / "planted" / "oms_planted").mkdir(parents=True)
    (package / "__init__.py").write_text(PLANTED)
    (information := package.parent / "oms_planted-1.dist-info").mkdir()
    (information / "METADATA").write_text("Metadata-Version: 2.1\nName: oms-planted\nVersion: 1\n")
    (information / "entry_points.txt").write_text("[oms.storage]\nplanted = oms_planted:open_storage\n")
    plain = ground("open")
    planted = Ground(folder=plain.folder, database_url=plain.database_url.replace("sqlite", "planted", 1))
    fewer = walk("open", plain)
    more = walk("open", planted, {"PYTHONPATH": str(package.parent)})
    new = {room.path for room in more.rooms} - {room.path for room in fewer.rooms}
    assert (new, len(more.rooms)) == ({"oms_planted/__init__.py"}, len(fewer.rooms) + 1)
    assert not complaint(fewer, len(fewer.rooms))
    assert "oms_planted/__init__.py" in complaint(more, len(fewer.rooms))


@pytest.fixture
def boxes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Two modules of one text, which are not loaded yet."""
    (package := tmp_path / "oms_planted").mkdir()
    for name in ("one", "two"):
        (package / f"{name}.py").write_text(BOX)
    monkeypatch.syspath_prepend(tmp_path)
    for name in ("oms_planted", *(modules := ["oms_planted.one", "oms_planted.two"])):
        monkeypatch.delitem(sys.modules, name, raising=False)
    return modules


def test_a_room_is_entered_by_calls_on_any_thread_and_not_by_loading_it(boxes: list[str]) -> None:
    recorder, loaded = Recorder(), []
    with recorder.listening():
        loading = recorder.walk(lambda: loaded.extend(map(import_module, boxes)))
        one, two = (module.Box for module in loaded)

        def work() -> None:
            one().put("this")
            thread = Thread(target=two)
            thread.start()
            thread.join()

        working = recorder.walk(work)
    assert not loading.entered
    assert [room.path for room in working.entered] == ["oms_planted/one.py", "oms_planted/two.py"]
    assert [room.calls for room in working.entered] == [{"Box.__init__": 1, "Box.put": 1}, {"Box.__init__": 1}]
    assert [room.path for room in working.unused] == ["oms_planted/two.py"]
