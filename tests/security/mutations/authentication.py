"""Without the defences of authentication."""

from __future__ import annotations

from tests.security.mutation import mutation

_KEYS = "oms_core/domain/api_keys.py"
_AUTHENTICATION = "oms_core/authentication/authenticate.py"
_LOCAL = "oms_http/edge/callers.py"
_CONTRACT = "tests/adapters/test_contracts_sqlite.py::TestSqliteStorage::"
_TEST_AUTHENTICATION = "tests/core/authentication/test_authentication.py::"
_TEST_FAILED_ATTEMPTS = "tests/core/authentication/test_failed_attempts.py::"
_TEST_KEYS = "tests/core/api_keys/test_api_keys.py::"
_TEST_CALLERS = "tests/http/test_callers.py::"
_TEST_LOCAL = "tests/http/test_local_requests.py::"

AUTHENTICATION = (
    mutation(
        "any secret opens",
        _KEYS,
        "        return is_same and stored is not None\n",
        "        return stored is not None\n",
        f"{_TEST_KEYS}test_a_secret_opens_its_own_key_only",
        f"{_TEST_CALLERS}test_whatever_is_wrong_with_a_key_the_answer_is_the_same",
    ),
    mutation(
        "secrets are compared in a time that tells of them",
        _KEYS,
        "hmac.compare_digest(digest, _NOBODYS_DIGEST if stored is None else stored.digest)",
        "digest == (_NOBODYS_DIGEST if stored is None else stored.digest)",
        "tests/security/test_timing.py::test_a_secret_is_compared_in_constant_time_whether_its_key_exists_or_not",
    ),
    mutation(
        "an unknown id is answered sooner",
        _AUTHENTICATION,
        "            presented.opens(None)\n",
        "",
        "tests/security/test_timing.py::test_a_secret_is_compared_in_constant_time_whether_its_key_exists_or_not",
    ),
    mutation(
        "a remembered key opens with any secret",
        _KEYS,
        "    return hmac.compare_digest(hashlib.sha256(token[37:].encode()).digest(), stored.digest)\n",
        "    return True\n",
        f"{_TEST_AUTHENTICATION}test_a_key_that_is_remembered_opens_with_its_own_token_only",
    ),
    mutation(
        "a remembered key outlives its expiry",
        "oms_core/authentication/key_cache.py",
        "key.expires_at is None and key.revoked_at is None",
        "key.revoked_at is None",
        f"{_TEST_AUTHENTICATION}test_an_expiry_is_honoured_at_once",
    ),
    mutation(
        "an expired key opens",
        _KEYS,
        "        if self.expires_at is not None and self.expires_at <= now:\n",
        "        if False:\n",
        f"{_TEST_AUTHENTICATION}test_an_expiry_is_honoured_at_once",
        f"{_TEST_CALLERS}test_idempotency_keys_are_apart_between_names_and_kept_over_rotation",
    ),
    mutation(
        "a revoked key opens",
        _KEYS,
        "        if self.revoked_at is not None:\n",
        "        if False:\n",
        f"{_TEST_AUTHENTICATION}test_a_revocation_elsewhere_is_honoured_with_the_next_read",
        "tests/http/test_keys.py::test_a_revoked_name_says_so_and_a_second_time_changes_nothing",
    ),
    mutation(
        "the state of a key is not looked at",
        _AUTHENTICATION,
        "if state is not ApiKeyState.ACTIVE:",
        "if False:",
        f"{_TEST_AUTHENTICATION}test_what_this_process_changes_is_honoured_at_once",
    ),
    mutation(
        "a key is believed for a minute",
        "oms_core/authentication/key_cache.py",
        "STALE_SECONDS = 5.0\n",
        "STALE_SECONDS = 60.0\n",
        f"{_TEST_AUTHENTICATION}test_nobody_goes_on_with_a_key_for_more_than_five_seconds",
    ),
    mutation(
        "a key in use is not read again",
        "oms_core/authentication/key_cache.py",
        "        if self._clock() - entry.read_at < FRESH_SECONDS:\n",
        "        if True:\n",
        f"{_TEST_AUTHENTICATION}test_a_revocation_elsewhere_is_honoured_with_the_next_read",
    ),
    mutation(
        "a revocation is not told to the cache",
        "oms_core/use_cases/api_keys.py",
        "        self.changed(name)\n",
        "",
        f"{_TEST_AUTHENTICATION}test_what_this_process_changes_is_honoured_at_once",
    ),
    mutation(
        "the secret itself is stored",
        "oms_core/use_cases/api_keys.py",
        "self.storage.keys.create(StoredApiKey(key=key, digest=digest_of(secret)))",
        "self.storage.keys.create(StoredApiKey(key=key, digest=secret.encode()))",
        f"{_TEST_KEYS}test_only_the_digest_of_a_secret_is_kept_and_nothing_shows_it",
    ),
    mutation(
        "all secrets are the same",
        "oms_core/use_cases/api_keys.py",
        "secret = secret_text(self.clock.random_bits(SECRET_BITS))\n        self.storage.keys.create(",
        "secret = secret_text(0)\n        self.storage.keys.create(",
        f"{_TEST_KEYS}test_secrets_and_ids_differ",
    ),
    mutation(
        "a key acts under the worker's name",
        "oms_core/domain/api_keys.py",
        "    if command.name.lower() in RESERVED_NAMES:\n",
        "    if False:\n",
        f"{_TEST_KEYS}test_names_of_those_who_act_without_a_key_are_taken",
    ),
    mutation(
        "a name is given twice",
        "adapters/oms_peewee/api_keys.py",
        "            if not added and not _is_written(session, stored.key.id):\n",
        "            if False:\n",
        f"{_CONTRACT}test_a_name_is_given_once_even_when_its_keys_are_revoked",
    ),
    mutation(
        "bad keys are not counted",
        _AUTHENTICATION,
        "        self._failed_attempts.count(address)\n",
        "",
        f"{_TEST_FAILED_ATTEMPTS}test_after_some_wrong_keys_an_address_has_to_wait_and_the_database_is_not_asked",
        f"{_TEST_CALLERS}test_after_some_wrong_keys_an_address_is_told_to_wait",
    ),
    mutation(
        "an address with too many failed attempts is looked up all the same",
        _AUTHENTICATION,
        "                self._failed_attempts.check(address)\n",
        "                pass\n",
        f"{_TEST_FAILED_ATTEMPTS}test_after_some_wrong_keys_an_address_has_to_wait_and_the_database_is_not_asked",
    ),
    mutation(
        "whoever names an id that opened here may go on failing",
        "oms_core/authentication/key_cache.py",
        "- entry.read_at < OPENED_SECONDS and presented.opens(entry.stored)",
        "- entry.read_at < OPENED_SECONDS",
        "tests/core/authentication/test_shared_addresses.py::test_a_key_that_has_opened_within_hours_opens_whatever_else_comes_from_its_address",
    ),
    mutation(
        "failed attempts shut out those who have opened here",
        _AUTHENTICATION,
        "            if presented is None or not self._cache.has_opened(presented):\n",
        "            if True:\n",
        "tests/core/authentication/test_shared_addresses.py::test_a_key_that_has_opened_within_hours_opens_whatever_else_comes_from_its_address",
    ),
    mutation(
        "a stale client shuts out the others at its address",
        _AUTHENTICATION,
        "            if self._refused.has(token):\n",
        "            if False:\n",
        "tests/core/authentication/test_shared_addresses.py::test_a_stale_client_at_one_request_a_second_shuts_out_nobody_beside_it",
    ),
    mutation(
        "a key that has ended counts as a failed attempt",
        _AUTHENTICATION,
        "        self._repeats.count(address)\n        return self._refusal(stored.key,",
        "        self._failed_attempts.count(address)\n        return self._refusal(stored.key,",
        "tests/core/authentication/test_shared_addresses.py::test_a_stale_client_at_one_request_a_second_shuts_out_nobody_beside_it",
        "tests/core/authentication/test_shared_addresses.py::test_keys_that_have_ended_are_limited_apart_from_failed_attempts",
    ),
    mutation(
        "failed attempts are unlimited unless somebody says so",
        "oms_core/domain/rate_limits.py",
        "{**_by_scope(_read_entries(KEYS_DEFAULT)), **_by_scope(_read_entries(text))}",
        "_by_scope(_read_entries(text or KEYS_DEFAULT))",
        "tests/core/test_rate_limits.py::test_failed_attempts_stay_limited_whatever_is_said_of_requests",
    ),
    mutation(
        "every address of an IPv6 network has failed attempts of its own",
        "oms_core/domain/rate_limits.py",
        "_NETWORK_BITS_IPV6 = 64\n",
        "_NETWORK_BITS_IPV6 = 128\n",
        f"{_TEST_FAILED_ATTEMPTS}test_addresses_of_one_ipv6_network_share_their_failed_attempts",
    ),
    mutation(
        "a 401 tells what is wrong with a key",
        _AUTHENTICATION,
        '"the API key opens nothing: it is wrong, expired or revoked"',
        "f\"the API key opens nothing: it is {state or 'unknown'}\"",
        f"{_TEST_AUTHENTICATION}test_whatever_is_wrong_with_a_key_it_is_told_in_the_same_words",
        f"{_TEST_CALLERS}test_whatever_is_wrong_with_a_key_the_answer_is_the_same",
    ),
    mutation(
        "whoever brings no key is let in",
        "oms_http/edge/callers.py",
        '        raise OmsError("unauthenticated", "send an API key in the header Authorization: Bearer oms_...")\n',
        '        return Caller(name="nobody", scopes=ALL_SCOPES)\n',
        f"{_TEST_CALLERS}test_without_a_key_nobody_is_served_and_it_is_told_how",
    ),
    mutation(
        "a key is taken from the URL",
        "oms_http/edge/callers.py",
        'return token.strip() or None if scheme.lower() == "bearer" else None',
        'return token.strip() or None if scheme.lower() == "bearer" else request.args.get("access_token")',
        f"{_TEST_CALLERS}test_a_key_opens_in_the_header_only",
    ),
    mutation(
        "without keys everybody is served",
        "oms_cli/processes/exposure.py",
        '    if settings.auth_in_force == "off" and not is_loopback:\n',
        "    if False:\n",
        "tests/cli/test_serve.py::test_without_authentication_only_loopback_is_served[192.0.2.1]",
    ),
    mutation(
        "keys are asked for nowhere unless somebody says so",
        "oms_core/settings/__init__.py",
        '        return "off" if is_loopback(self.host) else "keys"\n',
        '        return "off"\n',
        "tests/core/settings/test_settings.py::test_keys_are_asked_for_wherever_others_could_come_from",
    ),
    mutation(
        "without keys a proxy brings strangers",
        _LOCAL,
        "        if key in environ:\n",
        "        if False:\n",
        f"{_TEST_LOCAL}test_a_request_through_a_proxy_is_refused",
    ),
    mutation(
        "without keys another machine is served",
        _LOCAL,
        '    if not _is_loopback(environ.get(PEER) or environ.get("REMOTE_ADDR", "")):\n',
        "    if False:\n",
        f"{_TEST_LOCAL}test_another_machine_is_refused",
        f"{_TEST_CALLERS}test_without_authentication_nobody_else_is",
    ),
    mutation(
        "without keys any name leads here (DNS rebinding)",
        _LOCAL,
        "    if host is not None and not _names_loopback(host):\n",
        "    if False:\n",
        f"{_TEST_LOCAL}test_a_name_that_is_not_loopbacks_is_refused",
    ),
    mutation(
        "without keys a page of any site may ask",
        _LOCAL,
        "    if origin is not None and origin not in origins and",
        "    if False and",
        f"{_TEST_LOCAL}test_a_page_of_another_origin_is_refused",
    ),
)
