"""The settings of a PostgreSQL session, fixed whatever environment, role, database or server say."""

from __future__ import annotations

import logging
import math
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import psycopg2

from oms_core.ports.storage import StorageOptions
from oms_peewee.faults import ReadOnlyError, UnfitError

# Runs SQL, with parameters if there are any; returns the driver's cursor.
Execute = Callable[..., Any]

_log = logging.getLogger(__name__)

# What libpq calls a server that can be written to.
READ_WRITE = "read-write"

# A client that freezes before COMMIT loses its locks before those who wait for them give up.
_IDLE_IN_TRANSACTION_PART_OF_LOCK_TIMEOUT = 0.5
_KEEPALIVES = {"keepalives": 1, "keepalives_idle": 10, "keepalives_interval": 5, "keepalives_count": 3}
_TCP_USER_TIMEOUT_MS = 25_000

# A prepared statement is planned once, perhaps when a table is still empty, and then serves when it has grown: so no
# plan may read a whole table for being small, which is safe where every statement has its index. Only Citus, which
# plans for the node that has the rows, needs the parameters for a plan: there the server chooses (docs/citus.md).
_PLANNING = ["enable_seqscan=off", "jit=off"]

# How values are written and read. A policy that hides rows fails the statement instead: counts would be wrong.
_READING = [
    "array_nulls=on",
    "transform_null_equals=off",
    "bytea_output=hex",
    "extra_float_digits=1",
    "row_security=off",
]
# The driver learns when it connects how strings are to be quoted, and a message is read whole before any of it is run:
# so the first of these cannot change with a transaction.
_OF_WHOLE_SESSIONS = ["standard_conforming_strings=on", r"default_transaction_isolation=read\ committed"]
# Proves that the server was given the settings: a pooler may be told to drop them in silence.
_MARK = "oms.session"
# The driver's variables (PGTZ, PGDATESTYLE) go before options, so these are set once more by a statement. An order that
# was answered survives a crash of the server: `off` would break that. All else there is the operator's choice; it is
# fixed too, so that no reload turns it off meanwhile.
_GREETING = f"""SELECT current_setting('{_MARK}', true), set_config('TimeZone', 'UTC', false),
  set_config('DateStyle', 'ISO', false),
  set_config('plan_cache_mode', CASE WHEN to_regproc('pg_catalog.citus_version') IS NULL THEN 'force_generic_plan'
    ELSE 'auto' END, false),
  current_setting('synchronous_commit'), set_config('synchronous_commit',
    CASE current_setting('synchronous_commit') WHEN 'off' THEN 'on' ELSE current_setting('synchronous_commit') END,
    false)"""
_DURABLE_LOCALLY = """SELECT set_config('synchronous_commit', 'on', true)
  WHERE current_setting('synchronous_commit') = 'off';"""

# What each table is used for (docs/running.md lists the same).
RIGHTS: Mapping[str, str] = {
    "schema_migrations": "SELECT",
    **dict.fromkeys(
        [
            *("stock_movements", "events", "import_refusals", "order_keys", "payment_references"),
            *("returns", "return_lines"),
        ],
        "SELECT,INSERT",
    ),
    **dict.fromkeys(["orders", "order_lines", "shipments", "locations", "imports", "api_keys"], "SELECT,INSERT,UPDATE"),
    "outbox": "SELECT,INSERT,DELETE",
    **dict.fromkeys(
        ["products", "stock_levels", "waiting_orders", "stock_keys", "leases", "workers"], "SELECT,INSERT,UPDATE,DELETE"
    ),
}
_IS_READ_ONLY = "SELECT pg_is_in_recovery() OR current_setting('transaction_read_only') = 'on'"
_STATE = f"""{_IS_READ_ONLY}, current_schema() IS NULL,
  (SELECT string_agg(missing, ', ') FROM (
    SELECT right_of_table || ' on ' || name AS missing
    FROM unnest(%s::text[], %s::text[]) AS wanted(name, rights)
    CROSS JOIN LATERAL unnest(string_to_array(rights, ',')) AS right_of_table
    WHERE NOT has_table_privilege(to_regclass(name), right_of_table)
    UNION ALL
    SELECT 'USAGE on queue_no' WHERE NOT has_sequence_privilege(to_regclass('queue_no'), 'USAGE')
    UNION ALL
    SELECT 'TEMPORARY on the database' WHERE NOT has_database_privilege(current_database(), 'TEMPORARY')
  ) AS lacking)"""  # noqa: S608  Only a constant of ours is put in.


def connection_parameters(options: StorageOptions, given: Mapping[str, str]) -> dict[str, Any]:
    """Return libpq's parameters for one connection; `given` are those of the URL.

    With several hosts, libpq takes one that can be written to, unless `given` says otherwise.
    """
    parameters = {
        **_KEEPALIVES,
        "tcp_user_timeout": _TCP_USER_TIMEOUT_MS,
        "connect_timeout": max(2, math.ceil(options.connect_timeout_seconds)),  # libpq makes 2 of 1.
        "application_name": given.get("application_name", "oms"),
        "client_encoding": "UTF8",
        "target_session_attrs": given.get("target_session_attrs", READ_WRITE),
    }
    if options.prepared_statements:  # A transaction pooler would refuse start-up options, or apply them to strangers.
        settings = [*_settings(options), *_PLANNING, *_OF_WHOLE_SESSIONS, f"{_MARK}=own"]
        words = [given.get("options", ""), *(f"-c {each}" for each in settings)]
        parameters["options"] = " ".join(words).strip()
    return parameters


def beginning(options: StorageOptions) -> str:
    """Return the SQL that begins a transaction. Behind a pooler it also sets the session up, for this transaction."""
    begin = "BEGIN ISOLATION LEVEL READ COMMITTED;"
    if options.prepared_statements:
        return begin
    settings = ["datestyle=ISO", *_settings(options)]
    return begin + "".join(f"SET LOCAL {each};" for each in settings) + _DURABLE_LOCALLY


def greet(execute: Execute) -> None:
    """Set up a connection that is this process's own. Raises UnfitError where a pooler is in between."""
    mark, _, _, _, synchronous_commit, _ = execute(_GREETING).fetchone()
    if mark is None:
        remedy = "OMS_PREPARED_STATEMENTS must be off behind a pooler"
        raise UnfitError(f"something in between has dropped the settings of the session; {remedy}")
    if synchronous_commit == "off":
        _log.warning("synchronous_commit is off: this session has it on, so that no order is lost that was answered")


def check_writable(execute: Execute) -> None:
    """Raise the driver's error for a server that only reads: a pooler tells libpq what another server was before."""
    ((is_read_only,),) = execute(_IS_READ_ONLY).fetchall()
    if is_read_only:
        raise psycopg2.OperationalError("session is read-only")


def check_state(execute: Execute) -> None:
    """Raise ReadOnlyError for a server that only reads, UnfitError where the role lacks rights."""
    state = execute(_STATE, [list(RIGHTS), list(RIGHTS.values())])
    is_read_only, has_no_schema, lacking = state.fetchone()
    if is_read_only:
        raise ReadOnlyError("session is read-only")
    if has_no_schema:
        raise UnfitError("the role has no schema to work in; check its search_path, and grant it USAGE")
    if lacking is not None:
        raise UnfitError(f"the role lacks {lacking}; grant it (docs/running.md lists the rights)")


def check_encoding(server_encoding: str | None) -> None:
    """Raise UnfitError for a database that cannot keep every character; None: a pooler does not tell."""
    if server_encoding not in {None, "UTF8"}:
        remedy = "make one with `createdb -T template0 -E UTF8`"
        raise UnfitError(f"its encoding is {server_encoding}, and must be UTF8; {remedy}")


def _settings(options: StorageOptions) -> Sequence[str]:
    idle_seconds = options.lock_timeout_seconds * _IDLE_IN_TRANSACTION_PART_OF_LOCK_TIMEOUT
    milliseconds = {
        "lock_timeout": options.lock_timeout_seconds * 1_000,
        "statement_timeout": options.statement_timeout_seconds * 1_000,
        "idle_in_transaction_session_timeout": idle_seconds * 1_000,
        "tcp_user_timeout": _TCP_USER_TIMEOUT_MS,
    }
    timeouts = [f"{name}={max(1, int(value))}" for name, value in milliseconds.items()]
    return ["timezone=UTC", "client_min_messages=warning", *timeouts, *_READING]
