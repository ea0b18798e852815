"""Options that several commands on shipments have."""

from __future__ import annotations

from typing import Annotated

import typer

CarrierOption = Annotated[str | None, typer.Option("--carrier", metavar="C", help="Who carries it.")]
TrackingNumberOption = Annotated[str | None, typer.Option("--tracking-number", metavar="T", help="The carrier's.")]
TrackingUrlOption = Annotated[str | None, typer.Option("--tracking-url", metavar="URL", help="Where to follow it.")]
