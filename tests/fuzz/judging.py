"""What must hold of every answer, whatever was asked."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator

from oms_core.errors import ERROR_CODES
from oms_http.problems import PROBLEM_TYPE, STATUS_BY_CODE
from tests.fuzz.rows import Rows, changed_tables, rows_of
from tests.fuzz.service import CANARY, SHOWN_NOTHING_OF_OTHERS, STAFF, Answer, Asked, Fuzzed
from tests.http.conformance import check_answer, closed_document, find_operation

# Far more than any answer takes, on a busy machine too; a request that never ends is stopped by whoever runs this.
DEADLINE_SECONDS = 10.0
_SAFE = frozenset({"GET", "HEAD", "OPTIONS", "TRACE"})
_ERROR = 400
_BUG = 500


class Judge:
    """Judges the answers of one service, in the order in which they came."""

    def __init__(self, service: Fuzzed, *, rows: Callable[[], Rows] | None = None) -> None:
        self._service = service
        self._rows = rows or (lambda: rows_of(service.oms))
        self._before = self._rows()
        self._secrets = [token.rpartition("_")[2].encode() for token in service.tokens.values()]

    def faults(self, asked: Asked, answer: Answer) -> list[str]:
        """Say what is wrong with an answer, and with what its request has done."""
        return [*self._in_answer(asked, answer), *self._in_rows(asked, answer)]

    def faults_at_end(self) -> list[str]:
        """Say what the audit says."""
        report = self._service.oms.audit(caller=STAFF)
        return [f"the audit says {found}" for found in report.discrepancies]

    def _in_answer(self, asked: Asked, answer: Answer) -> Iterator[str]:
        response = answer.response
        if response.status_code >= _BUG:
            yield f"{response.status}"
        if answer.seconds > DEADLINE_SECONDS:
            yield f"it took {answer.seconds:.1f} s"
        for entry in answer.logged:
            yield f"the log has {entry}"
        if response.status_code >= _ERROR and asked.method != "HEAD":
            yield from _in_problem(answer)
        if (fault := _undocumented(self._service, answer)) is not None:
            yield fault
        if asked.caller in SHOWN_NOTHING_OF_OTHERS and CANARY.encode() in response.data:
            yield "it shows what is another customer's"
        if any(secret in response.data for secret in self._secrets):
            yield "it shows the secret of a key"

    def _in_rows(self, asked: Asked, answer: Answer) -> Iterator[str]:
        refused = answer.response.status_code >= _ERROR
        if refused and asked.method in _SAFE:
            return  # What changed nothing when it was answered changes nothing when it is refused.
        after = self._rows()
        if (refused or asked.method in _SAFE) and (tables := changed_tables(self._before, after)):
            yield f"{answer.response.status}, and yet {', '.join(tables)} changed"
        self._before = after


def _in_problem(answer: Answer) -> Iterator[str]:
    response = answer.response
    if response.mimetype != PROBLEM_TYPE:
        yield f"{response.status} as {response.mimetype}"
        return
    problem = json.loads(response.data)
    if problem["code"] not in ERROR_CODES:
        yield f"the code {problem['code']}"
    elif STATUS_BY_CODE[problem["code"]] != response.status_code != problem["status"]:
        yield f"{response.status} for {problem['code']}"


def _undocumented(service: Fuzzed, answer: Answer) -> str | None:
    try:
        operation = find_operation(service.app, closed_document(), answer.response)
        if operation is not None:
            check_answer(operation, answer.response)
    except Exception as error:  # noqa: BLE001  However an answer fails to conform, it is reported with its request.
        return f"{answer.response.status} is not as documented: {type(error).__name__} {str(error)[:500]}"
    return None
