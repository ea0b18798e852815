"""Who asks, behind a proxy: X-Forwarded-* are believed of trusted proxies, and of nobody else."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

import pytest
from werkzeug.test import EnvironBuilder, run_wsgi_app

from oms_core import Oms, Settings
from oms_http.app import create_app
from oms_http.edge.forwarding import PEER, behind
from oms_http.settings import HttpSettings

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse

PROXIES = ("10.0.0.0/8", "127.0.0.1", "2001:db8::/32")


def seen(peer: str, *, proxies: tuple[str, ...] = PROXIES, **headers: str) -> dict[str, Any]:
    """Give the environ that an application gets behind these proxies."""
    shown: dict[str, Any] = {}

    def app(environ: dict[str, Any], start_response: StartResponse) -> Iterable[bytes]:
        shown.update(environ)
        start_response("200 OK", [])
        return []

    fields = {name.replace("_", "-"): value for name, value in headers.items()}
    environ = EnvironBuilder("/", headers=fields, environ_base={"REMOTE_ADDR": peer}).get_environ()
    run_wsgi_app(behind(app, proxies), environ)
    return shown


def client_of(peer: str, chain: str, *, proxies: tuple[str, ...] = PROXIES) -> str:
    return str(seen(peer, proxies=proxies, X_Forwarded_For=chain)["REMOTE_ADDR"])


@pytest.mark.parametrize(
    ("chain", "client"),
    [
        ("192.0.2.1", "192.0.2.1"),
        ("203.0.113.9, 192.0.2.1", "192.0.2.1"),
        ("192.0.2.1,10.1.2.3 ,\t127.0.0.1", "192.0.2.1"),
        ("2001:4860::1", "2001:4860::1"),
        ("::ffff:192.0.2.1", "192.0.2.1"),
        ("::ffff:10.0.0.9", "10.0.0.1"),
        ("what a client invents, 192.0.2.1", "192.0.2.1"),
        (", , 192.0.2.1", "192.0.2.1"),
    ],
)
def test_the_client_is_the_rightmost_hop_that_is_not_trusted(chain: str, client: str) -> None:
    assert client_of("10.0.0.1", chain) == client


@pytest.mark.parametrize(
    "chain",
    [
        *(
            "",
            ",",
            "unknown",
            "192.0.2.1, unknown",
            "192.0.2.1:80",
            "[2001:4860::1]",
            "192.0.2.1,",
            "192.0.2",
            '"192.0.2.1"',
        ),
        *("10.0.0.2", "10.0.0.2, 127.0.0.1", ",".join(["192.0.2.1"] + ["10.0.0.2"] * 20), "x" * 10_000, "," * 10_000),
    ],
)
def test_a_chain_that_names_no_client_leaves_the_peer(chain: str) -> None:
    assert client_of("10.0.0.1", chain) == "10.0.0.1"


@pytest.mark.parametrize("peer", ["192.0.2.7", "::1", "", "not an address"])
def test_a_peer_that_is_not_trusted_is_not_believed(peer: str) -> None:
    environ = seen(peer, X_Forwarded_For="198.51.100.1", X_Forwarded_Proto="https")
    assert (environ["REMOTE_ADDR"], environ["wsgi.url_scheme"], environ.get(PEER)) == (peer, "http", None)


def test_nobody_is_trusted_unless_named() -> None:
    assert client_of("127.0.0.1", "192.0.2.1", proxies=()) == "127.0.0.1"


def test_even_if_everybody_is_trusted_a_client_cannot_choose_its_address() -> None:
    assert client_of("192.0.2.7", "198.51.100.1", proxies=("0.0.0.0/0",)) == "192.0.2.7"


def test_a_proxy_on_a_socket_for_both_families_is_known() -> None:
    assert client_of("::ffff:10.0.0.1", "192.0.2.1") == "192.0.2.1"


@pytest.mark.parametrize(
    ("proto", "scheme"), [("https", "https"), ("http", "http"), ("HTTPS", "http"), ("ftp", "http"), ("", "http")]
)
def test_a_trusted_proxy_tells_the_scheme(proto: str, scheme: str) -> None:
    environ = seen("127.0.0.1", X_Forwarded_Proto=proto)
    assert (environ["wsgi.url_scheme"], environ[PEER]) == (scheme, "127.0.0.1")


def test_the_service_believes_the_proxies_of_its_settings() -> None:
    with Oms.open(Settings(database_url="memory://")) as oms:
        response = (
            create_app(oms, settings=HttpSettings(trusted_proxies=PROXIES))
            .test_client()
            .get(
                "/healthz",
                headers={"X-Forwarded-For": "192.0.2.1", "X-Forwarded-Proto": "https"},
                environ_overrides={"REMOTE_ADDR": "10.0.0.1"},
            )
        )
    assert "max-age" in response.headers["Strict-Transport-Security"]


@pytest.mark.parametrize("proxies", [(), PROXIES])
def test_the_first_untrusted_peer_that_forwards_is_told_of_once(
    caplog: pytest.LogCaptureFixture, proxies: tuple[str, ...]
) -> None:
    served: list[str] = []

    def app(environ: dict[str, Any], start_response: StartResponse) -> Iterable[bytes]:
        served.append(environ["REMOTE_ADDR"])
        start_response("200 OK", [])
        return []

    wrapped = behind(app, proxies)
    for peer, headers in (
        ("192.0.2.8", {}),
        ("192.0.2.9", {"X-Forwarded-For": "198.51.100.1"}),
        ("192.0.2.10", {"X-Forwarded-For": "198.51.100.2"}),
    ):
        run_wsgi_app(wrapped, EnvironBuilder("/", headers=headers, environ_base={"REMOTE_ADDR": peer}).get_environ())
    assert served == ["192.0.2.8", "192.0.2.9", "192.0.2.10"]
    (told,) = caplog.messages
    assert "'192.0.2.9'" in told
    assert "OMS_TRUSTED_PROXIES" in told


def test_a_trusted_proxy_is_not_told_of(caplog: pytest.LogCaptureFixture) -> None:
    assert client_of("10.0.0.1", "192.0.2.1") == "192.0.2.1"
    assert not caplog.messages
