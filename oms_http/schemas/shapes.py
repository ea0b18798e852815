"""The two kinds of document: what is read (strictly, nothing unknown) and what is shown."""

from __future__ import annotations

from collections.abc import Mapping

from pydantic import BaseModel, ConfigDict

from oms_core.domain.validation import Findings


class Input(BaseModel):
    """Something that is read: a field that is not listed is an error."""

    model_config = ConfigDict(extra="forbid", strict=True)

    @classmethod
    def check_together(cls, findings: Findings, document: Mapping[str, object]) -> None:
        """Note what is wrong between fields; each alone may be wrong too."""


class Output(BaseModel):
    """Something that is shown; fields may be added in later releases, so readers ignore what they do not know."""

    model_config = ConfigDict(strict=True)
