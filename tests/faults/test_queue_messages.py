"""Messages that cannot be read or obeyed, in both queues: a person finds them, and good ones around them are placed."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import replace
from uuid import UUID

import pytest
from oms_contracts.broker_contract.post import announce

from oms_core import Oms, SetStock
from oms_core.domain.callers import LOCAL_NAME
from oms_core.ports.broker import DeadLetter
from tests.adapters.broker_places import BrokerPlace, own_place
from tests.faults.queue_deployment import BUYER, SKU, accept, deployment, working
from tests.faults.queue_deployment_checks import all_placed, rows
from tests.services import free_port, wait_until

DEADLINE_SECONDS = 60
HUGE = b'{"order_ids": ["' + b"x" * 2 * 1_048_576 + b'"]}'
BAD_IDS = {
    b"": "malformed_json",
    b"\xff\xfe": "malformed_json",
    b'{"order_ids": "all"}': "validation_error",
    b'{"order_ids": []}': "validation_error",
    b'{"order_ids": ["1234"]}': "validation_error",
    b"[]": "validation_error",
    HUGE: "payload_too_large",
}
BAD_COMMANDS = {
    b"{": "malformed_json",
    b"null": "validation_error",
    b'{"customer_id": "C1"}': "validation_error",
    HUGE: "payload_too_large",
}


@pytest.fixture(params=["rabbitmq_url", "nats_url"])
def broker(request: pytest.FixtureRequest, unique_name: str) -> Iterator[BrokerPlace]:
    with own_place(request.getfixturevalue(request.param), unique_name) as place:
        yield place


@pytest.fixture
def oms(broker: BrokerPlace, postgresql_url: str) -> Iterator[Oms]:
    with deployment(postgresql_url, broker.url, broker.prefix) as oms:
        yield oms


def command(key: str | None, sku: str = SKU) -> bytes:
    key_or_none = {} if key is None else {"idempotency_key": key}
    return json.dumps({"customer_id": "C1", "lines": [{"sku": sku, "quantity": 1}], **key_or_none}).encode()


def dead(oms: Oms, count: int) -> list[DeadLetter]:
    """Wait until there are so many dead letters, and no message waits any more."""

    def letters() -> list[DeadLetter]:
        found = oms.queue.dead_letters.list(caller=BUYER, limit=100)
        return found if len(found) == count else []

    return wait_until(letters, DEADLINE_SECONDS, f"there are {count} dead letters")


def commanded(oms: Oms) -> list[UUID]:
    url = oms.settings.database_url
    return [UUID(each) for (each,) in rows(url, f"SELECT id::text FROM orders WHERE caller = '{LOCAL_NAME}'")]


def fitting(broker: BrokerPlace, bad: Mapping[bytes, str]) -> dict[bytes, str]:
    """Leave out what the broker itself refuses for its size."""
    return {body: code for body, code in bad.items() if len(body) <= broker.message_bytes_max}


def send(oms: Oms, broker: BrokerPlace, accepted: Sequence[UUID], bad_commands: Collection[bytes]) -> None:
    """Send a bad message, then ten good ids, and so on; a bad command, then a good one, and so on."""
    announce(oms._ports.broker, accepted[:5])  # Which declares the queues.
    for number, body in enumerate(fitting(broker, BAD_IDS)):
        broker.send_announcement(body)
        announce(oms._ports.broker, accepted[10 * number : 10 * number + 10])
    for number, body in enumerate(bad_commands):
        broker.send_command(body)
        broker.send_command(command(f"good-{number}"))


def test_bad_messages_are_found_by_a_person_and_good_ones_around_them_are_placed(oms: Oms, broker: BrokerPlace) -> None:
    nowhere = replace(oms.settings, queue_url=f"amqp://guest:guest@127.0.0.1:{free_port()}")
    with Oms.open(nowhere) as cut_off:
        accepted = accept(cut_off, 10 * len(BAD_IDS), "A")
    bad_commands = {
        **fitting(broker, BAD_COMMANDS),
        command(None): "validation_error",
        command("K", "UNKNOWN"): "unknown_sku",
    }
    send(oms, broker, accepted, bad_commands)
    codes = Counter([*fitting(broker, BAD_IDS).values(), *bad_commands.values()])
    with working(oms.settings):
        letters = dead(oms, codes.total())
        assert Counter(letter.code for letter in letters) == codes
        assert all(letter.detail and letter.died_at for letter in letters)
        wait_until(lambda: len(commanded(oms)) == len(bad_commands), DEADLINE_SECONDS, "good commands are orders")
        all_placed(oms, [*accepted, *commanded(oms)])

        (unknown,) = (letter.id for letter in letters if letter.code == "unknown_sku")
        oms.stock.set(SetStock(sku="UNKNOWN", on_hand=5), caller=BUYER)
        assert oms.queue.dead_letters.replay([unknown], caller=BUYER) == 1
        wait_until(lambda: len(commanded(oms)) == len(bad_commands) + 1, DEADLINE_SECONDS, "the replayed one is there")
        del codes["unknown_sku"]
        replay_and_discard(oms, codes)
        all_placed(oms, [*accepted, *commanded(oms)])
    assert [broker.left(queue) for queue in ("orders.v1", "commands.v1", "dead.v1")] == [0, 0, 0]


def replay_and_discard(oms: Oms, codes: Counter[str]) -> None:
    """Send all letters back, which die anew; then discard one, and all others."""
    first = {letter.id for letter in dead(oms, codes.total())}
    assert oms.queue.dead_letters.replay(None, caller=BUYER) == codes.total()

    def died_anew() -> list[DeadLetter]:
        letters = oms.queue.dead_letters.list(caller=BUYER, limit=100)
        return letters if len(letters) == codes.total() and first.isdisjoint(each.id for each in letters) else []

    again = wait_until(died_anew, DEADLINE_SECONDS, "each has died anew")
    assert Counter(letter.code for letter in again) == codes
    assert oms.queue.dead_letters.discard([again[0].id], caller=BUYER) == 1
    assert oms.queue.dead_letters.discard(None, caller=BUYER) == codes.total() - 1
    assert oms.queue.dead_letters.list(caller=BUYER) == []
