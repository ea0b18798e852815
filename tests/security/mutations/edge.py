"""Without the bounds of the server, and without what its answers tell browsers."""

from __future__ import annotations

from tests.security.mutation import mutation

_APP = "oms_http/app.py"
_BODIES = "oms_http/server/bodies.py"
_HEADS = "oms_http/server/heads.py"
_HEADERS = "oms_http/edge/answer_headers.py"
_TEST_LIMITS = "tests/http/test_server_limits.py::"
_TEST_SMUGGLING = "tests/http/test_smuggling.py::"
_TEST_HEADERS = "tests/http/test_answer_headers.py::"
_TEST_CLIENTS = "tests/http/test_bad_clients.py::"

BOUNDS = (
    mutation(
        "a body in chunks has no bound",
        _BODIES,
        "        if received > bytes_max:\n",
        "        if False:\n",
        f"{_TEST_LIMITS}test_an_oversized_body_is_refused_even_to_a_client_that_only_writes",
    ),
    mutation(
        "under another server a body has no bound",
        _APP,
        '    app.config["MAX_CONTENT_LENGTH"] = BODY_BYTES_MAX\n',
        "",
        "tests/http/test_bad_bodies.py::test_a_body_above_the_limit_is_refused",
    ),
    mutation(
        "a body may take for ever",
        _BODIES,
        "async with asyncio.timeout(self._options.body_timeout_seconds):",
        "async with asyncio.timeout(None):",
        f"{_TEST_LIMITS}test_a_body_that_does_not_arrive_in_time_is_given_up",
    ),
    mutation(
        "large bodies fill the memory",
        "oms_http/server/stores.py",
        "        if self._held.total() + size > self._bytes_max:\n",
        "        if False:\n",
        f"{_TEST_LIMITS}test_large_bodies_share_a_budget_of_memory_and_small_ones_need_none",
    ),
    mutation(
        "a stranger's large body is received first",
        "oms_cli/processes/service_process.py",
        "        checks_heads=True,\n",
        "",
        "tests/http/test_early_refusals.py::test_a_stranger_is_answered_before_the_body_is_there",
    ),
    mutation(
        "a large body is received of a key without the scope",
        _APP,
        "        check_access(asked.caller)\n",
        "",
        "tests/http/test_early_refusals.py::test_a_key_without_the_scope_is_refused_by_its_head_alone",
        "tests/http/test_callers.py::test_a_key_without_the_scope_is_refused_before_its_body_is_read",
    ),
    mutation(
        "any 204 invites a large body",
        "oms_http/server/bridge.py",
        '        if not head.get("oms.welcome"):\n',
        "        if answer.status != 204:\n",
        "tests/http/test_early_refusals.py::test_who_may_not_import_takes_no_place_from_those_who_may",
    ),
    mutation(
        "JSON may become any number of objects",
        "oms_core/documents/json_text.py",
        "_OBJECTS_MAX = 400_000\n",
        "_OBJECTS_MAX = 400_000_000\n",
        "tests/core/test_bad_input.py::test_what_would_fill_the_memory_is_refused_before_it_is_read",
    ),
    mutation(
        "a URL has no bound",
        _HEADS,
        '    if len(path) + len(environ["QUERY_STRING"]) > target_bytes_max:\n',
        "    if False:\n",
        f"{_TEST_LIMITS}test_a_url_of_exactly_the_limit_is_taken_and_a_longer_one_refused",
    ),
    mutation(
        "under another server a query has no bound",
        "oms_http/queries.py",
        "    if len(request.query_string) > TARGET_BYTES_MAX:\n",
        "    if False:\n",
        "tests/http/test_lists.py::test_a_query_that_is_too_long_is_refused_whatever_server_took_it",
    ),
    mutation(
        "a head has the server's own bound",
        "oms_http/server/serving.py",
        "            max_buffer_size=options.head_bytes_max,\n",
        "",
        f"{_TEST_LIMITS}test_a_large_head_is_taken_up_to_its_limit",
    ),
    mutation(
        "a head may take as long as the server's own bound",
        "oms_http/server/serving.py",
        "            header_read_timeout=int(options.head_timeout_seconds * 1000),\n",
        "",
        f"{_TEST_LIMITS}test_a_head_that_does_not_arrive_in_time_is_given_up",
        f"{_TEST_CLIENTS}test_slow_heads_and_bodies_stop_nobody_and_are_cut_off",
    ),
    mutation(
        "a process has the server's own bound of connections",
        "oms_http/server/serving.py",
        "        backpressure=options.connections_max,\n",
        "",
        f"{_TEST_CLIENTS}test_connections_past_the_bound_wait_until_others_end",
    ),
    mutation(
        "who takes nothing of an answer keeps its connection",
        "oms_http/server/bridge.py",
        "        cut_off_who_takes_nothing(options=self._options, loop=loop)\n",
        "",
        f"{_TEST_CLIENTS}test_a_client_that_sends_on_and_on_without_reading_holds_no_thread",
    ),
    mutation(
        "handshakes have no more files than connections",
        "oms_http/server/process.py",
        "hard if options.tls else min(wanted, hard)",
        "min(wanted, hard)",
        f"{_TEST_CLIENTS}test_over_tls_a_process_takes_all_the_files_that_it_may",
    ),
    mutation(
        "a full process receives bodies first",
        "oms_http/server/bridge.py",
        "        if pool.full:\n            if pool.hold_seconds:\n",
        "        if False:\n            if pool.hold_seconds:\n",
        f"{_TEST_LIMITS}test_a_full_process_refuses_before_the_body_is_there",
    ),
)

HIDDEN_REQUESTS = (
    mutation(
        "a Host may be anything",
        _HEADS,
        "    elif not _HOST(host):\n",
        "    elif False:\n",
        f"{_TEST_SMUGGLING}test_a_target_or_a_host_that_is_none_is_refused_and_ends_the_connection",
    ),
    mutation(
        "a Transfer-Encoding may be anything",
        _HEADS,
        '    if environ.get("HTTP_TRANSFER_ENCODING", "chunked").lower() != "chunked":\n',
        "    if False:\n",
        f"{_TEST_SMUGGLING}test_an_ambiguous_head_is_refused_and_ends_the_connection",
    ),
    mutation(
        "a method may be in small letters",
        _HEADS,
        "    if method != method.upper():",
        "    if False:",
        f"{_TEST_SMUGGLING}test_a_method_in_small_letters_is_refused_and_not_read_as_the_one_in_capitals",
    ),
    mutation(
        "two idempotency keys make a third",
        "oms_http/server/environ.py",
        '            if name == "idempotency-key":\n',
        "            if False:\n",
        "tests/http/test_server_requests.py::test_an_idempotency_key_sent_twice_is_refused_and_not_made_a_third",
    ),
    mutation(
        "a header with an underscore passes for another",
        "oms_http/server/environ.py",
        '    return "" if "_" in name else "HTTP_" + ',
        '    return "HTTP_" + ',
        "tests/http/test_server_requests.py::test_a_header_with_an_underscore_cannot_pass_for_one_with_a_dash",
    ),
    mutation(
        "a header that cannot be read is left out",
        "oms_http/server/environ.py",
        "    if len(names) != len(headers):\n",
        "    if False:\n",
        "tests/http/test_server_requests.py::test_a_header_that_is_not_ascii_is_refused_and_not_ignored",
    ),
    mutation(
        "trailers are taken",
        _BODIES,
        "        if ended:\n",
        "        if False:\n",
        "tests/http/test_server_requests.py::test_trailers_are_refused",
    ),
)

BROWSERS = (
    mutation(
        "any site reads what only named ones may",
        _HEADERS,
        "return origin is not None and (origin in self.origins or ANY_ORIGIN in self.origins)",
        "return origin is not None",
        f"{_TEST_HEADERS}test_another_site_may_not",
    ),
    mutation(
        "sites may read answers though none is named",
        _APP,
        "AnswerHeaders(settings.cors_origins)",
        'AnswerHeaders(settings.cors_origins or ("*",))',
        f"{_TEST_HEADERS}test_no_site_may_read_anything_unless_it_is_named",
    ),
    *(
        mutation(
            f"answers carry no {name}",
            _HEADERS,
            line,
            "",
            f"{_TEST_HEADERS}test_every_answer_tells_browsers_to_do_nothing_with_it",
        )
        for name, line in (
            ("X-Content-Type-Options", '    ("X-Content-Type-Options", "nosniff"),\n'),
            ("Content-Security-Policy", "    (POLICY, \"default-src 'none'; frame-ancestors 'none'\"),\n"),
            ("Cross-Origin-Resource-Policy", '    ("Cross-Origin-Resource-Policy", "same-origin"),\n'),
            ("Referrer-Policy", '    ("Referrer-Policy", "no-referrer"),\n'),
        )
    ),
    mutation(
        "browsers may leave TLS",
        _HEADERS,
        'headers = [*_ALWAYS, _OVER_TLS] if scheme == "https" else list(_ALWAYS)',
        "headers = list(_ALWAYS)",
        f"{_TEST_HEADERS}test_only_over_tls_a_browser_is_told_to_stay_with_it",
    ),
    mutation(
        "answers are kept in caches",
        _APP,
        '    if asked.path.startswith("/v1/") and not has_header(response, NO_STORE[0]):\n',
        "    if False:\n",
        f"{_TEST_HEADERS}test_nothing_under_v1_is_kept_in_a_cache_unless_it_says_how",
    ),
    mutation(
        "the server names its make",
        "oms_http/server/early_refusals.py",
        'SERVER_HEADER = ("server", "oms")',
        'SERVER_HEADER = ("server", "granian/2")',
        "tests/http/test_server_requests.py::test_the_answer_names_no_third_party_server",
    ),
    mutation(
        "TLS is asked for and not spoken",
        "oms_cli/processes/service_process.py",
        "        tls=_tls_files(http),\n",
        "",
        "tests/cli/test_serve_tls.py::test_it_answers_over_tls_and_says_so",
    ),
    mutation(
        "a route is not documented",
        _APP,
        "    _add_docs_page(app, service)\n    _add_error",
        '    _add_docs_page(app, service)\n    app.add_url_rule("/v1/debug", "debug", lambda: "")\n    _add_error',
        "tests/http/test_openapi.py::test_the_document_describes_exactly_the_routes",
    ),
)

EDGE = (*BOUNDS, *HIDDEN_REQUESTS, *BROWSERS)
