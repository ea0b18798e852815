"""The walks on the page of the architecture: each room in order, and why it is there, which its own first line says."""

from __future__ import annotations

import ast
import re
from collections.abc import Mapping, Sequence
from pathlib import Path

from tests.house.rooms import Walk
from tests.services.wheels import ROOT

PAGE = ROOT / "docs" / "architecture.md"
BEGIN, END = "<!-- walks -->\n", "<!-- end of walks -->"
TITLES: Mapping[str, str] = {
    "place-order": "POST /v1/orders on SQLite",
    "place-order-postgresql": "POST /v1/orders on PostgreSQL",
    "change-status": "PUT /v1/orders/{id}/status",
    "order-to-event": "An accepted order, from POST to its published events (SQLite and RabbitMQ)",
    "set-stock": "oms inventory set WIDGET 25, from main",
    "import-stock-row": "oms inventory import of one row, from main",
    "open": "Oms.open",
}


def drawn(name: str, walk: Walk, rooms_max: int) -> str:
    """Draw a walk as a table: its rooms, numbered."""
    head = f"### {TITLES[name]}\n\n{len(walk.rooms)} rooms, at most {rooms_max}.\n\n| | room | why |\n|---|---|---|\n"
    rows = [f"| {number} | {_link(room.path)} | {_why(room.path)} |" for number, room in enumerate(walk.rooms, 1)]
    return head + "\n".join(rows) + "\n"


def write(tables: Sequence[str]) -> None:
    """Put the walks on the page."""
    before, _, rest = PAGE.read_text(encoding="utf-8").partition(BEGIN)
    _, _, after = rest.partition(END)
    PAGE.write_text(before + BEGIN + "\n" + "\n".join(tables) + "\n" + END + after, encoding="utf-8")


def rooms_on_page(name: str, page: str) -> list[str]:
    """Return the rooms of a walk as the page has them."""
    _, _, rest = page.partition(f"### {TITLES[name]}\n")
    return re.findall(r"^\| \d+ \| \[([^\]]+)\]", rest.partition("\n### ")[0], re.MULTILINE)


def _file(path: str) -> Path:
    return next(file for folder in (ROOT, ROOT / "adapters") if (file := folder / path).exists())


def _link(path: str) -> str:
    return f"[{path}](../{_file(path).relative_to(ROOT)})"


def _why(path: str) -> str:
    said = ast.get_docstring(ast.parse(_file(path).read_text(encoding="utf-8"))) or ""
    return said.partition("\n\n")[0].replace("\n", " ").replace("|", "\\|").rstrip(".:")
