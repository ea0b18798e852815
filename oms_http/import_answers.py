"""What the imports of stock and of orders share over HTTP: bounds, media types, switches, the first rejects."""

from __future__ import annotations

from oms_core.domain.import_commands import ImportReject
from oms_http.queries import QueryParameter, read_switch

IMPORT_BODY_BYTES_MAX = 1024 * 1024 * 1024
REJECTS_SHOWN_MAX = 100
SWITCH_SCHEMA = {"type": "boolean", "default": False}

DRY_RUN = QueryParameter(
    name="dry_run", description="Decide everything, change nothing.", schema=SWITCH_SCHEMA, read=read_switch
)


def skip_bad(description: str) -> QueryParameter:
    """Return the switch that lets an import go on although some of the file is malformed."""
    return QueryParameter(name="skip_bad", description=description, schema=SWITCH_SCHEMA, read=read_switch)


class FirstRejects:
    """The first rejects of an import; the others are only counted, in the report."""

    def __init__(self) -> None:
        self.shown: list[dict[str, object]] = []

    def add(self, reject: ImportReject) -> None:
        """Keep a reject, if there is room for it."""
        if len(self.shown) < REJECTS_SHOWN_MAX:
            self.shown.append(
                {
                    "line": reject.line,
                    "column": reject.column,
                    "code": reject.code,
                    "detail": reject.detail,
                    "values": dict(reject.values),
                }
            )
