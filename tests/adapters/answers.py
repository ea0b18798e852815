"""Answers of several systems, brought into a form that can be compared."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import fields, is_dataclass, replace
from enum import Enum
from typing import TypeVar

from oms_core import Oms, OmsError
from oms_core.domain.events import Event
from oms_core.domain.stock.products import Movement

T = TypeVar("T")


def answer_of(question: Callable[[Oms], T], oms: Oms) -> T | OmsError:
    try:
        return question(oms)
    except OmsError as error:
        return error


def comparable(answer: object) -> object:
    """Give an answer as plain values, without the row ids, which databases may count as they like."""
    if isinstance(answer, OmsError):
        return answer.code, comparable(answer.data), comparable(answer.errors), answer.detail
    if isinstance(answer, Event | Movement):
        answer = replace(answer, id=0)
    if is_dataclass(answer) and not isinstance(answer, type):
        return {entry.name: comparable(getattr(answer, entry.name)) for entry in fields(answer)}
    if isinstance(answer, dict):
        return {key: comparable(value) for key, value in answer.items()}
    if isinstance(answer, Enum):
        return answer.value
    if isinstance(answer, list | tuple):
        return [comparable(entry) for entry in answer]
    return answer
