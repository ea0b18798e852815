"""The operations on API keys."""

from __future__ import annotations

from oms_http.api_keys import api_keys
from oms_http.api_keys.api_key_schemas import IssuedKey, KeyPage, KeyRequest, NamedKeys, RotationRequest
from oms_http.openapi import headers
from oms_http.openapi.operation import GUARDED, WRITING, Answer, Operation
from oms_http.queries import PAGE_PARAMETERS

_TAG = "keys"
_ISSUED = Answer(
    status=201,
    description="The key, shown this once.",
    schema=IssuedKey,
    headers=(headers.LOCATION, headers.NO_STORE),
    creates="name",
)
_NAMED = Answer(status=200, description="Its keys.", schema=NamedKeys, headers=(headers.NO_STORE,))

KEY_OPERATIONS = (
    Operation(
        id="createKey",
        method="POST",
        path="/v1/keys",
        tag=_TAG,
        summary="Make the first key of a name",
        description="A name is given once. An Idempotency-Key is refused, as the key is not kept: where the answer was "
        "lost, rotate.",
        view=api_keys.create_key,
        use_cases=("api_keys.create",),
        body=KeyRequest,
        answers=(_ISSUED,),
        errors=(*WRITING, "key_name_taken"),
    ),
    Operation(
        id="listKeys",
        method="GET",
        path="/v1/keys",
        tag=_TAG,
        summary="List keys by name",
        view=api_keys.list_keys,
        use_cases=("api_keys.list",),
        query=PAGE_PARAMETERS,
        answers=(Answer(status=200, description="A page.", schema=KeyPage, headers=(headers.NO_STORE, headers.LINK)),),
        errors=GUARDED,
    ),
    Operation(
        id="rotateKey",
        method="POST",
        path="/v1/keys/{name}/rotate",
        tag=_TAG,
        summary="Make a further key of a name, and let the former ones end",
        description="The new key has the scopes and the customer of the one before. An Idempotency-Key is refused.",
        view=api_keys.rotate_key,
        use_cases=("api_keys.rotate",),
        body=RotationRequest,
        answers=(_ISSUED,),
        errors=(*WRITING, "key_not_found"),
    ),
    Operation(
        id="getKey",
        method="GET",
        path="/v1/keys/{name}",
        tag=_TAG,
        summary="Get the keys of a name",
        view=api_keys.get_key,
        use_cases=("api_keys.get",),
        answers=(_NAMED,),
        errors=(*GUARDED, "key_not_found"),
    ),
    Operation(
        id="revokeKey",
        method="DELETE",
        path="/v1/keys/{name}",
        tag=_TAG,
        summary="End every key of a name at once",
        description="Every process refuses them within five seconds. Again, it changes nothing.",
        view=api_keys.revoke_key,
        use_cases=("api_keys.revoke",),
        answers=(_NAMED,),
        errors=(*GUARDED, "outcome_unknown", "key_not_found"),
    ),
)
