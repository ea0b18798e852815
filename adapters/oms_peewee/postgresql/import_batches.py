"""Batches of a stock import on PostgreSQL: copied into a temporary table, then decided and written by one statement.

Its decisions are those of `oms_core.domain.stock.import_decisions.decide_import`, in SQL. The contract's tests hold
one against the other.
"""

from __future__ import annotations

import io
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple, cast

from oms_core.domain.import_commands import ImportMode
from oms_core.domain.limits import COUNT_MAX, IMPORT_CREATED_SHOWN_MAX
from oms_core.domain.stamps import Stamp
from oms_core.domain.stock.import_decisions import KINDS, BatchResult, RefusalCode, StockEntry, refusal
from oms_core.ports.import_storage import ImportBatch
from oms_peewee.faults import ChangedMeanwhileError, UnstorableValueError
from oms_peewee.locations import ensure_locations
from oms_peewee.postgresql.connections import PostgresqlSession

# The table is emptied in place by each COMMIT, so the catalogs grow by one row per connection, not per batch. Without
# nested loops each plan reads a range of an index once; from old statistics one could be made that reads it per row.
_STAGE = """
CREATE TEMP TABLE IF NOT EXISTS import_batch (
  sku text COLLATE "C" NOT NULL, location text COLLATE "C" NOT NULL, quantity bigint NOT NULL,
  name text, reason text, reference text, rows bigint NOT NULL) ON COMMIT DELETE ROWS;
SET LOCAL jit = off;
SET LOCAL enable_nestloop = off
"""
_COPY = "COPY import_batch FROM STDIN WITH (NULL '')"
_COPY_BYTES = 65_536
_SEPARATORS = 6

# The products and levels that there are between the batch's first SKU and its last, all of them or more than `enough`.
_COUNT_RANGE = """
SELECT greatest(
  (SELECT count(*) FROM (SELECT 1 FROM products WHERE sku BETWEEN %(first)s AND %(last)s
    ORDER BY sku LIMIT %(enough)s) AS p),
  (SELECT count(*) FROM (SELECT 1 FROM stock_levels WHERE sku BETWEEN %(first)s AND %(last)s
    ORDER BY sku LIMIT %(enough)s) AS l))
"""
_ENOUGH_PER_ENTRY = 4


class _Source(NamedTuple):
    """SQL that finds what is there of a batch, and which SKUs it then writes to."""

    sql: str
    among: str


# Where they lie close together one walk along the index finds them, else a look-up for each SKU of the batch.
_RANGE = _Source(
    among="BETWEEN %(first)s AND %(last)s",
    sql="""
WITH product AS MATERIALIZED (
  SELECT sku, name, low_stock_threshold FROM products WHERE sku BETWEEN %(first)s AND %(last)s
), level AS MATERIALIZED (
  SELECT sku, location, on_hand, reserved, version, withheld FROM stock_levels WHERE sku BETWEEN %(first)s AND %(last)s
)""",
)
_EACH = _Source(
    among="= ANY (ARRAY(SELECT sku FROM wanted))",
    sql="""
WITH wanted AS MATERIALIZED (
  SELECT DISTINCT sku FROM import_batch
), product AS MATERIALIZED (
  SELECT p.* FROM wanted CROSS JOIN LATERAL (
    SELECT sku, name, low_stock_threshold FROM products AS p WHERE p.sku = wanted.sku
    OFFSET 0) AS p
), level AS MATERIALIZED (
  SELECT l.* FROM wanted CROSS JOIN LATERAL (
    SELECT sku, location, on_hand, reserved, version, withheld FROM stock_levels WHERE sku = wanted.sku OFFSET 0) AS l
)""",
)

# First the products that get another name or a new level, then all levels of the batch's products, in order. Returns
# the number of the batch's products that there are.
_LOCK = """, known AS MATERIALIZED (
  SELECT DISTINCT sku FROM import_batch JOIN product USING (sku)
), changed AS MATERIALIZED (
  SELECT DISTINCT sku FROM import_batch AS b JOIN product AS p USING (sku) LEFT JOIN level AS l USING (sku, location)
  WHERE b.name <> p.name OR l.version IS NULL ORDER BY sku
), locked_products AS MATERIALIZED (
  SELECT 1 FROM changed CROSS JOIN LATERAL (
    SELECT 1 FROM products AS p WHERE p.sku = changed.sku FOR NO KEY UPDATE OFFSET 0) AS p
), locked_levels AS MATERIALIZED (
  SELECT 1 FROM (SELECT sku FROM known ORDER BY sku) AS known CROSS JOIN LATERAL (
    SELECT 1 FROM stock_levels AS l WHERE l.sku = known.sku ORDER BY l.location FOR UPDATE OFFSET 0) AS l
  WHERE (SELECT count(*) FROM locked_products) >= 0
)
SELECT count(*) FROM known WHERE (SELECT count(*) FROM locked_levels) >= 0
"""
_DECIDE = f""", present AS (
  SELECT b.*, p.name AS present_name, l.version AS level_version, coalesce(l.on_hand, 0) AS present_on_hand,
    coalesce(l.reserved, 0) AS reserved,
    coalesce(CASE WHEN l.version IS NULL THEN place.withheld ELSE l.withheld END, 0) AS withheld,
    CASE WHEN %(adjusts)s THEN coalesce(l.on_hand, 0) + b.quantity ELSE b.quantity END AS on_hand
  FROM import_batch AS b LEFT JOIN product AS p USING (sku) LEFT JOIN level AS l USING (sku, location)
    LEFT JOIN (SELECT name AS location, %(all)s AS withheld FROM locations WHERE NOT sells) AS place USING (location)
), decided AS MATERIALIZED (
  SELECT *, on_hand - present_on_hand AS delta,
    greatest(on_hand - reserved - withheld, 0) - greatest(present_on_hand - reserved - withheld, 0) AS available_delta,
    present_name IS NULL AS creates_product, coalesce(name <> present_name, false) AS renames,
    level_version IS NULL AND (quantity <> 0 OR NOT %(adjusts)s) AS creates_level,
    CASE WHEN %(must_exist)s AND present_name IS NULL THEN '{RefusalCode.SKU_NOT_FOUND}'
      WHEN on_hand > {COUNT_MAX} THEN '{RefusalCode.OUT_OF_RANGE}'
      WHEN on_hand < reserved THEN '{RefusalCode.STOCK_BELOW_RESERVED}' END AS refusal
  FROM present WHERE (SELECT is_steady FROM product_count) ORDER BY sku, location
), result AS (
  SELECT coalesce(sum(rows) FILTER (WHERE refusal IS NULL AND (delta <> 0 OR creates_level OR renames)), 0) AS applied,
    coalesce(sum(rows) FILTER (WHERE refusal IS NULL AND delta = 0 AND NOT creates_level AND NOT renames), 0)
      AS unchanged,
    coalesce(sum(rows) FILTER (WHERE refusal IS NOT NULL), 0) AS refused,
    json_agg(json_build_array(sku, location, refusal, on_hand, reserved) ORDER BY sku, location)
      FILTER (WHERE refusal IS NOT NULL) AS refusals,
    count(*) FILTER (WHERE refusal IS NULL AND delta <> 0 AND level_version IS NOT NULL) AS moves,
    count(DISTINCT sku) FILTER (WHERE refusal IS NULL AND renames) AS renames,
    count(DISTINCT sku) FILTER (WHERE refusal IS NULL AND creates_product) AS created,
    count(*) FILTER (WHERE refusal IS NULL AND delta <> 0 AND NOT creates_product) AS known
  FROM decided
)"""  # noqa: S608  Only constants of ours are put in.
_RESULT = f"""applied, unchanged, refused, refusals, created,
  CASE WHEN created > 0 THEN (SELECT json_agg(sku) FROM (
    SELECT DISTINCT sku FROM decided WHERE refusal IS NULL AND creates_product
    ORDER BY sku LIMIT {IMPORT_CREATED_SHOWN_MAX}) AS first) END"""  # noqa: S608
_SHOW = f" SELECT {_RESULT} FROM result"  # noqa: S608
# A product that was created after the locks were taken is not locked: nothing is decided, and all is done again.
_ALL = ", product_count AS (SELECT true AS is_steady)"
_LOCKED = """, product_count AS (
  SELECT count(DISTINCT sku) = %(known)s AS is_steady FROM import_batch JOIN product USING (sku)
)"""

# What has nothing to do is left out by its condition on `result`, without reading the batch again. Rows are found again
# by their key, as they were when this was decided; should somebody have changed one all the same, it is missing from
# the counts. All else waits for the new products: a batch that had renamed one could keep a rival from inserting it.
_WRITE = f""", new_products AS (
  INSERT INTO products (sku, name, created_at, updated_at)
  SELECT sku, coalesce(max(name), ''), %(now)s, %(now)s FROM decided WHERE creates_product AND refusal IS NULL
  GROUP BY sku ORDER BY sku RETURNING 1
), renamed AS (
  UPDATE products AS p SET name = d.name, updated_at = %(now)s
  FROM (SELECT sku, present_name, max(name) AS name FROM decided WHERE renames AND refusal IS NULL
    GROUP BY sku, present_name) AS d
  WHERE (SELECT renames FROM result) > 0 AND (SELECT count(*) FROM new_products) >= 0
    AND p.sku = d.sku AND p.name = d.present_name AND p.sku <among> RETURNING 1
), new_levels AS (
  INSERT INTO stock_levels (sku, location, on_hand, reserved, version, updated_at, withheld)
  SELECT sku, location, on_hand, 0, 1, %(now)s, nullif(withheld, 0) FROM decided
  WHERE creates_level AND refusal IS NULL AND (SELECT count(*) FROM new_products) >= 0
), moved AS (
  UPDATE stock_levels AS l SET on_hand = d.on_hand, version = l.version + 1, updated_at = %(now)s FROM decided AS d
  WHERE (SELECT moves FROM result) > 0 AND l.sku = d.sku AND l.location = d.location AND l.version = d.level_version
    AND d.delta <> 0 AND d.refusal IS NULL AND l.sku <among> RETURNING 1
), movements AS (
  INSERT INTO stock_movements (sku, location, kind, on_hand_delta, reserved_delta, reason, reference, actor, created_at)
  SELECT sku, location, %(kind)s, delta, 0, reason, reference, %(actor)s, %(now)s FROM decided
  WHERE delta <> 0 AND refusal IS NULL
), sold_from AS (
  SELECT d.sku, p.low_stock_threshold, coalesce(l.available, 0)::bigint AS before,
    (coalesce(l.available, 0) + d.delta)::bigint AS after
  FROM (SELECT sku, sum(available_delta) AS delta FROM decided
    WHERE refusal IS NULL AND delta <> 0 AND NOT creates_product GROUP BY sku) AS d
  JOIN product AS p USING (sku)
  LEFT JOIN (SELECT sku, sum(greatest(on_hand - reserved - coalesce(withheld, 0), 0)) AS available
    FROM level GROUP BY sku) AS l USING (sku)
  WHERE (SELECT known FROM result) > 0
), states AS (
  SELECT sku, low_stock_threshold, after,
    CASE WHEN before = 0 THEN 'stock.depleted' WHEN before <= low_stock_threshold THEN 'stock.low'
      ELSE 'stock.replenished' END AS state_before,
    CASE WHEN after = 0 THEN 'stock.depleted' WHEN after <= low_stock_threshold THEN 'stock.low'
      ELSE 'stock.replenished' END AS state_after
  FROM sold_from
), announced AS (
  INSERT INTO events (type, sku, data, actor, request_id, created_at)
  SELECT state_after, sku, jsonb_build_object('available', after, 'low_stock_threshold', low_stock_threshold),
    %(actor)s, %(request_id)s, %(now)s
  FROM states WHERE state_before <> state_after ORDER BY sku
  RETURNING id
), marked AS (
  INSERT INTO outbox (event_id) SELECT id FROM announced WHERE %(keeps_outbox)s
)
SELECT {_RESULT},
  moves = (SELECT count(*) FROM moved) AND renames = (SELECT count(*) FROM renamed)
    AND (SELECT is_steady FROM product_count)
FROM result
"""  # noqa: S608  Only constants of ours are put in.


class PostgresqlImportTables:
    """ImportTables on PostgreSQL; `keeps_outbox` marks every event for publishing."""

    def __init__(self, *, keeps_outbox: bool) -> None:
        self._keeps_outbox = keeps_outbox

    def write(self, session: PostgresqlSession, batch: ImportBatch, stamp: Stamp) -> BatchResult:
        params = {
            **_params(batch),
            "kind": KINDS[batch.mode].value,
            "actor": stamp.actor,
            "request_id": stamp.request_id,
            "now": stamp.at,
            "keeps_outbox": self._keeps_outbox,
        }
        ensure_locations(session, {entry.location for entry in batch.entries}, stamp.at)
        cursor, source = _stage(session, batch, params)
        cursor.execute(source.sql + _LOCK, params)
        (known,) = cursor.fetchone()
        writing = _WRITE.replace("<among>", source.among)
        cursor.execute(source.sql + _LOCKED + _DECIDE + writing, params | {"known": known})
        *result, is_whole = cursor.fetchone()
        if not is_whole:
            raise ChangedMeanwhileError("a product or level is not as it was when this was decided")
        return _result(result)

    def decide(self, session: PostgresqlSession, batch: ImportBatch) -> BatchResult:
        params = _params(batch)
        cursor, source = _stage(session, batch, params)
        cursor.execute(source.sql + _ALL + _DECIDE + _SHOW, params)
        return _result(cursor.fetchone())


def _params(batch: ImportBatch) -> dict[str, object]:
    return {
        "adjusts": batch.mode is ImportMode.ADJUST,
        "all": COUNT_MAX,
        "must_exist": batch.mode is ImportMode.ADJUST or batch.existing_only,
        "first": batch.entries[0].sku,
        "last": batch.end[0],
        "enough": _ENOUGH_PER_ENTRY * len(batch.entries) + 1,
    }


def _stage(session: PostgresqlSession, batch: ImportBatch, params: Mapping[str, object]) -> tuple[Any, _Source]:
    """Copy the batch to the server; return a cursor, and how what is there of it is found."""
    text = _encoded(_copy_text(batch))
    cursor = session.execute_sql(_STAGE)
    cursor.copy_expert(_COPY, io.BytesIO(text), size=_COPY_BYTES)
    cursor.execute(_COUNT_RANGE, params)
    (found,) = cursor.fetchone()
    return cursor, _RANGE if found < cast("int", params["enough"]) else _EACH


def _copy_text(batch: ImportBatch) -> str:
    """Write the batch in COPY's text format."""
    text = _joined(batch.entries)
    lines = len(batch.entries)
    if text.count("\t") == _SEPARATORS * lines and text.count("\n") == lines and not _needs_escape(text):
        return text
    return _joined([StockEntry._make(_escaped(value) for value in entry) for entry in batch.entries])


def _encoded(text: str) -> bytes:
    """Encode what is copied. Raises UnstorableValueError.

    The same fault, met while copying, would pass for a statement that somebody cancelled.
    """
    if "\0" in text:
        raise UnstorableValueError("a text has a NUL")
    try:
        return text.encode()
    except UnicodeEncodeError as error:
        raise UnstorableValueError(str(error)) from error


def _joined(entries: Sequence[StockEntry]) -> str:
    return "".join(
        [
            f"{sku}\t{location}\t{quantity}\t{name or ''}\t{reason or ''}\t{reference or ''}\t{rows}\n"
            for sku, location, quantity, name, reason, reference, rows in entries
        ]
    )


def _needs_escape(text: str) -> bool:
    return "\\" in text or "\r" in text


def _escaped(value: object) -> Any:
    """Escape what has a meaning in COPY's text format (PostgreSQL manual, COPY)."""
    if not isinstance(value, str):
        return value
    return value.replace("\\", "\\\\").replace("\t", "\\t").replace("\n", "\\n").replace("\r", "\\r")


def _result(row: Sequence[Any]) -> BatchResult:
    applied, unchanged, refused, refusals, created, created_skus = row
    return BatchResult(
        applied=int(applied),
        unchanged=int(unchanged),
        refused=int(refused),
        refusals=tuple(
            refusal(sku, location, RefusalCode(code), on_hand=on_hand, reserved=reserved)
            for sku, location, code, on_hand, reserved in refusals or ()
        ),
        created=int(created),
        created_skus=tuple(created_skus or ()),
    )
