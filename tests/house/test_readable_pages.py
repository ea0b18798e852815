"""README.md and docs/ are easy to read: no paragraph is long, and a page that explains a flow has a picture of it."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.house.sources import committed_files, text_of

WORDS_MAX = 80
PAGES = committed_files("README.md", "docs/*.md")
FLOWS = ("README", *(f"docs/{name}" for name in ("adapters", "api", "cli", "embedding", "queue", "running", "scaling")))
BLOCK = re.compile(r"^```.*?^```$", re.MULTILINE | re.DOTALL)
# What is read by itself: a heading, a row of a table, a comment, a line without text.
APART = re.compile(r"\s*(?:$|#{1,6} |\||<!--)")
ITEM = re.compile(r"\s*(?:[-*+]|\d+\.) ")


def paragraphs_of(text: str) -> Iterator[str]:
    """Split Markdown into its paragraphs and list items, without tables and code."""
    lines: list[str] = []
    for line in [*BLOCK.sub("", text).splitlines(), ""]:
        ends = APART.match(line)
        if lines and (ends or ITEM.match(line)):
            yield " ".join(lines)
            lines = []
        if not ends:
            lines.append(line)


def has_picture(text: str) -> bool:
    """Whether a page has a diagram that it draws itself."""
    return "\n```mermaid\n" in text


def long_paragraphs(text: str) -> list[str]:
    """List the paragraphs that have too many words, each by its number of words and its beginning."""
    counted = ((len(paragraph.split()), paragraph) for paragraph in paragraphs_of(text))
    return [f"{words} words: {paragraph[:60]}" for words, paragraph in counted if words > WORDS_MAX]


@pytest.mark.parametrize("page", PAGES, ids=str)
def test_no_paragraph_of_a_page_is_long(page: Path) -> None:
    assert not long_paragraphs(text_of(page))


@pytest.mark.parametrize(
    "text",
    [
        "word " * 81,
        f"short\n\n{'word ' * 41}\n{'word ' * 40}\n\nshort",
        f"- short\n- {'word ' * 80}\n- short",
        f"1. short\n2. {'word ' * 40}\n   {'word ' * 40}\n",
        f"```sh\nword\n```\n{'word ' * 81}\n```sh\nword\n```",
    ],
    ids=["one_line", "two_lines", "an_item", "an_item_of_two_lines", "between_blocks"],
)
def test_a_long_paragraph_would_be_found(text: str) -> None:
    (found,) = long_paragraphs(text)
    assert found.startswith("81 words: ")


@pytest.mark.parametrize(
    "text",
    [
        "word " * 80,
        f"{'word ' * 60}\n\n{'word ' * 60}",
        f"- {'word ' * 60}\n- {'word ' * 60}",
        f"| {'word ' * 100} |",
        f"```text\n{'word ' * 100}\n```",
    ],
    ids=["80_words", "two_paragraphs", "two_items", "a_table", "a_block"],
)
def test_what_is_short_or_no_paragraph_is_not_found(text: str) -> None:
    assert not long_paragraphs(text)


@pytest.mark.parametrize("page", FLOWS)
def test_a_page_that_explains_a_flow_has_a_picture_of_it(page: str) -> None:
    assert has_picture(text_of(Path(f"{page}.md")))


def test_a_page_without_a_picture_would_be_found() -> None:
    assert not has_picture("text with `mermaid`\n\n```sh\nmermaid\n```\n")
