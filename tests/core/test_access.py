"""The matrix of access, cell by cell: each rule, each scope held, and callers bound to nobody, the owner, another."""

from __future__ import annotations

import inspect
import io
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import timedelta
from decimal import Decimal
from functools import partial

import pytest

from oms_core import (
    AdjustStock,
    Caller,
    CancelShipment,
    ChangeOrderLines,
    ChangeOrderStatus,
    ChangeOrderStatuses,
    ConfirmOrder,
    CreateApiKey,
    CreateReturn,
    CreateShipment,
    DeleteProduct,
    ExtendHold,
    ImportMode,
    ImportOrders,
    ImportReject,
    ImportReturns,
    ImportShipments,
    ImportStock,
    ImportTransfers,
    LineChange,
    OmsError,
    OrderFilter,
    OrderStatus,
    PlaceOrder,
    ReceiveStock,
    Refused,
    RetryOrder,
    RotateApiKey,
    Scope,
    SetLocation,
    SetStock,
    TransferStock,
    UpdateOrder,
    UpdateShipment,
)
from oms_core.domain.access import ACCESS_RULES, AccessRule
from tests.access_cells import BOUND_TO, OWNER, SCOPES_HELD, WANTED, Shop, caller, everything, expected, shop
from tests.surface import METHODS

NEW_KEY = CreateApiKey(name="another", scopes={Scope.ORDERS_READ})
CSV = b"sku,quantity\nWIDGET,500\n"
MOVES = b"sku,from,to,quantity\nWIDGET,main,north,1\n"
UNHELD = "with hold_seconds 0"
FURTHER = LineChange(sku="WIDGET", quantity=1)
WANTED_UNHELD = replace(WANTED, hold_seconds=0)
JSONL = b'{"customer_id": "C1", "lines": [{"sku": "WIDGET", "quantity": 1}], "idempotency_key": "K"}\n'

Call = Callable[[Shop, Caller], object]


def place_orders(at: Shop, who: Caller, wanted: PlaceOrder = WANTED) -> object:
    """Place a batch of one, whose refusal is its outcome."""
    (outcome,) = at.oms.orders.place_many([wanted], caller=who)
    if isinstance(outcome, Refused):
        raise outcome.error
    return outcome


def import_orders(at: Shop, who: Caller) -> object:
    """Import a file of one order, whose refusal is a reject."""
    rejects: list[ImportReject] = []
    report = at.oms.imports.orders(ImportOrders(), io.BytesIO(JSONL), caller=who, rejects=rejects.append)
    for reject in rejects:
        raise OmsError(reject.code, reject.detail)
    return report


def move(status: OrderStatus) -> Call:
    def call(at: Shop, who: Caller) -> object:
        return at.oms.orders.change_status(ChangeOrderStatus(order_id=at.placed.id, status=status), caller=who)

    return call


def move_many(status: OrderStatus) -> Call:
    def call(at: Shop, who: Caller) -> object:
        """Move a list of one, whose refusal is its outcome."""
        (outcome,) = at.oms.orders.change_many(ChangeOrderStatuses(order_ids=[at.placed.id], status=status), caller=who)
        if isinstance(outcome, OmsError):
            raise outcome
        return outcome

    return call


def change_lines(line: LineChange) -> Call:
    def call(at: Shop, who: Caller) -> object:
        return at.oms.changes.lines(ChangeOrderLines(order_id=at.placed.id, lines=[line]), caller=who)

    return call


def ship_many(at: Shop, who: Caller) -> object:
    """Ship a list of one, whose refusal is its outcome."""
    (outcome,) = at.oms.shipments.create_many([CreateShipment(order_id=at.placed.id)], caller=who)
    if isinstance(outcome, OmsError):
        raise outcome
    return outcome


def return_many(at: Shop, who: Caller) -> object:
    """Return a list of one, whose refusal is its outcome."""
    (outcome,) = at.oms.returns.create_many([CreateReturn(order_id=at.shipped.id)], caller=who)
    if isinstance(outcome, OmsError):
        raise outcome
    return outcome


def import_shipments(at: Shop, who: Caller) -> object:
    """Ship the order of a file, whose refusal is a reject."""
    rejects: list[ImportReject] = []
    file = io.BytesIO(f"order_id,reference\n{at.placed.id},P-1\n".encode())
    report = at.oms.imports.shipments(ImportShipments(), file, caller=who, rejects=rejects.append)
    for reject in rejects:
        raise OmsError(reject.code, reject.detail)  # type: ignore[arg-type]
    return report


def import_returns(at: Shop, who: Caller) -> object:
    """Return the order of a file, whose refusal is a reject."""
    rejects: list[ImportReject] = []
    file = io.BytesIO(f"order_id,reference\n{at.shipped.id},RMA-1\n".encode())
    report = at.oms.imports.returns(ImportReturns(), file, caller=who, rejects=rejects.append)
    for reject in rejects:
        raise OmsError(reject.code, reject.detail)  # type: ignore[arg-type]
    return report


# A call of each rule, by (method, when); it succeeds for whoever may make it.
CALLS: dict[tuple[str, str], Call] = {
    ("orders.place", ""): lambda at, who: at.oms.orders.place(WANTED, caller=who),
    ("orders.place_many", ""): place_orders,
    ("orders.accept", ""): lambda at, who: at.oms.orders.accept(WANTED, caller=who),
    ("orders.place", UNHELD): lambda at, who: at.oms.orders.place(WANTED_UNHELD, caller=who),
    ("orders.place_many", UNHELD): partial(place_orders, wanted=WANTED_UNHELD),
    ("orders.accept", UNHELD): lambda at, who: at.oms.orders.accept(WANTED_UNHELD, caller=who),
    ("holds.confirm", ""): lambda at, who: at.oms.holds.confirm(ConfirmOrder(order_id=at.held.id), caller=who),
    ("holds.extend", ""): lambda at, who: at.oms.holds.extend(
        ExtendHold(order_id=at.held.id, seconds=1_800), caller=who
    ),
    ("holds.expire", ""): lambda at, who: at.oms.holds.expire(caller=who),
    ("imports.orders", ""): import_orders,
    ("imports.shipments", ""): import_shipments,
    ("imports.returns", ""): import_returns,
    ("orders.wait", ""): lambda at, who: at.oms.orders.wait(at.placed.id, caller=who, timeout_seconds=5),
    ("orders.get", ""): lambda at, who: at.oms.orders.get(at.placed.id, caller=who),
    ("orders.allocations", ""): lambda at, who: at.oms.orders.allocations([at.placed.id], caller=who),
    ("orders.list", ""): lambda at, who: at.oms.orders.list(OrderFilter(customer_id=OWNER), caller=who),
    ("orders.export", ""): lambda at, who: list(at.oms.orders.export(OrderFilter(customer_id=OWNER), caller=who)),
    ("orders.events", ""): lambda at, who: at.oms.orders.events(at.placed.id, caller=who),
    ("orders.cancel", ""): lambda at, who: at.oms.orders.cancel(at.placed.id, caller=who),
    ("orders.change_status", "to cancelled"): move(OrderStatus.CANCELLED),
    ("orders.change_status", "to any other status"): move(OrderStatus.SHIPPED),
    ("orders.change_many", "to cancelled"): move_many(OrderStatus.CANCELLED),
    ("orders.change_many", "to any other status"): move_many(OrderStatus.SHIPPED),
    ("changes.lines", "queued, held or pending, without prices"): change_lines(FURTHER),
    ("changes.lines", "in every status that allows it"): change_lines(replace(FURTHER, unit_price=Decimal(1))),
    ("changes.details", ""): lambda at, who: at.oms.changes.details(
        UpdateOrder(order_id=at.placed.id, reference="R"), caller=who
    ),
    ("orders.retry", ""): lambda at, who: at.oms.orders.retry(RetryOrder(order_id=at.rejected.id), caller=who),
    ("orders.retry_many", ""): lambda at, who: at.oms.orders.retry_many(OrderFilter(), caller=who),
    ("shipments.create", ""): lambda at, who: at.oms.shipments.create(
        CreateShipment(order_id=at.placed.id), caller=who
    ),
    ("shipments.create_many", ""): ship_many,
    ("shipments.list", ""): lambda at, who: at.oms.shipments.list(at.shipped.id, caller=who),
    ("shipments.get", ""): lambda at, who: at.oms.shipments.get(at.shipped.id, 1, caller=who),
    ("shipments.update", ""): lambda at, who: at.oms.shipments.update(
        UpdateShipment(order_id=at.shipped.id, shipment_no=1, carrier="DHL"), caller=who
    ),
    ("shipments.cancel", ""): lambda at, who: at.oms.shipments.cancel(
        CancelShipment(order_id=at.shipped.id, shipment_no=1), caller=who
    ),
    ("returns.create", ""): lambda at, who: at.oms.returns.create(CreateReturn(order_id=at.shipped.id), caller=who),
    ("returns.create_many", ""): return_many,
    ("returns.list", ""): lambda at, who: at.oms.returns.list(at.returned.id, caller=who),
    ("returns.get", ""): lambda at, who: at.oms.returns.get(at.returned.id, 1, caller=who),
    ("queue.status", ""): lambda at, who: at.oms.queue.status(caller=who),
    ("queue.dead_letters.list", ""): lambda at, who: at.oms.queue.dead_letters.list(caller=who),
    ("queue.dead_letters.replay", ""): lambda at, who: at.oms.queue.dead_letters.replay(None, caller=who),
    ("queue.dead_letters.discard", ""): lambda at, who: at.oms.queue.dead_letters.discard(None, caller=who),
    ("stock.get", ""): lambda at, who: at.oms.stock.get("WIDGET", caller=who),
    ("stock.list", ""): lambda at, who: at.oms.stock.list(caller=who),
    ("stock.export", ""): lambda at, who: list(at.oms.stock.export(caller=who)),
    ("stock.movements", ""): lambda at, who: at.oms.stock.movements("WIDGET", caller=who),
    ("stock.set", ""): lambda at, who: at.oms.stock.set(SetStock(sku="WIDGET", on_hand=500), caller=who),
    ("stock.adjust", ""): lambda at, who: at.oms.stock.adjust(
        AdjustStock(sku="WIDGET", delta=400, reason="found"), caller=who
    ),
    ("stock.receive", ""): lambda at, who: at.oms.stock.receive(ReceiveStock(sku="WIDGET", quantity=400), caller=who),
    ("stock.transfer", ""): lambda at, who: at.oms.stock.transfer(
        TransferStock(sku="WIDGET", quantity=1, from_location="main", to_location="north"), caller=who
    ),
    ("stock.delete", ""): lambda at, who: at.oms.stock.delete(DeleteProduct(sku="UNUSED"), caller=who),
    ("locations.list", ""): lambda at, who: at.oms.locations.list(caller=who),
    ("locations.get", ""): lambda at, who: at.oms.locations.get("main", caller=who),
    ("locations.set", ""): lambda at, who: at.oms.locations.set(SetLocation(name="main", note="told"), caller=who),
    ("imports.stock", ""): lambda at, who: at.oms.imports.stock(
        ImportStock(mode=ImportMode.SET), io.BytesIO(CSV), caller=who
    ),
    ("imports.transfers", ""): lambda at, who: at.oms.imports.transfers(
        ImportTransfers(idempotency_key="K"), io.BytesIO(MOVES), caller=who
    ),
    ("api_keys.create", ""): lambda at, who: at.oms.api_keys.create(NEW_KEY, caller=who),
    ("api_keys.rotate", ""): lambda at, who: at.oms.api_keys.rotate(RotateApiKey(name="robot"), caller=who),
    ("api_keys.revoke", ""): lambda at, who: at.oms.api_keys.revoke("robot", caller=who),
    ("api_keys.get", ""): lambda at, who: at.oms.api_keys.get("robot", caller=who),
    ("api_keys.list", ""): lambda at, who: at.oms.api_keys.list(caller=who),
    ("archive.write", ""): lambda at, who: at.oms.archive.write(
        at.archive, untouched=timedelta(microseconds=1), caller=who
    ),
    ("archive.list", ""): lambda at, who: list(at.oms.archive.list(at.archive, caller=who)),
    ("archive.get", ""): lambda at, who: at.oms.archive.get(at.archive, at.archived.id, caller=who),
    ("audit", ""): lambda at, who: at.oms.audit(caller=who),
}
# What asks for no scope, and why; the schema is no slice's, but its operator's.
NEEDS_NO_SCOPE = {
    "api_keys.any": "it says whether there is one, before anybody can have one",
    "queue.check": "it is a probe's, and says no more than that the broker answers",
    "queue.place_of": "it takes the order, which somebody with a scope has read",
    "rate_limits.charge": "what is charged for needs a scope",
}
# What changes something where it is allowed; the rest only reads.
READS = {"wait", "get", "allocations", "list", "events", "status", "movements", "export", "audit"}


@pytest.fixture
def at() -> Iterator[Shop]:
    with shop() as opened:
        yield opened


def test_every_method_that_takes_a_caller_has_a_rule_and_every_rule_a_call() -> None:
    methods = {name for name, method in METHODS.items() if "caller" in inspect.signature(method).parameters}
    methods.discard("rate_limits.charge")  # Charging needs no scope: what is charged for does.
    assert methods == {rule.use_case for rule in ACCESS_RULES}
    assert [(rule.use_case, rule.when) for rule in ACCESS_RULES] == list(CALLS)


@pytest.mark.parametrize("name", [name for name in METHODS if "." in name])
def test_every_method_of_every_part_refuses_a_caller_without_scopes(at: Shop, name: str) -> None:
    calls = [call for (method, _), call in CALLS.items() if method == name]
    assert bool(calls) is not (name in NEEDS_NO_SCOPE)
    for call in calls:
        with pytest.raises(OmsError) as caught:
            call(at, Caller(name="nobody", scopes=frozenset()))
        assert caught.value.code == "forbidden"


@pytest.mark.parametrize("bound", BOUND_TO)
@pytest.mark.parametrize("held", SCOPES_HELD)
@pytest.mark.parametrize("rule", ACCESS_RULES, ids=lambda rule: f"{rule.use_case} {rule.when}".strip())
def test_a_caller_meets_what_the_matrix_says(at: Shop, rule: AccessRule, held: str, bound: str) -> None:
    asker = caller(held, bound)
    wanted = expected(rule, asker)
    call = CALLS[rule.use_case, rule.when]
    before = everything(at.oms)
    if wanted.code is None:
        shown = repr(call(at, asker))
        assert not (wanted.is_blind and any(order_id in shown for order_id in at.order_ids))
        changes = not (wanted.is_blind or rule.use_case.rpartition(".")[2] in READS)
        assert (everything(at.oms) != before) is changes
        return
    with pytest.raises(OmsError) as caught:
        call(at, asker)
    assert caught.value.code == wanted.code
    if wanted.scope is not None:
        assert caught.value.data == {"scope": wanted.scope.value}
    assert everything(at.oms) == before
