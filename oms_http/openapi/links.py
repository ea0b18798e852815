"""OpenAPI links: which operations go on from what an answer created, and which of its members they take."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from types import MappingProxyType

from pydantic import BaseModel

from oms_http.api_keys.api_key_schemas import IssuedKey
from oms_http.inventory.stock_schemas import Product
from oms_http.openapi.headers import LOCATION
from oms_http.openapi.operation import Answer, Operation
from oms_http.orders.order_schemas import Order

# The member that names the thing is called as the parameter of the paths that lead to it.
_NAMES: Mapping[type[BaseModel], str] = MappingProxyType({Order: "id", Product: "sku", IssuedKey: "name"})


def links_of(answer: Answer, operations: Iterable[Operation]) -> dict[str, object]:
    """Return the links of an answer that created something, by the operation that each leads to."""
    if answer.schema is None or LOCATION not in answer.headers:
        return {}
    name = _NAMES[answer.schema]
    return {
        operation.id: {"operationId": operation.id, "parameters": {name: f"$response.body#/{name}"}}
        for operation in operations
        if f"{{{name}}}" in operation.path
    }
