"""Connections of oms_rabbitmq: kept alive during long work, replaced after idleness, encrypted where asked for."""

from __future__ import annotations

from collections.abc import Callable
from threading import Event
from urllib.parse import quote

import pytest
from oms_contracts.broker_contract.post import announce, new_ids, open_inbox, receive, receive_ids
from oms_rabbitmq import open_broker
from oms_rabbitmq.consuming import Consumption

from oms_core.errors import OmsError
from oms_core.ports.broker import BrokerOptions, MessageKind
from tests.adapters.rabbitmq_broker import RabbitmqVhost
from tests.services import free_port, wait_until
from tests.services.certificates import Certificate
from tests.services.rabbitmq import PrivateRabbitmq

SECONDS_MAX = 30.0
# The broker ends a connection whose heartbeats, here one a second, have been missing for two or three.
LONG_SECONDS = 5.0


def test_an_inbox_stays_connected_during_long_work_and_an_idle_announcer_connects_again(vhost: RabbitmqVhost) -> None:
    broker = open_broker(f"{vhost.url}?heartbeat=1", BrokerOptions(prefix=vhost.prefix))
    announcer = broker.announcer()
    announcer.announce(new_ids(1))
    with open_inbox(broker) as inbox:
        held = receive(inbox)
        # Were the connection lost, the message would come again.
        assert inbox.take(limit=1, timeout_seconds=LONG_SECONDS) == []
        inbox.done(held)
        announcer.announce(new_ids(1))
        assert not receive(inbox)[0].redelivered
    announcer.close()


def test_an_inbox_that_was_lost_before_its_second_consumer_stood_is_not_connected(
    vhost: RabbitmqVhost, monkeypatch: pytest.MonkeyPatch
) -> None:
    broker = open_broker(vhost.url, BrokerOptions(prefix=vhost.prefix))
    ids = new_ids(3)
    announce(broker, ids)
    consume, delivered, lost = Consumption._consume, Event(), Event()

    def consume_orders_only(consumption: Consumption, kind: MessageKind, name: str) -> None:
        if kind is MessageKind.ORDER_IDS:
            consume(consumption, kind, name)
            return
        consumption._link.pump(lambda: inbox.take(limit=9, timeout_seconds=0), SECONDS_MAX)
        delivered.set()
        raise OmsError("queue_unavailable", "the broker is gone")

    with open_inbox(broker) as inbox:
        with monkeypatch.context() as patch:
            patch.setattr(Consumption, "_consume", consume_orders_only)
            patch.setattr("oms_rabbitmq.inbox.Backoff.next_pause_seconds", lambda _: lost.wait(SECONDS_MAX) and 0.0)
            wait_until(lambda: inbox.take(limit=0, timeout_seconds=0) or delivered.is_set(), SECONDS_MAX, "a delivery")
            wait_until(lambda: not inbox.connected, SECONDS_MAX, "the inbox notices")
        lost.set()
        assert receive_ids(inbox, 3) == ids
    broker.close()


@pytest.fixture(scope="module")
def encrypted_address(certificate: Certificate, private_rabbitmq: Callable[..., PrivateRabbitmq]) -> str:
    """The address of a broker's TLS port."""
    port = free_port()
    options = f'{{certfile, "{certificate.path}"}}, {{keyfile, "{certificate.key}"}}'
    private_rabbitmq(advanced=f"[{{rabbit, [{{ssl_listeners, [{port}]}}, {{ssl_options, [{options}]}}]}}].")
    return f"127.0.0.1:{port}"


def test_a_broker_whose_certificate_is_verified_is_talked_to_encrypted(
    encrypted_address: str, certificate: Certificate, unique_name: str
) -> None:
    options = quote(f"{{'ca_certs':'{certificate.path}'}}")
    broker = open_broker(
        f"amqps://guest:guest@{encrypted_address}?ssl_options={options}", BrokerOptions(prefix=unique_name)
    )
    broker.check()
    ids = new_ids(30_000)
    announce(broker, ids)
    with open_inbox(broker) as inbox:
        assert receive_ids(inbox, 30_000) == ids
    broker.close()


def test_a_certificate_of_an_unknown_authority_is_refused(encrypted_address: str) -> None:
    broker = open_broker(f"amqps://guest:guest@{encrypted_address}", BrokerOptions())
    with pytest.raises(OmsError, match="CERTIFICATE_VERIFY_FAILED") as caught:
        broker.check()
    assert caught.value.code == "queue_unavailable"
