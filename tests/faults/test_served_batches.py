"""Orders that come to `oms serve` together, in request batches and on threads: races, poison, clients that go."""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Callable
from contextlib import AbstractContextManager
from functools import partial
from pathlib import Path

import pytest
from oms_contracts.concurrency import run_together

from oms_core import CreateApiKey, Scope
from tests.faults.commit_proxy import CommitProxy, Fate
from tests.faults.rivals import LOCK_LEVELS, WAITING, count, on, rival
from tests.faults.served_orders import CLERK, SKU, Served, answer_on, order, shop
from tests.services.waiting import wait_until

SECONDS = 30
POISON = """CREATE FUNCTION refuse() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
  IF NEW.customer_id = 'POISON' THEN RAISE EXCEPTION 'poison' USING ERRCODE = 'XX000'; END IF; RETURN NEW; END $$;
CREATE TRIGGER refuse BEFORE INSERT ON orders FOR EACH ROW EXECUTE FUNCTION refuse()"""
LARGEST_TRANSACTION = "SELECT max(count) FROM (SELECT count(*) FROM orders GROUP BY xmin::text) AS transactions"
CONTINUE = b"HTTP/1.1 100 Continue\r\n\r\n"

Open = Callable[..., AbstractContextManager[Served]]


@pytest.fixture(params=["batches", "threads"])
def batches(request: pytest.FixtureRequest) -> str:
    """Whether requests share a thread, as the setting has it."""
    return "on" if request.param == "batches" else "off"


@pytest.fixture
def served(tmp_path: Path, postgresql_url: str, batches: str) -> Open:
    return partial(shop, tmp_path, postgresql_url, OMS_HTTP_REQUEST_BATCHES=batches)


def keys(count: int) -> list[str]:
    return [f"key-{number}" for number in range(count)]


def test_sixty_four_connections_sell_exactly_what_there_is(served: Open) -> None:
    """tests/system/test_races.py has the control: without the lock, the same sale oversells."""
    with served(on_hand=500) as service:
        told = run_together([partial(service.buy_until_refused, f"C{number}") for number in range(64)])
        bought = [order_id for order_ids, _ in told for order_id in order_ids]
        assert {refusal for _, refusal in told} == {"insufficient_inventory"}
        assert len(bought) == len(set(bought)) == 500
        assert service.sold() == 500


def test_a_key_that_is_sent_twice_at_once_places_one_order(served: Open) -> None:
    with served(on_hand=1_000) as service:
        told = service.ask([order(key) for key in keys(40) for _ in range(2)])
        assert {each.status for each in told} == {201}
        for first, second in zip(told[::2], told[1::2], strict=True):
            assert first.document["id"] == second.document["id"]
            assert first.replayed != second.replayed
        assert service.sold() == 40


def test_one_key_that_sixty_four_send_at_once_places_one_order(served: Open) -> None:
    with served(on_hand=1_000) as service:
        told = service.ask([order("the same")] * 64)
        assert len({each.document["id"] for each in told}) == 1
        assert Counter(each.replayed for each in told) == {True: 63, False: 1}
        assert service.sold() == 1


def test_orders_that_share_a_thread_may_be_more_than_threads(tmp_path: Path, postgresql_url: str) -> None:
    with shop(tmp_path, postgresql_url, on_hand=1_000, OMS_HTTP_THREADS="4") as service:
        with service.gathering():
            sent = service.send([order()] * 64)
        assert Counter(answer_on(connection).status for connection in sent) == {201: 64}


def test_an_order_whose_head_is_asked_about_first_is_placed(served: Open) -> None:
    """A chunked body, or a large one, is received once the application has seen the head."""
    with served(on_hand=1_000) as service:
        head, body = order().split(b"\r\n\r\n")
        length = f"Content-Length: {len(body)}".encode()
        chunks = b"%x\r\n%s\r\n0\r\n\r\n" % (len(body), body)
        chunked = head.replace(length, b"Transfer-Encoding: chunked") + b"\r\n\r\n" + chunks
        blank = b" " * 70_000
        large = head.replace(length, b"Content-Length: %d" % (len(body) + len(blank))) + b"\r\n\r\n" + body + blank
        assert [each.status for each in service.ask([chunked, large])] == [201, 201]
        assert service.sold() == 2


def test_a_poison_order_costs_the_299_others_nothing(served: Open, postgresql_url: str) -> None:
    with served(on_hand=1_000) as service:
        on(postgresql_url, POISON)
        with service.gathering():
            sent = service.send([order(customer="POISON" if number == 150 else "C1") for number in range(300)])
        told = [answer_on(connection) for connection in sent]
        assert Counter(each.status for each in told) == {201: 299, 500: 1}
        assert (told[150].status, told[150].code) == (500, "internal_error")
        assert service.sold() == 299
        assert service.service.log.count("cannot be written") == 1
        assert count(postgresql_url, LARGEST_TRANSACTION) > 20, "they came one by one"


def test_clients_that_go_away_have_their_orders_all_the_same(served: Open, postgresql_url: str) -> None:
    with served(on_hand=1_000) as service:
        with rival(postgresql_url) as cursor:
            cursor.execute(LOCK_LEVELS, (SKU,))
            sent = service.send([order(key) for key in keys(40)])
            wait_until(lambda: count(postgresql_url, WAITING), SECONDS, "a transaction waits")
            for connection in sent[::2]:
                connection.close()
        assert {answer_on(connection).status for connection in sent[1::2]} == {201}
        wait_until(lambda: service.sold() == 40, SECONDS, "all orders are there")
        again = service.ask([order(key) for key in keys(40)])
        assert {(each.status, each.replayed) for each in again} == {(201, True)}
        assert service.sold() == 40


def test_a_stop_answers_all_that_is_in_flight(served: Open, postgresql_url: str) -> None:
    with served(on_hand=1_000) as service:
        with rival(postgresql_url) as cursor:
            cursor.execute(LOCK_LEVELS, (SKU,))
            heads, bodies = zip(*[order(fields="Expect: 100-continue\r\n").split(b"\r\n\r\n")] * 40, strict=True)
            sent = service.send([head + b"\r\n\r\n" for head in heads])
            for connection, body in zip(sent, bodies, strict=True):
                assert connection.recv(100) == CONTINUE, "the server has taken up each request"
                connection.sendall(body)
            wait_until(lambda: count(postgresql_url, WAITING), SECONDS, "a transaction waits")
            service.service.process.terminate()
            wait_until(service.is_refusing, SECONDS, "no new connections are taken")
        assert {answer_on(connection).status for connection in sent} == {201}
        assert service.service.process.wait(SECONDS) == 0
        assert service.sold() == 40


@pytest.mark.parametrize("fate", [Fate.COMMIT, Fate.ANSWER])
def test_a_lost_commit_of_fifty_sells_nothing_twice_while_a_rival_buys(
    tmp_path: Path, postgresql_url: str, batches: str, fate: Fate
) -> None:
    proxy, rivals = CommitProxy(postgresql_url), []
    with shop(tmp_path, postgresql_url, on_hand=55, seen_at=proxy.url, OMS_HTTP_REQUEST_BATCHES=batches) as service:

        def buy_beside() -> None:
            rivals.append(threading.Thread(target=service.buy_directly, args=[10]))
            rivals[0].start()

        with service.gathering():
            sent = service.send([order(key) for key in keys(50)])
            proxy.lose_next(fate, then=buy_beside)
        told = [answer_on(connection) for connection in sent]
        rivals[0].join(SECONDS)
        assert proxy.losses == 1
        assert {each.status for each in told} <= {201, 409}
        assert service.sold() == 55
        again = service.ask([order(key) for key, each in zip(keys(50), told, strict=True) if each.status == 201])
        assert {(each.status, each.replayed) for each in again} == {(201, True)}
        assert [each.document["id"] for each in again] == [each.document["id"] for each in told if each.status == 201]
    proxy.close()


def test_a_key_that_hangs_at_the_database_holds_up_no_other_callers(served: Open, postgresql_url: str) -> None:
    with served(on_hand=1_000, OMS_AUTH="keys", OMS_HTTP_CALLER_IN_FLIGHT_MAX="100") as service:
        known, new = (
            service.oms.api_keys.create(
                CreateApiKey(name=name, scopes=frozenset({Scope.ORDERS_WRITE})), caller=CLERK
            ).token
            for name in ("known", "new")
        )

        def buying(token: str) -> bytes:
            return order(fields=f"Authorization: Bearer {token}\r\n")

        assert service.ask([buying(known)])[0].status == 201
        with rival(postgresql_url) as cursor:
            cursor.execute("LOCK TABLE api_keys IN ACCESS EXCLUSIVE MODE")
            waiting = service.send([buying(new)] * 4)
            wait_until(lambda: count(postgresql_url, WAITING) >= 4, SECONDS, "the new key is looked up")
            assert {each.status for each in service.ask([buying(known)] * 20)} == {201}
            assert count(postgresql_url, WAITING) >= 4
        assert {answer_on(connection).status for connection in waiting} == {201}
        assert service.sold() == 25
        assert "did not come back" not in service.service.log
