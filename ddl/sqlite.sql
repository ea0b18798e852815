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
  updated_at INTEGER NOT NULL,
  PRIMARY KEY (sku, location),
  CONSTRAINT reserved_within_on_hand CHECK (reserved <= on_hand)
) STRICT, WITHOUT ROWID;

CREATE TABLE orders (
  id TEXT NOT NULL PRIMARY KEY,
  status TEXT NOT NULL CHECK (status IN
    ('queued', 'pending', 'processing', 'shipped', 'delivered', 'returned', 'cancelled', 'rejected', 'failed')),
  customer_id TEXT NOT NULL,
  reference TEXT,
  currency TEXT NOT NULL,
  total_e4 INTEGER CHECK (total_e4 >= 0),
  metadata TEXT NOT NULL,
  caller TEXT NOT NULL,
  idempotency_key TEXT,
  fingerprint BLOB,
  accepted_status INTEGER NOT NULL CHECK (accepted_status IN (201, 202)),
  failure TEXT,
  attempts INTEGER NOT NULL DEFAULT 0 CHECK (attempts >= 0),
  due_at INTEGER,
  queue_no INTEGER,
  version INTEGER NOT NULL DEFAULT 1 CHECK (version >= 1),
  created_at INTEGER NOT NULL,
  updated_at INTEGER NOT NULL,
  CONSTRAINT fingerprint_of_key CHECK ((idempotency_key IS NULL) = (fingerprint IS NULL))
) STRICT;
CREATE UNIQUE INDEX orders_idempotency ON orders (caller, idempotency_key) WHERE idempotency_key IS NOT NULL;
CREATE INDEX orders_status ON orders (status, id);
CREATE INDEX orders_customer ON orders (customer_id, id);
CREATE INDEX orders_reference ON orders (reference, id) WHERE reference IS NOT NULL;
CREATE INDEX orders_queue ON orders (queue_no) WHERE status = 'queued';
CREATE INDEX orders_failure ON orders ((failure ->> 'code'), id) WHERE failure IS NOT NULL;

CREATE TABLE order_lines (
  order_id TEXT NOT NULL REFERENCES orders,
  line_no INTEGER NOT NULL CHECK (line_no >= 1),
  sku TEXT NOT NULL,
  quantity INTEGER NOT NULL CHECK (quantity BETWEEN 1 AND 1000000),
  unit_price_e4 INTEGER CHECK (unit_price_e4 >= 0),
  PRIMARY KEY (order_id, line_no)
) STRICT, WITHOUT ROWID;
CREATE INDEX order_lines_sku ON order_lines (sku, order_id);

CREATE TABLE stock_movements (
  id INTEGER PRIMARY KEY,  -- Grows, since rows are never deleted.
  sku TEXT NOT NULL,
  location TEXT NOT NULL,
  kind TEXT NOT NULL CHECK (kind IN ('receive', 'adjust', 'count', 'reserve', 'release', 'ship', 'return')),
  on_hand_delta INTEGER NOT NULL,
  reserved_delta INTEGER NOT NULL,
  order_id TEXT,
  line_no INTEGER,
  reason TEXT,
  reference TEXT,
  actor TEXT NOT NULL,
  idempotency_key TEXT,
  fingerprint BLOB,
  created_at INTEGER NOT NULL,
  CONSTRAINT moves_something CHECK (on_hand_delta <> 0 OR reserved_delta <> 0),
  CONSTRAINT line_of_order CHECK ((order_id IS NULL) = (line_no IS NULL)),
  CONSTRAINT fingerprint_of_key CHECK ((idempotency_key IS NULL) = (fingerprint IS NULL))
) STRICT;
CREATE INDEX stock_movements_sku ON stock_movements (sku, id);
CREATE INDEX stock_movements_order ON stock_movements (order_id) WHERE order_id IS NOT NULL;
CREATE UNIQUE INDEX stock_movements_idempotency ON stock_movements (actor, idempotency_key)
  WHERE idempotency_key IS NOT NULL;

CREATE TABLE events (
  id INTEGER PRIMARY KEY,  -- Grows, since rows are never deleted.
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
  mode TEXT NOT NULL CHECK (mode IN ('set', 'adjust')),
  rows INTEGER NOT NULL CHECK (rows >= 0),
  applied INTEGER NOT NULL CHECK (applied >= 0),
  unchanged INTEGER NOT NULL CHECK (unchanged >= 0),
  refused INTEGER NOT NULL CHECK (refused >= 0),
  after_sku TEXT NOT NULL,
  after_location TEXT NOT NULL,
  created_at INTEGER NOT NULL,
  updated_at INTEGER NOT NULL, created INTEGER NOT NULL DEFAULT 0 CHECK (created >= 0),
  PRIMARY KEY (actor, idempotency_key),
  CONSTRAINT counts_within_rows CHECK (applied + unchanged + refused <= rows)
) STRICT;

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

CREATE TABLE idempotency_keys (
  actor TEXT NOT NULL,
  idempotency_key TEXT NOT NULL,
  fingerprint BLOB NOT NULL,
  created_at INTEGER NOT NULL,
  PRIMARY KEY (actor, idempotency_key)
) STRICT, WITHOUT ROWID;
