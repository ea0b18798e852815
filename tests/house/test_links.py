"""Every link of every page leads to a file or a folder, and where it names a heading, to one that is there."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from tests.house.sources import committed_files, text_of
from tests.services.wheels import ROOT

PAGES = committed_files("*.md")
LINK = re.compile(r"\]\(([^)\s]+)\)")
BLOCK = re.compile(r"^```.*?^```$", re.MULTILINE | re.DOTALL)


def anchors_of(page: Path) -> set[str]:
    """Name a page's headings as GitHub and GitLab do in addresses."""
    headings = re.findall(r"^#+ (.+)$", BLOCK.sub("", text_of(page)), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}


def broken_links(page: Path, text: str) -> list[str]:
    """List the links of a page that lead nowhere."""
    broken = []
    for target in LINK.findall(BLOCK.sub("", text)):
        if "://" in target:
            continue
        path, _, anchor = target.partition("#")
        found = (ROOT / page).parent / path if path else ROOT / page
        if not found.exists() or (anchor and anchor not in anchors_of(found.resolve().relative_to(ROOT))):
            broken.append(target)
    return broken


@pytest.mark.parametrize("page", PAGES, ids=str)
def test_every_link_of_a_page_leads_somewhere(page: Path) -> None:
    assert not broken_links(page, text_of(page))


@pytest.mark.parametrize("target", ["docs/nowhere.md", "docs/api.md#nowhere", "#nowhere"])
def test_a_link_that_leads_nowhere_would_be_found(target: str) -> None:
    assert broken_links(Path("README.md"), f"[x]({target}) [y](docs/api.md#routes)") == [target]
