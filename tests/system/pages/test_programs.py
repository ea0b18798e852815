"""Every Python program of every page runs as it stands, in an environment that its page's install line makes."""

from __future__ import annotations

import re
import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.services.wheels import ROOT
from tests.system.pages.blocks import PAGES, Block, block_with, blocks_of, install_lines
from tests.system.pages.environments import Environments

HOSTS = Path(__file__).parent / "hosts"
SECONDS = 120


@dataclass(frozen=True, slots=True, kw_only=True)
class Program:
    """A program of a page, by words of its block: what it prints, and where it is a module, the program around it."""

    page: str
    words: str
    prints: str
    module: str = "program.py"
    host: str = ""

    @property
    def block(self) -> Block:
        """Where it stands."""
        return block_with(self.page, "python", self.words)


PROGRAMS = (
    Program(page="README.md", words="with Oms.open", prints=r"pending 7\.00(00)? 3"),
    Program(page="docs/embedding.md", words="cart-4711", prints=r"[0-9a-f-]{36} 25\.00(00)? 23"),
    Program(page="docs/embedding.md", words="local_caller_in_force", prints="pending True"),
    Program(page="docs/embedding.md", words="till-7", prints=r"till-7 \(.*\)"),
    Program(
        page="docs/embedding.md",
        words="on_commit",
        prints="True 2 23",
        module="checkout.py",
        host="django_shop.py",
    ),
    Program(
        page="docs/embedding.md",
        words="app.task",
        prints="True 23\ninsufficient_inventory",
        module="tasks.py",
        host="celery_shop.py",
    ),
    Program(page="docs/asyncio.md", words="ThreadPoolExecutor", prints="25 placed, 15 refused"),
    Program(page="docs/asyncio.md", words="asyncio.timeout(timeout_seconds)", prints="pending 23"),
)
# Blocks that are files of one package or one test run: run together, below.
TOGETHER = (
    ("docs/testing.md", "def check_out("),
    ("docs/testing.md", "import SHOP, check_out"),
    ("docs/adapters.md", "def open_storage"),
    ("docs/adapters.md", "class TestMyStorage"),
)


def run(environment: Path, folder: Path, *arguments: str) -> str:
    """Run Python in a folder, without anything of the checkout; a failure says what it said."""
    command = [environment / "bin" / "python", *arguments]
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, timeout=SECONDS, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def write(folder: Path, name: str, block: Block) -> None:
    (folder / name).write_text(block.text, encoding="utf-8")


@pytest.mark.parametrize("program", PROGRAMS, ids=lambda program: f"{program.page} {program.words}")
def test_a_program_runs_as_it_stands_under_its_install_line(
    environments: Environments, tmp_path: Path, program: Program
) -> None:
    write(tmp_path, program.module, program.block)
    if program.host:
        shutil.copy(HOSTS / program.host, tmp_path)
    said = run(environments.of(install_lines(program.block)), tmp_path, program.host or program.module)
    assert re.fullmatch(program.prints, said.rstrip("\n")), said


def test_the_page_on_testing_passes_its_own_tests(environments: Environments, tmp_path: Path) -> None:
    code, tests = (block_with(page, "python", words) for page, words in TOGETHER[:2])
    write(tmp_path, "checkout.py", code)
    write(tmp_path, "test_checkout.py", tests)
    said = run(environments.of(install_lines(tests)), tmp_path, "-m", "pytest", "-q", "-p", "no:cacheprovider")
    assert re.search(rf"^{tests.text.count('def test_')} passed", said, re.MULTILINE), said


def test_the_adapter_of_the_page_is_installed_and_keeps_the_contract(
    environments: Environments, tmp_path: Path
) -> None:
    opener, tests = (block_with(page, "python", words) for page, words in TOGETHER[2:])
    commands = block_with("docs/adapters.md", "sh", "--editable").text.splitlines()
    write(tmp_path, "pyproject.toml", block_with("docs/adapters.md", "toml", "oms.storage"))
    write(tmp_path, "oms_mystore.py", opener)
    write(tmp_path, "test_mystore.py", tests)
    environment = environments.of(install_lines(opener))  # No other page has this line.
    editable, tested = commands
    environments.install(environment, editable, folder=tmp_path)
    python, *arguments = tested.split()
    assert python == "python"
    said = run(environment, tmp_path, *arguments, "-q", "-p", "no:cacheprovider")
    assert re.search(r"^[3-9]\d\d passed", said, re.MULTILINE), said


def test_no_program_of_a_page_is_left_unrun() -> None:
    run_here = {program.block for program in PROGRAMS}
    run_here |= {block_with(page, "python", words) for page, words in TOGETHER}
    found = {block for page in PAGES for block in blocks_of(page) if block.language == "python"}
    assert found == run_here


def test_the_pages_name_this_version_of_the_wheel() -> None:
    from oms_core.bootstrap import DISTRIBUTION, installed_version

    for page in PAGES:
        named = set(re.findall(rf"{DISTRIBUTION}-([\w.]+?)-py3", (ROOT / page).read_text(encoding="utf-8")))
        assert named <= {installed_version()}, page
