"""docs/api.md names every route, parameter and error code, and nothing else."""

from __future__ import annotations

import re
from pathlib import Path

from oms_core.errors import ERROR_CODES
from oms_http.operations import operations_of
from oms_http.problems import STATUS_BY_CODE
from oms_http.settings import HttpSettings

PAGE = (Path(__file__).parents[2] / "docs" / "api.md").read_text()
OPERATIONS = operations_of(HttpSettings())


def test_every_route_is_in_the_table() -> None:
    listed = set(re.findall(r"^\| `([A-Z]+ /[^`]*)` \| (?!`)", PAGE, re.MULTILINE))
    assert listed == {f"{operation.method} {operation.path}" for operation in OPERATIONS}


def test_every_error_is_in_the_table_with_its_status_and_what_to_do() -> None:
    listed = re.findall(r"^\| (\d{3}) \| `(\w+)` \| `(\w+)` \| (.+) \|$", PAGE, re.MULTILINE)
    assert {(int(status), code, retry, text) for status, code, retry, text in listed} == {
        (STATUS_BY_CODE[row.code], row.code, row.retry.value, f"{row.title}. {row.explanation}")
        for row in ERROR_CODES.values()
    }
    assert len(listed) == len(ERROR_CODES)


def test_every_query_parameter_is_named() -> None:
    for operation in OPERATIONS:
        for parameter in operation.query:
            assert re.search(rf"`{parameter.name}[`=]", PAGE), parameter.name


def test_every_header_that_a_request_may_carry_is_named() -> None:
    for operation in OPERATIONS:
        for header in operation.headers:
            assert f"`{header.name}`" in PAGE
