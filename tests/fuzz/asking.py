"""Asking one service after the other, each new: requests of one seed, counted and judged."""

from __future__ import annotations

import faulthandler
import json
import sys
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager

from tests.fuzz.chance import Chance
from tests.fuzz.judging import Judge
from tests.fuzz.requests import Writer
from tests.fuzz.service import Answer, Asked, Fuzzed
from tests.fuzz.tally import Tally

# A store that stays small is compared whole in no time.
REQUESTS_PER_SERVICE = 2_000
_HANGS_AFTER_SECONDS = 120
_WATCHED_TOGETHER = 100
_KEPT_MAX = 200

OpenService = Callable[[], AbstractContextManager[Fuzzed]]


def ask_many(open_service: OpenService, *, seed: str, requests: int) -> Tally:
    """Send so many requests, to as many services as that takes, and judge each answer."""
    tally = Tally()
    for number, count in enumerate(_portions(requests)):
        with open_service() as service:
            tally += ask_one(service, Chance(f"{seed}/{number}"), requests=count)
    faulthandler.cancel_dump_traceback_later()
    return tally


def ask_one(service: Fuzzed, chance: Chance, *, requests: int) -> Tally:
    """Send requests to one service."""
    tally, writer, judge = Tally(), Writer(chance, service), Judge(service)
    for _ in range(requests):
        ask_and_judge(service, judge, writer.request(), tally)
    tally.failures += judge.faults_at_end()
    return tally


def ask_and_judge(service: Fuzzed, judge: Judge, asked: Asked, tally: Tally) -> None:
    """Send one request; one that never ends ends the process, with a traceback of every thread."""
    if tally.tried % _WATCHED_TOGETHER == 0:  # Setting the alarm costs as much as many a request.
        faulthandler.dump_traceback_later(_HANGS_AFTER_SECONDS, exit=True, file=sys.__stderr__)
    answer = service.ask(asked)
    tally.tried += 1
    tally.outcomes[f"{answer.response.status_code // 100}xx"] += 1
    tally.failures += [f"{asked} -> {fault}" for fault in judge.faults(asked, answer)]
    _remember(service, asked, answer)


def _remember(service: Fuzzed, asked: Asked, answer: Answer) -> None:
    """Keep the ids, cursors and names that an answer gives, for the requests that follow."""
    if answer.response.status_code >= 300 or not answer.response.is_json:
        return
    document = json.loads(answer.response.data or b"null")
    if not isinstance(document, dict):
        return
    _keep(service.cursors, document.get("next"))
    is_letters = asked.target.startswith(b"/v1/queue/dead")
    for item in [document, *document.get("items", [])]:
        if not isinstance(item, dict):
            continue
        if is_letters:
            _keep(service.letter_ids, item.get("id"))
        elif "customer_id" in item and "lines" in item:
            _keep(service.order_ids, item["id"])
        elif "key" in item:
            _keep(service.names, item["name"])


def _keep(kept: list[str], value: object) -> None:
    if isinstance(value, str) and value not in kept and len(kept) < _KEPT_MAX:
        kept.append(value)


def _portions(count: int) -> Iterator[int]:
    while count > 0:
        yield min(count, REQUESTS_PER_SERVICE)
        count -= REQUESTS_PER_SERVICE
