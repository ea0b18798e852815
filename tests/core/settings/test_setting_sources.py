"""What else stands in an environment: the variables of Kubernetes' service links, and secrets in files."""

from __future__ import annotations

from pathlib import Path

import pytest

from oms_core import OmsError, Settings

URL = "postgresql://oms:hush@host/oms"
# As Kubernetes sets them for the services `oms` and `oms-postgres`, with a named port, over IPv4 and IPv6.
LINKS = {
    "OMS_SERVICE_HOST": "10.43.7.12",
    "OMS_SERVICE_PORT": "8080",
    "OMS_SERVICE_PORT_HTTP_ALT": "8080",
    "OMS_PORT": "tcp://10.43.7.12:8080",
    "OMS_PORT_8080_TCP": "tcp://10.43.7.12:8080",
    "OMS_PORT_8080_TCP_PROTO": "tcp",
    "OMS_PORT_8080_TCP_PORT": "8080",
    "OMS_PORT_8080_TCP_ADDR": "10.43.7.12",
    "OMS_POSTGRES_SERVICE_HOST": "fd00::7",
    "OMS_POSTGRES_PORT": "tcp://[fd00::7]:5432",
    "OMS_POSTGRES_PORT_5432_TCP": "tcp://[fd00::7]:5432",
    "OMS_POSTGRES_PORT_5432_TCP_ADDR": "fd00::7",
    "OMS_DNS_PORT_53_UDP": "udp://10.43.7.12:53",
    "OMS_DNS_PORT_53_UDP_PROTO": "udp",
}


def refusal(environment: dict[str, str]) -> str:
    with pytest.raises(OmsError) as caught:
        Settings.load(environment)
    assert caught.value.code == "invalid_setting"
    return caught.value.detail


def test_the_variables_of_service_links_are_no_settings() -> None:
    assert Settings.load(LINKS) == Settings()
    for name, value in LINKS.items():
        assert Settings.load({name: value}) == Settings()


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("OMS_PORT", "tcp://x"),
        ("OMS_PORT", "http://10.43.7.12:8080"),
        ("OMS_PROT", "tcp://10.43.7.12:8080"),
        ("OMS_SERVICE_HOST", "shop.example"),
        ("OMS_SERVICE_PORT", "http"),
        ("OMS_SERVICE_HOTS", "10.43.7.12"),
        ("OMS_PORT_8080_TCP", "8080"),
        ("OMS_PORT_HTTP_TCP", "tcp://10.43.7.12:8080"),
        ("OMS_HTTP_PROCESES", "2"),
    ],
)
def test_what_only_looks_alike_is_told(name: str, value: str) -> None:
    assert name in refusal({name: value})


@pytest.mark.parametrize("name", ["database_url", "queue_url", "rate_limit_url"])
@pytest.mark.parametrize("end", ["", "\n", "\r\n"])
def test_a_secret_is_read_from_a_file_without_its_line_end(name: str, end: str, tmp_path: Path) -> None:
    file = tmp_path / "secret"
    file.write_bytes(f"{URL}{end}".encode())
    assert getattr(Settings.load({f"OMS_{name.upper()}_FILE": str(file)}), name) == URL


def test_only_one_line_end_is_dropped(tmp_path: Path) -> None:
    (tmp_path / "secret").write_text("memory://\n\n")
    assert Settings.load({"OMS_DATABASE_URL_FILE": str(tmp_path / "secret")}).database_url == "memory://\n"


def test_a_secret_of_a_file_goes_over_oms_toml_and_under_a_flag(tmp_path: Path) -> None:
    (tmp_path / "secret").write_text(URL)
    (tmp_path / "oms.toml").write_text('database_url = "memory://toml"')
    environment = {"OMS_DATABASE_URL_FILE": str(tmp_path / "secret")}
    assert Settings.load(environment, file=tmp_path / "oms.toml").database_url == URL
    assert Settings.load(environment, database_url="memory://flag").database_url == "memory://flag"


def test_a_secret_given_twice_is_told_without_it(tmp_path: Path) -> None:
    (tmp_path / "secret").write_text(URL)
    detail = refusal({"OMS_DATABASE_URL": URL, "OMS_DATABASE_URL_FILE": str(tmp_path / "secret")})
    assert "OMS_DATABASE_URL_FILE and OMS_DATABASE_URL are both given" in detail
    assert "hush" not in detail


@pytest.mark.parametrize(
    ("content", "why"),
    [
        (None, "No such file or directory"),
        (b"", "must hold 1 to 65,536 bytes"),
        (b"\n", "must hold 1 to 65,536 bytes"),
        (b"x" * 65_537, "must hold 1 to 65,536 bytes"),
        (b"memory://hush\xff", "is not UTF-8"),
    ],
)
def test_a_secret_that_cannot_be_read_is_told_by_the_name_of_its_setting(
    content: bytes | None, why: str, tmp_path: Path
) -> None:
    file = tmp_path / "secret"
    if content is not None:
        file.write_bytes(content)
    detail = refusal({"OMS_QUEUE_URL_FILE": str(file)})
    assert detail.startswith(f"OMS_QUEUE_URL_FILE: {file}")
    assert why in detail
    assert "hush" not in detail


def test_a_secret_without_end_is_not_read_to_its_end() -> None:
    assert "OMS_QUEUE_URL_FILE" in refusal({"OMS_QUEUE_URL_FILE": "/dev/zero"})


@pytest.mark.parametrize("name", ["OMS_PORT_FILE", "OMS_TLS_KEY_FILE", "OMS_FILE", "OMS_DATABSE_URL_FILE"])
def test_no_other_setting_is_read_from_a_file(name: str) -> None:
    assert refusal({name: "/dev/null"}) == f"{name} is not a setting; `oms config show` lists them"


def test_a_wrong_url_of_a_file_is_told_without_its_password(tmp_path: Path) -> None:
    (tmp_path / "secret").write_text("postgresql://oms:hu@sh@host/oms")
    detail = refusal({"OMS_DATABASE_URL_FILE": str(tmp_path / "secret")})
    assert "percent-encoded" in detail
    assert "hu@sh" not in detail


def test_a_byte_order_mark_before_the_settings_is_passed_over(tmp_path: Path) -> None:
    (tmp_path / "oms.toml").write_bytes(b'\xef\xbb\xbflocations = ["K\xc3\xb6ln"]\n')
    assert Settings.load({}, file=tmp_path / "oms.toml").default_location == "K\u00f6ln"
