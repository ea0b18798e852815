"""The sources of settings: flags, OMS_* variables and oms.toml, read into groups of settings."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Callable, Collection, Iterator, Mapping
from dataclasses import dataclass, fields
from importlib.metadata import entry_points
from pathlib import Path
from types import MappingProxyType
from typing import NamedTuple, TypeVar

from oms_core.domain.numbers import parse_whole_number
from oms_core.errors import OmsError
from oms_core.settings.checks import SettingGroup, variable, wrong

Group = TypeVar("Group", bound=SettingGroup)

# These settings may hold a password, so they can also be in a file that OMS_<FIELD>_FILE names.
SECRETS = frozenset({"database_url", "database_read_url", "queue_url", "rate_limit_url"})

_LISTED = "`oms config show` lists them"
_SECRET_BYTES_MAX = 64 * 1024
_ADDRESS = r"[0-9A-Fa-f:.]+"
_LINK = rf"(?:tcp|udp|sctp)://(?:{_ADDRESS}|\[{_ADDRESS}\]):[0-9]+"
# Kubernetes sets such variables in every container if there is a service named oms or oms-...: names, and their values.
_SERVICE_LINKS = tuple(
    (re.compile(rf"OMS(?:_[A-Z0-9_]+)?_{name}"), re.compile(value))
    for name, value in (
        ("SERVICE_HOST", _ADDRESS),
        ("SERVICE_PORT(?:_[A-Z0-9_]+)?", "[0-9]+"),
        ("PORT(?:_[0-9]+_(?:TCP|UDP|SCTP))?", _LINK),
        ("PORT_[0-9]+_(?:TCP|UDP|SCTP)_PROTO", "tcp|udp|sctp"),
        ("PORT_[0-9]+_(?:TCP|UDP|SCTP)_PORT", "[0-9]+"),
        ("PORT_[0-9]+_(?:TCP|UDP|SCTP)_ADDR", _ADDRESS),
    )
)


def load_settings(
    group: type[Group],
    environment: Mapping[str, str],
    *,
    file: Path | None = None,
    flags: Mapping[str, object] = MappingProxyType({}),
) -> Group:
    """Combine flags (None: not given) over OMS_* variables over a TOML file (a missing one is empty).

    Raise `invalid_setting`, which names the setting and its source. The settings of the other installed groups are
    checked as well, so every command reports a wrong setting. A name that no group has is wrong too. OMS_TEST_* and the
    variables of service links are ignored. An empty variable counts as not set.
    """
    given = _Given(
        file=file,
        in_file=read_toml(file),
        in_environment=dict(_variables(environment)),
        flags={name: value for name, value in flags.items() if value is not None},
    )
    names = {*given.in_file, *given.flags, *(name for name, _ in given.in_environment.values())}
    if not names <= _types_of(group).keys():
        others = [other for other in installed_groups() if other is not group]
        given.check_names(set().union(_types_of(group), *map(_types_of, others)))
        for other in others:
            given.make(other)
    return given.make(group)


def installed_groups() -> list[type[SettingGroup]]:
    """Return the groups of settings that are installed, the core's first."""
    return [entry.load() for entry in sorted(entry_points(group="oms.settings"), key=lambda entry: entry.name)]


class _Variable(NamedTuple):
    """A setting in the environment: its name, and its text or the file that holds it."""

    name: str
    text: str


@dataclass(frozen=True, slots=True, kw_only=True)
class _Given:
    """What is given for the settings of all groups."""

    file: Path | None
    in_file: Mapping[str, object]
    in_environment: Mapping[str, _Variable]
    flags: Mapping[str, object]

    def check_names(self, known: Collection[str]) -> None:
        """Raise `invalid_setting` for an unknown name."""
        for name in self.in_file:
            if name not in known:
                raise OmsError("invalid_setting", f"{name} in {self.file} is not a setting; {_LISTED}")
        for key, (name, _) in self.in_environment.items():
            if name not in known:
                raise OmsError("invalid_setting", f"{key} is not a setting; {_LISTED}")
        for name in self.flags:
            if name not in known:
                raise TypeError(f"{name} is not a setting")

    def make(self, group: type[Group]) -> Group:
        """Return a group with what is given for it. Raise `invalid_setting`."""
        read = {name: _BY_TYPE[declared] for name, declared in _types_of(group).items()}
        chosen = {
            **{name: _from_toml(read[name], name, value) for name, value in self.in_file.items() if name in read},
            **{name: read[name](name, text) for name, text in self.in_environment.values() if name in read},
            **{name: value for name, value in self.flags.items() if name in read},
        }
        return group(**chosen)


def _types_of(group: type[SettingGroup]) -> dict[str, str]:
    return {entry.name: str(entry.type) for entry in fields(group)}


def _variables(environment: Mapping[str, str]) -> Iterator[tuple[str, _Variable]]:
    """Read the OMS_* variables, by their names. Raise `invalid_setting` for a secret that cannot be read."""
    for key in sorted(environment):
        text = environment[key]
        if not key.startswith("OMS_") or key.startswith("OMS_TEST_") or not text or _is_service_link(key, text):
            continue
        name = key.removeprefix("OMS_").lower()
        if (secret := name.removesuffix("_file")) in SECRETS and secret != name:
            if environment.get(variable(secret)):
                raise OmsError("invalid_setting", f"{key} and {variable(secret)} are both given; leave one out")
            name, text = secret, _read_secret(key, Path(text))
        yield key, _Variable(name, text)


def read_toml(file: Path | None) -> Mapping[str, object]:
    """Read a TOML file in UTF-8, with or without a byte order mark; none, or a missing one, is empty.

    Raise `invalid_setting` for one that cannot be read.
    """
    if file is None or not file.exists():
        return {}
    try:
        return tomllib.loads(file.read_text(encoding="utf-8-sig"))
    except (OSError, ValueError) as error:
        raise OmsError("invalid_setting", f"{file} cannot be read: {error}") from error


def _is_service_link(key: str, text: str) -> bool:
    return any(name.fullmatch(key) and value.fullmatch(text) for name, value in _SERVICE_LINKS)


def _read_secret(key: str, file: Path) -> str:
    """Read a secret, without the one line end that `echo` adds. Raise `invalid_setting`, which never quotes it."""
    try:
        with file.open("rb") as stream:
            content = stream.read(_SECRET_BYTES_MAX + 1)
    except (OSError, ValueError) as error:  # A path with NUL is a ValueError.
        why = getattr(error, "strerror", None) or error
        raise OmsError("invalid_setting", f"{key}: {file} cannot be read: {why}") from error
    try:
        secret = content.decode("utf-8-sig")
    except UnicodeDecodeError:  # Its text would quote the secret.
        raise OmsError("invalid_setting", f"{key}: {file} is not UTF-8") from None
    secret = secret.removesuffix("\n").removesuffix("\r")
    if not secret or len(content) > _SECRET_BYTES_MAX:
        raise OmsError("invalid_setting", f"{key}: {file} must hold 1 to {_SECRET_BYTES_MAX:,} bytes")
    return secret


def _from_toml(read: Callable[[str, str], object], name: str, value: object) -> object:
    if isinstance(value, str):
        return read(name, value)
    return tuple(value) if isinstance(value, list) else value


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


_BY_TYPE: Mapping[str, Callable[[str, str], object]] = MappingProxyType(
    {"str": _read_text, "int": _read_number, "bool": _read_switch, "tuple[str, ...]": _read_list}
)
