"""Strict JSON (RFC 8259, I-JSON RFC 7493): it refuses what json.loads lets through and a service must not."""

from __future__ import annotations

import json
import math
from typing import Any, NoReturn

from oms_core.domain.numbers import DIGITS_MAX
from oms_core.errors import OmsError

_DEPTH_MAX = 32
# Each becomes an object in Python, up to thirty times as large as its text. The largest batch of orders has fewer.
_OBJECTS_MAX = 400_000


def parse_json(body: bytes) -> object:
    """Read one JSON document in UTF-8.

    Raise `malformed_json` for bad UTF-8 or syntax, duplicate keys, NaN and Infinity, numbers beyond a double or longer
    than 40 characters, nesting deeper than 32, and more than 400,000 opening brackets.
    """
    if body.count(b"{") + body.count(b"[") > _OBJECTS_MAX:
        raise _malformed(f"more than {_OBJECTS_MAX:,} objects and arrays")
    try:
        text = body.decode()
        document: object = _decode(text)
    except RecursionError as error:
        raise _malformed(f"nested deeper than {_DEPTH_MAX}") from error
    except ValueError as error:
        raise _malformed(_other_encoding(body) or str(error)) from error
    if text.count("[") + text.count("{") > _DEPTH_MAX:
        _check_depth(document)
    return document


def _other_encoding(body: bytes) -> str | None:
    """Return what is wrong with a body that is not UTF-8 or begins with a byte order mark (RFC 8259, section 8.1)."""
    encoding = json.detect_encoding(body)
    if encoding == "utf-8":
        return None
    if encoding == "utf-8-sig":
        return "it begins with a byte order mark; send it without those three bytes"
    return f"it is in {encoding[:6].upper()}; send it in UTF-8"


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
    _check_length(text)
    number = float(text)
    if not math.isfinite(number):
        raise ValueError("a number is too large")
    return number


def _bounded(text: str) -> int:
    _check_length(text)
    return int(text)


def _check_length(number: str) -> None:
    if len(number) > DIGITS_MAX:
        raise ValueError("a number is too long")


# `json.loads` would make a decoder for each text, which takes as long as a small order.
_decode = json.JSONDecoder(
    object_pairs_hook=_object,
    parse_constant=_refuse_constant,
    parse_float=_finite,
    parse_int=_bounded,
).decode


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
