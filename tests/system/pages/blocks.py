"""The blocks of code on a page, and the section in which each stands."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from tests.services.wheels import ROOT

_PART = re.compile(r"^#{1,6} (?P<heading>[^\n]+)$|^```(?P<language>\w*)\n(?P<text>.*?)^```$", re.MULTILINE | re.DOTALL)
PAGES = ("README.md", "CONTRIBUTING.md", *sorted(f"docs/{path.name}" for path in (ROOT / "docs").glob("*.md")))


@dataclass(frozen=True, slots=True, kw_only=True)
class Block:
    """A block of a page; `section` is the nearest heading above it, `number` counts the page's blocks."""

    page: str
    section: str
    number: int
    language: str
    text: str


def blocks_of(page: str) -> list[Block]:
    """Return the blocks of a page, in its order."""
    return list(_read(page, (ROOT / page).read_text(encoding="utf-8")))


def block_with(page: str, language: str, words: str) -> Block:
    """Return the one block in a language that holds these words."""
    found = [block for block in blocks_of(page) if block.language == language and words in block.text]
    assert len(found) == 1, f"{page}: {len(found)} blocks of {language} hold {words!r}"
    return found[0]


def install_lines(block: Block) -> tuple[str, ...]:
    """Return what the page says to install for a block: in its own section, else where the page begins."""
    lines = [
        (each.section, line)
        for each in blocks_of(block.page)
        if each.language == "sh" and each.number < block.number
        for line in each.text.splitlines()
        if line.startswith("pip install ")
    ]
    own = tuple(line for section, line in lines if section == block.section)
    return own or tuple(line for section, line in lines if section == lines[0][0])


def _read(page: str, text: str) -> Iterator[Block]:
    section, number = "", 0
    for part in _PART.finditer(text):
        if part["heading"] is not None:
            section = part["heading"]
            continue
        yield Block(page=page, section=section, number=number, language=part["language"], text=part["text"])
        number += 1


def folder_of(name: str) -> Path:
    """Return a folder beside this file."""
    return Path(__file__).parent / name
