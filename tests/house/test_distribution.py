"""What the distribution tells of itself: its name, its licence, its extras, and what each release changed."""

from __future__ import annotations

import email.message
import re
import tomllib
import zipfile
from email.parser import Parser
from pathlib import Path

import pytest

from oms_core import bootstrap
from oms_core.bootstrap import DISTRIBUTION, installed_version
from tests.services.wheels import ROOT

PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
CHANGELOG = (ROOT / "CHANGELOG.md").read_text()
RELEASE = re.compile(r"^## \[(.+?)\](?: - (\d{4}-\d\d-\d\d))?$", re.MULTILINE)
KINDS = {"Upgrade", "Added", "Changed", "Deprecated", "Removed", "Fixed", "Security"}


@pytest.fixture(scope="module")
def metadata(wheel: Path) -> email.message.Message:
    with zipfile.ZipFile(wheel) as archive:
        (name,) = (name for name in archive.namelist() if name.endswith(".dist-info/METADATA"))
        return Parser().parsestr(archive.read(name).decode())


def test_the_wheel_says_its_name_licence_and_makers(metadata: email.message.Message, wheel: Path) -> None:
    assert metadata["Name"] == DISTRIBUTION == "orderkeep"
    assert metadata["License-Expression"] == "MIT"
    assert metadata["License-File"] == "LICENSE"
    assert metadata["Author"] == "OMS maintainers"
    with zipfile.ZipFile(wheel) as archive:
        assert [name for name in archive.namelist() if name.endswith(".dist-info/licenses/LICENSE")]


def test_every_extra_that_an_error_names_is_there() -> None:
    named = {"cli", "http", *bootstrap._EXTRAS.values()}
    assert named <= PROJECT["optional-dependencies"].keys()


def test_all_brings_every_other_extra() -> None:
    extras = PROJECT["optional-dependencies"]
    (everything,) = extras["all"]
    named = re.fullmatch(rf"{DISTRIBUTION}\[(.+)\]", everything)
    assert named
    assert set(named[1].split(",")) == extras.keys() - {"all"}


def test_the_extra_limits_brings_limits_alone() -> None:
    (needed,) = PROJECT["optional-dependencies"]["limits"]
    assert re.match(r"[a-z]+", needed)[0] == "limits"  # type: ignore[index]


def test_the_changelog_begins_with_what_is_unreleased_and_holds_this_version() -> None:
    releases = RELEASE.findall(CHANGELOG)
    assert releases[0] == ("Unreleased", "")
    assert all(date for _, date in releases[1:])
    assert installed_version() in [version for version, _ in releases]


def test_every_release_says_how_to_upgrade_and_what_changed() -> None:
    for section in re.split(r"^## ", CHANGELOG, flags=re.MULTILINE)[1:]:
        headings = re.findall(r"^### (\w+)$", section, re.MULTILINE)
        assert headings[0] == "Upgrade", section.partition("\n")[0]
        assert set(headings) <= KINDS
        assert len(headings) > 1
