"""The rows of a file that were not applied, as reports of imports show them."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from oms_http.schemas.models import Output


class ImportReject(Output):
    """A row that was not applied: where it begins in the file, why, and its columns as they came."""

    line: Annotated[int, Field(ge=1)]
    column: str | None
    code: str
    detail: str
    values: dict[str, str]
