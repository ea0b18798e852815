"""Where adapters are found: by URL scheme, through the entry points of what is installed."""

from __future__ import annotations

from importlib.metadata import entry_points
from urllib.parse import urlsplit

from oms_core.errors import OmsError
from oms_core.ports.metrics import Metrics, NoMetrics
from oms_core.ports.storage import OpenStorage, Storage, StorageOptions

_EXTRAS = {"sqlite": "sqlite", "postgresql": "postgres"}


def open_storage(url: str, options: StorageOptions) -> Storage:
    """Open the storage that claims the URL's scheme. Raises `invalid_setting` when none is installed,
    or something that it needs is not.
    """
    scheme = urlsplit(url).scheme
    candidates = entry_points(group="oms.storage", name=scheme)
    if not candidates:
        known = ", ".join(sorted({candidate.name for candidate in entry_points(group="oms.storage")}))
        raise OmsError("invalid_setting", f"OMS_DATABASE_URL: nothing installed serves {scheme}:// (known: {known})")
    try:
        opener: OpenStorage = next(iter(candidates)).load()
        return opener(url, options)
    except ImportError as error:
        extra = f"; install the extra '{_EXTRAS[scheme]}'" if scheme in _EXTRAS else ""
        raise OmsError("invalid_setting", f"OMS_DATABASE_URL: {scheme}:// needs {error.name}{extra}") from error


def open_metrics() -> Metrics:
    """Open the metrics that are installed, or measure nothing."""
    candidates = entry_points(group="oms.metrics", name="prometheus")
    try:
        return next(iter(candidates)).load()()  # type: ignore[no-any-return]  # An entry point is untyped.
    except (StopIteration, ImportError):
        return NoMetrics()
