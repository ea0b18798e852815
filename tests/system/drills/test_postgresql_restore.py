"""docs/production/backup.md, PostgreSQL: a mistake is undone by a restore to the moment before it."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest

from tests.cli.programs import Program
from tests.cli.serving import serving
from tests.services.plugin import do_without
from tests.services.postgresql import connected
from tests.services.run import Run
from tests.services.unusable import ServerUnusable
from tests.system.drills.archiving import ArchivingPostgresql, RestoredPostgresql
from tests.system.drills.books import books_agree, open_shop, orders_in
from tests.system.drills.buyers import HttpBuyer, buying


@pytest.fixture
def ending() -> Iterator[ExitStack]:
    """What is to be done when the test is over."""
    with ExitStack() as stack:
        yield stack


@pytest.fixture
def primary(test_run: Run, ending: ExitStack) -> ArchivingPostgresql:
    """A server with an archive."""
    try:
        server = ArchivingPostgresql(test_run)
        ending.callback(server.discard)
        server.start()
    except ServerUnusable as error:
        do_without(f"NO PRIVATE POSTGRESQL: {error}")
    return server


def test_every_order_before_the_mistake_is_there_and_none_after_it(
    primary: ArchivingPostgresql, ending: ExitStack, test_run: Run, tmp_path: Path
) -> None:
    shop = Program(folder=tmp_path, database_url=primary.url)
    open_shop(shop)
    with serving(shop) as service:
        buyers = [HttpBuyer(service.port, keeps_connection=True) for _ in range(4)]
        with buying(*buyers) as purchases:
            purchases.wait_for_more(20)
            primary.back_up(tmp_path / "backup")
            purchases.wait_for_more(20)
            before_the_mistake = time.time()
            purchases.wait_for_more(20)
            forget_the_ledger(primary.url)
            purchases.wait_for_more(20)
    assert not purchases.failures
    assert not books_agree(shop), "the audit finds what happened"
    primary.archive_all()
    primary.kill()

    until = datetime.fromtimestamp(before_the_mistake, UTC)
    restored = RestoredPostgresql(test_run, backup=tmp_path / "backup", archive=primary.archive, until=until)
    ending.callback(restored.discard)
    restored.restore()
    shop = replace(shop, database_url=restored.url)
    assert books_agree(shop)
    kept = orders_in(restored.url)
    answered = {each.order_id for each in purchases.bought if each.answered_at < before_the_mistake}
    sent_later = {each.order_id for each in purchases.bought if each.sent_at > before_the_mistake}
    assert answered <= kept
    assert len(sent_later) >= 20
    assert not sent_later & kept
    with serving(shop) as service:
        assert HttpBuyer(service.port, keeps_connection=False)()


def forget_the_ledger(url: str) -> None:
    """Do what an operator does once in a life, in the wrong window."""
    with connected(url) as connection, connection.cursor() as cursor:
        cursor.execute("DELETE FROM stock_movements WHERE order_id IS NOT NULL")
        assert cursor.rowcount > 0
