"""schemathesis against the OpenAPI document: no 500, nothing undocumented, and what the schemas say is what holds."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import ExitStack
from typing import TYPE_CHECKING

import pytest
import schemathesis
from flask import Flask
from hypothesis import HealthCheck, settings
from schemathesis.checks import CheckContext
from schemathesis.config import SchemathesisConfig
from schemathesis.core.failures import AcceptedNegativeData
from schemathesis.core.transport import Response
from schemathesis.openapi.checks import RejectedPositiveData
from schemathesis.specs.openapi.checks import (
    allow_header_conformance,
    negative_data_rejection,
    positive_data_acceptance,
    unsupported_method,
)

from oms_core import ALL_SCOPES, Caller, CreateApiKey, Oms, SetStock, Settings
from oms_http.app import create_app
from oms_http.openapi.document import openapi_document
from oms_http.operations import operations_of
from oms_http.settings import HttpSettings

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIEnvironment

# It sends texts of JSON Lines as they are.
schemathesis.serializer.alias("application/jsonl", "text/plain")

CONFIG = SchemathesisConfig.from_dict(
    {
        "checks": {
            # An If-Match that is no entity tag of an order matches no version: 412 is its refusal.
            "negative_data_rejection": {
                "expected-statuses": ["400", "401", "403", "404", "405", "409", "412", "413", "415", "422", "503"]
            },
        }
    }
)
# Refusals of well-formed requests for what is stored, or for what JSON Schema has no words for.
BY_STATE = {"key_name_taken", "unknown_sku", "total_too_large", "idempotency_key_reused", "version_mismatch"}
BY_MEANING = {
    "bad_cursor": "a cursor is one that the same list gave",
    "bad_name": "a SKU is in normal form NFC",
    "duplicate": "an act on lines names each once; a return does so once for a disposition and a location",
    "bad_amount": "an amount fits an int8, and its currency",
    "bad_time": "a date-time of the schema may be a leap second, or out of the calendar in UTC",
    "out_of_range": "a correction must leave the count below 10^12; an expiry lies ahead",
    "same_location": "a transfer needs two locations",
    "not_allowed": "a dry run takes no idempotency key",
    "similar_location": "no two locations differ in case or width alone",
    "sells_no_stock": "only a location of the kind stock sells or ships",
    "not_for_customer": "a key bound to a customer does not administer",
}
# Fixed paths that also match a sibling's pattern, so other methods are that sibling's: no order has the id `batch`
# or `retry`, but a product may have the SKU `import`.
SHADOWING = {
    "/v1/orders/batch",
    "/v1/orders/retry",
    "/v1/orders/export",
    "/v1/orders/status",
    "/v1/orders/import",
    "/v1/inventory/import",
    "/v1/inventory/export",
}


TESTER = Caller(name="tester", scopes=ALL_SCOPES)


class Served:
    """The application that the tests ask; each storage's takes its turn."""

    def __init__(self) -> None:
        self.app: Flask | None = None
        self.key = ""

    def __call__(self, environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        assert self.app is not None
        return self.app(environ, start_response)


schema = schemathesis.openapi.from_dict(openapi_document(operations_of(HttpSettings())), config=CONFIG)
schema.app = Served()


@pytest.fixture(params=["memory", "sqlite", "postgresql"], scope="module")
def _service(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """A service that has the product of the examples, on each storage."""
    with ExitStack() as stack:
        if request.param == "postgresql":
            url = stack.enter_context(request.getfixturevalue("postgresql_server").database())
        else:
            url = {"memory": "memory://", "sqlite": f"sqlite:///{tmp_path_factory.mktemp('api')}/oms.db"}[request.param]
        oms = stack.enter_context(Oms.open(Settings(database_url=url, auth="keys", rate_limits="off")))
        oms.schema.upgrade()
        oms.stock.set(SetStock(sku="WIDGET", on_hand=10**6), caller=TESTER)
        oms.api_keys.create(CreateApiKey(name="shop", scopes=ALL_SCOPES), caller=TESTER)
        schema.app.app = create_app(oms)
        schema.app.key = oms.api_keys.create(CreateApiKey(name="tester", scopes=ALL_SCOPES), caller=TESTER).token
        yield
        schema.app.app = None


def accepts_what_is_described(ctx: CheckContext, response: Response, case: schemathesis.Case) -> bool | None:
    """Fail when a request that conforms to its schema is refused, unless for its meaning or for what is stored."""
    try:
        return positive_data_acceptance(ctx, response, case)
    except RejectedPositiveData:
        problem = response.json()
        codes = {found["code"] for found in problem.get("errors", [])}
        if problem["code"] in BY_STATE or (codes and codes <= BY_MEANING.keys()):
            return None
        if case.media_type in {"text/csv", "application/jsonl"} and problem["code"] == "validation_error":
            return None  # To a schema, a CSV is a text like any other.
        raise


def refuses_what_is_not_described(ctx: CheckContext, response: Response, case: schemathesis.Case) -> bool | None:
    """Fail when a request that breaks its schema is taken; an order of a batch or a file is refused by its outcome."""
    try:
        return negative_data_rejection(ctx, response, case)
    except AcceptedNegativeData:
        if case.operation.path == "/v1/orders/batch":
            statuses = {outcome["status"] for outcome in response.json()["outcomes"]}
            if 422 in statuses:
                return None
        if case.operation.path == "/v1/orders/import" and response.json()["rejects"]:
            return None
        raise


@pytest.mark.usefixtures("_service")
@schema.parametrize()
@settings(max_examples=20, derandomize=True, database=None, suppress_health_check=list(HealthCheck))
def test_every_answer_is_as_documented(case: schemathesis.Case) -> None:
    excluded = [positive_data_acceptance, negative_data_rejection]
    if case.operation.path in SHADOWING:
        excluded += [allow_header_conformance, unsupported_method]
    case.call_and_validate(
        headers={"Authorization": f"Bearer {schema.app.key}"},
        additional_checks=[accepts_what_is_described, refuses_what_is_not_described],
        excluded_checks=excluded,
    )
