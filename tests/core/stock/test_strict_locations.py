"""Where only known locations may be named, stock changes at no other one, and who may change none learns of none."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from oms_contracts.storage_contract.shop import CLERK
from oms_memory import MemoryStorage

from oms_core import (
    AdjustStock,
    Caller,
    Oms,
    OmsError,
    Ports,
    ReceiveStock,
    SetLocation,
    SetStock,
    Settings,
    TransferStock,
)

Change = Callable[[Oms, str, Caller], object]

CHANGES: dict[str, Change] = {
    "set": lambda oms, place, caller: oms.stock.set(SetStock(sku="A", on_hand=7, location=place), caller=caller),
    "adjust": lambda oms, place, caller: oms.stock.adjust(
        AdjustStock(sku="A", delta=1, reason="found", location=place), caller=caller
    ),
    "receive": lambda oms, place, caller: oms.stock.receive(
        ReceiveStock(sku="A", quantity=1, location=place), caller=caller
    ),
    "transfer": lambda oms, place, caller: oms.stock.transfer(
        TransferStock(sku="A", quantity=1, from_location="main", to_location=place), caller=caller
    ),
}


@pytest.fixture
def oms() -> Oms:
    """A system that knows main, east and, as it was set, yard; 5 units of A are at main."""
    oms = Oms(
        settings=Settings(locations=("main", "east"), locations_strict=True), ports=Ports(storage=MemoryStorage())
    )
    oms.locations.set(SetLocation(name="yard"), caller=CLERK)
    oms.stock.set(SetStock(sku="A", on_hand=5), caller=CLERK)
    return oms


def finding_of(error: OmsError) -> tuple[str, str]:
    """Return the code of an error and that of its one finding."""
    return error.code, error.errors[0].code


@pytest.mark.parametrize("change", CHANGES.values(), ids=[*CHANGES])
def test_stock_changes_where_a_location_is_known_and_nowhere_else(oms: Oms, change: Change) -> None:
    for place in ("east", "yard"):
        change(oms, place, CLERK)
    with pytest.raises(OmsError) as refusal:
        change(oms, "esat", CLERK)
    assert finding_of(refusal.value) == ("validation_error", "unknown_location")
    assert {level.location for level in oms.stock.get("A", caller=CLERK).levels} == {"main", "east", "yard"}


@pytest.mark.parametrize("change", CHANGES.values(), ids=[*CHANGES])
def test_who_may_not_change_stock_is_not_told_which_locations_there_are(oms: Oms, change: Change) -> None:
    with pytest.raises(OmsError, match="forbidden"):
        change(oms, "esat", Caller(name="reader", scopes=frozenset()))


def test_a_transfer_names_the_place_where_there_are_no_units_to_move(oms: Oms) -> None:
    command = TransferStock(sku="A", quantity=1, from_location="esat", to_location="east")
    with pytest.raises(OmsError, match="A has never been at esat") as refusal:
        oms.stock.transfer(command, caller=CLERK)
    assert finding_of(refusal.value) == ("validation_error", "unknown_location")
