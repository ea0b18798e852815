"""A relay that is killed before it notes what it has published: every event is heard, each order's in their order."""

from __future__ import annotations

import os
import signal
import threading
from collections.abc import Iterator, Sequence
from functools import partial

import pytest
from oms_peewee.outbox import PeeweeOutbox

from oms_core import Oms, Settings
from oms_core.domain.events import Event
from tests.adapters.broker_places import BrokerPlace, own_place
from tests.faults.queue_deployment import accept, deployment, dies, relaying, spawned, working
from tests.faults.queue_deployment_checks import Subscriber, all_placed
from tests.services.postgresql import connected

EXPIRE = "UPDATE leases SET expires_at = now()"  # A dead relay's lease runs for twenty seconds.


@pytest.fixture(params=["rabbitmq_url", "nats_url"])
def broker(request: pytest.FixtureRequest, unique_name: str) -> Iterator[BrokerPlace]:
    with own_place(request.getfixturevalue(request.param), unique_name) as place:
        yield place


@pytest.fixture
def oms(broker: BrokerPlace, postgresql_url: str) -> Iterator[Oms]:
    with deployment(postgresql_url, broker.url, broker.prefix) as oms:
        yield oms


@pytest.fixture
def subscriber(broker: BrokerPlace) -> Subscriber:
    return Subscriber(broker.url, broker.prefix)


def relay_and_die(settings: Settings) -> None:
    """Be a relay that is killed when a batch is published, and the outbox is to be told."""

    def published(_: PeeweeOutbox, _ids: Sequence[int]) -> None:
        os.kill(os.getpid(), signal.SIGKILL)

    setattr(PeeweeOutbox, "published", published)  # noqa: B010
    with Oms.open(settings) as oms:
        oms.run_event_relay(threading.Event())


def place_some(oms: Oms) -> None:
    with working(oms.settings):
        all_placed(oms, accept(oms, 100, "A"))


def test_a_relay_killed_before_it_notes_what_it_published_is_followed_by_one_that_repeats_it(
    oms: Oms, subscriber: Subscriber, broker: BrokerPlace
) -> None:
    place_some(oms)
    with spawned([partial(relay_and_die, oms.settings)]) as (killed,):
        assert dies(killed) == -signal.SIGKILL
    with connected(oms.settings.database_url) as connection, connection.cursor() as cursor:
        cursor.execute(EXPIRE)
    with relaying(oms.settings), relaying(oms.settings):
        subscriber.check(oms.settings.database_url)
    is_repeated = len(subscriber.heard) > len(set(subscriber.heard))
    assert is_repeated == (broker.url.startswith("amqp")), "it was published again; NATS keeps it once"


@pytest.mark.parametrize("broker", ["rabbitmq_url"], indirect=True)  # It has no part in this.
def test_events_published_in_another_order_would_be_noticed(
    oms: Oms, subscriber: Subscriber, monkeypatch: pytest.MonkeyPatch
) -> None:
    unpublished = PeeweeOutbox.unpublished

    def backwards(outbox: PeeweeOutbox, *, limit: int) -> list[Event]:
        return unpublished(outbox, limit=limit)[::-1]

    monkeypatch.setattr(PeeweeOutbox, "unpublished", backwards)
    place_some(oms)
    with relaying(oms.settings), pytest.raises(AssertionError, match="order"):
        subscriber.check(oms.settings.database_url)
