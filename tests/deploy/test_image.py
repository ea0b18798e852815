"""The image: what the Dockerfile says, and which packages it locks."""

from __future__ import annotations

import re
import tomllib

import pytest

from tests.deploy.lean import LOCK, needed, pins
from tests.deploy.tools import DEPLOY, checked_by_tools
from tests.services.wheels import ROOT

DOCKERFILE = (DEPLOY / "Dockerfile").read_text()
FINAL = DOCKERFILE[DOCKERFILE.rindex("\nFROM ") :]
IGNORED = (DEPLOY / "Dockerfile.dockerignore").read_text().splitlines()
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]


def test_the_linter_has_nothing_to_say() -> None:
    assert not checked_by_tools("hadolint", "--failure-threshold", "style", DEPLOY / "Dockerfile")


def test_it_runs_as_nobody_in_particular_and_says_whether_it_answers() -> None:
    assert re.search(r"^USER [1-9]\d{4}:[1-9]\d{4}$", FINAL, re.MULTILINE)
    assert FINAL.index("\nUSER ") < FINAL.index("\nENTRYPOINT ")
    assert "\nHEALTHCHECK " in FINAL
    assert "/healthz" in FINAL


def test_the_folder_in_which_it_starts_is_not_its_own() -> None:
    """A builder gives WORKDIR to whom USER has named before, and a service without a database would fill it."""
    assert 0 < FINAL.index("\nWORKDIR /var/lib/oms\n") < FINAL.index("\nUSER ")


def test_the_image_gets_what_was_built_and_nothing_else() -> None:
    assert re.findall(r"^(?:COPY|ADD|RUN) .*$", FINAL, re.MULTILINE) == ["COPY --from=build /opt/oms /opt/oms"]


def test_nothing_is_installed_without_a_hash() -> None:
    installs = re.findall(r"pip install ([^\\\n]*)", DOCKERFILE)
    assert len(installs) == 3
    assert all(re.match(r"--require-hashes -r deploy/\w+\.lock|--no-deps --no-index /opt/wheel", it) for it in installs)


def test_only_what_is_copied_is_sent_to_the_builder() -> None:
    copied = {
        source
        for line in re.findall(r"^COPY (?!--from)(.*)$", DOCKERFILE, re.MULTILINE)
        for source in line.split()[:-1]
    }
    assert IGNORED[1] == "*"
    assert {line[1:] for line in IGNORED if line.startswith("!")} == copied
    assert all((ROOT / source).exists() for source in copied)


def test_no_secret_is_baked_in() -> None:
    assert not re.findall(r"(?i)^(?:ARG|ENV).*(?:password|secret|token|_url)", DOCKERFILE, re.MULTILINE)


@pytest.mark.parametrize("name", ["requirements.lock", "build.lock"])
def test_what_is_installed_is_what_was_tested(name: str) -> None:
    tested, installed = pins(ROOT / "requirements.lock"), pins(DEPLOY / name)
    assert installed
    assert {package: hashes for package, hashes in installed.items() if tested.get(package) != hashes} == {}


def test_the_image_has_what_the_extras_need_and_no_more() -> None:
    extras = set(PROJECT["optional-dependencies"]) - {"all", "testing"}
    listed = re.search(r"^SERVICE := (.*)$", (ROOT / "Makefile").read_text(), re.MULTILINE)
    assert listed
    assert set(listed[1].split()) == extras
    locked = {package for package, _ in pins(LOCK)}
    here = needed(PROJECT["name"], extras)
    assert here <= locked
    # What is locked for other systems and other versions of Python.
    assert locked - here <= {"async-timeout", "colorama"}


def test_the_wheel_is_built_by_what_the_project_names() -> None:
    (wanted,) = tomllib.loads((ROOT / "pyproject.toml").read_text())["dependency-groups"]["build"]
    assert [wanted] == tomllib.loads((ROOT / "pyproject.toml").read_text())["build-system"]["requires"]
    assert re.match(r"\w+", wanted)[0] in {package for package, _ in pins(DEPLOY / "build.lock")}  # type: ignore[index]
