"""A PostgreSQL primary and a synchronous standby of it, which a test may kill, freeze and promote."""

from __future__ import annotations

from urllib.parse import urlsplit

from tests.services.postgresql import DURABILITY_OFF, PrivatePostgresql, connected
from tests.services.run import Run
from tests.services.unusable import ServerUnusable
from tests.services.waiting import wait_until

FOLLOWING_SECONDS = 30
PROMOTION_SECONDS = 30
_FOLLOWERS = "SELECT count(*) FROM pg_stat_replication WHERE sync_state = 'sync'"
_IS_STANDBY = "SELECT pg_is_in_recovery()"
SYNCHRONOUS = {**DURABILITY_OFF, "synchronous_standby_names": "*"}


class PostgresqlPair:
    """Two servers at addresses of their own; each COMMIT of the first waits for the second."""

    def __init__(self, run: Run) -> None:
        """Make both; nothing runs yet. Raises ServerUnusable."""
        self.primary = PrivatePostgresql(run, settings=SYNCHRONOUS)
        self.standby = PrivatePostgresql(run, standby_of=self.primary)

    @property
    def url(self) -> str:
        """A URL of both, the primary first, that leads to the one that can be written to."""
        places = ",".join(urlsplit(each.url).netloc.partition("@")[2] for each in (self.primary, self.standby))
        return f"postgresql://postgres@{places}/postgres?target_session_attrs=read-write"

    def start(self) -> None:
        """Start both, and wait until the standby follows. Raises ServerUnusable."""
        self.primary.start()
        self.standby.start()
        wait_until(lambda: ask(self.primary.url, _FOLLOWERS) == 1, FOLLOWING_SECONDS, "the standby follows")

    def promote(self) -> None:
        """Make the standby a primary that has no standby, and wait until it is one."""
        ask(self.standby.url, "SELECT pg_promote(wait => false)")
        wait_until(lambda: not ask(self.standby.url, _IS_STANDBY), PROMOTION_SECONDS, "the standby is promoted")

    def discard(self) -> None:
        """Stop both for good."""
        for server in (self.standby, self.primary):
            server.discard()


def ask(url: str, sql: str) -> object:
    """Ask one server for one value. Raises ServerUnusable."""
    with connected(url) as connection, connection.cursor() as cursor:
        cursor.execute(sql)
        row = cursor.fetchone()
    if row is None:
        raise ServerUnusable(f"no answer to {sql}")
    return row[0]
