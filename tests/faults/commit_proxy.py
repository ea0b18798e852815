"""A TCP proxy in front of PostgreSQL, which loses a COMMIT or its answer when it is told to."""

from __future__ import annotations

import re
import select
import socket
import threading
from collections.abc import Callable
from contextlib import suppress
from enum import Enum
from urllib.parse import urlsplit, urlunsplit

CHUNK_BYTES = 65_536
COMMIT = b"COMMIT\x00"  # The end of the simple query that psycopg2 sends.
WHOLE = b"EXECUTE queue_orders "  # The beginning of one that is a whole transaction.
HEAD_BYTES = 5
STANDARD_PORT = 5432
LOOPBACK = "127.0.0.1"

# A statement that writes or locks what it may write, by its text or by the name it was prepared under. Who looks at the
# queue passes over what is locked, and has nothing to lose.
WRITE = re.compile(
    rb"INSERT|DELETE|COPY|UPDATE(?! SKIP LOCKED)|EXECUTE (hold|insert|lock|move|place|queue|reject|reserve)_"
)
PLACING = re.compile(rb"EXECUTE place_orders")


def commits(received: bytes) -> bool:
    """Return whether a message of the client ends a transaction."""
    return COMMIT in received or received.startswith(WHOLE, HEAD_BYTES)


class Fate(Enum):
    """What is lost: the COMMIT on its way to the server, which rolls back, or the answer on its way back.

    A late COMMIT is one that the client takes for lost, and that arrives after all while it looks.
    """

    COMMIT = "commit"
    ANSWER = "answer"
    LATE = "late"


class CommitProxy:
    """Passes everything on, but for the one COMMIT that was given a fate: it breaks that connection."""

    def __init__(self, url: str) -> None:
        parts = urlsplit(url)
        self._server = (parts.hostname or LOOPBACK, parts.port or STANDARD_PORT)
        self._listener = socket.create_server((LOOPBACK, 0))
        user = parts.netloc.rpartition("@")[0]
        netloc = f"{user}@{LOOPBACK}:{self._listener.getsockname()[1]}"
        query = "&".join(filter(None, [parts.query, "sslmode=disable&gssencmode=disable"]))
        self.url = urlunsplit(parts._replace(netloc=netloc, query=query))
        self.losses = 0
        self.met = threading.Event()  # Whatever was to become of a COMMIT has become of it.
        self._fate: Fate | None = None
        self._of = WRITE
        self._then: Callable[[], object] | None = None
        self._goes_down = False
        self._is_down = False
        threading.Thread(target=self._accept, name="proxy", daemon=True).start()

    def lose_next(
        self,
        fate: Fate,
        *,
        of: re.Pattern[bytes] = WRITE,
        then_go_down: bool = False,
        then: Callable[[], object] | None = None,
    ) -> None:
        """Lose the next COMMIT or its answer, and perhaps refuse connections from then on.

        Only a transaction that sends what is `of` this pattern is meant: who looks at the queue every few seconds ends
        transactions too, and nothing is lost with those. `then` runs before the client finds its connection broken; a
        late COMMIT arrives after it.
        """
        self._goes_down = then_go_down
        self._then = then
        self._of = of
        self._fate = fate

    def go_down(self) -> None:
        """Refuse connections from now on."""
        self._is_down = True

    def come_up(self) -> None:
        """Take connections again."""
        self._is_down = False

    def close(self) -> None:
        """Take no more connections, ever."""
        self._listener.close()

    def _accept(self) -> None:
        with suppress(OSError):
            while True:
                client, _ = self._listener.accept()
                if self._is_down:
                    client.close()
                else:
                    threading.Thread(target=self._serve, args=(client,), name="proxy", daemon=True).start()

    def _serve(self, client: socket.socket) -> None:
        with client, socket.create_connection(self._server) as server, suppress(OSError):
            is_meant = False
            while True:
                for source in select.select([client, server], [], [])[0]:
                    received = source.recv(CHUNK_BYTES)
                    if not received:
                        return
                    if source is client:
                        is_before = is_meant and b"BEGIN" not in received
                        is_meant = is_before or self._of.search(received) is not None
                        if is_meant and commits(received) and self._fate is not None:
                            self._meet_fate(received, client, server)
                            return
                    (server if source is client else client).sendall(received)

    def _meet_fate(self, received: bytes, client: socket.socket, server: socket.socket) -> None:
        fate, self._fate = self._fate, None
        self.losses += 1
        self._is_down = self._goes_down
        if fate is Fate.LATE:
            client.close()
        if fate is Fate.ANSWER:
            server.sendall(received)
            server.recv(CHUNK_BYTES)  # It has happened, and nobody hears of it.
        if self._then is not None:
            self._then()
        if fate is Fate.LATE:
            server.sendall(received)
            server.recv(CHUNK_BYTES)
        self.met.set()
