"""A test client that holds every answer against the OpenAPI document: nothing undocumented, nothing missing."""

from __future__ import annotations

import copy
import json
from functools import cache
from typing import Any

import jsonschema_rs
from flask.testing import FlaskClient
from werkzeug.exceptions import HTTPException, NotFound
from werkzeug.test import TestResponse

from oms_http.edge.answer_headers import NAMES
from oms_http.openapi.document import openapi_document
from oms_http.operations import operations_of
from oms_http.settings import HttpSettings

# What HTTP itself says of any answer.
EVERYWHERE = {"Content-Type", "Content-Length", *NAMES, "Vary", "Strict-Transport-Security"}
EVERYWHERE |= {"Access-Control-Allow-Origin", "Access-Control-Expose-Headers"}  # Where a site is named.
METHOD_NOT_ALLOWED = 405
NOT_FOUND = 404


class ConformingClient(FlaskClient):
    """Checks each answer before the test sees it."""

    def open(self, *args: Any, **kwargs: Any) -> TestResponse:
        """Send the request, and fail unless its answer is documented."""
        response = super().open(*args, **kwargs)
        operation = find_operation(self.application, closed_document(), response)
        if operation is not None:
            check_answer(operation, response)
        return response


@cache
def closed_document() -> dict[str, Any]:
    """Give the document with its schemas closed: an answer may have no member that it does not name."""
    return closed(openapi_document(operations_of(HttpSettings())))


def closed(document: dict[str, Any]) -> dict[str, Any]:
    """Copy a document whose object schemas then admit only the members they name."""
    document = copy.deepcopy(document)
    for schema in document["components"]["schemas"].values():
        if "properties" in schema:
            schema.setdefault("additionalProperties", False)
    return document


def find_operation(app: Any, document: dict[str, Any], response: TestResponse) -> dict[str, Any] | None:
    """Give what documents the request's answer; None where an answer has no document (OPTIONS, files of the page)."""
    request = response.request
    if request.method == "OPTIONS":
        return None
    adapter = app.url_map.bind("")
    try:
        if request.environ["PATH_INFO"].startswith("//"):
            raise NotFound  # The adapter would strip one slash.
        endpoint, _ = adapter.match(request.path, request.method)
    except HTTPException as error:
        name = {NOT_FOUND: "UnknownPath", METHOD_NOT_ALLOWED: "WrongMethod"}[error.code or 0]
        outside = document["components"]["responses"]
        return {"responses": {str(error.code): outside[name], "429": outside["RateLimited"]}}
    if endpoint in {"getDocsIndex", "getDocsAsset"}:
        return None
    found = [
        operation
        for path in document["paths"].values()
        for operation in path.values()
        if operation["operationId"] == endpoint
    ]
    assert len(found) == 1, f"{endpoint} is not documented"
    return found[0]  # type: ignore[no-any-return]


def check_answer(operation: dict[str, Any], response: TestResponse) -> None:
    """Assert that status, media type, headers and body are as documented."""
    documented = operation["responses"].get(str(response.status_code))
    assert documented, f"{response.status} is not documented: {response.get_data(as_text=True)[:300]}"
    check_headers(documented, response)
    if response.request.method == "HEAD" or "content" not in documented:
        assert not response.data
        return
    assert response.mimetype in documented["content"]
    schema = documented["content"][response.mimetype]["schema"]
    if response.is_json:
        check(schema, response.get_json())


def check_headers(documented: dict[str, Any], response: TestResponse) -> None:
    """Assert that every required header is there, every header is documented, and its value is as its schema says."""
    headers = documented["headers"]
    sent = dict(response.headers)
    for name, value in NAMES.items():
        assert sent[name] == value or (name == "Content-Security-Policy" and response.mimetype == "text/html")
    missing = {name for name, header in headers.items() if header["required"]} - sent.keys()
    assert not missing
    assert not sent.keys() - headers.keys() - EVERYWHERE
    for name in sent.keys() & headers.keys():
        schema = headers[name]["schema"]
        value = int(sent[name]) if schema.get("type") == "integer" else sent[name]
        check(schema, value)


def check(schema: dict[str, Any], value: object) -> None:
    """Assert that a value conforms to a schema of the document."""
    validator_of(json.dumps(schema)).validate(value)


@cache
def validator_of(schema: str) -> jsonschema_rs.Draft202012Validator:
    """Compile a schema that may refer to the document's components."""
    whole = {**json.loads(schema), "components": closed_document()["components"]}
    return jsonschema_rs.Draft202012Validator(whole, validate_formats=True)
