"""Strict JSON (RFC 8259, I-JSON RFC 7493): what json.loads lets through and a service must not is refused."""

from __future__ import annotations

import json
import math
from typing import Any, NoReturn

from oms_core.errors import OmsError

_DEPTH_MAX = 32
_NUMBER_LENGTH_MAX = 40


def parse_json(body: bytes) -> object:
    """Read one JSON document in UTF-8.

    Raises `malformed_json` for bad UTF-8 or syntax, duplicate keys, NaN and Infinity, numbers beyond a double or longer
    than 40 characters, and nesting deeper than 32.
    """
    try:
        text = body.decode()
        document = json.loads(
            text,
            object_pairs_hook=_object,
            parse_constant=_refuse_constant,
            parse_float=_finite,
            parse_int=_bounded,
        )
    except RecursionError as error:
        raise _malformed(f"nested deeper than {_DEPTH_MAX}") from error
    except ValueError as error:
        raise _malformed(str(error)) from error
    if text.count("[") + text.count("{") > _DEPTH_MAX:
        _check_depth(document)
    return document


def _malformed(detail: str) -> OmsError:
    return OmsError("malformed_json", f"the body is not JSON: {detail}")


def _object(pairs: list[tuple[str, object]]) -> dict[str, object]:
    entries = dict(pairs)
    if len(entries) != len(pairs):
        raise ValueError("an object has the same key twice")
    return entries


def _refuse_constant(name: str) -> NoReturn:
    raise ValueError(f"{name} is not a JSON number")


def _finite(text: str) -> float:
    number = float(text)
    if not math.isfinite(number):
        raise ValueError("a number is too large")
    return number


def _bounded(text: str) -> int:
    if len(text) > _NUMBER_LENGTH_MAX:
        raise ValueError("a number is too long")
    return int(text)


def _check_depth(document: Any) -> None:
    level = [document]
    for _ in range(_DEPTH_MAX):
        level = [
            child
            for node in level
            for child in (node.values() if isinstance(node, dict) else node)
            if isinstance(child, dict | list)
        ]
        if not level:
            return
    raise _malformed(f"nested deeper than {_DEPTH_MAX}")
