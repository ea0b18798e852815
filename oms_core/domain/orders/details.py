"""What an order says beside its lines and amounts: the one place where such a field is declared and checked.

The command to place an order, the order, its fingerprint and its row in a database all take these fields from here.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, fields
from typing import Any

from oms_core.domain import limits
from oms_core.domain.validation import Findings


@dataclass(frozen=True, slots=True, kw_only=True)
class OrderDetails:
    """What the caller says of an order: customer, reference and metadata, which are stored and not interpreted.

    `locations`: it is served from these alone, in this order; None leaves that to the settings.
    """

    customer_id: str
    reference: str | None = None
    metadata: Mapping[str, str] = field(default_factory=dict)
    locations: tuple[str, ...] | None = None

    def check_details(self, findings: Findings) -> None:
        """Note what is wrong with a field."""
        findings.identifier("/customer_id", self.customer_id, longest=limits.CUSTOMER_ID_LENGTH_MAX)
        check_reference(findings, self.reference)
        check_metadata(findings, self.metadata)
        _check_locations(findings, self.locations)


DETAIL_NAMES = tuple(entry.name for entry in fields(OrderDetails))
# Fields that are not among these were added later. A fingerprint includes a later field only where it is given, so the
# fingerprints of earlier orders stay valid. Documents show the later fields after the first ones.
_FIRST = frozenset({"customer_id", "reference", "metadata"})
LATER_NAMES = tuple(name for name in DETAIL_NAMES if name not in _FIRST)


def later_details(order: OrderDetails) -> dict[str, Any]:
    """Return the fields that were added later, by name."""
    return {name: getattr(order, name) for name in LATER_NAMES} if LATER_NAMES else {}


def check_reference(findings: Findings, reference: object) -> None:
    """Check an optional reference, the caller's own number for something."""
    if reference is not None:
        findings.identifier("/reference", reference, longest=limits.REFERENCE_LENGTH_MAX)


def _check_locations(findings: Findings, locations: object) -> None:
    if locations is None:
        return
    if not isinstance(locations, Sequence) or isinstance(locations, str | bytes):
        findings.add("/locations", "wrong_type", "must be a list of locations")
        return
    if not 1 <= len(locations) <= limits.ORDER_LOCATIONS_MAX:
        detail = f"must name 1 to {limits.ORDER_LOCATIONS_MAX} locations"
        findings.add("/locations", "wrong_length", detail)
        return
    for index, location in enumerate(locations):
        findings.location(f"/locations/{index}", location)
        if location in locations[:index]:
            findings.add(f"/locations/{index}", "duplicate", "is named already")


def check_metadata(findings: Findings, metadata: object) -> None:
    """Check metadata: texts by name."""
    if not isinstance(metadata, Mapping):
        findings.add("/metadata", "wrong_type", "must map strings to strings")
        return
    if len(metadata) > limits.METADATA_ENTRIES_MAX:
        findings.add("/metadata", "too_many", f"must have at most {limits.METADATA_ENTRIES_MAX} entries")
        return
    for key, value in metadata.items():
        before = len(findings.errors)
        findings.identifier("/metadata", key, longest=limits.METADATA_KEY_LENGTH_MAX)
        if len(findings.errors) > before:
            continue  # A key that is not valid text cannot be in a pointer either.
        pointer = f"/metadata/{key.replace('~', '~0').replace('/', '~1')}"
        findings.prose(pointer, value, longest=limits.METADATA_VALUE_LENGTH_MAX, shortest=0)
