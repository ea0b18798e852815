"""The files that are committed, and their Python read as trees."""

from __future__ import annotations

import ast
import subprocess
from pathlib import Path

from tests.services.wheels import ROOT


def committed_files(*patterns: str) -> list[Path]:
    """List what git tracks and still exists, relative to the root, in a stable order."""
    command = ["git", "ls-files", "-z", "--", *patterns]
    listing = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True).stdout
    names = [name for name in listing.split("\0") if name and (ROOT / name).is_file()]
    assert names or patterns, "git lists no files: the tests on the house need a git checkout"
    return [Path(name) for name in sorted(names)]


def text_of(path: Path) -> str:
    """Read a committed file; of one that is no text, what can be read."""
    return (ROOT / path).read_text(encoding="utf-8", errors="replace")


def tree_of(path: Path) -> ast.Module:
    """Read a committed Python file as a tree."""
    return ast.parse(text_of(path), filename=str(path))
