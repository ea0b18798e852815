"""What stands at the root, what is locked, and what the wheel holds."""

from __future__ import annotations

import json
import re
import zipfile
from collections.abc import Iterable
from pathlib import Path

import pytest

from tests.house.sources import committed_files, text_of

ROOT_FILES = {
    ".gitignore",
    "CHANGELOG.md",
    "CONTRIBUTING.md",
    "LICENSE",
    "Makefile",
    "README.md",
    "SECURITY.md",
    "pyproject.toml",
    "requirements.lock",
}
ROOT_FOLDERS = {".ci", "adapters", "ddl", "deploy", "docs", "oms_cli", "oms_core", "oms_http", "postman", "tests"}

# A name says what a file is about. One that stands in more packages than this says nothing, unless it is the noun of a
# slice, which every package has a part of.
PACKAGES_OF_A_NAME_MAX = 3
NOUNS = {"orders", "holds", "stock", "locations", "queue", "api_keys", "broker"}

LOCKS = [path.as_posix() for path in committed_files("*.lock")]
NODE_FOLDERS = {"postman": "newman", "tests/system/clients/typescript": "openapi-typescript"}

SHIPPED = re.compile(r"(?:adapters/|ddl/)?(oms_\w+/.*)")
LOCKED = re.compile(r"^([a-z0-9][\w.-]*)==\S+", re.MULTILINE)
HASHED = re.compile(r"^([a-z0-9][\w.-]*)==[^\n]*\\\n +--hash=sha256:[0-9a-f]{64}", re.MULTILINE)
URL = re.compile(r"\w+://\S+")


def misplaced(paths: list[Path]) -> set[str]:
    """Name what stands at the root without being part of the plan (docs/design.md)."""
    files = {path.name for path in paths if len(path.parts) == 1}
    folders = {path.parts[0] for path in paths if len(path.parts) > 1}
    return (files - ROOT_FILES) | (folders - ROOT_FOLDERS)


def test_nothing_stands_at_the_root_that_the_design_does_not_name() -> None:
    assert not misplaced(committed_files())


def test_a_stray_file_or_folder_at_the_root_would_be_found() -> None:
    assert misplaced([Path("notes.txt"), Path("scripts/x.py"), Path("README.md")]) == {"notes.txt", "scripts"}


def crowded_names(paths: Iterable[Path]) -> dict[str, list[str]]:
    """List the file names that stand in too many packages, with where they stand."""
    places: dict[str, list[str]] = {}
    for path in paths:
        places.setdefault(path.stem, []).append(path.as_posix())
    allowed = NOUNS | {"__init__"}
    return {
        name: found for name, found in places.items() if name not in allowed and len(found) > PACKAGES_OF_A_NAME_MAX
    }


def test_no_file_name_stands_in_more_than_three_packages_unless_it_is_a_noun() -> None:
    paths = committed_files("oms_*/*.py", "adapters/oms_*/*.py", "ddl/oms_*/*.py")
    assert len(paths) > PACKAGES_OF_A_NAME_MAX
    assert not crowded_names(paths)


def test_a_crowded_file_name_would_be_found() -> None:
    paths = [Path(package, f"{name}.py") for package in "abcd" for name in ("orders", "__init__", "schemas")]
    assert crowded_names(paths) == {"schemas": ["a/schemas.py", "b/schemas.py", "c/schemas.py", "d/schemas.py"]}
    assert not crowded_names(paths[:9])


def unsafe_lines(lock: str) -> list[str]:
    """List what a lock file must not have: packages without a hash, addresses, this project, which would be fetched."""
    unhashed = sorted(set(LOCKED.findall(lock)) - set(HASHED.findall(lock)))
    return unhashed + URL.findall(lock) + re.findall(r"^orderkeep==.*|# +(?:via )?orderkeep$", lock, re.MULTILINE)


def test_every_lock_is_known() -> None:
    assert set(LOCKS) >= {"requirements.lock", "deploy/requirements.lock", ".ci/audit.lock", "tests/deploy/tools.lock"}
    assert {path.parent.as_posix() for path in committed_files("*package-lock.json")} == NODE_FOLDERS.keys()


@pytest.mark.parametrize("name", LOCKS)
def test_every_locked_package_has_a_hash_and_no_address(name: str) -> None:
    lock = text_of(Path(name))
    assert len(LOCKED.findall(lock)) > 5
    assert not unsafe_lines(lock)


def test_an_unsafe_lock_would_be_found() -> None:
    good = f"flask==3.1.3 \\\n    --hash=sha256:{'0' * 64}\n    # via orderkeep (pyproject.toml)\n"
    assert not unsafe_lines(good)
    for bad in ("flask==3.1.3\n", "# https://host/flask.whl\n", "    # via orderkeep\n", "    #   orderkeep\n"):
        assert unsafe_lines(good + bad if "flask==" not in bad else bad)


@pytest.mark.parametrize(("folder", "wanted"), NODE_FOLDERS.items())
def test_every_package_of_a_node_lock_has_a_hash_and_no_address(folder: str, wanted: str) -> None:
    packages = json.loads(text_of(Path(folder, "package-lock.json")))["packages"]
    installed = {name: package for name, package in packages.items() if name}
    assert f"node_modules/{wanted}" in installed
    assert not [name for name, package in installed.items() if "resolved" in package or "integrity" not in package]


def test_the_wheel_holds_every_package_and_nothing_else(wheel: Path) -> None:
    with zipfile.ZipFile(wheel) as archive:
        held = {name for name in archive.namelist() if ".dist-info/" not in name}
    shipped = {match[1] for path in committed_files() if (match := SHIPPED.fullmatch(path.as_posix()))}
    assert not shipped - held, "committed, and not in the wheel"
    assert {name.partition("/")[0] for name in held} == {name.partition("/")[0] for name in shipped}


def test_the_wheel_holds_the_migrations_of_both_databases(wheel: Path) -> None:
    with zipfile.ZipFile(wheel) as archive:
        held = archive.namelist()
    for database in ("postgresql", "sqlite"):
        assert [name for name in held if re.fullmatch(rf"oms_ddl/{database}/\d{{4}}_\w+\.sql", name)]


def test_the_wheel_names_its_plug_ins(wheel: Path) -> None:
    with zipfile.ZipFile(wheel) as archive:
        (name,) = (name for name in archive.namelist() if name.endswith("entry_points.txt"))
        entry_points = archive.read(name).decode()
    for line in (
        "[oms.storage]",
        "[oms.queue]",
        "[oms.rate_limiter]",
        "[oms.metrics]",
        "oms = oms_cli.program:main",
    ):
        assert line in entry_points
