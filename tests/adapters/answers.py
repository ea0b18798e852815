"""Answers of several systems, brought into a form that can be compared."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import fields, is_dataclass, replace
from datetime import UTC, datetime
from enum import Enum
from typing import TypeVar

from oms_core import Oms, OmsError, Order
from oms_core.domain.events import Event
from oms_core.domain.stock.products import Movement

T = TypeVar("T")

_MOMENT = datetime(2026, 1, 1, tzinfo=UTC)


def answer_of(question: Callable[[Oms], T], oms: Oms) -> T | OmsError:
    try:
        return question(oms)
    except OmsError as error:
        return error


def comparable(answer: object) -> object:
    """Give an answer as plain values, without row ids and ends of holds, which are each database's own."""
    if isinstance(answer, OmsError):
        return answer.code, comparable(answer.data), comparable(answer.errors), answer.detail
    if isinstance(answer, Event | Movement):
        answer = replace(answer, id=0)
    if isinstance(answer, Order) and answer.hold_until is not None:
        answer = replace(answer, hold_until=_MOMENT)
    if is_dataclass(answer) and not isinstance(answer, type):
        return {entry.name: comparable(getattr(answer, entry.name)) for entry in fields(answer)}
    if isinstance(answer, dict):
        return {key: None if key == "hold_until" else comparable(value) for key, value in answer.items()}
    if isinstance(answer, Enum):
        return answer.value
    if isinstance(answer, list | tuple):
        return [comparable(entry) for entry in answer]
    return answer
