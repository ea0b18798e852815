-- needs: 0007_growth
-- Keys and what waits get tables of their own, so that a key outlives its order. Columns and values that later releases
-- use come now, while nobody has much to migrate: SQLite changes no CHECK, so these tables are written anew.

-- The idempotency keys of all acts on orders, one namespace a caller. A key outlives its order, and does not expire.
-- act_no: the number of the act among its like on the order. answer_status: the HTTP status that a replay answers with.
-- fingerprint: SHA-256 of the command; NULL once its order was erased.
CREATE TABLE order_keys (
  created_at INTEGER NOT NULL,
  order_id TEXT NOT NULL,
  act_no INTEGER,
  answer_status INTEGER NOT NULL,
  act TEXT NOT NULL,
  caller TEXT NOT NULL,
  idempotency_key TEXT NOT NULL,
  fingerprint BLOB,
  PRIMARY KEY (idempotency_key, caller)
) STRICT, WITHOUT ROWID;
INSERT INTO order_keys (created_at, order_id, answer_status, act, caller, idempotency_key, fingerprint)
  SELECT created_at, id, accepted_status, 'place', caller, idempotency_key, fingerprint
  FROM orders WHERE idempotency_key IS NOT NULL;

-- The idempotency keys of acts on stock, one namespace an actor. fingerprint: SHA-256 of the command; NULL for a key that
-- the service made for itself, which is deleted after a day. progress: how far an act of several transactions has come.
CREATE TABLE stock_keys (
  created_at INTEGER NOT NULL,
  act_id TEXT,
  progress INTEGER,
  act TEXT NOT NULL,
  sku TEXT,
  actor TEXT NOT NULL,
  idempotency_key TEXT NOT NULL,
  fingerprint BLOB,
  PRIMARY KEY (idempotency_key, actor)
) STRICT, WITHOUT ROWID;
CREATE INDEX stock_keys_own ON stock_keys (created_at) WHERE fingerprint IS NULL;
INSERT INTO stock_keys (created_at, act, sku, actor, idempotency_key, fingerprint)
  SELECT created_at, kind, sku, actor, idempotency_key, nullif(fingerprint, x'')
  FROM stock_movements WHERE idempotency_key IS NOT NULL;
-- Those of retries are among them. No order says which they are, and a second retry of an order that waits is harmless.
INSERT OR IGNORE INTO stock_keys (created_at, act, actor, idempotency_key, fingerprint)
  SELECT created_at, 'describe', actor, idempotency_key, nullif(fingerprint, x'') FROM idempotency_keys;
DROP TABLE idempotency_keys;

-- The orders that wait: to be placed by a worker (the queue), or to be confirmed (held). A row is deleted when its order
-- does not wait any more; attempts then go to the order. since: the last change of the order. due_at: before it, nobody
-- takes the order.
CREATE TABLE waiting_orders (
  order_id TEXT NOT NULL PRIMARY KEY,
  queue_no INTEGER,
  due_at INTEGER,
  since INTEGER NOT NULL,
  attempts INTEGER NOT NULL DEFAULT 0 CHECK (attempts >= 0),
  waits_for TEXT NOT NULL CHECK (waits_for IN ('place', 'confirm')),
  CONSTRAINT numbered_in_queue CHECK ((waits_for = 'place') = (queue_no IS NOT NULL))
) STRICT, WITHOUT ROWID;
CREATE INDEX waiting_orders_queue ON waiting_orders (queue_no) WHERE waits_for = 'place';
CREATE INDEX waiting_orders_due ON waiting_orders (due_at) WHERE waits_for = 'confirm';
INSERT INTO waiting_orders (order_id, queue_no, due_at, since, attempts, waits_for)
  SELECT id, queue_no, due_at, updated_at, attempts, 'place' FROM orders WHERE status = 'queued';

-- Which order a payment was for: each pays one order.
CREATE TABLE payment_references (
  created_at INTEGER NOT NULL,
  order_id TEXT NOT NULL,
  payment_reference TEXT NOT NULL PRIMARY KEY
) STRICT, WITHOUT ROWID;

-- Before the orders, which its old form refers to.
ALTER TABLE order_lines RENAME TO former_order_lines;
CREATE TABLE order_lines (
  order_id TEXT NOT NULL,
  line_no INTEGER NOT NULL CHECK (line_no >= 1),
  sku TEXT NOT NULL,
  quantity INTEGER NOT NULL CHECK (quantity BETWEEN 0 AND 1000000),
  unit_price_e4 INTEGER CHECK (unit_price_e4 >= 0),
  PRIMARY KEY (order_id, line_no)
) STRICT, WITHOUT ROWID;
INSERT INTO order_lines SELECT order_id, line_no, sku, quantity, unit_price_e4 FROM former_order_lines;
DROP TABLE former_order_lines;
CREATE INDEX order_lines_sku ON order_lines (sku, order_id);

-- While an order is queued its attempts are those of its row in waiting_orders.
ALTER TABLE orders RENAME TO former_orders;
CREATE TABLE orders (
  id TEXT NOT NULL PRIMARY KEY,
  status TEXT NOT NULL CHECK (status IN ('queued', 'held', 'pending', 'processing', 'partly_shipped', 'shipped',
    'delivered', 'partly_returned', 'returned', 'cancelled', 'expired', 'rejected', 'failed')),
  customer_id TEXT NOT NULL,
  reference TEXT,
  currency TEXT NOT NULL,
  total_e4 INTEGER CHECK (total_e4 >= 0),
  metadata TEXT NOT NULL,
  caller TEXT NOT NULL,
  failure TEXT,
  attempts INTEGER NOT NULL DEFAULT 0 CHECK (attempts >= 0),
  version INTEGER NOT NULL DEFAULT 1 CHECK (version >= 1),
  created_at INTEGER NOT NULL,
  updated_at INTEGER NOT NULL,
  hold_seconds INTEGER,
  hold_until INTEGER,
  hold_extensions INTEGER,
  payment_reference TEXT,
  locations TEXT,
  allow_incoming INTEGER
) STRICT;
INSERT INTO orders (id, status, customer_id, reference, currency, total_e4, metadata, caller, failure, attempts, version,
    created_at, updated_at)
  SELECT id, status, customer_id, reference, currency, total_e4, metadata, caller, failure, attempts, version,
    created_at, updated_at FROM former_orders;
DROP TABLE former_orders;
CREATE INDEX orders_status ON orders (status, id);
CREATE INDEX orders_customer ON orders (customer_id, id);
CREATE INDEX orders_reference ON orders (reference, id) WHERE reference IS NOT NULL;
CREATE INDEX orders_failure ON orders ((failure ->> 'code'), id) WHERE failure IS NOT NULL;

-- The ledger: every change of a stock level. Rows are only added, but that those of archived orders are replaced by their
-- sum, the opening. act_id: the shipment, return, transfer or arrival that a row belongs to.
ALTER TABLE stock_movements RENAME TO former_stock_movements;
CREATE TABLE stock_movements (
  id INTEGER PRIMARY KEY AUTOINCREMENT,  -- The id of a row that was deleted is not given again.
  sku TEXT NOT NULL,
  location TEXT NOT NULL,
  kind TEXT NOT NULL CHECK (kind IN ('opening', 'receive', 'adjust', 'count', 'transfer', 'arrive', 'reserve', 'release',
    'ship', 'unship', 'return')),
  on_hand_delta INTEGER NOT NULL,
  reserved_delta INTEGER NOT NULL,
  order_id TEXT,
  line_no INTEGER,
  reason TEXT,
  reference TEXT,
  actor TEXT NOT NULL,
  created_at INTEGER NOT NULL,
  act_id TEXT,
  CONSTRAINT moves_something CHECK (on_hand_delta <> 0 OR reserved_delta <> 0),
  CONSTRAINT line_of_order CHECK ((order_id IS NULL) = (line_no IS NULL))
) STRICT;
INSERT INTO stock_movements (id, sku, location, kind, on_hand_delta, reserved_delta, order_id, line_no, reason, reference,
    actor, created_at)
  SELECT id, sku, location, kind, on_hand_delta, reserved_delta, order_id, line_no, reason, reference, actor, created_at
  FROM former_stock_movements;
DROP TABLE former_stock_movements;
CREATE INDEX stock_movements_sku ON stock_movements (sku, id);
CREATE INDEX stock_movements_order ON stock_movements (order_id) WHERE order_id IS NOT NULL;
CREATE INDEX stock_movements_opening ON stock_movements (sku, location) WHERE kind = 'opening';

ALTER TABLE events RENAME TO former_events;
CREATE TABLE events (
  id INTEGER PRIMARY KEY AUTOINCREMENT,  -- Subscribers know an event again by its id.
  type TEXT NOT NULL,
  order_id TEXT,
  order_version INTEGER,
  sku TEXT,
  data TEXT NOT NULL,
  actor TEXT NOT NULL,
  request_id TEXT,
  created_at INTEGER NOT NULL,
  CONSTRAINT order_or_product CHECK ((order_id IS NULL) <> (sku IS NULL)),
  CONSTRAINT version_of_order CHECK ((order_id IS NULL) = (order_version IS NULL))
) STRICT;
INSERT INTO events SELECT id, type, order_id, order_version, sku, data, actor, request_id, created_at FROM former_events;
DROP TABLE former_events;
CREATE INDEX events_order ON events (order_id, id) WHERE order_id IS NOT NULL;

-- How far an import under an idempotency key has come: everything up to `after` is committed, for stock the SKU and
-- location of an entry, and all of it when the three counts add up to rows.
ALTER TABLE imports RENAME TO former_imports;
CREATE TABLE imports (
  actor TEXT NOT NULL,
  idempotency_key TEXT NOT NULL,
  fingerprint BLOB NOT NULL,
  mode TEXT NOT NULL,
  rows INTEGER NOT NULL CHECK (rows >= 0),
  applied INTEGER NOT NULL CHECK (applied >= 0),
  unchanged INTEGER NOT NULL CHECK (unchanged >= 0),
  refused INTEGER NOT NULL CHECK (refused >= 0),
  created INTEGER NOT NULL DEFAULT 0 CHECK (created >= 0),
  after TEXT NOT NULL,
  created_at INTEGER NOT NULL,
  updated_at INTEGER NOT NULL,
  PRIMARY KEY (actor, idempotency_key),
  CONSTRAINT counts_within_rows CHECK (applied + unchanged + refused <= rows)
) STRICT;
INSERT INTO imports (actor, idempotency_key, fingerprint, mode, rows, applied, unchanged, refused, created, after,
    created_at, updated_at)
  SELECT actor, idempotency_key, fingerprint, mode, rows, applied, unchanged, refused, created,
    json_array(after_sku, after_location), created_at, updated_at FROM former_imports;
DROP TABLE former_imports;
