"""Clients that generators make from /openapi.json know the API: their programs pass a type checker, and sell."""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from oms_http.openapi.document import openapi_json
from oms_http.operations import operations_of
from oms_http.settings import HttpSettings
from tests.cli.programs import Program
from tests.cli.serving import serving

CLIENTS = Path(__file__).parent / "clients"
# Their bodies are texts, which the generator of the Python client leaves out.
FILES = {"POST /v1/inventory/import", "POST /v1/orders/import"}
# The count that was set; an order that is placed; one that is refused, with its figures; how many are pending.
SOLD = ["25", "pending 25.00", "500 of 23 WIDGET", "1"]
# What a generator writes where it could not make sense of a schema; a member of any name may be anything.
UNKNOWN = re.compile(r"^(?!.*\[\w+: string\]).*[:|&<] ?unknown\b(?!_)", re.MULTILINE)


@dataclass(frozen=True, slots=True, kw_only=True)
class Shop:
    """A running service with keys in force: where it is, and a key that may sell."""

    url: str
    key: str


@pytest.fixture
def shop(tmp_path: Path) -> Iterator[Shop]:
    program = Program(folder=tmp_path, database_url=f"sqlite:///{tmp_path}/oms.db").under(OMS_AUTH="keys")
    assert program.run("db", "upgrade").returncode == 0
    scopes = "orders:read,orders:write,inventory:read,inventory:write"
    key = program.run("keys", "create", "shop", "--scope", scopes).stdout.strip()
    with serving(program) as service:
        yield Shop(url=f"http://127.0.0.1:{service.port}", key=key)


@pytest.fixture(scope="module")
def document(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("document") / "openapi.json"
    path.write_bytes(openapi_json(operations_of(HttpSettings())))
    return path


def run(folder: Path, *command: str | Path) -> str:
    """Run a command in a folder; a failure says what the command said."""
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, timeout=120, check=False)
    assert done.returncode == 0, f"{command}\n{done.stdout}{done.stderr}"
    return done.stdout + done.stderr


@pytest.fixture(scope="module")
def typescript_client(typescript: Path, document: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the shop's program in TypeScript and the types that it needs."""
    folder = tmp_path_factory.mktemp("typescript") / "shop"
    shutil.copytree(CLIENTS / "typescript", folder, ignore=shutil.ignore_patterns("node_modules"))
    (folder / "node_modules").symlink_to(typescript)
    run(folder, typescript / ".bin" / "openapi-typescript", document, "--output", "api.ts")
    return folder


@pytest.fixture
def python_client(client_python: Path, document: Path, tmp_path: Path) -> Path:
    """A folder with the shop's program in Python and the package that it needs."""
    folder = tmp_path / "python"
    shutil.copytree(CLIENTS / "python", folder)
    generator = [client_python.with_name("openapi-python-client"), "generate", "--config", "generator.yaml"]
    said = run(folder, *generator, "--path", document, "--meta", "none", "--output-path", "oms_client")
    assert {*re.findall(r"^WARNING parsing (.+?) within", said, re.MULTILINE)} <= FILES
    return folder


def test_the_types_for_typescript_leave_nothing_unknown(typescript_client: Path) -> None:
    types = re.sub(r"/\*.*?\*/", "", (typescript_client / "api.ts").read_text(), flags=re.DOTALL)
    assert '"insufficient_inventory"' in types
    assert not UNKNOWN.findall(types)


@pytest.mark.parametrize("line", ["a: unknown;", "}) | unknown | unknown;", "Promise<unknown>"])
def test_something_unknown_would_be_found(line: str) -> None:
    assert UNKNOWN.search(f"    {line}\n")
    assert not UNKNOWN.search("    [key: string]: unknown;\n    code: 'unknown_sku';\n")


def test_a_typescript_program_compiles_and_sells(typescript_client: Path, typescript: Path, shop: Shop) -> None:
    run(typescript_client, typescript / ".bin" / "tsc")
    said = run(typescript_client, "node", "compiled/shop.js", shop.url, shop.key)
    assert said.split("\n")[:-1] == SOLD


def test_a_python_program_is_typed_and_sells(python_client: Path, client_python: Path, shop: Shop) -> None:
    mypy = [sys.executable, "-m", "mypy", "--strict", "--config-file", "", "--python-executable", client_python]
    run(python_client, *mypy, "shop.py")
    said = run(python_client, client_python, "shop.py", shop.url, shop.key)
    assert said.split("\n")[:-1] == SOLD
