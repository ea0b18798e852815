"""OMS_QUEUE_URL of NATS: which servers it names, and what is said of a wrong one."""

from __future__ import annotations

import ssl

import pytest
from oms_nats import NatsBroker
from oms_nats.addresses import read_address

from oms_core import Settings
from oms_core.bootstrap import open_ports
from oms_core.errors import OmsError

SECRET = "s3cret"


@pytest.mark.parametrize(
    ("url", "described"),
    [
        ("nats://broker", "NATS at broker:4222, prefix shop"),
        ("NATS://broker", "NATS at broker:4222, prefix shop"),
        ("nats://ann:s3cret@a:1,b,[::1]:3/", "NATS at a:1, b:4222, [::1]:3, prefix shop"),
        ("nats://:s3cret@a", "NATS at a:4222, prefix shop"),
        ("tls://ann:s3cret%2F@broker", "NATS at broker:4222, prefix shop"),
    ],
)
def test_a_queue_names_its_servers_without_the_password(url: str, described: str) -> None:
    broker = open_ports(Settings(database_url="memory://", queue_url=url, queue_prefix="shop")).broker
    assert isinstance(broker, NatsBroker)
    assert broker.describe() == described
    assert broker.carries_events


@pytest.mark.parametrize(
    "url",
    [
        "nats://",
        "nats:///orders",
        "nats://broker/orders",
        "nats://s3cret@broker",
        "nats://ann:@broker",
        "nats://ann:s3cret/x@broker",
        "nats://ann:s3cret@broker:70000",
        "nats://ann:s3cret@broker:s3cret",
        "nats://ann:s3cret@a,,b",
        "nats://ann:s3cret@:4222",
        "nats://ann:s3cret@broker?wrong=s3cret",
        "nats://ann:s3cret@broker?replicas=s3cret",
        "nats://ann:s3cret@broker?replicas=6",
        "nats://ann:s3cret@broker?cafile=/missing/s3cret",
        "tls://ann:s3cret@broker?cafile=/missing/s3cret",
        "tls://ann:s3cret@broker?keyfile=/missing/s3cret",
    ],
)
def test_a_wrong_url_is_told_in_one_line_without_the_password(url: str) -> None:
    with pytest.raises(OmsError) as caught:
        open_ports(Settings(database_url="memory://", queue_url=url))
    assert caught.value.code == "invalid_setting"
    assert caught.value.detail.startswith("OMS_QUEUE_URL")
    assert SECRET not in str(caught.value)
    assert caught.value.__cause__ is None


def test_what_the_url_says_is_kept_and_the_password_not_shown() -> None:
    address = read_address("nats://an%40n:s3%2Fcret@broker?replicas=3")
    assert (address.user, address.password, address.replicas) == ("an@n", "s3/cret", 3)
    assert "s3" not in repr(address)
    token = read_address("nats://:s3cret@broker")
    assert (token.user, token.password) == (None, "s3cret")


@pytest.mark.parametrize("prefix", [".oms", "oms.", "a..b"])
def test_a_prefix_that_is_no_subject_is_refused(prefix: str) -> None:
    with pytest.raises(OmsError, match="invalid_setting: OMS_QUEUE_PREFIX must have no empty part"):
        open_ports(Settings(database_url="memory://", queue_url="nats://broker", queue_prefix=prefix))


def test_a_missing_library_is_told_with_the_extra_that_brings_it(monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_: object) -> None:
        raise ImportError("No module named 'nats'", name="nats")

    monkeypatch.setattr("oms_nats.open_broker", fail)
    advice = "install orderkeep with the extra 'nats'"
    with pytest.raises(OmsError, match=f"OMS_QUEUE_URL: nats:// needs nats; {advice}"):
        open_ports(Settings(database_url="memory://", queue_url="nats://ann:s3cret@broker"))


def test_certificates_are_verified() -> None:
    context = read_address("tls://broker").tls
    assert context is not None
    assert context.verify_mode is ssl.CERT_REQUIRED
    assert context.check_hostname
    assert read_address("nats://broker").tls is None
