"""What PostgreSQL's errors mean: one table from an SQLSTATE to a fault, and to what an operator can do about it."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import psycopg2
from psycopg2 import errorcodes

from oms_peewee.faults import Fault, Meaning

# How the names of all indexes of idempotency keys end, as PostgreSQL quotes them where an insert waited for one. A node
# of Citus adds the number of the shard.
KEYS_INDEX = re.compile(r'_keys_pkey(_\d+)?"')

_RIGHTS = "grant the role what it lacks (docs/running.md lists the rights)"
_READ_ONLY = "the server only reads: it is a standby, or default_transaction_read_only is on"
_POOLED = "OMS_PREPARED_STATEMENTS must be off behind a pooler that shares connections"
_CONNECTIONS = "raise max_connections, or run fewer processes"

# By SQLSTATE, or by its class (PostgreSQL manual, appendix A). What is not listed is a defect of this program.
_MEANINGS: Mapping[str, Meaning] = {
    errorcodes.CLASS_CONNECTION_EXCEPTION: Meaning(Fault.DISCONNECTED),
    errorcodes.CLASS_FEATURE_NOT_SUPPORTED: Meaning(Fault.UNUSABLE, "this server lacks what the service needs"),
    errorcodes.DIVISION_BY_ZERO: Meaning(Fault.UNCOVERED),  # How a statement of the ledger says so.
    errorcodes.UNIQUE_VIOLATION: Meaning(Fault.TAKEN),
    # A primary that has become a standby: a new connection finds the new one, or says that there is none.
    errorcodes.READ_ONLY_SQL_TRANSACTION: Meaning(Fault.READ_ONLY, _READ_ONLY),
    errorcodes.IDLE_IN_TRANSACTION_SESSION_TIMEOUT: Meaning(Fault.DISCONNECTED),
    errorcodes.INVALID_SQL_STATEMENT_NAME: Meaning(Fault.UNUSABLE, _POOLED),
    errorcodes.DUPLICATE_PREPARED_STATEMENT: Meaning(Fault.UNUSABLE, _POOLED),
    errorcodes.CLASS_INVALID_AUTHORIZATION_SPECIFICATION: Meaning(
        Fault.UNUSABLE, "check user and password in OMS_DATABASE_URL, and the server's pg_hba.conf"
    ),
    errorcodes.CLASS_INVALID_CATALOG_NAME: Meaning(
        Fault.UNUSABLE, "create the database, or correct its name in OMS_DATABASE_URL"
    ),
    errorcodes.CLASS_INVALID_SCHEMA_NAME: Meaning(
        Fault.UNUSABLE, "check the role's search_path, and grant it USAGE on the schema"
    ),
    errorcodes.DEADLOCK_DETECTED: Meaning(Fault.CONFLICT),
    errorcodes.SERIALIZATION_FAILURE: Meaning(Fault.CONFLICT),
    errorcodes.LOCK_NOT_AVAILABLE: Meaning(Fault.CONFLICT),
    errorcodes.INSUFFICIENT_PRIVILEGE: Meaning(Fault.UNUSABLE, _RIGHTS),
    errorcodes.UNDEFINED_TABLE: Meaning(Fault.OUTDATED),
    errorcodes.UNDEFINED_COLUMN: Meaning(Fault.OUTDATED),
    errorcodes.UNDEFINED_FUNCTION: Meaning(Fault.UNUSABLE, "this server lacks what the service needs"),
    errorcodes.UNDEFINED_OBJECT: Meaning(Fault.UNUSABLE, "this server lacks what the service needs"),
    errorcodes.CLASS_INSUFFICIENT_RESOURCES: Meaning(Fault.NO_ROOM, "give the database's server what it lacks"),
    errorcodes.DISK_FULL: Meaning(Fault.NO_ROOM, "make room on the disk of the database"),
    errorcodes.TOO_MANY_CONNECTIONS: Meaning(Fault.DISCONNECTED, _CONNECTIONS),
    errorcodes.OBJECT_NOT_IN_PREREQUISITE_STATE: Meaning(Fault.UNUSABLE, "see what the database waits for"),
    errorcodes.CLASS_OPERATOR_INTERVENTION: Meaning(Fault.DISCONNECTED),
    errorcodes.QUERY_CANCELED: Meaning(Fault.UNAVAILABLE),
    errorcodes.CLASS_SYSTEM_ERROR: Meaning(Fault.UNAVAILABLE, "see the log of the database's server"),
    errorcodes.CLASS_CONFIGURATION_FILE_ERROR: Meaning(Fault.UNUSABLE, "mend the server's configuration"),
    errorcodes.DATA_CORRUPTED: Meaning(Fault.UNUSABLE, "restore the database from a backup"),
    errorcodes.INDEX_CORRUPTED: Meaning(Fault.UNUSABLE, "rebuild the index (REINDEX)"),
}
_DEFECT = Meaning(Fault.DEFECT)
_WRONG_URL = Meaning(Fault.UNUSABLE, "correct OMS_DATABASE_URL, or the files that it names")
_WRONG_TLS = Meaning(Fault.UNUSABLE, "have the server speak TLS as OMS_DATABASE_URL asks, or correct that")

_ONLY_READS = "session is read-only|server is in hot standby mode"
# Before what was met at one of the places that the URL names.
_AT_ONE_PLACE = re.compile("failed: (.*)")

# How libpq begins the line of what it met at a place, of which there may be several.
_PLACE = "connection to server "

# While connecting the driver gives no SQLSTATE, only the server's words, and libpq's own.
_WORDS: tuple[tuple[re.Pattern[str], Meaning], ...] = tuple(
    (re.compile(words), meaning)
    for words, meaning in (
        (_ONLY_READS, _MEANINGS[errorcodes.READ_ONLY_SQL_TRANSACTION]),
        (
            "authentication failed|no password supplied|no pg_hba.conf entry|is not permitted to log in"
            '|role ".*" does not exist',
            _MEANINGS[errorcodes.CLASS_INVALID_AUTHORIZATION_SPECIFICATION],
        ),
        ('database ".*" does not exist', _MEANINGS[errorcodes.CLASS_INVALID_CATALOG_NAME]),
        ("permission denied for database", _MEANINGS[errorcodes.INSUFFICIENT_PRIVILEGE]),
        ("too many (clients|connections)|remaining connection slots", _MEANINGS[errorcodes.TOO_MANY_CONNECTIONS]),
        ("is not currently accepting connections", _MEANINGS[errorcodes.OBJECT_NOT_IN_PREREQUISITE_STATE]),
        ("unsupported startup parameter", _MEANINGS[errorcodes.INVALID_SQL_STATEMENT_NAME]),  # PgBouncer's words.
        ("unrecognized configuration parameter|invalid value for parameter", _MEANINGS[errorcodes.UNDEFINED_OBJECT]),
        ("permission denied to set parameter", _MEANINGS[errorcodes.INSUFFICIENT_PRIVILEGE]),
        (
            r"^invalid \w+ value|^invalid integer value|^invalid port number"
            '|(certificate|key|CRL) file "',
            _WRONG_URL,
        ),
        ("does not support SSL, but|certificate verify failed|does not match host name", _WRONG_TLS),
    )
)
# Where PostgreSQL finds that a prepared plan is from before a migration (plancache.c); a new connection has none. Of
# what a node of a distributed server finds, only the words are passed on.
_STALE_PLAN = "RevalidateCachedQuery"
_STALE_PLAN_WORDS = "cached plan must not change result type"
# What Citus passes on from a node without its SQLSTATE, or says itself with none of its own (remote_transaction.c and
# placement_connection.c). Whether a COMMIT has reached the node is then unknown.
_OF_A_NODE: tuple[tuple[re.Pattern[str], Meaning], ...] = (
    (re.compile("^duplicate key value violates unique constraint"), _MEANINGS[errorcodes.UNIQUE_VIOLATION]),
    (
        re.compile(
            "^failure on connection marked as essential|^could not commit transaction for shard"
            "|^server closed the connection unexpectedly|^connection not open|^no connection to the server"
            "|^SSL SYSCALL error|^SSL connection has been closed|^could not (send data to|receive data from) server"
        ),
        _MEANINGS[errorcodes.CLASS_CONNECTION_EXCEPTION],
    ),
)


def told_at_places(error: Exception) -> str:
    """Return what was met at each place that the URL names, in one line; empty where it names one, or was connected."""
    lines = [line for line in str(error).splitlines() if line.startswith(_PLACE)]
    return "; ".join(lines) if len(lines) > 1 else ""


def meaning_of(error: Exception) -> Meaning:
    """Look up an error of the driver's."""
    cause: Any = getattr(error, "orig", None) or error
    code = getattr(cause, "pgcode", None)
    if code == errorcodes.FEATURE_NOT_SUPPORTED and _is_stale_plan(cause):
        return Meaning(Fault.DISCONNECTED)
    if code == errorcodes.INTERNAL_ERROR:
        words = str(cause)
        return next((meaning for pattern, meaning in _OF_A_NODE if pattern.search(words)), _DEFECT)
    if code is not None:
        return _MEANINGS.get(code) or _MEANINGS.get(code[:2], _DEFECT)
    if isinstance(cause, psycopg2.OperationalError | psycopg2.InterfaceError):
        return meaning_of_words(str(cause))
    return _DEFECT


def is_node_lost(error: Any) -> bool:
    """Return whether the server is there, and has lost the node that it was to do this on."""
    code = str(error.pgcode or "")
    is_of_node = code[:2] == errorcodes.CLASS_CONNECTION_EXCEPTION or code == errorcodes.INTERNAL_ERROR
    return is_of_node and meaning_of(error).fault is Fault.DISCONNECTED


def meaning_of_words(words: str) -> Meaning:
    """Look up what was said of a connection that was not to be had."""
    meaning = next((meaning for pattern, meaning in _WORDS if pattern.search(words)), Meaning(Fault.DISCONNECTED))
    if meaning.fault is Fault.READ_ONLY and not all(
        re.search(_ONLY_READS, each) for each in _AT_ONE_PLACE.findall(words)
    ):
        return replace(meaning, fault=Fault.DISCONNECTED)  # Of several servers one may be about to take over.
    return meaning


def _is_stale_plan(error: Any) -> bool:
    return error.diag.source_function == _STALE_PLAN or _STALE_PLAN_WORDS in str(error)
