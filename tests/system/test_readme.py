"""Every command of the README is pasted as it stands, into bash and zsh, against the service that `make run` starts."""

from __future__ import annotations

import re
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.system.made_run import ROOT, MadeRun, made_run
from tests.system.pages.blocks import PAGES, blocks_of
from tests.system.pages.shells import SHELLS, paste

README = (ROOT / "README.md").read_text(encoding="utf-8")
MAKE = re.compile(r"make (\w+)\n")
SECONDS = re.compile(r"in [\d.]+ s")
COMMENT = re.compile(r"(?:^|\s)#(?!\w*[\"'])", re.MULTILINE)


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """A block by words of it: what its output says, and how its command ends."""

    words: str
    says: str
    code: int = 0


# In the order of the page; each goes on from what those above have left.
STEPS = (
    Step(words="PUT http", says='"sku":"WIDGET".*"available":25'),
    Step(words="cart-1", says='"status":"pending".*"total":"25.00"'),
    Step(words="json.tool", says='"available": 23,'),
    Step(words='"quantity": 500', says='"code":"insufficient_inventory".*"requested":500,"available":23'),
    Step(words="'Prefer: respond-async' ", says=r'^HTTP/1.1 202.*location: /v1/orders/.*"status":"queued"'),
    Step(words="wait=10", says='"status":"pending"'),
    Step(words="keys create", says=r"^oms_[0-9a-f]{32}_[0-9a-f]{64}$"),
    Step(words="> stock.csv", says="^$"),
    Step(words="import stock.csv", says="^imported 3 rows", code=8),
    Step(words="inventory set GIZMO", says="GIZMO main: on_hand 0 -> 10, reserved 0, available 10"),
    Step(words="inventory show", says="GIZMO"),
    Step(words="oms audit", says="all agree with the ledger"),
    Step(words="> orders.csv", says="^$"),
    Step(words="import orders.csv", says="^imported 2 orders .*: 2 placed"),
    Step(words="--ids", says=r"(?:^[0-9a-f-]{36} shipped\n){5}"),
    Step(words="> counts.csv", says="^$"),
)


def pasted_blocks() -> list[str]:
    """List the blocks to paste, but for `make` and `pip`, which have tests of their own."""
    texts = [block.text for block in blocks_of("README.md") if block.language == "sh"]
    return [text for text in texts if not MAKE.fullmatch(text) and not text.startswith("pip install ")]


def reported() -> list[str]:
    """List the lines of the report that the README shows, without the time that it took."""
    (block,) = [block for block in blocks_of("README.md") if block.language == "text"]
    return SECONDS.sub("in _ s", block.text).splitlines()


@pytest.fixture(params=SHELLS)
def shell(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture
def service(tmp_path: Path) -> Iterator[MadeRun]:
    with made_run(tmp_path) as running:
        yield running


def run(shell: str, text: str, service: MadeRun) -> subprocess.CompletedProcess[str]:
    """Paste a block as it stands, with this run's address and programs in the place of the usual ones."""
    command = text.replace("http://127.0.0.1:8080", service.url).replace(".venv/bin/", f"{Path(sys.prefix)}/bin/")
    return paste(shell, command, folder=service.folder, environment=service.environment)


def test_every_block_runs_as_it_stands_one_after_another(shell: str, service: MadeRun) -> None:
    blocks = pasted_blocks()
    assert len(blocks) == len(STEPS), "a new block needs a step of its own"
    for block, step in zip(blocks, STEPS, strict=True):
        assert step.words in block
        ran = run(shell, block, service)
        assert ran.returncode == step.code, f"{block}{ran.stdout}{ran.stderr}"
        assert re.search(step.says, ran.stdout, re.MULTILINE | re.DOTALL | re.IGNORECASE), ran.stdout
        assert not ran.stdout or ran.stdout.endswith("\n"), "it would meet the prompt"
        if step.words == "import stock.csv":
            told = set(SECONDS.sub("in _ s", f"{ran.stderr}\n{ran.stdout}").splitlines())
            assert set(reported()) <= told
    assert (service.folder / "counts.csv").read_text().startswith("sku,quantity,location,name\n")
    assert "GIZMO,ten" in (service.folder / "rejects.csv").read_text()


def test_the_two_commands_are_targets_of_the_makefile() -> None:
    named = [match[1] for block in blocks_of("README.md") if (match := MAKE.fullmatch(block.text))]
    assert named == ["run", "test"]
    for target in named:
        subprocess.run(["make", "--dry-run", target], cwd=ROOT, check=True, capture_output=True)


def test_every_link_and_picture_of_the_readme_leads_somewhere() -> None:
    targets = re.findall(r"\]\(([^)#]+)", README)
    assert {"docs/pictures/architecture.svg", "docs/pictures/sold-out.svg", "docs/requirements.md"} <= set(targets)
    for target in targets:
        assert (ROOT / target).exists(), target


def test_a_block_of_the_readme_is_one_command() -> None:
    for block in blocks_of("README.md"):
        if block.language == "sh":
            lines = block.text.replace("\\\n", " ").splitlines()
            assert len(lines) == 1, block.text


@pytest.mark.parametrize("page", PAGES)
def test_no_block_to_paste_has_a_comment_or_a_backtick(page: str) -> None:
    for block in blocks_of(page):
        if block.language == "sh":
            assert "`" not in block.text
            assert not COMMENT.search(block.text), block.text


def test_an_interactive_zsh_takes_a_comment_for_words_and_runs_backticks(tmp_path: Path) -> None:
    ran = paste("zsh", "echo one # two `echo three`\n", folder=tmp_path, environment={"PATH": "/usr/bin:/bin"})
    assert ran.stdout == "one # two three\n"


def test_a_shell_ends_at_the_first_command_that_fails(shell: str, tmp_path: Path) -> None:
    ran = paste(shell, "false\necho on\n", folder=tmp_path, environment={"PATH": "/usr/bin:/bin"})
    assert (ran.returncode, ran.stdout) == (1, "")
