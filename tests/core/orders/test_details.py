"""A field that only keeps a caller's words is declared in one place: all that the core does with it follows."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from pathlib import Path

import oms_core

PACKAGE = Path(oms_core.__file__).parent
ADAPTERS = PACKAGE.parent / "adapters"
FIELD = "    metadata: Mapping[str, str] = field(default_factory=dict)\n"
CHECK = "        check_metadata(findings, self.metadata)\n"
NOTE = '        if self.gift_note is not None:\n            findings.prose("/gift_note", self.gift_note, longest=20)\n'

# Places orders with a note and without one on a storage in memory, and says what became of the note.
PROGRAM = """
import json
from oms_core import ALL_SCOPES, Caller, Oms, OmsError, SetStock, Settings
from oms_core.documents.orders import read_keyed_order, show_order
from oms_core.domain.fingerprints import order_fingerprint

caller = Caller(name="shop", scopes=ALL_SCOPES)
plain = {"customer_id": "C1", "lines": [{"sku": "A", "quantity": 1}], "idempotency_key": "K"}

def code_of(document):
    try:
        oms.orders.place(read_keyed_order(document), caller=caller)
    except OmsError as error:
        return [error.code, [found.pointer for found in error.errors]]

with Oms.open(Settings(database_url="memory://")) as oms:
    oms.stock.set(SetStock(sku="A", on_hand=9), caller=caller)
    told = {"digest": order_fingerprint(read_keyed_order(plain), "EUR").hex()}
    if "GIFT":
        given = plain | {"gift_note": "With love"}
        placed = oms.orders.place(read_keyed_order(given), caller=caller).order
        accepted = oms.orders.accept(read_keyed_order(given | {"idempotency_key": "L"}), caller=caller).order
        told["shown"] = [show_order(oms.orders.get(each.id, caller=caller))["gift_note"] for each in (placed, accepted)]
        told["other"] = code_of(plain | {"gift_note": "Another"})
        told["long"] = code_of(plain | {"gift_note": "x" * 21, "idempotency_key": "M"})
    else:
        told["unknown"] = code_of(plain | {"gift_note": "With love"})
    print(json.dumps(told))
"""


def run(folder: Path, *, gift: bool) -> dict[str, object]:
    program = PROGRAM.replace('"GIFT"', str(gift))
    command = [sys.executable, "-c", program]
    path = {"PYTHONPATH": f"{folder}:{ADAPTERS}"}
    done = subprocess.run(command, cwd=folder, env=path, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return dict(json.loads(done.stdout))


def test_a_field_that_is_declared_is_checked_kept_shown_and_part_of_what_a_key_stands_for(tmp_path: Path) -> None:
    shutil.copytree(PACKAGE, tmp_path / "oms_core", ignore=shutil.ignore_patterns("__pycache__"))
    before = run(tmp_path, gift=False)
    assert before["unknown"] == ["validation_error", ["/gift_note"]]
    details = tmp_path / "oms_core" / "domain" / "orders" / "details.py"
    text = details.read_text(encoding="utf-8")
    assert text.count(FIELD) == text.count(CHECK) == 1
    text = text.replace(FIELD, f"{FIELD}    gift_note: str | None = None\n").replace(CHECK, CHECK + NOTE)
    details.write_text(text, encoding="utf-8")
    assert run(tmp_path, gift=True) == {
        "digest": before["digest"],  # An order without the field stays the order that it was.
        "shown": ["With love", "With love"],
        "other": ["idempotency_key_reused", []],
        "long": ["validation_error", ["/gift_note"]],
    }
