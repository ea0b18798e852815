"""What stands at the root: every operation that can be read without knowing an id."""

from __future__ import annotations

from collections.abc import Iterable

from oms_core.bootstrap import installed_version
from oms_http.openapi.operation import Operation


def index_of(operations: Iterable[Operation]) -> dict[str, object]:
    """Return the document of the root, whose links come in the order of the registry."""
    readable = [each for each in operations if each.method == "GET" and "{" not in each.path and each.path != "/"]
    return {
        "title": "OMS",
        "version": installed_version(),
        "links": [{"href": each.path, "title": each.summary} for each in readable],
    }
