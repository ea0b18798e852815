CREATE TABLE products (
  sku text COLLATE "C" PRIMARY KEY,
  name text NOT NULL,
  low_stock_threshold bigint CHECK (low_stock_threshold BETWEEN 0 AND 1000000000000),
  created_at timestamptz NOT NULL,
  updated_at timestamptz NOT NULL
);
COMMENT ON TABLE products IS 'What is sold. Rows are never deleted.';
CREATE INDEX products_low_stock_threshold ON products (sku) WHERE low_stock_threshold IS NOT NULL;

CREATE TABLE stock_levels (
  sku text COLLATE "C" NOT NULL REFERENCES products,
  location text COLLATE "C" NOT NULL,
  on_hand bigint NOT NULL CHECK (on_hand BETWEEN 0 AND 1000000000000),
  reserved bigint NOT NULL CHECK (reserved >= 0),
  version bigint NOT NULL CHECK (version >= 0),
  updated_at timestamptz NOT NULL,
  PRIMARY KEY (sku, location),
  CONSTRAINT reserved_within_on_hand CHECK (reserved <= on_hand)
) WITH (fillfactor = 50);
COMMENT ON TABLE stock_levels IS
  'Units of a SKU at a location: there, and promised to open orders. The sum of its stock_movements. Rows are never
deleted; updated often, so half of each page is left free for updates that touch no index (HOT).';

CREATE TABLE orders (
  id uuid PRIMARY KEY,
  status text NOT NULL CHECK (status IN
    ('queued', 'pending', 'processing', 'shipped', 'delivered', 'returned', 'cancelled', 'rejected', 'failed')),
  customer_id text COLLATE "C" NOT NULL,
  reference text COLLATE "C",
  currency char(3) NOT NULL,
  total_e4 bigint CHECK (total_e4 >= 0),
  metadata jsonb NOT NULL,
  caller text COLLATE "C" NOT NULL,
  idempotency_key text COLLATE "C",
  fingerprint bytea,
  accepted_status smallint NOT NULL CHECK (accepted_status IN (201, 202)),
  failure jsonb,
  attempts integer NOT NULL DEFAULT 0 CHECK (attempts >= 0),
  due_at timestamptz,
  queue_no bigint,
  version integer NOT NULL DEFAULT 1 CHECK (version >= 1),
  created_at timestamptz NOT NULL,
  updated_at timestamptz NOT NULL,
  CONSTRAINT fingerprint_of_key CHECK ((idempotency_key IS NULL) = (fingerprint IS NULL))
) WITH (fillfactor = 80);
COMMENT ON TABLE orders IS
  'Orders. The id is a UUIDv7 of created_at, so a range of times is a range of ids. total_e4: ten-thousandths of the
currency. accepted_status: the HTTP status that a replay of the idempotency key answers with.';
CREATE UNIQUE INDEX orders_idempotency ON orders (caller, idempotency_key) WHERE idempotency_key IS NOT NULL;
CREATE INDEX orders_status ON orders (status, id);
CREATE INDEX orders_customer ON orders (customer_id, id);
CREATE INDEX orders_reference ON orders (reference, id) WHERE reference IS NOT NULL;

CREATE TABLE order_lines (
  order_id uuid NOT NULL,
  line_no smallint NOT NULL CHECK (line_no >= 1),
  sku text COLLATE "C" NOT NULL,
  quantity integer NOT NULL CHECK (quantity BETWEEN 1 AND 1000000),
  unit_price_e4 bigint CHECK (unit_price_e4 >= 0),
  PRIMARY KEY (order_id, line_no)
);
COMMENT ON TABLE order_lines IS
  'What was ordered; never changed. Without foreign keys: orders and products are never deleted, and a line would cost
7 microseconds more for each.';
CREATE INDEX order_lines_sku ON order_lines (sku, order_id);

CREATE TABLE stock_movements (
  id bigint GENERATED ALWAYS AS IDENTITY,
  sku text COLLATE "C" NOT NULL,
  location text COLLATE "C" NOT NULL,
  kind text NOT NULL CHECK (kind IN ('receive', 'adjust', 'count', 'reserve', 'release', 'ship', 'return')),
  on_hand_delta bigint NOT NULL,
  reserved_delta bigint NOT NULL,
  order_id uuid,
  line_no smallint,
  reason text,
  reference text,
  actor text COLLATE "C" NOT NULL,
  idempotency_key text COLLATE "C",
  fingerprint bytea,
  created_at timestamptz NOT NULL,
  PRIMARY KEY (sku, id),
  CONSTRAINT moves_something CHECK (on_hand_delta <> 0 OR reserved_delta <> 0),
  CONSTRAINT line_of_order CHECK ((order_id IS NULL) = (line_no IS NULL)),
  CONSTRAINT fingerprint_of_key CHECK ((idempotency_key IS NULL) = (fingerprint IS NULL))
);
COMMENT ON TABLE stock_movements IS 'The ledger: every change of a stock level, append only.';
CREATE INDEX stock_movements_order ON stock_movements (order_id) WHERE order_id IS NOT NULL;
CREATE UNIQUE INDEX stock_movements_idempotency ON stock_movements (actor, idempotency_key)
  WHERE idempotency_key IS NOT NULL;

CREATE TABLE events (
  id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  type text NOT NULL,
  order_id uuid,
  order_version integer,
  sku text COLLATE "C",
  data jsonb NOT NULL,
  actor text NOT NULL,
  request_id text,
  created_at timestamptz NOT NULL,
  CONSTRAINT order_or_product CHECK ((order_id IS NULL) <> (sku IS NULL)),
  CONSTRAINT version_of_order CHECK ((order_id IS NULL) = (order_version IS NULL))
);
COMMENT ON TABLE events IS 'Status history and audit trail in one, append only.';
CREATE INDEX events_order ON events (order_id, id) WHERE order_id IS NOT NULL;

CREATE TABLE imports (
  actor text COLLATE "C" NOT NULL,
  idempotency_key text COLLATE "C" NOT NULL,
  fingerprint bytea NOT NULL,
  mode text NOT NULL CHECK (mode IN ('set', 'adjust')),
  rows bigint NOT NULL CHECK (rows >= 0),
  applied bigint NOT NULL CHECK (applied >= 0),
  unchanged bigint NOT NULL CHECK (unchanged >= 0),
  refused bigint NOT NULL CHECK (refused >= 0),
  after_sku text COLLATE "C" NOT NULL,
  after_location text COLLATE "C" NOT NULL,
  created_at timestamptz NOT NULL,
  updated_at timestamptz NOT NULL,
  PRIMARY KEY (actor, idempotency_key),
  CONSTRAINT counts_within_rows CHECK (applied + unchanged + refused <= rows)
);
COMMENT ON TABLE imports IS
  'How far a stock import under an idempotency key has come: everything up to (after_sku, after_location) is committed,
and all of it when the three counts add up to rows.';

CREATE TABLE import_refusals (
  actor text COLLATE "C" NOT NULL,
  idempotency_key text COLLATE "C" NOT NULL,
  sku text COLLATE "C" NOT NULL,
  location text COLLATE "C" NOT NULL,
  code text NOT NULL,
  detail text NOT NULL,
  PRIMARY KEY (actor, idempotency_key, sku, location)
);
COMMENT ON TABLE import_refusals IS
  'What an import under an idempotency key could not apply, and why, so that a rerun reports it again.';
