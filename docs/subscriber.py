"""A sample subscriber to OMS's events: it prints a line for each, in order per order, and skips repeats.

    python docs/subscriber.py warehouse 'order.*' stock.low

binds the durable queue `warehouse` to the exchange `oms.events` under these keys. What happens while this program does
not run waits in the queue. OMS_QUEUE_URL and OMS_QUEUE_PREFIX name the broker and the prefix, as for OMS itself.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
import time
from collections import OrderedDict
from typing import Any
from urllib.parse import urlsplit, urlunsplit

from pika import URLParameters
from pika.adapters.blocking_connection import BlockingChannel, BlockingConnection
from pika.adapters.utils.connection_workflow import AMQPConnectorException
from pika.exceptions import AMQPError

REMEMBERED_MAX, PREFETCH, PAUSE_SECONDS = 100_000, 100, 1.0


Handled = OrderedDict[tuple[str, str], None]


def handle(event: dict[str, Any]) -> None:
    """Do your work here; this one prints a line."""
    facts = json.dumps(event["data"]["data"], sort_keys=True)
    print(event["time"], event["type"], event["subject"], facts, flush=True)  # noqa: T201  Its purpose.


def remember(handled: Handled, identity: tuple[str, str]) -> None:
    """Note what is handled, up to a bound. To be safe over restarts, note it in your database, with your work."""
    handled[identity] = None
    if len(handled) > REMEMBERED_MAX:
        handled.popitem(last=False)


def subscribe(channel: BlockingChannel, *, exchange: str, queue: str, keys: list[str], handled: Handled) -> None:
    """Handle events until the connection ends; each is acknowledged once it is handled, so a crash repeats it."""
    channel.exchange_declare(exchange, "topic", durable=True)
    channel.queue_declare(queue, durable=True, arguments={"x-queue-type": "quorum"})
    for key in keys:
        channel.queue_bind(queue, exchange, key)
    channel.basic_qos(prefetch_count=PREFETCH)
    for delivery, _, body in channel.consume(queue):
        event = json.loads(body)
        if (identity := (event["source"], event["id"])) not in handled:
            handle(event)
            remember(handled, identity)
        channel.basic_ack(delivery.delivery_tag or 0)


def nodes(url: str) -> list[URLParameters]:
    """Read a URL for each host, as OMS names the nodes of a cluster: pika tries one after the other."""
    parts = urlsplit(url)
    user, at, hosts = parts.netloc.rpartition("@")
    return [URLParameters(urlunsplit(parts._replace(netloc=f"{user}{at}{host}"))) for host in hosts.split(",")]


def main() -> None:
    """Subscribe, and again after every interruption."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("queue", help="a queue of your own; two programs on the same queue share its events")
    parser.add_argument("keys", nargs="+", help="order.placed, order.*, stock.low, # (everything)")
    chosen, handled = parser.parse_args(), Handled()
    url = os.environ.get("OMS_QUEUE_URL", "amqp://guest:guest@127.0.0.1:5672")
    exchange = f"{os.environ.get('OMS_QUEUE_PREFIX', 'oms')}.events"
    while True:
        try:
            with BlockingConnection(nodes(url)) as connection, connection.channel() as channel:
                subscribe(channel, exchange=exchange, queue=chosen.queue, keys=chosen.keys, handled=handled)
        except (AMQPError, AMQPConnectorException, OSError) as error:
            sys.stderr.write(f"subscribing again after {error!r}\n")
        time.sleep(PAUSE_SECONDS)


if __name__ == "__main__":
    main()
