"""What stands on the shelves to begin with: derived from what is sold and written off, and imported as counts."""

from __future__ import annotations

import csv
import io
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping

from oms_core import ImportReject, ImportStock, Oms
from tests.system.online_retail.replay import CALLER
from tests.system.online_retail.steps import Sale, Step, WriteOff


def stock_shelves(oms: Oms, steps: Iterable[Step], *, reference: str, percent_of_sold: int) -> int:
    """Create every SKU with its opening count, and give the number of SKUs; a rerun under the reference counts nothing.

    ValueError when the database refuses a count, which an empty one does not.
    """
    units = opening_units(steps, percent_of_sold=percent_of_sold)
    refused: list[ImportReject] = []
    oms.imports.stock(
        ImportStock(idempotency_key=f"opening/{reference}"),
        io.BytesIO(_opening_file(units, product_names(steps), reference).encode()),
        caller=CALLER,
        rejects=refused.append,
    )
    if refused:
        raise ValueError(f"the opening stock is refused (is the database empty?): {refused[0].detail}")
    return len(units)


def _opening_file(units: Mapping[str, int], names: Mapping[str, str], reference: str) -> str:
    text = io.StringIO()
    rows = csv.writer(text)
    rows.writerow(["sku", "quantity", "name", "reason", "reference"])
    rows.writerows([sku, quantity, names.get(sku, ""), "opening stock", reference] for sku, quantity in units.items())
    return text.getvalue()


def opening_units(steps: Iterable[Step], *, percent_of_sold: int) -> dict[str, int]:
    """Derive the units of each SKU to begin with: of what is sold, so many per cent, and all that is written off.

    With 100 every invoice can be placed and every write-off booked, in whatever order they come.
    """
    sold: Counter[str] = Counter()
    gone: Counter[str] = Counter()
    for step in steps:
        for line in step.lines:
            sold[line.sku] += line.quantity if isinstance(step, Sale) else 0
            gone[line.sku] -= line.quantity if isinstance(step, WriteOff) else 0
    return {sku: sold[sku] * percent_of_sold // 100 + gone[sku] for sku in sold}


def product_names(steps: Iterable[Step]) -> Mapping[str, str]:
    """Name each SKU by its most frequent description on an invoice; corrections carry remarks, not names."""
    seen: dict[str, Counter[str]] = defaultdict(Counter)
    for step in steps:
        for line in step.lines:
            if isinstance(step, Sale) and line.description:
                seen[line.sku][line.description] += 1
    return {sku: descriptions.most_common(1)[0][0] for sku, descriptions in seen.items()}
