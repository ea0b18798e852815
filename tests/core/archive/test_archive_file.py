"""The file of an archive: whatever a run left unfinished is cut off, and whatever is whole is read."""

from __future__ import annotations

import gzip
from collections.abc import Callable
from pathlib import Path

import pytest

from oms_core.errors import OmsError
from oms_core.use_cases.archive import archive_file
from oms_core.use_cases.archive.archive_file import appending, documents_of

ID = "0197a3b0-0000-7000-8000-00000000000{}"


def line(number: int) -> bytes:
    """Give the line of an order."""
    return b'{"order":{"id":"%s","version":1},"movements":[],"events":[]}' % ID.format(number).encode()


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """An archive of two batches: of two orders, and of one."""
    path = tmp_path / "orders.jsonl.gz"
    with appending(path) as file:
        assert file.last == []
        file.append([line(1), line(2)])
        file.append([line(3)])
    return path


def ids(path: Path) -> list[str]:
    return [str(document.id)[-1] for document in documents_of(path)]


def test_what_was_appended_is_read_in_its_order(path: Path) -> None:
    assert ids(path) == ["1", "2", "3"]
    assert gzip.decompress(path.read_bytes()).count(b"\n") == 4, "any gzip reads it, its first line names the format"


def test_a_further_run_goes_on_and_knows_the_last_batch(path: Path) -> None:
    with appending(path) as file:
        assert [str(document.id)[-1] for document in file.last] == ["3"]
        file.append([line(4)])
    assert ids(path) == ["1", "2", "3", "4"]


def test_an_unfinished_batch_is_cut_off_wherever_it_ends(path: Path) -> None:
    before = path.read_bytes()
    with appending(path) as file:
        file.append([line(4), line(5)])
    whole = path.read_bytes()
    for end in range(len(before), len(whole)):
        path.write_bytes(whole[:end])
        assert ids(path) == ["1", "2", "3"]
        with appending(path) as file:
            assert [str(document.id)[-1] for document in file.last] == ["3"]
        assert path.read_bytes() == before


def test_a_batch_larger_than_what_is_read_at_once_is_whole(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for size in (1, 2, 7, 64):
        monkeypatch.setattr(archive_file, "_CHUNK_BYTES", size)
        assert ids(path) == ["1", "2", "3"]


def flip(content: bytes) -> bytes:
    """Change a byte in the middle."""
    middle = len(content) // 2
    return content[:middle] + bytes([content[middle] ^ 255]) + content[middle + 1 :]


DAMAGES: dict[str, Callable[[bytes], bytes]] = {
    "a table": lambda _: b"sku,quantity\n",
    "another archive": lambda _: gzip.compress(b'{"archive": "another"}\n', mtime=0),
    "nothing in gzip": lambda _: gzip.compress(b"", mtime=0),
    "no whole beginning": lambda content: content[:10],
    "no beginning": lambda content: content[3:],
    "an end that is not gzip": lambda content: content + b"more",
    "lines that are no orders": lambda content: content + gzip.compress(b"{}\n", mtime=0) + content[:1],
    "a byte changed": flip,
}


@pytest.mark.parametrize("damage", DAMAGES)
def test_what_is_no_archive_or_damaged_is_refused_and_never_written(path: Path, damage: str) -> None:
    content = DAMAGES[damage](path.read_bytes())
    path.write_bytes(content)
    for use in (lambda: list(documents_of(path)), lambda: appending(path).__enter__()):
        with pytest.raises(OmsError, match="is not an archive of orders, or damaged"):
            use()  # type: ignore[no-untyped-call]
    assert path.read_bytes() == content


def test_two_runs_do_not_append_to_one_file(path: Path) -> None:
    with appending(path), pytest.raises(OmsError, match="another run appends to it"), appending(path):
        pass


def test_a_batch_that_does_not_stand_as_written_is_an_error(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(archive_file.gzip, "decompress", lambda _: b"something else")
    with pytest.raises(OmsError, match="does not have what was written to it"), appending(path) as file:
        file.append([line(4)])
