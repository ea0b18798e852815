"""What the answers of shipments and of returns have in common: they show how their order stands, and have its tag."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping

from flask import Response

from oms_core.domain.numbers import parse_digits
from oms_core.domain.orders.order import Order
from oms_core.errors import OmsError
from oms_http.orders.order_answers import order_etag
from oms_http.responses import NO_STORE, REPLAYED, json_response

# What every act on an order may be refused for, and besides one that has an idempotency key.
OF_ORDER = ("order_not_found", "version_mismatch")
UNDER_KEY = ("order_archived", "idempotency_key_reused")

_DIGITS_MAX = 9


def act_response(
    order: Order,
    act: Mapping[str, object],
    *,
    status: int = 200,
    headers: Iterable[tuple[str, str]] = (),
    is_replayed: bool = False,
) -> Response:
    """Answer with an act on an order, as it is shown, and with the status and version of the order."""
    sent = [*_headers(order), *headers, *([REPLAYED] if is_replayed else [])]
    return json_response(_of_order(order, act), status=status, headers=sent)


def acts_response(order: Order, acts: Iterable[Mapping[str, object]]) -> Response:
    """Answer with all acts of a kind on an order."""
    return json_response({"items": [_of_order(order, act) for act in acts]}, headers=_headers(order))


def read_act_number(text: str, not_found: Callable[[str], OmsError]) -> int:
    """Read the number of an act from a path. Raise `not_found` for what is no number, because no act has it."""
    if not (text.isascii() and text.isdigit()) or len(text) > _DIGITS_MAX or text.startswith("0"):
        raise not_found(text[:64])
    return parse_digits(text)


def _headers(order: Order) -> list[tuple[str, str]]:
    return [NO_STORE, ("ETag", f'"{order_etag(order)}"')]


def _of_order(order: Order, act: Mapping[str, object]) -> dict[str, object]:
    return {**act, "order_status": order.status.value, "order_version": order.version}
