"""What OMS_RATE_LIMITS says, and how callers are charged for the orders they place."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from io import BytesIO

import pytest
from oms_limits import open_memory
from oms_memory import MemoryStorage

from oms_core import ALL_SCOPES, Caller, Oms, OmsError, OrderLine, PlaceOrder, Ports, SetStock, Settings
from oms_core.domain.import_commands import ImportFormat, ImportOrders
from oms_core.domain.rate_limits import Allowance, RateLimit, RateScope, read_rate_limits
from oms_core.ports.metrics import NoMetrics
from oms_core.ports.rate_limiter import RateLimiterOptions
from oms_core.use_cases.rate_limits import RateLimits

SHOP = Caller(name="shop", scopes=ALL_SCOPES)
OTHER = Caller(name="other", scopes=ALL_SCOPES)
ORDER = PlaceOrder(customer_id="C1", lines=[OrderLine(sku="WIDGET", quantity=1)])


def limited(text: str) -> Oms:
    return Oms(
        settings=Settings(rate_limits=text),
        ports=Ports(
            storage=MemoryStorage(), rate_limiter=open_memory("memory://", RateLimiterOptions(metrics=NoMetrics()))
        ),
    )


@pytest.fixture
def oms() -> Iterator[Oms]:
    with limited("orders.place=5/day") as opened:
        opened.stock.set(SetStock(sku="WIDGET", on_hand=100), caller=SHOP)
        yield opened


def shown(settings: Settings) -> dict[str, str]:
    """Give the limits in force as `count/seconds` by scope."""
    limits = settings.rate_limits_in_force
    return {scope.value: f"{limit.count}/{limit.window_seconds}" for scope, limit in limits.items()}


def available(oms: Oms) -> int:
    return oms.stock.get("WIDGET", caller=SHOP).available


def test_each_scope_has_its_own_limit_or_the_default() -> None:
    limits = read_rate_limits(" orders.place = 100/second ; default=1000/minute; ")
    assert limits[RateScope.ORDERS_PLACE] == RateLimit(policy="orders.place", count=100, window_seconds=1)
    assert limits[RateScope.INVENTORY_READ] == RateLimit(policy="default", count=1000, window_seconds=60)
    assert limits.keys() == set(RateScope) - {RateScope.AUTH_FAILURES}


def test_a_scope_that_is_not_named_is_unlimited_without_a_default() -> None:
    assert read_rate_limits("orders.read=1/hour;inventory.write=2/day") == {
        RateScope.ORDERS_READ: RateLimit(policy="orders.read", count=1, window_seconds=3_600),
        RateScope.INVENTORY_WRITE: RateLimit(policy="inventory.write", count=2, window_seconds=86_400),
    }


@pytest.mark.parametrize("text", ["", " ", "off", "OFF"])
def test_no_limit_is_set_by_saying_so_or_nothing(text: str) -> None:
    assert not Settings(rate_limits=text).rate_limits_in_force


def test_with_keys_placing_reads_and_failed_attempts_are_limited_unless_that_is_switched_off() -> None:
    assert shown(Settings(auth="keys")) == {
        "orders.place": "500/1",
        "orders.read": "3000/60",
        "inventory.read": "6000/60",
        "queue.read": "600/60",
        "keys.read": "600/60",
        "auth.failures": "10/60",
    }
    assert not Settings(auth="keys", rate_limits="off").rate_limits_in_force
    assert shown(Settings(auth="keys", rate_limits="orders.read=OFF;keys.read=1/day")) == {
        "orders.place": "500/1",
        "inventory.read": "6000/60",
        "queue.read": "600/60",
        "keys.read": "1/86400",
        "auth.failures": "10/60",
    }


def test_a_default_takes_the_place_of_those_that_are_built_in() -> None:
    limits = Settings(auth="keys", rate_limits="default=7/day;orders.read=off").rate_limits_in_force
    assert limits.keys() == set(RateScope) - {RateScope.ORDERS_READ}
    assert {limit.policy for limit in limits.values()} == {"default", "auth.failures"}


@pytest.mark.parametrize(("text", "count"), [("", 30_000), ("9/minute", 9), ("off", None), ("OFF", None), (" ", None)])
def test_an_address_has_a_limit_where_keys_are_in_force(text: str, count: int | None) -> None:
    limit = Settings(auth="keys", http_rate_limit=text).http_rate_limit_in_force
    assert (None if limit is None else limit.count) == count
    limit = Settings(auth="off", http_rate_limit=text).http_rate_limit_in_force
    assert (None if limit is None else limit.count) == (9 if text == "9/minute" else None)


@pytest.mark.parametrize("text", ["default=1000/minute", "orders.read=1/hour"])
def test_failed_attempts_stay_limited_whatever_is_said_of_requests(text: str) -> None:
    in_force = Settings(auth="keys", rate_limits=text).rate_limits_in_force
    assert in_force[RateScope.AUTH_FAILURES].count == 10
    assert RateScope.AUTH_FAILURES not in Settings(auth="off", rate_limits=text).rate_limits_in_force


def test_the_limit_of_failed_attempts_can_be_set() -> None:
    in_force = Settings(auth="keys", rate_limits="auth.failures=3/hour").rate_limits_in_force
    assert in_force[RateScope.AUTH_FAILURES] == RateLimit(policy="auth.failures", count=3, window_seconds=3_600)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("orders.place", "must say count/second"),
        ("orders.place=", "must say count/second"),
        ("orders.place=100", "must say count/second"),
        ("orders.place=100/fortnight", "it says '100/fortnight'"),
        ("orders.place=-1/second", "it says '-1/second'"),
        ("orders.place=1.5/second", "it says '1.5/second'"),
        ("orders.place=٣/second", "must say count/second"),
        ("orders.place=0/second", "from 1 to 1000000000; it says 0"),
        ("orders.place=1000000001/second", "from 1 to 1000000000; it says 1000000001"),
        ("orders.placed=1/second", "unknown scope 'orders.placed'; the scopes are orders.place, orders.read"),
        ("=1/second", "unknown scope ''"),
        ("default=1/second;default=2/second", "names default twice"),
        ("default=1/second,orders.place=1/second", "must say count/second"),
    ],
)
def test_a_wrong_limit_is_one_line_that_names_the_setting(text: str, said: str) -> None:
    with pytest.raises(OmsError) as caught:
        Settings(rate_limits=text)
    assert caught.value.code == "invalid_setting"
    assert caught.value.detail.startswith("OMS_RATE_LIMITS ")
    assert said in caught.value.detail
    assert "\n" not in caught.value.detail


def test_a_caller_over_its_limit_is_refused_with_the_seconds_to_wait(oms: Oms) -> None:
    for _ in range(5):
        oms.orders.place(ORDER, caller=SHOP)
    with pytest.raises(OmsError) as caught:
        oms.orders.place(ORDER, caller=SHOP)
    assert caught.value.code == "rate_limited"
    assert 1 <= (caught.value.retry_after_seconds or 0) <= 2 * 86_400
    assert caught.value.data == {"policy": "orders.place", "limit": 5, "window_seconds": 86_400}
    assert available(oms) == 95


def test_callers_do_not_use_up_each_others_limit(oms: Oms) -> None:
    oms.orders.place_many([ORDER] * 5, caller=SHOP)
    oms.orders.place(ORDER, caller=OTHER)


def test_callers_of_one_name_are_told_apart_by_address(oms: Oms) -> None:
    here, there = (Caller(name="local", scopes=ALL_SCOPES, address=f"127.0.0.{n}") for n in (1, 2))
    oms.orders.place_many([ORDER] * 5, caller=here)
    oms.orders.place(ORDER, caller=there)
    with pytest.raises(OmsError, match="rate_limited"):
        oms.orders.place(ORDER, caller=here)


def test_a_name_is_not_taken_for_an_address(oms: Oms) -> None:
    oms.orders.place_many([ORDER] * 5, caller=Caller(name="local", scopes=ALL_SCOPES, address="127.0.0.1"))
    oms.orders.place(ORDER, caller=Caller(name="127.0.0.1", scopes=ALL_SCOPES))


def test_a_batch_over_the_limit_is_refused_as_a_whole(oms: Oms) -> None:
    oms.orders.place_many([ORDER] * 3, caller=SHOP)
    with pytest.raises(OmsError, match="rate_limited"):
        oms.orders.place_many([ORDER] * 3, caller=SHOP)
    assert available(oms) == 97
    oms.orders.place_many([ORDER] * 2, caller=SHOP)
    assert available(oms) == 95


def test_a_batch_that_no_waiting_would_let_through_is_told_to_be_smaller(oms: Oms) -> None:
    with pytest.raises(OmsError) as caught:
        oms.orders.place_many([ORDER] * 6, caller=SHOP)
    assert (caught.value.code, caught.value.retry_after_seconds) == ("validation_error", None)
    (found,) = caught.value.errors
    assert (found.pointer, found.code) == ("/orders", "over_rate_limit")
    assert "has 6 orders; the limit orders.place is 5 per 86400 s and caller: send fewer at once" in found.detail
    oms.orders.place_many([ORDER] * 5, caller=SHOP)  # Nothing was taken.


def test_an_import_is_not_limited(oms: Oms) -> None:
    row = b'{"customer_id":"C1","idempotency_key":"%d","lines":[{"sku":"WIDGET","quantity":1}]}\n'
    rows = BytesIO(b"".join(row % number for number in range(20)))
    assert oms.imports.orders(ImportOrders(format=ImportFormat.JSONL), rows, caller=SHOP).placed == 20


def test_what_was_placed_already_costs_nothing(oms: Oms) -> None:
    keyed = replace(ORDER, idempotency_key="K")
    for _ in range(10):
        oms.orders.place(keyed, caller=SHOP)
        oms.orders.place_many([keyed] * 4, caller=SHOP)
    heard: list[Allowance] = []
    oms.orders.place_many([ORDER, keyed, ORDER], caller=SHOP, charged=heard.append)
    assert [told.remaining for told in heard] == [1, 2]


def test_what_was_accepted_already_costs_nothing(oms: Oms) -> None:
    keyed = replace(ORDER, idempotency_key="K")
    assert [oms.orders.accept(keyed, caller=SHOP).replayed for _ in range(10)] == [False] + [True] * 9


def test_a_charge_that_was_paid_before_is_raised_and_not_taken_again(oms: Oms) -> None:
    heard: list[Allowance] = []
    charge = oms.rate_limits.charge(RateScope.ORDERS_PLACE, caller=SHOP, charged=heard.append)
    oms.orders.place_many([ORDER] * 3, caller=SHOP, charge=charge)
    oms.orders.place(
        ORDER, caller=SHOP, charge=oms.rate_limits.charge(RateScope.ORDERS_PLACE, caller=SHOP, charged=heard.append)
    )
    assert [told.remaining for told in heard] == [4, 2, 1]
    with pytest.raises(OmsError, match="rate_limited"):
        charge.raise_to(5)
    charge.give_back(100)
    assert charge.units == 0
    assert heard[-1].remaining == 4, "no more is given back than was paid"


def test_who_asks_hears_what_is_left_also_when_refused(oms: Oms) -> None:
    heard: list[Allowance] = []
    oms.orders.place_many([ORDER] * 4, caller=SHOP, charged=heard.append)
    oms.orders.place(ORDER, caller=SHOP, charged=heard.append)
    with pytest.raises(OmsError, match="rate_limited"):
        oms.orders.place(ORDER, caller=SHOP, charged=heard.append)
    assert [(told.allowed, told.remaining) for told in heard] == [(True, 1), (True, 0), (False, 0)]


def test_scopes_without_a_limit_of_their_own_share_the_default() -> None:
    with limited("default=2/day;orders.read=1/day") as oms:
        oms.rate_limits.charge(RateScope.INVENTORY_READ, caller=SHOP)
        oms.rate_limits.charge(RateScope.INVENTORY_WRITE, caller=SHOP)
        with pytest.raises(OmsError, match="rate_limited"):
            oms.rate_limits.charge(RateScope.ORDERS_PLACE, caller=SHOP)
        oms.rate_limits.charge(RateScope.ORDERS_READ, caller=SHOP)


def test_without_limits_nobody_is_asked() -> None:
    class Forbidding:
        def take(self, limit: RateLimit, key: str, *, cost: int) -> Allowance:
            raise AssertionError

        give_back = take
        is_degraded = describe = close = None  # None of them is asked either.

    limits = RateLimits(limits={}, limiter=Forbidding())  # type: ignore[arg-type]
    limits.charge(RateScope.ORDERS_PLACE, caller=SHOP)


def test_a_closed_system_has_closed_its_limiter(oms: Oms) -> None:
    closed: list[bool] = []
    oms._ports.rate_limiter.close = lambda: closed.append(True)  # type: ignore[method-assign]
    oms.close()
    assert closed
