"""Draws of one seed: what is put in the place of something good, byte by byte and value by value."""

from __future__ import annotations

import copy
import gzip
import json
import random
import zlib
from collections.abc import Callable, Sequence
from typing import Any, TypeVar

from tests.bad_input import BAD_ORDERS
from tests.texts import BAD_NAMES, BAD_TEXTS, GOOD_PROSE

T = TypeVar("T")

# Pieces that parsers of JSON, CSV, HTTP, SQL and terminals have stumbled over.
FRAGMENTS: tuple[bytes, ...] = (
    *(b"\x00", b"\xff", b"\xc0\x80", b"\xed\xa0\x80", b"\xef\xbb\xbf", b"\xf4\x90\x80\x80", b"\x1b[2J", b"\x7f"),
    *(b"\\ud800", b"\\u0000", b'\\"', b"\\", b"\\x41", b"\\/", b"//", b"/*", b"#", b"%00", b"%2e%2e%2f", b"%ff", b"%%"),
    *(b'"', b"'", b"''", b'""', b",", b",,", b":", b";", b"=", b"==", b"&", b"+", b"{", b"}", b"[", b"]", b"{}", b"[]"),
    *(b"null", b"true", b"NaN", b"-Infinity", b"1e400", b"-0", b"0.1", b"1e-400", b"9" * 41, b"9" * 19, b"01", b"0x1"),
    *(b"' OR 1=1 --", b"$1", b"%s", b"{0}", b"${x}", b"{{x}}", b"<script>", b"=cmd|'/c'!A0", b"@x", b"\t", b"\n"),
    *(b"\r\n", b"\r", b"W/", b"*", b'"1"', b"bytes=0-1", b"wait=0", b"respond-async", b"q=0", b"utf-7", b"charset="),
    *(b"__proto__", b"constructor", b"../", b"..", b".", b"/", b" ", b"  ", b"\xc2\xa0", b"\xe2\x80\xae", b"\xc2\x85"),
    *(b"A" * 65, b"A" * 129, b"A" * 256, b"A" * 513, b"[" * 40, b'{"a":' * 40, b"Cafe\xcc\x81"),
    *("\u0661".encode(), "\U0001d7d9".encode(), "\u00df".encode()),  # Digits to some parsers; SS in upper case.
)  # fmt: skip
# JSON values that are wrong nearly everywhere, by type, by size or by meaning.
VALUES: tuple[object, ...] = (
    *(None, True, False, 0, -1, 1, 1.5, 5.0, -0.0, 10**12, 10**12 + 1, 2**31, 2**63, -(2**63) - 1, 10**39, 1e300),
    *("", " ", "0", "1", "-1", "1e3", "NaN", "null", "true", "/", "%2F", "A" * 10_000, "\u00e9" * 500, "\U0001d7d9"),
    *([], {}, [[]], [{}], [None], {"": None}, {"a": {"b": []}}, [0] * 1_000, {str(n): "v" for n in range(60)}),
    *BAD_TEXTS.values(),
    *BAD_NAMES.values(),
    *GOOD_PROSE.values(),
)  # fmt: skip
BODIES: tuple[bytes, ...] = tuple(bad.body for bad in BAD_ORDERS if len(bad.body) < 20_000)

_RUN_MAX = 64
_DEPTH_MAX = 40


class Chance:
    """Everything that is drawn, in one order: the same seed asks the same questions of the same answers."""

    def __init__(self, seed: int | str) -> None:
        self._random = random.Random(seed)

    def below(self, end: int) -> int:
        """Draw a whole number from 0 to `end` - 1."""
        return self._random.randrange(end)

    def happens(self, share: float) -> bool:
        """Draw whether something that happens in this share of cases does."""
        return self._random.random() < share

    def one_of(self, options: Sequence[T]) -> T:
        """Draw one."""
        return self._random.choice(options)

    def some_of(self, options: Sequence[T], most: int) -> list[T]:
        """Draw up to `most`, any of them more than once."""
        return self._random.choices(options, k=self.below(most + 1))

    def shuffled(self, items: Sequence[T]) -> list[T]:
        """Draw an order."""
        return self._random.sample(items, len(items))

    def bytes(self, most: int) -> bytes:
        """Draw up to `most` bytes of any value."""
        return self._random.randbytes(self.below(most + 1))

    def text(self, good: str, *, ways: int = 1) -> str:
        """Give a text changed, as UTF-8 whose bytes may be none."""
        return self.changed(good.encode(errors="surrogatepass"), ways=ways).decode(errors="replace")

    def changed(self, good: bytes, *, ways: int = 3) -> bytes:
        """Give bytes changed in one way or up to `ways`."""
        changed = good
        for _ in range(1 + self.below(ways)):
            changed = self.one_of(_CHANGES)(self, changed)
        return changed

    def encoded(self, good: bytes) -> bytes:
        """Give a text in another encoding than UTF-8, with and without a mark, or packed."""
        return self.one_of(_ENCODINGS)(good.decode())

    def document(self, good: object, *, ways: int = 2) -> object:
        """Give a JSON document with values, members or entries changed, in one place or up to `ways`."""
        changed = copy.deepcopy(good)
        for _ in range(1 + self.below(ways)):
            changed = self._changed_within(changed, _DEPTH_MAX)
        return changed

    def body(self, good: object) -> bytes:
        """Give a body for a JSON document: as it is, changed in its values, changed in its bytes, or something else."""
        match self.below(10):
            case 0 | 1:
                return to_json(good)
            case 2 | 3 | 4 | 5:
                return to_json(self.document(good))
            case 6 | 7:
                return self.changed(to_json(good))
            case 8:
                return self.changed(to_json(self.document(good)))
            case _:
                odd = self.encoded(to_json(good))
                return self.one_of((self.bytes(200), odd, self.one_of(BODIES), self.changed(self.one_of(BODIES))))

    def _changed_within(self, node: Any, depth: int) -> Any:
        if depth and node and isinstance(node, dict | list) and self.happens(0.8):
            change = self._change_object if isinstance(node, dict) else self._change_list
            change(node, depth - 1)
            return node
        if isinstance(node, str) and self.happens(0.5):
            return self.text(node)
        if type(node) is int and self.happens(0.5):
            return node + self.one_of((-1, 1, -node, 10**6, 10**12, 2**63))
        return copy.deepcopy(self.one_of(VALUES))

    def _change_object(self, node: dict[str, Any], depth: int) -> None:
        name = self.one_of(sorted(node))
        match self.below(8):
            case 0:
                del node[name]
            case 1:
                node[self.text(name)] = node[name]
            case 2:
                node[str(self.one_of(VALUES))] = copy.deepcopy(self.one_of(VALUES))
            case _:
                node[name] = self._changed_within(node[name], depth)

    def _change_list(self, node: list[Any], depth: int) -> None:
        index = self.below(len(node))
        match self.below(6):
            case 0:
                del node[index]
            case 1:
                node.extend([node[index]] * (1 + self.below(_RUN_MAX)))
            case _:
                node[index] = self._changed_within(node[index], depth)


def to_json(document: object) -> bytes:
    """Write a document as JSON; a lone surrogate is escaped, so it stands in the text as a decoder meets it."""
    return json.dumps(document).encode()


def _flip(chance: Chance, good: bytes) -> bytes:
    if not good:
        return b"\x00"
    place = chance.below(len(good))
    return good[:place] + bytes([good[place] ^ 1 << chance.below(8)]) + good[place + 1 :]


def _insert(chance: Chance, good: bytes) -> bytes:
    place = chance.below(len(good) + 1)
    return good[:place] + chance.one_of(FRAGMENTS) + good[place:]


def _replace(chance: Chance, good: bytes) -> bytes:
    start = chance.below(len(good) + 1)
    return good[:start] + chance.one_of(FRAGMENTS) + good[start + chance.below(_RUN_MAX) :]


def _cut(chance: Chance, good: bytes) -> bytes:
    return good[: chance.below(len(good) + 1)]


def _leave_out(chance: Chance, good: bytes) -> bytes:
    start = chance.below(len(good) + 1)
    return good[:start] + good[start + 1 + chance.below(_RUN_MAX) :]


def _repeat(chance: Chance, good: bytes) -> bytes:
    start = chance.below(len(good) + 1)
    run = good[start : start + 1 + chance.below(_RUN_MAX)]
    return good[:start] + run * (1 + chance.below(_RUN_MAX)) + good[start:]


def _make_noise(chance: Chance, good: bytes) -> bytes:
    start = chance.below(len(good) + 1)
    noise = chance.bytes(16)
    return good[:start] + noise + good[start + len(noise) :]


def _in(encoding: str) -> Callable[[str], bytes]:
    return lambda text: text.encode(encoding, errors="replace")


_ENCODINGS: tuple[Callable[[str], bytes], ...] = (
    *map(_in, ("utf-8-sig", "utf-16", "utf-16-le", "utf-16-be", "utf-32", "latin-1", "cp1252", "cp037", "utf-7")),
    *(lambda text: gzip.compress(text.encode(), mtime=0), lambda text: zlib.compress(text.encode())),
)
_CHANGES: tuple[Callable[[Chance, bytes], bytes], ...] = (
    _flip,
    _insert,
    _insert,
    _replace,
    _replace,
    _cut,
    _leave_out,
    _repeat,
    _make_noise,
)
