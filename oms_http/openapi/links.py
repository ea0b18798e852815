"""OpenAPI links: which operations go on from what an answer created, and which of its members they take."""

from __future__ import annotations

from collections.abc import Iterable

from oms_http.openapi.operation import Answer, Operation


def links_of(answer: Answer, operations: Iterable[Operation]) -> dict[str, object]:
    """Return the links of an answer that created something, by the operation that each leads to."""
    name = answer.creates
    if name is None:
        return {}
    return {
        operation.id: {"operationId": operation.id, "parameters": {name: f"$response.body#/{name}"}}
        for operation in operations
        if f"{{{name}}}" in operation.path
    }
