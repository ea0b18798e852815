"""The matrix of access, cell by cell: each rule, each scope held, and callers bound to nobody, the owner, another."""

from __future__ import annotations

import inspect
import io
from collections.abc import Callable, Iterator

import pytest

from oms_core import (
    AdjustStock,
    Caller,
    ChangeOrderStatus,
    CreateApiKey,
    DeleteProduct,
    ImportMode,
    ImportOrders,
    ImportReject,
    ImportStock,
    Oms,
    OmsError,
    OrderFilter,
    OrderStatus,
    ReceiveStock,
    Refused,
    RetryOrder,
    RotateApiKey,
    Scope,
    SetStock,
)
from oms_core.domain.access import ACCESS_RULES, AccessRule
from tests.access_cells import BOUND_TO, OWNER, SCOPES_HELD, WANTED, Shop, caller, everything, expected, shop

NEW_KEY = CreateApiKey(name="another", scopes={Scope.ORDERS_READ})
CSV = b"sku,quantity\nWIDGET,500\n"
JSONL = b'{"customer_id": "C1", "lines": [{"sku": "WIDGET", "quantity": 1}], "idempotency_key": "K"}\n'

Call = Callable[[Shop, Caller], object]


def place_orders(at: Shop, who: Caller) -> object:
    """Place a batch of one, whose refusal is its outcome."""
    (outcome,) = at.oms.place_orders([WANTED], caller=who)
    if isinstance(outcome, Refused):
        raise outcome.error
    return outcome


def import_orders(at: Shop, who: Caller) -> object:
    """Import a file of one order, whose refusal is a reject."""
    rejects: list[ImportReject] = []
    report = at.oms.import_orders(ImportOrders(), io.BytesIO(JSONL), caller=who, rejects=rejects.append)
    for reject in rejects:
        raise OmsError(reject.code, reject.detail)
    return report


def move(status: OrderStatus) -> Call:
    def call(at: Shop, who: Caller) -> object:
        return at.oms.change_order_status(ChangeOrderStatus(order_id=at.placed.id, status=status), caller=who)

    return call


# A call of each rule, by (method, when); it succeeds for whoever may make it.
CALLS: dict[tuple[str, str], Call] = {
    ("place_order", ""): lambda at, who: at.oms.place_order(WANTED, caller=who),
    ("place_orders", ""): place_orders,
    ("accept_order", ""): lambda at, who: at.oms.accept_order(WANTED, caller=who),
    ("import_orders", ""): import_orders,
    ("wait_for_outcome", ""): lambda at, who: at.oms.wait_for_outcome(at.placed.id, caller=who, timeout_seconds=5),
    ("get_order", ""): lambda at, who: at.oms.get_order(at.placed.id, caller=who),
    ("list_orders", ""): lambda at, who: at.oms.list_orders(OrderFilter(customer_id=OWNER), caller=who),
    ("list_order_events", ""): lambda at, who: at.oms.list_order_events(at.placed.id, caller=who),
    ("cancel_order", ""): lambda at, who: at.oms.cancel_order(at.placed.id, caller=who),
    ("change_order_status", "to cancelled"): move(OrderStatus.CANCELLED),
    ("change_order_status", "to any other status"): move(OrderStatus.SHIPPED),
    ("retry_order", ""): lambda at, who: at.oms.retry_order(RetryOrder(order_id=at.rejected.id), caller=who),
    ("retry_orders", ""): lambda at, who: at.oms.retry_orders(OrderFilter(), caller=who),
    ("get_queue_status", ""): lambda at, who: at.oms.get_queue_status(caller=who),
    ("list_dead_letters", ""): lambda at, who: at.oms.list_dead_letters(caller=who),
    ("replay_dead_letters", ""): lambda at, who: at.oms.replay_dead_letters(None, caller=who),
    ("discard_dead_letters", ""): lambda at, who: at.oms.discard_dead_letters(None, caller=who),
    ("get_product", ""): lambda at, who: at.oms.get_product("WIDGET", caller=who),
    ("list_products", ""): lambda at, who: at.oms.list_products(caller=who),
    ("export_stock", ""): lambda at, who: list(at.oms.export_stock(caller=who)),
    ("list_movements", ""): lambda at, who: at.oms.list_movements("WIDGET", caller=who),
    ("set_stock", ""): lambda at, who: at.oms.set_stock(SetStock(sku="WIDGET", on_hand=500), caller=who),
    ("adjust_stock", ""): lambda at, who: at.oms.adjust_stock(
        AdjustStock(sku="WIDGET", delta=400, reason="found"), caller=who
    ),
    ("receive_stock", ""): lambda at, who: at.oms.receive_stock(ReceiveStock(sku="WIDGET", quantity=400), caller=who),
    ("delete_product", ""): lambda at, who: at.oms.delete_product(DeleteProduct(sku="UNUSED"), caller=who),
    ("import_stock", ""): lambda at, who: at.oms.import_stock(
        ImportStock(mode=ImportMode.SET), io.BytesIO(CSV), caller=who
    ),
    ("create_key", ""): lambda at, who: at.oms.create_key(NEW_KEY, caller=who),
    ("rotate_key", ""): lambda at, who: at.oms.rotate_key(RotateApiKey(name="robot"), caller=who),
    ("revoke_key", ""): lambda at, who: at.oms.revoke_key("robot", caller=who),
    ("get_key", ""): lambda at, who: at.oms.get_key("robot", caller=who),
    ("list_keys", ""): lambda at, who: at.oms.list_keys(caller=who),
    ("audit", ""): lambda at, who: at.oms.audit(caller=who),
}
# What changes something where it is allowed; the rest only reads.
READS = ("wait_", "get_", "list_", "export_", "audit")


@pytest.fixture
def at() -> Iterator[Shop]:
    with shop() as opened:
        yield opened


def test_every_method_that_takes_a_caller_has_a_rule_and_every_rule_a_call() -> None:
    methods = {
        name
        for name, method in vars(Oms).items()
        if inspect.isfunction(method) and "caller" in inspect.signature(method).parameters and name[0] != "_"
    }
    assert methods == {rule.use_case for rule in ACCESS_RULES}
    assert [(rule.use_case, rule.when) for rule in ACCESS_RULES] == list(CALLS)


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
        changes = not (wanted.is_blind or rule.use_case.startswith(READS))
        assert (everything(at.oms) != before) is changes
        return
    with pytest.raises(OmsError) as caught:
        call(at, asker)
    assert caught.value.code == wanted.code
    if wanted.scope is not None:
        assert caught.value.data == {"scope": wanted.scope.value}
    assert everything(at.oms) == before
