-- The whole schema as the migrations in oms_ddl/sqlite/ make it. Written by ddl/dump.py; change those.

CREATE TABLE schema_migrations (name text PRIMARY KEY, checksum text NOT NULL, needs text) STRICT;

CREATE TABLE products (
  sku TEXT NOT NULL PRIMARY KEY,
  name TEXT NOT NULL,
  low_stock_threshold INTEGER CHECK (low_stock_threshold BETWEEN 0 AND 1000000000000),
  created_at INTEGER NOT NULL,
  updated_at INTEGER NOT NULL
) STRICT;
CREATE INDEX products_low_stock_threshold ON products (sku) WHERE low_stock_threshold IS NOT NULL;

CREATE TABLE stock_levels (
  sku TEXT NOT NULL REFERENCES products,
  location TEXT NOT NULL,
  on_hand INTEGER NOT NULL CHECK (on_hand BETWEEN 0 AND 1000000000000),
  reserved INTEGER NOT NULL CHECK (reserved >= 0),
  version INTEGER NOT NULL CHECK (version >= 0),
  updated_at INTEGER NOT NULL, withheld INTEGER CHECK (withheld > 0), kept_back INTEGER CHECK (kept_back > 0),
  PRIMARY KEY (sku, location),
  CONSTRAINT reserved_within_on_hand CHECK (reserved <= on_hand)
) STRICT, WITHOUT ROWID;

CREATE TABLE import_refusals (
  actor TEXT NOT NULL,
  idempotency_key TEXT NOT NULL,
  sku TEXT NOT NULL,
  location TEXT NOT NULL,
  code TEXT NOT NULL,
  detail TEXT NOT NULL,
  PRIMARY KEY (actor, idempotency_key, sku, location)
) STRICT, WITHOUT ROWID;

CREATE TABLE outbox (
  event_id INTEGER NOT NULL PRIMARY KEY
) STRICT;

CREATE TABLE leases (
  name TEXT NOT NULL PRIMARY KEY,
  holder TEXT NOT NULL,
  expires_at INTEGER NOT NULL
) STRICT;

CREATE TABLE workers (
  id TEXT NOT NULL PRIMARY KEY,
  started_at INTEGER NOT NULL,
  seen_at INTEGER NOT NULL,
  orders_per_second REAL NOT NULL,
  settled INTEGER NOT NULL
) STRICT;

CREATE TABLE api_keys (
  id TEXT NOT NULL PRIMARY KEY,
  name TEXT NOT NULL CHECK
    (name GLOB '[A-Za-z0-9]*' AND name NOT GLOB '*[^A-Za-z0-9._@-]*' AND length(name) BETWEEN 1 AND 64),
  number INTEGER NOT NULL CHECK (number >= 1),
  digest BLOB NOT NULL CHECK (length(digest) = 32),
  scopes TEXT NOT NULL CHECK (scopes <> ''),
  customer_id TEXT,
  created_at INTEGER NOT NULL,
  created_by TEXT NOT NULL,
  expires_at INTEGER,
  revoked_at INTEGER,
  revoked_by TEXT,
  last_used_at INTEGER,
  CONSTRAINT revoked_by_somebody CHECK ((revoked_at IS NULL) = (revoked_by IS NULL)),
  CONSTRAINT bound_to_customer CHECK
    (customer_id IS NULL OR (scopes NOT LIKE '%admin%' AND scopes NOT LIKE '%inventory:write%'))
) STRICT;
CREATE UNIQUE INDEX api_keys_name ON api_keys (name, number);

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

CREATE TABLE payment_references (
  created_at INTEGER NOT NULL,
  order_id TEXT NOT NULL,
  payment_reference TEXT NOT NULL PRIMARY KEY
) STRICT, WITHOUT ROWID;

CREATE TABLE order_lines (
  order_id TEXT NOT NULL,
  line_no INTEGER NOT NULL CHECK (line_no >= 1),
  sku TEXT NOT NULL,
  quantity INTEGER NOT NULL CHECK (quantity BETWEEN 0 AND 1000000),
  unit_price_e4 INTEGER CHECK (unit_price_e4 >= 0),
  PRIMARY KEY (order_id, line_no)
) STRICT, WITHOUT ROWID;
CREATE INDEX order_lines_sku ON order_lines (sku, order_id);

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
CREATE INDEX orders_status ON orders (status, id);
CREATE INDEX orders_customer ON orders (customer_id, id);
CREATE INDEX orders_reference ON orders (reference, id) WHERE reference IS NOT NULL;
CREATE INDEX orders_failure ON orders ((failure ->> 'code'), id) WHERE failure IS NOT NULL;

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
CREATE INDEX stock_movements_sku ON stock_movements (sku, id);
CREATE INDEX stock_movements_order ON stock_movements (order_id) WHERE order_id IS NOT NULL;
CREATE INDEX stock_movements_opening ON stock_movements (sku, location) WHERE kind = 'opening';

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
CREATE INDEX events_order ON events (order_id, id) WHERE order_id IS NOT NULL;

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

CREATE TABLE shipments (
  order_id TEXT NOT NULL,
  shipment_no INTEGER NOT NULL CHECK (shipment_no >= 1),
  act_id TEXT NOT NULL,
  status TEXT NOT NULL CHECK (status IN ('shipped', 'delivered', 'cancelled')),
  location TEXT NOT NULL,
  carrier TEXT,
  tracking_number TEXT,
  tracking_url TEXT,
  reference TEXT,
  created_at INTEGER NOT NULL,
  updated_at INTEGER NOT NULL,
  delivered_at INTEGER,
  PRIMARY KEY (order_id, shipment_no),
  CONSTRAINT delivered_at_a_time CHECK ((status = 'delivered') = (delivered_at IS NOT NULL))
) STRICT, WITHOUT ROWID;

CREATE TABLE locations (
  name TEXT PRIMARY KEY,
  folded TEXT NOT NULL,
  kind TEXT NOT NULL CHECK (kind IN ('stock', 'quarantine', 'incoming', 'transit')),
  sells INTEGER NOT NULL CHECK (sells IN (0, 1)),
  ships INTEGER NOT NULL CHECK (ships IN (0, 1)),
  expected_at INTEGER,
  note TEXT,
  updated_at INTEGER NOT NULL,
  CONSTRAINT only_stock_is_sold CHECK (kind = 'stock' OR NOT (sells OR ships))
) STRICT, WITHOUT ROWID;
CREATE UNIQUE INDEX locations_folded ON locations (folded);

CREATE TABLE returns (
  order_id TEXT NOT NULL,
  return_no INTEGER NOT NULL CHECK (return_no >= 1),
  act_id TEXT NOT NULL,
  reference TEXT,
  reason TEXT,
  created_at INTEGER NOT NULL,
  PRIMARY KEY (order_id, return_no)
) STRICT, WITHOUT ROWID;

CREATE TABLE return_lines (
  order_id TEXT NOT NULL,
  return_no INTEGER NOT NULL CHECK (return_no >= 1),
  entry_no INTEGER NOT NULL CHECK (entry_no >= 1),
  line_no INTEGER NOT NULL CHECK (line_no >= 1),
  sku TEXT NOT NULL,
  quantity INTEGER NOT NULL CHECK (quantity BETWEEN 1 AND 1000000),
  disposition TEXT NOT NULL CHECK (disposition IN ('restock', 'quarantine', 'discard', 'missing')),
  shipped_from TEXT NOT NULL,
  location TEXT,
  PRIMARY KEY (order_id, return_no, entry_no),
  CONSTRAINT shelved_somewhere CHECK ((disposition IN ('restock', 'quarantine')) = (location IS NOT NULL))
) STRICT, WITHOUT ROWID;
