"""The OpenAPI 3.1 document, made from the registry of operations and the pydantic models."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping, Sequence
from types import MappingProxyType
from typing import Any

from pydantic import BaseModel
from pydantic.json_schema import GenerateJsonSchema, models_json_schema

from oms_core.bootstrap import installed_version
from oms_core.domain.access import Binding
from oms_core.domain.orders.statuses import OrderStatus
from oms_core.errors import ERROR_CODES
from oms_http.openapi.headers import RATE_LIMIT, RATE_LIMIT_POLICY, Header
from oms_http.openapi.links import links_of
from oms_http.openapi.operation import Answer, Operation, TextBody
from oms_http.openapi.problem_schemas import problem_answers, problem_schemas
from oms_http.schemas.problems import FieldError, Shortage

_DESCRIPTION = """\
Orders and stock, in JSON. What holds everywhere:

- An error is a problem document (RFC 9457); its `code` never changes, its `type` is a page that explains it, and its
  `retry` says what to do next.
- A route under /v1 asks for an API key, `Authorization: Bearer oms_...`, unless the service runs with authentication
  off, which it does on a loopback address only. Every operation names the scopes that the key needs.
- Every answer carries X-Request-ID: the request's own, or one made for it.
- Unknown fields and unknown query parameters are errors (422); a body needs `Content-Type: application/json` (415).
- A path that is not listed here is `route_not_found` (404); another method is `method_not_allowed` (405, with Allow).
  GET routes answer HEAD, every route answers OPTIONS.
"""
_TAGS = (
    {"name": "inventory", "description": "Products, their stock, and the ledger of every change."},
    {"name": "orders", "description": "Placing orders, and what becomes of them."},
    {"name": "queue", "description": "Accepted orders on their way to being placed, and messages that cannot be read."},
    {"name": "keys", "description": "API keys: who may call, and what they may do."},
    {"name": "service", "description": "For those who run this service, or build on it."},
)
_REQUEST_ID = Header(
    name="X-Request-ID",
    description="The request's own X-Request-ID (up to 128 visible ASCII characters), or one made for it.",
    schema={"type": "string", "minLength": 1, "maxLength": 128, "pattern": "^[\\x21-\\x7e]+$"},
)
_PATH_PARAMETERS: Mapping[str, Mapping[str, object]] = MappingProxyType(
    {
        "id": {
            # An example would be of no order that is there.
            "description": "The order's id, as `id` stands in the answer to POST /v1/orders.",
            "schema": {"type": "string", "format": "uuid"},
        },
        "shipment_no": {
            "description": "The number of the shipment, as `shipment_no` stands in the answer that made it.",
            "schema": {"type": "integer", "minimum": 1},
        },
        "return_no": {
            "description": "The number of the return, as `return_no` stands in the answer that made it.",
            "schema": {"type": "integer", "minimum": 1},
        },
        "sku": {
            "description": "The product's SKU, percent-encoded.",
            "schema": {"$ref": "#/components/schemas/Sku"},
            "example": "WIDGET",
        },
        "location": {
            "description": "The location's name, percent-encoded.",
            "schema": {"$ref": "#/components/schemas/Location"},
            "example": "yard",
        },
        "name": {
            "description": "The name that holds the keys.",
            "schema": {"$ref": "#/components/schemas/KeyName"},
            "example": "shop",
        },
        "code": {
            "description": "An error code.",
            "schema": {"type": "string", "enum": sorted(ERROR_CODES)},
            "example": "insufficient_inventory",
        },
    }
)
_SCHEME = "apiKey"
_KEY_SCHEME: Mapping[str, object] = MappingProxyType(
    {
        "type": "http",
        "scheme": "bearer",
        "bearerFormat": "oms_<id>_<secret>",
        "description": "An API key; `oms keys create` or POST /v1/keys makes one.",
    }
)
# What a path that is none, or another method, is answered.
_OUTSIDE: Mapping[str, str] = MappingProxyType(
    {"route_not_found": "UnknownPath", "method_not_allowed": "WrongMethod", "rate_limited": "RateLimited"}
)


class _Schemas(GenerateJsonSchema):
    """Schemas without titles that repeat the name of their field, and without null as a default."""

    def field_title_should_be_set(self, schema: Any) -> bool:  # noqa: ARG002  The signature is pydantic's.
        return False

    def default_schema(self, schema: Any) -> dict[str, Any]:
        described = super().default_schema(schema)
        if "default" in described and described["default"] is None:
            del described["default"]
        return described


def openapi_json(operations: Sequence[Operation]) -> bytes:
    """Return the document as JSON text."""
    return json.dumps(openapi_document(operations), separators=(",", ":")).encode()


def openapi_document(operations: Sequence[Operation]) -> dict[str, Any]:
    """Describe everything that these operations take and answer."""
    paths: dict[str, dict[str, object]] = {}
    for operation in operations:
        paths.setdefault(operation.path, {})[operation.method.lower()] = _operation(operation, operations)
    codes = {code for operation in operations for code in operation.errors}
    return {
        "openapi": "3.1.0",
        "info": {"title": "OMS", "version": installed_version(), "description": _DESCRIPTION},
        "servers": [{"url": "/"}],
        "tags": list(_TAGS),
        "paths": paths,
        "components": {
            "schemas": _model_schemas(operations) | problem_schemas(codes.union(_OUTSIDE)),
            "responses": {
                name: _limited(_problem(described))
                for code, name in _OUTSIDE.items()
                for described in problem_answers([code]).values()
            },
            "securitySchemes": {_SCHEME: dict(_KEY_SCHEME)},
        },
    }


def _model_schemas(operations: Iterable[Operation]) -> dict[str, Any]:
    models: set[type[BaseModel]] = {FieldError, Shortage}
    for operation in operations:
        models.update(answer.schema for answer in operation.answers if answer.schema)
        models.update(operation.body_parts)
        if isinstance(operation.body, type):
            models.add(operation.body)
    ordered = sorted(models, key=lambda model: model.__name__)
    _, schemas = models_json_schema(
        [(model, "validation") for model in ordered],
        ref_template="#/components/schemas/{model}",
        schema_generator=_Schemas,
    )
    definitions: dict[str, Any] = schemas["$defs"]
    definitions.setdefault(OrderStatus.__name__, {"type": "string", "enum": [status.value for status in OrderStatus]})
    return definitions


def _operation(operation: Operation, operations: Sequence[Operation]) -> dict[str, object]:
    described: dict[str, object] = {
        "operationId": operation.id,
        "tags": [operation.tag],
        "summary": operation.summary,
        "description": " ".join(filter(None, (operation.description, _access(operation)))),
        "security": _security(operation),
        "parameters": _parameters(operation),
        "responses": _responses(operation, operations),
    }
    if operation.body:
        described["requestBody"] = _body(operation.body)
    return {name: value for name, value in described.items() if value not in ("", [])}


def _access(operation: Operation) -> str:
    """Say which scopes an operation needs."""
    sentences = []
    for rule in operation.access_rules:
        scopes = " and ".join(f"`{scope.value}`" for scope in rule.scopes)
        when = f", {rule.when}" if rule.when else ""
        sentences.append(f"Needs the scope{'s' if len(rule.scopes) > 1 else ''} {scopes}{when}.")
        if rule.binding is Binding.FORBIDDEN:
            sentences.append("Not for a key that is bound to a customer.")
    return " ".join(dict.fromkeys(sentences))


def _security(operation: Operation) -> list[dict[str, list[str]]]:
    """Return the alternatives of what the caller brings: the roles of a scheme that is no OAuth are scopes here."""
    needed = [sorted(scope.value for scope in rule.scopes) for rule in operation.access_rules]
    return [{_SCHEME: scopes} for index, scopes in enumerate(needed) if scopes not in needed[:index]]


def _body(body: type[BaseModel] | TextBody) -> dict[str, object]:
    if isinstance(body, TextBody):
        schema = {"type": "string", "description": body.description}
        content = {media_type: {"schema": schema, "example": example} for media_type, example in body.examples.items()}
        return {"required": True, "content": content}
    reference = {"$ref": f"#/components/schemas/{body.__name__}"}
    return {"required": True, "content": {"application/json": {"schema": reference}}}


def _path_parameter(name: str, operation: Operation) -> dict[str, object]:
    described = dict(_PATH_PARAMETERS[name])
    if not operation.offers_example:
        described.pop("example", None)
    return described


def _parameters(operation: Operation) -> list[dict[str, object]]:
    path = [
        {"name": name, "in": "path", "required": True, **_path_parameter(name, operation)}
        for name in re.findall(r"{(\w+)}", operation.path)
    ]
    query = [
        {
            "name": parameter.name,
            "in": "query",
            "description": parameter.description,
            "schema": dict(parameter.schema),
            **({"style": "form", "explode": False} if parameter.schema.get("type") == "array" else {}),
        }
        for parameter in operation.query
    ]
    headers = [
        {"name": header.name, "in": "header", "description": header.description, "schema": dict(header.schema)}
        for header in operation.headers
    ]
    return [*path, *query, *headers]


def _responses(operation: Operation, operations: Sequence[Operation]) -> dict[str, dict[str, Any]]:
    responses = {str(answer.status): _answer(answer, operations) for answer in operation.answers}
    for status, described in problem_answers(operation.errors).items():
        responses[str(status)] = _problem(described)
        responses[str(status)]["headers"] |= _headers(operation.error_headers)
    if operation.is_limited:
        for response in responses.values():
            _limited(response)
    return responses


def _limited(response: dict[str, Any]) -> dict[str, Any]:
    """Add to an answer what it may tell of a rate limit."""
    response["headers"] |= _headers((RATE_LIMIT_POLICY, RATE_LIMIT))
    return response


def _answer(answer: Answer, operations: Sequence[Operation]) -> dict[str, Any]:
    described: dict[str, Any] = {
        "description": answer.description,
        "headers": _headers(answer.headers),
    }
    if answer.media_type:
        schema: dict[str, object] = {"type": "object", "additionalProperties": True}
        if answer.schema:
            schema = {"$ref": f"#/components/schemas/{answer.schema.__name__}"}
        elif answer.media_type.startswith("text/"):
            schema = {"type": "string"}
        described["content"] = {answer.media_type: {"schema": schema}}
    for media_type in answer.further_types:
        described["content"][media_type] = {"schema": {"type": "string"}}
    if answer.page_type:
        described["content"][answer.page_type] = {"schema": {"type": "string"}}
    if links := links_of(answer, operations):
        described["links"] = links
    return described


def _problem(described: dict[str, Any]) -> dict[str, Any]:
    return {**described, "headers": _headers(described["headers"])}


def _headers(headers: Iterable[Header]) -> dict[str, object]:
    return {
        header.name: {
            "description": header.description,
            "required": header.required,
            "schema": dict(header.schema),
        }
        for header in (_REQUEST_ID, *headers)
    }
