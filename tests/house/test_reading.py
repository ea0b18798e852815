"""What comes in as text is read in one place: no edge calls `int`, `float` or `UUID`, which take what nobody means."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator

import pytest

from tests.house.sources import committed_files, tree_of

READERS = {"int", "float", "UUID"}
EDGES = ("oms_core/*.py", "oms_http/*.py", "oms_cli/*.py")
# They convert figures of the program's own, all but where the server reads a request.
NOT_EDGES = re.compile(r"oms_core/(runtime|ports)/|oms_http/server/(?!bodies|environ|heads|rsgi)")
# Where one of them gets no text of a stranger's, and what it gets instead.
NOT_A_STRANGERS: dict[tuple[str, str], str] = {
    ("oms_core/domain/numbers.py", "int(digits or '0')"): "this is the one place",
    ("oms_core/documents/json_text.py", "int(text)"): "what JSON's own grammar has found to be a number",
    ("oms_core/documents/json_text.py", "float(text)"): "what JSON's own grammar has found to be a number",
    ("oms_core/imports/stock_rows.py", "map(int, texts)"): "a column that has digits and signs only",
    ("oms_core/documents/orders.py", "int(value)"): "a float",
    ("oms_core/domain/money.py", "int(value.as_tuple().exponent)"): "a number",
    ("oms_core/domain/identifiers.py", "UUID(text)"): "this is the one place",
    ("oms_core/domain/api_keys.py", "UUID(self.id_text)"): "32 hexadecimal digits that were looked at",
    ("oms_cli/commands/api_keys.py", "int(read_duration(overlap).total_seconds())"): "a number",
}


def conversions(tree: ast.Module) -> Iterator[str]:
    """List the calls of the readers on anything but a literal, and the calls that they are handed to."""
    for node in ast.walk(tree):
        match node:
            case ast.Call(func=ast.Name(id=name), args=[argument, *_]) if name in READERS:
                if not isinstance(argument, ast.Constant):
                    yield ast.unparse(node)
            case ast.Call(args=arguments, keywords=keywords):
                handed = [*arguments[:1], *(keyword.value for keyword in keywords)]
                yield from (ast.unparse(node) for each in handed if isinstance(each, ast.Name) and each.id in READERS)


def test_no_edge_reads_a_number_of_its_own() -> None:
    paths = [path for path in committed_files(*EDGES) if not NOT_EDGES.match(str(path))]
    found = {(str(path), call) for path in paths for call in conversions(tree_of(path))}
    assert found - NOT_A_STRANGERS.keys() == set()
    assert NOT_A_STRANGERS.keys() - found == set(), "listed, and there no more"


@pytest.mark.parametrize(
    "source",
    ["int(text)", "int(a or 0)", "float(row['x'])", "UUID(text)", "map(int, texts)", "f(parser=int)", "f(x, int(y))"],
)
def test_a_reading_would_be_found(source: str) -> None:
    assert list(conversions(ast.parse(source)))


@pytest.mark.parametrize(
    "source", ["float('inf')", "x: int = 5", "UUID(int=5)", "isinstance(x, str)", "total.as_int(text)"]
)
def test_what_reads_nothing_is_fine(source: str) -> None:
    assert not list(conversions(ast.parse(source)))
