"""Where settings stand: OMS_* variables and oms.toml, read into the types that the settings have."""

from __future__ import annotations

import tomllib
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from oms_core.domain.numbers import parse_whole_number
from oms_core.errors import OmsError
from oms_core.setting_checks import wrong


def from_environment(environment: Mapping[str, str], types: Mapping[str, str]) -> dict[str, Any]:
    """Read the OMS_* variables; `types` is the declared type of each setting. Raises `invalid_setting`."""
    readers = _readers(types)
    chosen = {}
    for key in sorted(environment):
        if not key.startswith("OMS_") or key.startswith("OMS_TEST_") or not environment[key]:
            continue
        name = key.removeprefix("OMS_").lower()
        if name not in readers:
            raise OmsError("invalid_setting", f"{key} is not a setting; `oms config show` lists them")
        chosen[name] = readers[name](name, environment[key])
    return chosen


def from_file(file: Path | None, types: Mapping[str, str]) -> dict[str, Any]:
    """Read a TOML file; none, or a missing one, is empty. Raises `invalid_setting`."""
    if file is None or not file.exists():
        return {}
    try:
        content = tomllib.loads(file.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise OmsError("invalid_setting", f"{file} cannot be read: {error}") from error
    readers = _readers(types)
    for name in content:
        if name not in readers:
            raise OmsError("invalid_setting", f"{name} in {file} is not a setting; `oms config show` lists them")
    return {name: _from_toml(readers[name], name, value) for name, value in content.items()}


def _from_toml(read: Callable[[str, str], object], name: str, value: object) -> object:
    if isinstance(value, str):
        return read(name, value)
    return tuple(value) if isinstance(value, list) else value


def _readers(types: Mapping[str, str]) -> dict[str, Callable[[str, str], object]]:
    by_type = {"str": _read_text, "int": _read_number, "bool": _read_switch, "tuple[str, ...]": _read_list}
    return {name: by_type[declared] for name, declared in types.items()}


def _read_text(_: str, text: str) -> str:
    return text


def _read_number(name: str, text: str) -> int:
    try:
        return parse_whole_number(text)
    except ValueError as error:
        raise wrong(name, f"{error}; it is {text!r}") from error


def _read_switch(name: str, text: str) -> bool:
    switches = {
        "on": True,
        "true": True,
        "1": True,
        "yes": True,
        "off": False,
        "false": False,
        "0": False,
        "no": False,
    }
    if text.lower() not in switches:
        raise wrong(name, f"must be on or off; it is {text!r}")
    return switches[text.lower()]


def _read_list(_: str, text: str) -> tuple[str, ...]:
    return tuple(entry.strip() for entry in text.split(",") if entry.strip())
