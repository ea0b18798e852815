"""OMS_QUEUE_URL: which broker it opens, and what is said of a wrong one."""

from __future__ import annotations

import ssl

import pytest
from oms_rabbitmq import RabbitmqBroker
from oms_rabbitmq.addresses import NODES_MAX, read_addresses
from oms_rabbitmq.nodes import read_nodes
from pika.connection import URLParameters

from oms_core import Settings
from oms_core.bootstrap import open_ports
from oms_core.errors import OmsError

SECRET = "s3cret"


@pytest.mark.parametrize(
    ("url", "described"),
    [
        ("amqp://broker", "RabbitMQ at broker:5672, virtual host /, prefix shop"),
        ("AMQP://broker", "RabbitMQ at broker:5672, virtual host /, prefix shop"),
        ("amqp://ann:s3cret@broker:5673/", "RabbitMQ at broker:5673, virtual host /, prefix shop"),
        ("amqp://ann:s3cret%2F@broker/%2Fshop", "RabbitMQ at broker:5672, virtual host /shop, prefix shop"),
        ("amqps://ann:s3cret@broker", "RabbitMQ at broker:5671, virtual host /, prefix shop"),
        ("amqp://ann:s3cret@a,b:5673,c/%2Fshop", "RabbitMQ at a:5672,b:5673,c:5672, virtual host /shop, prefix shop"),
        ("amqp://ann:s3cret,x@[::1]:5673,[::2]", "RabbitMQ at ::1:5673,::2:5672, virtual host /, prefix shop"),
    ],
)
def test_a_queue_names_its_broker_without_the_password(url: str, described: str) -> None:
    broker = open_ports(Settings(database_url="memory://", queue_url=url, queue_prefix="shop")).broker
    assert isinstance(broker, RabbitmqBroker)
    assert broker.describe() == described
    assert broker.carries_events


@pytest.mark.parametrize(
    "url",
    [
        "amqp://",
        "amqp:///vhost",
        "amqp://ann@broker",
        "amqp://ann:s3cret/x@broker",
        "amqp://ann:s3cret@broker:70000",
        "amqp://ann:s3cret@broker:s3cret",
        "amqp://ann:s3cret@a,,b",
        "amqp://ann:s3cret@a,",
        "amqp://ann:s3cret@,a",
        "amqp://ann:s3cret@a,b:70000",
        "amqp://ann:s3cret@a,b:s3cret",
        "amqp://ann:s3cret@a,bob:s3cret@b",
        "amqp://ann@a,b",
        "amqp://ann:s3cret@a,a:5672",
        "amqp://ann:s3cret@broker?wrong=s3cret",
        "amqp://ann:s3cret@broker?heartbeat=s3cret",
        "amqps://ann:s3cret@broker?ssl_options={'ca_certs':'/missing/s3cret'}",
        "amqps://ann:s3cret@broker?ssl_options=s3cret(",
    ],
)
def test_a_wrong_url_is_told_in_one_line_without_the_password(url: str) -> None:
    with pytest.raises(OmsError) as caught:
        open_ports(Settings(database_url="memory://", queue_url=url))
    assert caught.value.code == "invalid_setting"
    assert caught.value.detail.startswith("OMS_QUEUE_URL")
    assert SECRET not in str(caught.value)
    assert caught.value.__cause__ is None
    assert caught.value.__context__ is None


def told_of(url: str) -> str:
    try:
        return read_nodes(url).describe()
    except OmsError as error:
        return error.detail


def test_an_unknown_parameter_is_named() -> None:
    told = told_of("amqp://ann:s3cret@broker?heartbeat=5&heart_beat=s3cret")
    assert told == "OMS_QUEUE_URL: pika knows no parameter 'heart_beat'"


def test_hosts_are_bounded_and_each_is_named_once() -> None:
    wrong = f"OMS_QUEUE_URL must name each host once, and {NODES_MAX} hosts at most"
    hosts = [f"h{number}" for number in range(NODES_MAX + 1)]
    assert told_of(f"amqp://{','.join(hosts)}/") == wrong
    assert told_of("amqp://a,b,a:5672/") == wrong
    assert told_of(f"amqp://{','.join(hosts[1:])}/").startswith("RabbitMQ at h1:5672,h2:5672,")


def test_hosts_share_user_virtual_host_and_parameters() -> None:
    addresses = read_addresses("amqps://ann:p%2Cw@a:1,b/%2Fshop?heartbeat=5")
    parameters = [address.parameters("inbox") for address in addresses]
    assert [(each.host, each.port) for each in parameters] == [("a", 1), ("b", 5671)]
    assert {(each.credentials.username, each.credentials.password) for each in parameters} == {("ann", "p,w")}
    assert {(each.virtual_host, each.heartbeat) for each in parameters} == {("/shop", 5)}


def test_every_parameter_of_pika_is_known() -> None:
    readers = {name.removeprefix("_set_url_") for name in dir(URLParameters) if name.startswith("_set_url_")}
    assert len(readers) > 5
    assert not [name for name in readers if "knows no parameter" in told_of(f"amqp://broker?{name}=1")]


def test_a_scheme_that_nothing_serves_is_told_with_those_that_are() -> None:
    with pytest.raises(
        OmsError, match=r"OMS_QUEUE_URL: nothing installed serves kafka:// \(known: .*amqp, amqps, memory"
    ):
        open_ports(Settings(database_url="memory://", queue_url="kafka://ann:s3cret@broker"))


def test_a_missing_library_is_told_with_the_extra_that_brings_it(monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_: object) -> None:
        raise ImportError("No module named 'pika'", name="pika")

    monkeypatch.setattr("oms_rabbitmq.open_broker", fail)
    advice = "install orderkeep with the extra 'rabbitmq'"
    with pytest.raises(OmsError, match=f"OMS_QUEUE_URL: amqp:// needs pika; {advice}"):
        open_ports(Settings(database_url="memory://", queue_url="amqp://ann:s3cret@broker"))


def test_times_are_bounded_unless_the_url_says_otherwise() -> None:
    parameters = read_addresses("amqp://broker")[0].parameters("inbox")
    assert (parameters.heartbeat, parameters.socket_timeout, parameters.stack_timeout) == (10, 2.0, 2.5)
    assert read_addresses("amqp://broker?heartbeat=60")[0].parameters("inbox").heartbeat == 60


def test_certificates_are_verified() -> None:
    options = read_addresses("amqps://broker")[0].parameters("inbox").ssl_options
    assert options is not None
    assert options.context.verify_mode is ssl.CERT_REQUIRED
    assert options.context.check_hostname
    assert read_addresses("amqp://broker")[0].parameters("inbox").ssl_options is None
