"""Requests as bytes on a connection, to `oms serve`: nearly HTTP, and what is nearly right within it."""

from __future__ import annotations

import re
import socket
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from urllib.parse import quote_from_bytes

from tests.bench.served import Served, served
from tests.fuzz.chance import Chance
from tests.fuzz.requests import Writer
from tests.fuzz.service import CANARY, SHOWN_NOTHING_OF_OTHERS, STAFF, Asked, add_large_orders, fuzzed
from tests.fuzz.tally import Tally

_ANSWER_SECONDS = 30.0
_BROKEN = 0.3
# Some hang up after the first bytes of an answer, which may be a large one.
_SIPPED, _SIP = 0.1, 100
_STATUS = re.compile(rb"HTTP/1\.1 (\d{3}) ")
_SAFE_IN_TARGETS = "/?&=%+,.:-_~!$'()*;@"


def send_raw(folder: Path, *, seed: str, requests: int) -> Tally:
    """Send requests to a service on SQLite, one connection each; some are broken as HTTP, and cut short."""
    tally, chance = Tally(), Chance(seed)
    url = f"sqlite:///{folder}/served.db"
    with ExitStack() as ending:
        filled = ending.enter_context(fuzzed(url))
        add_large_orders(filled.oms)
        service = ending.enter_context(served(folder, {"OMS_DATABASE_URL": url, "OMS_AUTH": "keys"}))
        writer = Writer(chance, filled)
        for _ in range(requests):
            asked = writer.request()
            sent, is_broken = _bytes(asked), chance.happens(_BROKEN)
            if is_broken:
                sent = chance.changed(sent, ways=4)
            tally.tried += 1
            answer = _answer(service, sent, is_last=is_broken, bytes_max=_SIP if chance.happens(_SIPPED) else None)
            tally.outcomes["no answer" if not answer else f"{answer[9:10].decode(errors='replace')}xx"] += 1
            caller = "" if is_broken else asked.caller
            tally.failures += [f"{sent[:2_000]!r} -> {fault}" for fault in _faults(caller, answer, is_broken=is_broken)]
        if service.ask("GET", "/healthz")[0] != 200:
            tally.failures.append("the service is not healthy afterwards")
        tally.failures += [f"the audit says {found}" for found in filled.oms.audit(caller=STAFF).discrepancies]
    log = (folder / "serve.log").read_text()
    if "Traceback" in log:
        tally.failures.append(f"the log has a traceback: {log[log.index('Traceback') :][:2_000]}")
    return tally


def _bytes(asked: Asked) -> bytes:
    """Write a request as HTTP/1.1, with the length that it has."""
    target = quote_from_bytes(asked.target, safe=_SAFE_IN_TARGETS)
    taken = {"content-length", "host", "transfer-encoding", "expect", "connection"}
    lines = [f"{asked.method} {target} HTTP/1.1".encode(), b"Host: 127.0.0.1", b"Connection: close"]
    lines += [name.encode() + b": " + value for name, value in asked.headers if name.lower() not in taken]
    lines.append(b"Content-Length: %d" % len(asked.body))
    return b"\r\n".join([*lines, b"", b""]) + asked.body


def _answer(service: Served, sent: bytes, *, is_last: bool, bytes_max: int | None) -> bytes | None:
    """Give all that comes back, or its beginning and hang up; None if the connection is not over in time.

    `is_last` says that nothing follows.
    """
    received = b""
    with socket.create_connection((service.host, service.port), timeout=_ANSWER_SECONDS) as connection:
        try:
            connection.sendall(sent)
            if is_last:
                connection.shutdown(socket.SHUT_WR)
            while (bytes_max is None or len(received) < bytes_max) and (part := connection.recv(65_536)):
                received += part
        except TimeoutError:
            return None
        except OSError:  # It was reset: the server need not read to the end what it refuses.
            return received
    return received


def _faults(caller: str, answer: bytes | None, *, is_broken: bool) -> Iterator[str]:
    if answer is None:
        yield f"it took more than {_ANSWER_SECONDS:g} s"
        return
    status = _STATUS.match(answer)
    if status is None:
        if answer or not is_broken:
            yield f"no answer, but {answer[:200]!r}"
    elif int(status[1]) >= 500:
        yield f"{answer[:500]!r}"
    if caller in SHOWN_NOTHING_OF_OTHERS and CANARY.encode() in answer:
        yield "it shows what is another customer's"
