"""Where an order is to be served from: which lists are refused, and that the others are kept in their order."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from oms_core import OmsError, OrderLine, PlaceOrder
from oms_core.documents.orders import read_order
from oms_core.domain.limits import ORDER_LOCATIONS_MAX


def command(locations: Any) -> PlaceOrder:
    return PlaceOrder(customer_id="C1", lines=[OrderLine(sku="A", quantity=1)], locations=locations)


@pytest.mark.parametrize(
    ("locations", "found"),
    [
        ([], [("/locations", "wrong_length")]),
        ([f"L{number}" for number in range(ORDER_LOCATIONS_MAX + 1)], [("/locations", "wrong_length")]),
        ("north", [("/locations", "wrong_type")]),
        (7, [("/locations", "wrong_type")]),
        ({"north": 1}, [("/locations", "wrong_type")]),
        ([""], [("/locations/0", "wrong_length")]),
        (["north", "a/b"], [("/locations/1", "bad_name")]),
        (["north", 7], [("/locations/1", "wrong_type")]),
        (["north", "east", "north"], [("/locations/2", "duplicate")]),
        (["x" * 65, "."], [("/locations/0", "wrong_length"), ("/locations/1", "bad_name")]),
    ],
)
def test_a_bad_list_is_refused_with_its_place(locations: Any, found: list[tuple[str, str]]) -> None:
    document = {"customer_id": "C1", "lines": [{"sku": "A", "quantity": 1}], "locations": locations}
    makers: list[Callable[[], PlaceOrder]] = [lambda: command(locations), lambda: read_order(document)]
    for make in makers:
        with pytest.raises(OmsError) as caught:
            make()
        assert [(each.pointer, each.code) for each in caught.value.errors] == found


def test_names_are_kept_in_their_order_also_as_many_as_there_may_be() -> None:
    names = [f"L{number}" for number in range(ORDER_LOCATIONS_MAX)][::-1]
    assert command(names).locations == tuple(names)
    assert command(None).locations is None
