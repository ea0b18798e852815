"""Without the checks on what comes in."""

from __future__ import annotations

from tests.security.mutation import mutation

_LIMITS = "oms_core/domain/limits.py"
_JSON = "oms_core/documents/json_text.py"
_MESSAGES = "oms_core/documents/messages.py"
_REQUESTS = "oms_http/requests.py"
_PAGES = "oms_core/domain/pages.py"
_TEST_BODIES = "tests/http/test_bad_bodies.py::"
_TEST_BAD_ORDER = f"{_TEST_BODIES}test_a_bad_order_is_refused"
_TEST_MESSAGES = "tests/core/documents/test_messages.py::"

INPUT = (
    mutation("JSON is nested without bound", _JSON, "_DEPTH_MAX = 32\n", "_DEPTH_MAX = 3_200\n", _TEST_BAD_ORDER),
    mutation(
        "numbers are of any length",
        _JSON,
        "    if len(number) > DIGITS_MAX:\n",
        "    if False:\n",
        _TEST_BAD_ORDER,
    ),
    mutation("NaN is a number", _JSON, "    parse_constant=_refuse_constant,\n", "", _TEST_BAD_ORDER),
    mutation(
        "a key may stand twice", _JSON, "    if len(entries) != len(pairs):\n", "    if False:\n", _TEST_BAD_ORDER
    ),
    mutation(
        "an order has any number of lines",
        _LIMITS,
        "ORDER_LINES_MAX = 2_000",
        "ORDER_LINES_MAX = 200_000",
        _TEST_BAD_ORDER,
    ),
    mutation("a quantity has no bound", _LIMITS, "QUANTITY_MAX = 1_000_000", "QUANTITY_MAX = 10**12", _TEST_BAD_ORDER),
    mutation(
        "a batch has any number of orders",
        _LIMITS,
        "BATCH_ORDERS_MAX = 1_000",
        "BATCH_ORDERS_MAX = 100_000",
        "tests/http/test_batch.py::test_a_bad_envelope_is_refused",
    ),
    mutation(
        "a page has any number of items",
        _LIMITS,
        "PAGE_ITEMS_MAX = 500",
        "PAGE_ITEMS_MAX = 500_000",
        "tests/http/test_lists.py::test_a_bad_query_is_refused",
    ),
    mutation(
        "a row of an import has any length",
        _LIMITS,
        "IMPORT_RECORD_CHARACTERS_MAX = 65_536",
        "IMPORT_RECORD_CHARACTERS_MAX = 65_536_000",
        "tests/core/imports/test_records.py::test_a_line_of_ten_megabytes_takes_no_memory",
    ),
    mutation(
        "texts hold control characters",
        "oms_core/domain/characters.py",
        "    if found := _find_in_identifier(text):\n",
        "    if False:\n",
        _TEST_BAD_ORDER,
        "tests/core/test_bad_input.py::test_a_bad_text_is_refused_as_a_key_a_caller_and_a_filter",
    ),
    mutation(
        "true is a whole number",
        "oms_core/domain/validation.py",
        "        if type(value) is not int:\n",
        "        if not isinstance(value, int):\n",
        _TEST_BAD_ORDER,
    ),
    mutation(
        "unknown fields of an order are passed over",
        "oms_core/documents/orders.py",
        "    for name in (name for name in document if name not in allowed):\n",
        "    for name in ():\n",
        _TEST_BAD_ORDER,
        "tests/core/documents/test_documents.py::test_the_identity_of_an_order_is_not_its_senders_to_choose",
    ),
    mutation(
        "unknown fields of other bodies are passed over",
        "oms_http/schemas/models.py",
        'ConfigDict(extra="forbid", strict=True)',
        'ConfigDict(extra="ignore", strict=True)',
        "tests/http/test_keys.py::test_a_wrong_key_is_refused_and_not_made",
        "tests/http/test_batch.py::test_a_bad_envelope_is_refused",
    ),
    mutation(
        "unknown parameters are passed over",
        "oms_http/queries.py",
        '            findings.add(pointer, "unknown_parameter", "is not a parameter of this route")\n',
        "            pass\n",
        "tests/http/test_lists.py::test_routes_without_parameters_take_none",
    ),
    mutation(
        "a body of any type is read",
        _REQUESTS,
        '    if request.mimetype != wanted or charset.lower() not in {"utf-8", "utf8"}:\n',
        "    if False:\n",
        f"{_TEST_BODIES}test_a_body_of_another_type_is_refused",
        "tests/http/test_stock_import.py::test_a_file_of_another_type_is_refused",
    ),
    mutation(
        "a compressed body is read",
        _REQUESTS,
        '    if request.environ.get("HTTP_CONTENT_ENCODING", "identity").lower() != "identity":\n',
        "    if False:\n",
        f"{_TEST_BODIES}test_a_compressed_body_is_refused",
    ),
    mutation(
        "a cursor of one list serves another",
        _PAGES,
        "        if made_for != kind or encode_cursor(kind, key) != cursor:\n",
        "        if False:\n",
        "tests/http/test_lists.py::test_a_cursor_of_another_list_is_refused",
        "tests/core/api_keys/test_api_keys.py::test_a_cursor_of_another_list_is_refused",
    ),
    mutation(
        "a message has any size",
        _MESSAGES,
        "    if len(body) > MESSAGE_BYTES_MAX:\n",
        "    if False:\n",
        f"{_TEST_MESSAGES}test_a_body_that_is_no_json_of_ours_is_never_a_defect",
    ),
    mutation(
        "a command without a key is taken as often as it comes",
        "oms_core/documents/orders.py",
        '    if isinstance(document, Mapping) and document.get("idempotency_key") is None:\n',
        "    if False:\n",
        f"{_TEST_MESSAGES}test_a_command_without_a_key_is_refused_because_it_may_come_twice",
    ),
    mutation(
        "messages are read by another decoder",
        _MESSAGES,
        "    return parse_json(body)\n",
        '    return __import__("json").loads(body)\n',
        f"{_TEST_MESSAGES}test_a_body_that_is_no_json_of_ours_is_never_a_defect",
    ),
)
