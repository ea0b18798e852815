"""Requests that schemathesis makes of the OpenAPI document, right ones and wrong ones, from callers of every kind."""

from __future__ import annotations

import faulthandler
import itertools
from contextlib import suppress

import requests
import schemathesis
from hypothesis import HealthCheck, given, settings
from hypothesis import seed as seeded
from hypothesis.errors import Unsatisfiable
from schemathesis import GenerationMode
from schemathesis.schemas import APIOperation

from oms_http.openapi.document import openapi_document
from oms_http.operations import operations_of
from oms_http.settings import HttpSettings
from tests.fuzz.asking import OpenService, ask_and_judge
from tests.fuzz.chance import Chance
from tests.fuzz.judging import Judge
from tests.fuzz.requests import patient
from tests.fuzz.service import CALLERS, Asked, Fuzzed
from tests.fuzz.tally import Tally

_ADDRESS = "http://127.0.0.1:8080"


def ask_as_described(open_service: OpenService, *, seed: str, requests: int) -> Tally:
    """Send so many requests or a few more, as many to each operation, or to some of them; judge the answers."""
    tally = Tally()
    document = schemathesis.openapi.from_dict(openapi_document(operations_of(HttpSettings())))
    kinds = list(itertools.product([found.ok() for found in document.get_all_operations()], GenerationMode))
    kinds = Chance(seed).shuffled(kinds)[:requests]
    share = -(-requests // len(kinds))
    for operation, mode in kinds:
        with open_service() as service:
            tally += _ask(service, operation, mode, seed=f"{seed}/{operation.label}/{mode.value}", requests=share)
    faulthandler.cancel_dump_traceback_later()
    return tally


def _ask(service: Fuzzed, operation: APIOperation, mode: GenerationMode, *, seed: str, requests: int) -> Tally:
    tally, judge, chance = Tally(), Judge(service), Chance(seed)

    @seeded(seed)
    @settings(max_examples=requests, database=None, deadline=None, suppress_health_check=list(HealthCheck))
    @given(operation.as_strategy(generation_mode=mode))
    def ask(case: schemathesis.Case) -> None:
        ask_and_judge(service, judge, _asked(case, chance.one_of(CALLERS), service), tally)

    with suppress(Unsatisfiable):  # Where nothing can be given, nothing can be wrong with it.
        ask()
    tally.failures += judge.faults_at_end()
    return tally


def _asked(case: schemathesis.Case, caller: str, service: Fuzzed) -> Asked:
    """Give the bytes that schemathesis would send; the key is the caller's, or what was drawn where it has none."""
    prepared = requests.Request(**case.as_transport_kwargs(base_url=_ADDRESS)).prepare()
    headers = {name: _bytes(value) for name, value in prepared.headers.items()}
    if caller in service.tokens:
        headers["Authorization"] = f"Bearer {service.tokens[caller]}".encode()
    body = prepared.body or b""
    return Asked(
        caller=caller,
        method=prepared.method or "GET",
        target=prepared.path_url.encode(errors="replace"),
        headers=tuple((name, patient(value)) for name, value in headers.items()),
        body=body.encode(errors="replace") if isinstance(body, str) else body,
    )


def _bytes(value: str | bytes) -> bytes:
    return value.encode("latin-1", errors="replace") if isinstance(value, str) else value
