"""What is done about the malformed rows of a file: each is told, and they stop the import unless it skips them."""

from __future__ import annotations

from collections.abc import Callable

from oms_core.domain.import_commands import ImportReject
from oms_core.domain.limits import IMPORT_ERRORS_MAX
from oms_core.errors import FieldError, OmsError
from oms_core.imports.spool import Spool


def refuse_malformed(spool: Spool, *, of: str, skip: bool, rejects: Callable[[ImportReject], None]) -> int:
    """Tell every malformed row and give their number; raises `validation_error` if there are any, unless `skip`.

    The error points at /line/column of the first 100; its data has the number of all of them (under the name `of`) and
    of the malformed ones.
    """
    malformed = 0
    errors: list[FieldError] = []
    for row in spool.bad_rows():
        malformed += 1
        rejects(row)
        if malformed <= IMPORT_ERRORS_MAX:
            pointer = f"/{row.line}/{row.column or ''}".rstrip("/")
            errors.append(FieldError(pointer=pointer, code=row.code, detail=row.detail))
    if malformed and not skip:
        first = errors[0]
        raise OmsError(
            "validation_error",
            f"{malformed} of {spool.count} {of} are malformed, the first in line {first.pointer.split('/')[1]}: "
            f"{first.detail}; nothing was changed",
            errors=errors,
            data={of: spool.count, "malformed": malformed},
        )
    return malformed
