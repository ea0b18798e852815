"""Without what keeps secrets and internals in, and without the verification of those whom we ask."""

from __future__ import annotations

from tests.security.mutation import mutation

_MASKING = "oms_cli/terminal/masking.py"
_ADDRESSES = "adapters/oms_rabbitmq/addresses.py"
_TEST_MASKING = "tests/cli/test_masking.py::"
_TEST_TLS = "tests/adapters/test_tls.py::"

LEAKS = (
    mutation(
        "a defect is told with its words",
        "oms_http/problems.py",
        '    return problem_response(OmsError("internal_error", detail), request.request_id)\n',
        '    return problem_response(OmsError("internal_error", detail + str(error)), request.request_id)\n',
        "tests/http/test_every_answer.py::test_a_defect_is_logged_and_not_told",
    ),
    mutation(
        "answers name hosts and files",
        "oms_core/errors.py",
        "        if not self.row.tells_of_the_system:\n",
        "        if True:\n",
        "tests/http/test_health.py::test_a_service_that_cannot_work_says_so_and_the_log_says_why",
    ),
    mutation(
        "a key is shown by its repr",
        "oms_core/domain/api_keys.py",
        "    token: str = field(repr=False)\n",
        "    token: str\n",
        "tests/core/api_keys/test_api_keys.py::test_only_the_digest_of_a_secret_is_kept_and_nothing_shows_it",
    ),
    mutation(
        "a refused secret is logged",
        "oms_core/authentication/authenticate.py",
        "None if named is None else named.id",
        "None if named is None else named._secret",
        "tests/core/authentication/test_failed_attempts.py::test_a_refusal_is_logged_without_the_secret",
    ),
    mutation(
        "logs hold API keys",
        _MASKING,
        '    text = _API_KEY.sub(rf"\\1_{MASK}", text)\n',
        "",
        f"{_TEST_MASKING}test_a_text_is_shown_without_its_secrets",
    ),
    mutation(
        "logs hold passwords",
        _MASKING,
        '    text = _URL_PASSWORD.sub(rf"\\1:{MASK}@", text)\n',
        "",
        f"{_TEST_MASKING}test_a_text_is_shown_without_its_secrets",
    ),
    mutation(
        "logs are written as they come",
        "oms_cli/processes/logs.py",
        "        return redact(super().format(record))\n",
        "        return super().format(record)\n",
        f"{_TEST_MASKING}test_a_log_hides_them_in_messages_arguments_and_tracebacks",
    ),
    mutation(
        "settings are shown with their passwords",
        _MASKING,
        '_USER_PASSWORD.sub(rf"\\1:{MASK}@", f"{scheme}://{rest}")',
        'f"{scheme}://{rest}"',
        "tests/cli/test_settings.py::test_passwords_are_masked",
        "tests/cli/test_settings.py::test_a_url_is_masked_whatever_its_form",
    ),
    mutation(
        "a wrong URL is quoted",
        "oms_core/settings/checks.py",
        '        raise wrong(name, f"must be a URL such as {examples}")',
        '        raise wrong(name, f"must be a URL such as {examples}; it is {url}")',
        "tests/core/settings/test_settings.py::test_a_wrong_database_url_does_not_show_its_password",
    ),
    mutation(
        "a path forges a line of the log",
        "oms_http/problems.py",
        '_log.error("%s %a failed, request %s"',
        '_log.error("%s %s failed, request %s"',
        "tests/http/test_every_answer.py::test_a_path_cannot_forge_a_line_of_the_log",
    ),
    mutation(
        "spreadsheets run cells",
        "oms_core/documents/csv_guard.py",
        """        return f"'{value}"\n""",
        "        return value\n",
        "tests/core/documents/test_csv_guard.py::test_what_would_be_run_gets_an_apostrophe_and_all_else_is_left_alone",
        "tests/cli/test_formulas.py::test_no_command_writes_a_cell_that_is_run",
    ),
    mutation(
        "foreign text steers a terminal",
        "oms_cli/terminal/messages.py",
        "if unicodedata.category(character) in _ESCAPED else character\n",
        "if False else character\n",
        "tests/cli/test_foreign_text.py::test_what_was_typed_is_quoted_escaped",
    ),
    mutation(
        "a broker need not be who it should be",
        _ADDRESSES,
        "    if tls is not None and not _is_verified(tls.context):\n",
        "    if False:\n",
        f"{_TEST_TLS}test_what_would_go_unverified_is_a_wrong_setting",
    ),
    mutation(
        "the core asks an address that it was given",
        "oms_core/documents/orders.py",
        "from __future__ import annotations\n",
        "from __future__ import annotations\n\nimport urllib.request\n",
        "tests/security/test_no_requests_of_ours.py::test_nothing_that_serves_asks_another_address_by_http",
    ),
)
