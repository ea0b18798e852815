"""Where settings stand: OMS_* variables and oms.toml, read into the types that the settings have."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from oms_core.domain.numbers import parse_whole_number
from oms_core.errors import OmsError
from oms_core.settings.checks import variable, wrong

# The settings that may hold a password, and are so also read from a file that OMS_<FIELD>_FILE names.
SECRETS = frozenset({"database_url", "queue_url", "rate_limit_url"})

_SECRET_BYTES_MAX = 64 * 1024
_ADDRESS = r"[0-9A-Fa-f:.]+"
_LINK = rf"(?:tcp|udp|sctp)://(?:{_ADDRESS}|\[{_ADDRESS}\]):[0-9]+"
# What Kubernetes sets in every container beside a service whose name is oms, or begins so: names, and their values.
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


def from_environment(environment: Mapping[str, str], types: Mapping[str, str]) -> dict[str, Any]:
    """Read the OMS_* variables; `types` is the declared type of each setting. Raise `invalid_setting`.

    An empty variable is as good as none. OMS_TEST_* and the variables of service links are nobody's settings.
    """
    readers = _readers(types)
    chosen = {}
    for key in sorted(environment):
        text = environment[key]
        if not key.startswith("OMS_") or key.startswith("OMS_TEST_") or not text or _is_service_link(key, text):
            continue
        name = key.removeprefix("OMS_").lower()
        if (secret := name.removesuffix("_file")) in SECRETS and secret != name:
            if environment.get(variable(secret)):
                raise OmsError("invalid_setting", f"{key} and {variable(secret)} are both given; leave one out")
            name, text = secret, _read_secret(key, Path(text))
        if name not in readers:
            raise OmsError("invalid_setting", f"{key} is not a setting; `oms config show` lists them")
        chosen[name] = readers[name](name, text)
    return chosen


def from_file(file: Path | None, types: Mapping[str, str]) -> dict[str, Any]:
    """Read a TOML file; none, or a missing one, is empty. Raises `invalid_setting`."""
    content = read_toml(file)
    readers = _readers(types)
    for name in content:
        if name not in readers:
            raise OmsError("invalid_setting", f"{name} in {file} is not a setting; `oms config show` lists them")
    return {name: _from_toml(readers[name], name, value) for name, value in content.items()}


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
    """Read a secret, less the one line end that `echo` leaves. Raise `invalid_setting`, which never quotes it."""
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
