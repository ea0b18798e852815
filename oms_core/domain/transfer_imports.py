"""The command to move stock between locations as a file says, and the report of what was done."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

from oms_core.domain.import_commands import ActImportReport, ImportActs

TRANSFER_COLUMNS = ("idempotency_key", "sku", "from", "to", "quantity", "reason", "reference")


@dataclass(frozen=True, slots=True, kw_only=True)
class ImportTransfers(ImportActs):
    """Move units between locations as a file says, in the order of the file, a transaction for each row.

    `format`, `columns`, `delimiter` and `skip_bad` are as in ImportStock. `idempotency_key` and the number of its line
    are the key of a transfer that has none. Raises `validation_error`.
    """

    COLUMNS: ClassVar[Sequence[str]] = TRANSFER_COLUMNS


@dataclass(frozen=True, slots=True, kw_only=True)
class TransferImportReport(ActImportReport):
    """The result of an import of transfers: `transfers` = `made` + `replayed` + `refused`."""

    transfers: int
