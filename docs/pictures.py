"""Draw the pictures of the README: the architecture, and a hot product selling out as `make demo` has recorded it.

python docs/pictures.py        writes docs/pictures/*.svg
"""

from __future__ import annotations

import io
import json
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

import matplotlib as mpl
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import FancyBboxPatch

FOLDER = Path(__file__).parent / "pictures"
# The same figures make the same bytes: no date, no random names; letters stay text, drawn with the reader's font.
STYLE = {"svg.hashsalt": "orderkeep", "svg.fonttype": "none", "font.family": "DejaVu Sans", "font.size": 10}
METADATA = {"Date": None, "Creator": None}
INK, SOFT, DRIVER, CORE, ADAPTER, SERVICE = "#222222", "#777777", "#dbe9f6", "#fdebc8", "#dff0d8", "#eeeeee"
SOLD, REFUSED, LEFT = "#2a7f3f", "#b5482f", "#2b5d9b"
TENTHS_OF_MS = 10_000


class Box(NamedTuple):
    """A box: its middle, its name, what it is, and its colour."""

    x: float
    y: float
    title: str
    text: str
    colour: str
    width: float = 2.5
    height: float = 0.86


DRIVERS = (
    Box(1.5, 4.5, "oms_http", "REST service", DRIVER),
    Box(1.5, 3.3, "oms worker", "places queued orders", DRIVER),
    Box(1.5, 2.1, "oms_cli", "administrators, batch jobs", DRIVER),
    Box(1.5, 0.9, "your program", "from oms_core import Oms", DRIVER),
)
USE_CASES = Box(5.2, 3.5, "use cases", "one transaction each", CORE, 2.9)
DOMAIN = Box(4.45, 1.8, "domain", "pure decisions", CORE, 1.4)
PORTS = Box(5.95, 1.8, "ports", "Protocols", CORE, 1.4)
ADAPTERS = (
    Box(8.9, 4.5, "oms_peewee", "storage", ADAPTER, 2.2),
    Box(8.9, 3.3, "oms_rabbitmq", "broker, events", ADAPTER, 2.2),
    Box(8.9, 2.1, "oms_limits", "rate limits", ADAPTER, 2.2),
    Box(8.9, 0.9, "oms_memory", "all of it, for tests", ADAPTER, 2.2),
)
SERVICES = (
    Box(11.6, 4.5, "PostgreSQL", "or SQLite, a file", SERVICE, 2.1),
    Box(11.6, 3.3, "RabbitMQ", "", SERVICE, 2.1),
    Box(11.6, 2.1, "Redis", "or each process", SERVICE, 2.1),
)


PROCESSES = tuple(Box(4.6, y, "oms serve", "keeps no state", DRIVER, 2.1) for y in (4.0, 2.0))
PRIMARY = Box(8.2, 4.0, "a: primary", "takes the writes", SERVICE, 2.3)
STANDBY = Box(8.2, 2.0, "b: standby", "has all that was answered", SERVICE, 2.7)


def draw_high_availability() -> str:
    """Return as SVG who reaches which of two PostgreSQL servers, and who says which of them leads."""
    with mpl.rc_context(STYLE):
        figure = Figure(figsize=(10, 3.6))
        axes = figure.add_axes((0, 0, 1, 1))
        axes.set(xlim=(0, 12.9), ylim=(0.9, 5.5))
        axes.axis("off")
        for box in (
            Box(1.3, 3.0, "balancer", "asks /readyz", SERVICE, 1.9),
            *PROCESSES,
            PRIMARY,
            STANDBY,
            Box(11.6, 3.0, "Patroni, etcd", "one of them leads", ADAPTER, 2.0),
        ):
            _box(axes, box)
        axes.text(6.2, 5.1, "postgresql://oms@a:5432,b:5432/shop", ha="center", color=SOFT, family="DejaVu Sans Mono")
        axes.text(8.3, 3.0, "COMMIT waits", ha="left", va="center", color=SOFT, fontsize=9)
        for process in PROCESSES:
            _arrow(axes, (2.25, 3.0), (3.5, process.y))
            _arrow(axes, (5.65, process.y), (7.0, 3.9))
            _arrow(axes, (5.65, process.y), (6.8, 2.1), dashed=True)
        _arrow(axes, (8.2, 3.57), (8.2, 2.43))
        for server in (PRIMARY, STANDBY):
            _arrow(axes, (10.6, 3.0), (server.x + server.width / 2 + 0.05, server.y), dashed=True)
        return svg(figure)


def draw_architecture() -> str:
    """Return the architecture as SVG: the drivers, the core, the adapters and the services behind them."""
    with mpl.rc_context(STYLE):
        figure = Figure(figsize=(10, 4.3))
        axes = figure.add_axes((0, 0, 1, 1))
        axes.set(xlim=(0, 12.9), ylim=(0.2, 5.7))
        axes.axis("off")
        for x, title in ((1.5, "drivers"), (8.9, "adapters, found by URL"), (11.6, "services, if you want them")):
            axes.text(x, 5.3, title, ha="center", color=SOFT)
        _box(axes, Box(5.2, 2.75, "", "", "#fffaf0", 3.2, 4.3))
        axes.text(5.2, 4.62, "oms_core: standard library only", ha="center", color=SOFT, fontsize=9)
        for box in (*DRIVERS, USE_CASES, DOMAIN, PORTS, *ADAPTERS, *SERVICES):
            _box(axes, box)
        for driver in DRIVERS:
            _arrow(axes, (2.75, driver.y), (3.58, 2.75 + (driver.y - 2.75) * 0.7))
        for below in (DOMAIN, PORTS):
            _arrow(axes, (below.x, 3.07), (below.x, 2.23))
        for adapter in ADAPTERS:
            _arrow(axes, (6.82, 2.75 + (adapter.y - 2.75) * 0.7), (7.78, adapter.y), dashed=True)
        for service in SERVICES:
            _arrow(axes, (10.02, service.y), (10.53, service.y))
        return svg(figure)


def draw_read_replica() -> str:
    """Return where what is read and written goes, as SVG: the service, the primary and its replica."""
    service = Box(2.0, 2.0, "oms serve, oms", "asks how old the replica is", CORE, 3.0, 1.0)
    primary = Box(9.2, 3.2, "primary", "all that was committed", SERVICE, 2.8)
    replica = Box(9.2, 0.8, "replica", "a hot standby", SERVICE, 2.8)
    with mpl.rc_context(STYLE):
        figure = Figure(figsize=(9, 3.4))
        axes = figure.add_axes((0, 0, 1, 1))
        axes.set(xlim=(0, 11.2), ylim=(-0.1, 4.1))
        axes.axis("off")
        for box in (service, primary, replica):
            _box(axes, box)
        _arrow(axes, (3.55, 2.35), (7.75, 3.4))
        _arrow(axes, (3.55, 2.05), (7.75, 3.0), dashed=True)
        _arrow(axes, (3.55, 1.7), (7.75, 0.8))
        _arrow(axes, (9.2, 2.75), (9.2, 1.25))
        axes.text(5.4, 3.25, "writes, single reads", ha="center", color=INK, fontsize=9, rotation=10)
        axes.text(6.3, 2.0, "lists, while it is late or away", ha="center", color=SOFT, fontsize=9, rotation=10)
        axes.text(5.5, 0.75, "lists, exports, audits", ha="center", color=INK, fontsize=9, rotation=-9)
        axes.text(9.3, 2.0, "log", color=SOFT, fontsize=9)
        return svg(figure)


def draw_sold_out() -> str:
    """Return a sale as SVG: who was answered what, when, and what was left meanwhile."""
    sale = json.loads((FOLDER / "sold-out.json").read_text())
    sold, units = sale["answers"]["sold"], sale["units"]
    refused = sale["answers"]["insufficient_inventory"]
    end = max(sold[-1], refused[-1])
    with mpl.rc_context(STYLE):
        figure = Figure(figsize=(10, 4.3), layout="constrained")
        axes = figure.add_subplot()
        _steps(axes, [*sold, end], [*range(1, len(sold) + 1), len(sold)], SOLD, f"sold: {len(sold):,}")
        _steps(axes, refused, range(1, len(refused) + 1), REFUSED, f"refused with the figures: {len(refused):,}")
        left = [*range(units, units - len(sold) - 1, -1), units - len(sold)]
        _steps(axes, [0, *sold, end], left, LEFT, f"left, of {units:,}")
        axes.axvline(sold[-1] / TENTHS_OF_MS, color=SOFT, linewidth=0.8, linestyle=":")
        axes.annotate(
            "sold out", (sold[-1] / TENTHS_OF_MS, units), xytext=(8, 12), textcoords="offset points", color=SOFT
        )
        axes.set_xlabel("seconds since the first order was sent")
        axes.set_ylabel("orders answered, units left")
        axes.set_title(f"{len(sold) + len(refused):,} buyers over {sale['connections']} connections want one product")
        axes.set(xlim=(0, None), ylim=(0, None))
        axes.spines[["top", "right"]].set_visible(False)
        axes.legend(frameon=False, loc="upper left")
        return svg(figure)


def _steps(axes: Axes, at: Sequence[int], counts: Sequence[int], colour: str, label: str) -> None:
    axes.step([moment / TENTHS_OF_MS for moment in at], counts, where="post", color=colour, linewidth=1.8, label=label)


def _box(axes: Axes, box: Box) -> None:
    corner = (box.x - box.width / 2, box.y - box.height / 2)
    shape = FancyBboxPatch(
        corner, box.width, box.height, boxstyle="round,pad=0,rounding_size=0.1", facecolor=box.colour, edgecolor=SOFT
    )
    axes.add_patch(shape)
    above = 0.16 if box.text else 0
    axes.text(box.x, box.y + above, box.title, ha="center", va="center", weight="bold", color=INK)
    axes.text(box.x, box.y - 0.2, box.text, ha="center", va="center", fontsize=8.5, color=INK)


def _arrow(axes: Axes, start: tuple[float, float], end: tuple[float, float], *, dashed: bool = False) -> None:
    look = {"arrowstyle": "-|>", "color": INK, "linewidth": 1, "linestyle": "--" if dashed else "-"}
    axes.annotate("", end, start, arrowprops=look)


def svg(figure: Figure) -> str:
    """Return a figure as SVG."""
    text = io.StringIO()
    figure.savefig(text, format="svg", metadata=METADATA, facecolor="white")
    return text.getvalue()


PICTURES = {
    "architecture": draw_architecture,
    "high-availability": draw_high_availability,
    "sold-out": draw_sold_out,
    "read-replica": draw_read_replica,
}

if __name__ == "__main__":
    for name, draw in PICTURES.items():
        (FOLDER / f"{name}.svg").write_text(draw(), encoding="utf-8")
