"""What the server makes of an application's answer: the rules of PEP 3333, without a network."""

from __future__ import annotations

import io
import json
import logging
import mmap
import sys
import tempfile
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import IO, Any

import pytest

from oms_http.edge.answer_headers import PLAIN
from oms_http.server.answer_room import AnswerRoom, AnswerShare
from oms_http.server.answers import MEMORY_BYTES_MAX, Answer, FileAnswer, WsgiRunner
from oms_http.server.options import ServerOptions

TEXT = [("Content-Type", "text/plain")]
BYTES_MAX = 10 * MEMORY_BYTES_MAX


def room_of(places: int = 4) -> AnswerRoom:
    return AnswerRoom(places=places, bytes_max=BYTES_MAX, wait_seconds=0)


def answer_of(app: Any, *, method: str = "GET", room: AnswerRoom | None = None) -> Answer:
    runner = WsgiRunner(app=app, answer_headers=PLAIN, room=room or room_of(), bytes_max=BYTES_MAX)
    environ = {"REQUEST_METHOD": method, "PATH_INFO": "/", "oms.request_id": "id-1", "wsgi.url_scheme": "http"}
    return runner(environ)


def answering(pieces: Iterable[bytes], headers: list[tuple[str, str]] = TEXT, status: str = "200 OK") -> Any:
    def app(environ: dict[str, Any], start_response: Any) -> Iterable[bytes]:
        start_response(status, headers)
        return pieces

    return app


class Closing:
    """An iterable that tells whether it was closed."""

    def __init__(self, pieces: Iterable[bytes]) -> None:
        self.pieces = pieces
        self.closed = 0

    def __iter__(self) -> Iterator[bytes]:
        return iter(self.pieces)

    def close(self) -> None:
        self.closed += 1


def failing() -> Iterator[bytes]:
    yield b"begun"
    raise SystemExit("not even this ends the thread")


def test_the_pieces_are_joined_and_the_id_is_added() -> None:
    answer = answer_of(answering([b"a", b"", b"b"]))
    assert (answer.status, answer.body) == (200, b"ab")
    assert answer.headers == [("server", "oms"), *TEXT, ("x-request-id", "id-1")]


def test_the_applications_own_request_id_stays() -> None:
    answer = answer_of(answering([], [("X-Request-ID", "mine")]))
    assert answer.headers == [("server", "oms"), ("X-Request-ID", "mine")]


@pytest.mark.parametrize("header", ["Connection", "Transfer-Encoding", "Server", "keep-alive"])
def test_headers_that_are_the_servers_business_are_left_out(header: str) -> None:
    assert header not in dict(answer_of(answering([b"x"], [(header, "chunked")])).headers)


@pytest.mark.parametrize("pieces", [[b"a"], failing()])
def test_the_iterable_is_closed_once_whatever_happens(pieces: Iterable[bytes]) -> None:
    iterable = Closing(pieces)
    answer_of(answering(iterable))
    assert iterable.closed == 1


def test_what_is_written_comes_before_what_is_returned() -> None:
    def app(environ: dict[str, Any], start_response: Any) -> list[bytes]:
        write = start_response("200 OK", TEXT)
        write(b"first ")
        return [b"second"]

    assert answer_of(app).body == b"first second"


def test_a_generator_may_start_the_response_late() -> None:
    def app(environ: dict[str, Any], start_response: Any) -> Iterator[bytes]:
        start_response("404 Not Found", TEXT)
        yield b"late"

    assert answer_of(app)[::2] == (404, b"late")


def test_a_second_start_with_exc_info_replaces_the_first() -> None:
    def app(environ: dict[str, Any], start_response: Any) -> list[bytes]:
        start_response("200 OK", TEXT)
        try:
            raise ValueError("too late")
        except ValueError:
            start_response("503 Service Unavailable", TEXT, sys.exc_info())
        return [b"sorry"]

    assert answer_of(app)[::2] == (503, b"sorry")


def start_twice(environ: dict[str, Any], start_response: Any) -> list[bytes]:
    start_response("200 OK", TEXT)
    start_response("200 OK", TEXT)
    return []


@pytest.mark.parametrize(
    "app",
    [
        pytest.param(start_twice, id="started twice"),
        pytest.param(lambda environ, start_response: [b"x"], id="never started"),
        pytest.param(answering([], status="100 Continue"), id="no final status"),
        pytest.param(answering([b"abc"], [("Content-Length", "5")]), id="shorter than its length"),
        pytest.param(answering([b"abcdef"], [("Content-Length", "5")]), id="longer than its length"),
        pytest.param(answering(failing()), id="SystemExit"),
        pytest.param(answering([b"x" * MEMORY_BYTES_MAX] * 11), id="larger than any may be"),
    ],
)
def test_a_broken_answer_is_a_500_and_logged(app: Any, caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.ERROR):
        answer = answer_of(app)
    assert answer.status == 500
    assert code_of(answer) == "internal_error"
    assert "GET / failed, request id-1" in caplog.text
    assert "Traceback" in caplog.text


@pytest.mark.parametrize(("method", "status"), [("HEAD", "200 OK"), ("GET", "304 Not Modified")])
def test_an_answer_without_a_body_may_announce_the_length_of_one(method: str, status: str) -> None:
    answer = answer_of(answering([], [("Content-Length", "5")], status), method=method)
    assert answer.body == b""
    assert (("Content-Length", "5") in answer.headers) == (method == "HEAD")


def code_of(answer: Answer) -> str:
    return str(json.loads(answer.body)["code"])


LARGE = b"x" * (MEMORY_BYTES_MAX + 1)


def test_a_large_answer_takes_its_share_of_the_room_and_a_small_one_none() -> None:
    room = room_of(places=1)
    share = answer_of(answering([LARGE, b"y"]), room=room).share
    assert share == AnswerShare(owner=None, size=len(LARGE) + 1, room=room)
    assert answer_of(answering([LARGE[:-1]])).share is None


def test_a_large_answer_is_its_callers() -> None:
    def app(environ: dict[str, Any], start_response: Any) -> list[bytes]:
        environ["oms.caller"] = "name:shop"
        start_response("200 OK", TEXT)
        return [LARGE]

    share = answer_of(app).share
    assert share is not None
    assert share.owner == "name:shop"


@pytest.mark.parametrize(("method", "code"), [("GET", "overloaded"), ("POST", "outcome_unknown")])
def test_a_large_answer_without_room_is_no_failure_and_says_what_may_have_happened(method: str, code: str) -> None:
    room = room_of(places=1)
    assert answer_of(answering([LARGE]), room=room).status == 200
    answer = answer_of(answering([LARGE]), method=method, room=room)
    assert (answer.status, code_of(answer), dict(answer.headers)["retry-after"]) == (503, code, "1")
    assert answer_of(answering([b"small"]), method=method, room=room).status == 200


def test_a_large_answer_that_breaks_takes_no_room() -> None:
    room = room_of(places=1)
    assert answer_of(answering([LARGE], [("Content-Length", "5")]), room=room).status == 500
    assert answer_of(answering([LARGE]), room=room).status == 200


def wrapping(file: IO[bytes]) -> Any:
    def app(environ: dict[str, Any], start_response: Any) -> Iterable[bytes]:
        start_response("200 OK", TEXT)
        return FileAnswer(file)

    return app


def test_what_is_always_there_takes_no_room_and_is_not_copied() -> None:
    room = room_of(places=1)
    assert answer_of(answering([LARGE]), room=room).share is not None
    answer = answer_of(wrapping(io.BytesIO(LARGE)), room=room)
    assert answer.body is LARGE
    assert answer.share is None


def test_a_file_of_the_disk_is_closed(tmp_path: Path) -> None:
    path = tmp_path / "large"
    path.write_bytes(LARGE)
    file = path.open("rb")
    assert bytes(answer_of(wrapping(file)).body) == LARGE
    assert file.closed


def test_a_large_file_of_the_disk_is_mapped_and_takes_a_place_of_its_own_room() -> None:
    files, room = room_of(places=1), room_of(places=1)
    runner = WsgiRunner(app=wrapping_new, answer_headers=PLAIN, room=room, bytes_max=10, file_room=files)
    environ = {"REQUEST_METHOD": "GET", "PATH_INFO": "/", "oms.request_id": "id-1", "wsgi.url_scheme": "http"}
    answer = runner(environ)
    assert isinstance(answer.body, mmap.mmap)
    assert bytes(answer.body) == LARGE
    assert answer.share == AnswerShare(owner=None, size=len(LARGE), room=files)
    assert code_of(runner(environ)) == "overloaded"
    files.give_back(answer.share)
    assert runner(environ).status == 200


def wrapping_new(environ: dict[str, Any], start_response: Any) -> Iterable[bytes]:
    file = tempfile.TemporaryFile()  # noqa: SIM115  The answer closes it.
    file.write(LARGE)
    file.seek(0)
    return wrapping(file)(environ, start_response)  # type: ignore[no-any-return]


@pytest.mark.parametrize("content", [b"", b"small"])
def test_a_small_file_of_the_disk_is_an_answer_like_any_other(content: bytes) -> None:
    file = tempfile.TemporaryFile()  # noqa: SIM115  The answer closes it.
    file.write(content)
    answer = answer_of(wrapping(file), room=room_of(places=0))
    assert (answer.status, answer.body, answer.share) == (200, content, None)


def test_a_static_file_may_be_read_like_any_other_iterable() -> None:
    assert b"".join(FileAnswer(io.BytesIO(b"abc"), 2)) == b"abc"


@pytest.mark.parametrize(
    "wrong", [{"threads": 0}, {"processes": 0}, {"threads": 32, "in_flight_max": 31}, {"head_bytes_max": 100}]
)
def test_options_that_no_server_can_run_with_are_refused_by_name(wrong: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match=list(wrong)[-1]):
        ServerOptions(**wrong)
