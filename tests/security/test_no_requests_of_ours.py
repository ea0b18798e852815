"""No address that somebody sends is ever asked: what serves cannot even do so (OWASP API7:2023)."""

from __future__ import annotations

import ast
from collections.abc import Iterator

import pytest

from tests.house.sources import committed_files, tree_of

CLIENTS = ("http.client", "urllib.request", "urllib3", "requests", "httpx", "aiohttp", "ftplib", "smtplib", "xmlrpc")
SHIPPED = ("oms_core/*.py", "oms_http/*.py", "oms_cli/*.py", "adapters/*.py", "ddl/*.py")
FOR_A_REASON = {
    "oms_http/server/serving.py": "the parent asks its own workers whether they answer, at the address they bound",
    "oms_http/orders/preferences.py": "urllib.request has the parser of lists in headers",
}


def clients(tree: ast.Module) -> Iterator[str]:
    """List what is imported to ask others by HTTP or the like, wherever the import stands."""
    for node in ast.walk(tree):
        match node:
            case ast.Import(names=aliases):
                names = [alias.name for alias in aliases]
            case ast.ImportFrom(module=str(module), level=0, names=aliases):
                names = [module, *(f"{module}.{alias.name}" for alias in aliases)]
            case _:
                continue
        yield from (name for name in names if any(f"{name}.".startswith(f"{client}.") for client in CLIENTS))


def test_nothing_that_serves_asks_another_address_by_http() -> None:
    found = {str(path): list(clients(tree_of(path))) for path in committed_files(*SHIPPED)}
    assert len(found) > 100
    assert {path for path, names in found.items() if names} == FOR_A_REASON.keys()


@pytest.mark.parametrize(
    "source",
    ["import urllib.request", "from urllib import request", "def f():\n  import httpx", "import http.client as h"],
)
def test_a_client_would_be_found(source: str) -> None:
    assert list(clients(ast.parse(source)))


@pytest.mark.parametrize(
    "source", ["import http", "from urllib.parse import urlsplit", "from oms_http.requests import x"]
)
def test_what_asks_nobody_is_fine(source: str) -> None:
    assert not list(clients(ast.parse(source)))
