"""Transfers of stock as JSON documents."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, cast

from oms_core.documents.acts import require_key
from oms_core.documents.orders import check_fields, whole
from oms_core.domain.stock.transfers import TransferStock
from oms_core.domain.validation import Findings
from oms_core.errors import OmsError

_TEXTS = ("reason", "reference", "idempotency_key")
_REQUIRED = ("sku", "from", "to", "quantity")
_FIELDS = frozenset({*_REQUIRED, *_TEXTS})


def read_keyed_transfer(document: Mapping[str, object], *, why_key: str) -> TransferStock:
    """Read a transfer of a file, which must carry an `idempotency_key`; `why_key` tells who sends one without it.

    `{sku, from, to, quantity, idempotency_key, reason?, reference?}`; raises `validation_error`.
    """
    findings = Findings()
    check_fields(findings, "", document, allowed=_FIELDS, required=_REQUIRED)
    require_key(findings, document, why_key)
    given: Any = {name: document[name] for name in _TEXTS if document.get(name) is not None}
    try:
        command = TransferStock(
            sku=cast("str", document.get("sku")),
            quantity=cast("int", whole(document.get("quantity"))),
            from_location=cast("str", document.get("from")),
            to_location=cast("str", document.get("to")),
            **given,
        )
    except OmsError as error:
        findings.merge(error.errors)
        findings.raise_if_any()
        raise
    findings.raise_if_any()
    return command
