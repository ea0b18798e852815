"""Errors: one table, codes that never change, and what they carry survives a process border."""

from __future__ import annotations

import copy
import pickle
from typing import assert_type, get_args, get_type_hints

import pytest

from oms_core import Code, ErrorKind, FieldError, OmsError, Retry
from oms_core.error_types import (
    ExceedsReserved,
    ExtensionLimit,
    InsufficientInventory,
    InvalidTransition,
    LocationRequired,
    OrderArchived,
    OutcomeUnknown,
    RateLimited,
    ShipmentLimit,
    ShipmentReturned,
    StockBelowReserved,
    StockCountMismatch,
    StockLimit,
    VersionMismatch,
)
from oms_core.errors import ERROR_CODES, is_code
from oms_http.openapi.problem_schemas import problem_schemas

# What clients rely on. A code may be added; none may be renamed, removed or moved to another kind.
PROMISED = {
    "validation_error": "invalid",
    "malformed_json": "invalid",
    "payload_too_large": "invalid",
    "unsupported_media_type": "invalid",
    "method_not_allowed": "invalid",
    "unknown_sku": "invalid",
    "total_too_large": "invalid",
    "idempotency_key_reused": "invalid",
    "unauthenticated": "unauthenticated",
    "forbidden": "forbidden",
    "order_not_found": "not_found",
    "sku_not_found": "not_found",
    "route_not_found": "not_found",
    "insufficient_inventory": "conflict",
    "invalid_transition": "conflict",
    "version_mismatch": "conflict",
    "stock_below_reserved": "conflict",
    "stock_count_mismatch": "conflict",
    "idempotency_key_in_use": "conflict",
    "key_not_found": "not_found",
    "key_name_taken": "conflict",
    "rate_limited": "limited",
    "concurrency_limited": "limited",
    "overloaded": "unavailable",
    "storage_unavailable": "unavailable",
    "outcome_unknown": "unavailable",
}


def test_no_promised_code_is_missing_or_of_another_kind() -> None:
    assert {code: ERROR_CODES[code].kind.value for code in PROMISED} == PROMISED


@pytest.mark.parametrize("code", ERROR_CODES)
def test_every_code_is_a_snake_case_word_with_its_texts(code: str) -> None:
    row = ERROR_CODES[code]
    assert row.code == code
    assert code.replace("_", "").isalpha()
    assert code.islower()
    assert row.title[0].isupper()
    assert not row.title.endswith(".")
    assert row.explanation.endswith(".")


@pytest.mark.parametrize("code", ERROR_CODES)
def test_an_error_survives_pickling_and_copying(code: str) -> None:
    error = OmsError(
        code,
        "the detail",
        errors=[FieldError(pointer="/a", code="wrong", detail="is wrong")],
        data={"shortages": [{"sku": "A", "requested": 2, "available": 1}]},
        retry_after_seconds=3,
    )
    for again in (pickle.loads(pickle.dumps(error)), copy.copy(error), copy.deepcopy(error)):
        assert type(again) is OmsError
        assert (again.code, again.detail, again.kind, again.retry) == (code, "the detail", error.kind, error.retry)
        assert (again.errors, again.data, again.retry_after_seconds) == (error.errors, error.data, 3)
        assert str(again) == str(error) == f"{code}: the detail"


def test_an_unknown_code_is_a_bug() -> None:
    with pytest.raises(KeyError):
        OmsError("no_such_code", "x")


def test_what_can_be_repeated_says_so() -> None:
    for row in ERROR_CODES.values():
        if row.kind in {ErrorKind.LIMITED, ErrorKind.UNAVAILABLE}:
            assert row.retry in {Retry.SAME_KEY, Retry.LOOK_UP, Retry.AFTER_CHANGE}
    assert ERROR_CODES["outcome_unknown"].retry is Retry.LOOK_UP
    assert ERROR_CODES["idempotency_key_in_use"].retry is Retry.SAME_KEY


def test_the_literal_of_the_codes_is_the_table() -> None:
    assert get_args(Code) == tuple(ERROR_CODES)


def test_a_text_is_a_code_or_is_none() -> None:
    assert all(map(is_code, ERROR_CODES))
    assert not is_code("unheard_of")


def test_the_figures_of_an_error_have_the_type_of_its_code() -> None:
    shortages = [{"sku": "A", "requested": 2, "available": 1}]
    error = OmsError("insufficient_inventory", "short", data={"shortages": shortages})
    figures = assert_type(error.figures("insufficient_inventory"), InsufficientInventory | None)
    assert figures is not None
    assert assert_type(figures["shortages"][0]["available"], int) == 1
    assert assert_type(error.figures("rate_limited"), RateLimited | None) is None
    assert assert_type(error.code, Code) == "insufficient_inventory"


@pytest.mark.parametrize(
    "figures",
    [
        ("insufficient_inventory", InsufficientInventory),
        ("invalid_transition", InvalidTransition),
        ("order_archived", OrderArchived),
        ("version_mismatch", VersionMismatch),
        ("extension_limit", ExtensionLimit),
        ("location_required", LocationRequired),
        ("exceeds_reserved", ExceedsReserved),
        ("shipment_returned", ShipmentReturned),
        ("shipment_limit", ShipmentLimit),
        ("stock_limit", StockLimit),
        ("stock_below_reserved", StockBelowReserved),
        ("stock_count_mismatch", StockCountMismatch),
        ("rate_limited", RateLimited),
        ("outcome_unknown", OutcomeUnknown),
    ],
    ids=lambda figures: figures[0],
)
def test_the_typed_figures_are_those_that_are_published(figures: tuple[str, type]) -> None:
    code, typed = figures
    (schema,) = problem_schemas([code]).values()
    assert isinstance(schema, dict)
    standard = {"type", "title", "status", "detail", "code", "request_id", "retry"}
    assert set(get_type_hints(typed)) == schema["properties"].keys() - standard
