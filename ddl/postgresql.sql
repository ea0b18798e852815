-- The whole schema as the migrations in oms_ddl/postgresql/ make it. Written by ddl/dump.py; change those.

-- Numbers accepted orders in order of arrival; waiting_orders.queue_no.
CREATE SEQUENCE queue_no;

CREATE TABLE schema_migrations (
  name text NOT NULL,
  checksum text NOT NULL,
  needs text,
  CONSTRAINT schema_migrations_pkey PRIMARY KEY (name)
);

-- What is sold. A row is deleted only while its product was never used.
CREATE TABLE products (
  sku text COLLATE "C" NOT NULL,
  name text NOT NULL,
  low_stock_threshold bigint,
  created_at timestamp with time zone NOT NULL,
  updated_at timestamp with time zone NOT NULL,
  CONSTRAINT products_pkey PRIMARY KEY (sku),
  CONSTRAINT products_low_stock_threshold_check CHECK (low_stock_threshold >= 0 AND low_stock_threshold <= '1000000000000'::bigint)
);
CREATE INDEX products_low_stock_threshold ON products USING btree (sku) WHERE low_stock_threshold IS NOT NULL;

-- Units of a SKU at a location: there, and promised to open orders. The sum of its stock_movements. Rows are never
-- deleted; updated often, so half of each page is left free for updates that touch no index (HOT). withheld: units that are
-- not sold however many there are: those kept back, or all where the location does not sell; NULL for none.
CREATE TABLE stock_levels (
  sku text COLLATE "C" NOT NULL,
  location text COLLATE "C" NOT NULL,
  on_hand bigint NOT NULL,
  reserved bigint NOT NULL,
  version bigint NOT NULL,
  updated_at timestamp with time zone NOT NULL,
  withheld bigint,
  kept_back bigint,
  CONSTRAINT stock_levels_pkey PRIMARY KEY (sku, location),
  CONSTRAINT reserved_within_on_hand CHECK (reserved <= on_hand),
  CONSTRAINT stock_levels_on_hand_check CHECK (on_hand >= 0 AND on_hand <= '1000000000000'::bigint),
  CONSTRAINT stock_levels_reserved_check CHECK (reserved >= 0),
  CONSTRAINT stock_levels_version_check CHECK (version >= 0),
  CONSTRAINT withheld_units CHECK (withheld > 0 AND kept_back > 0),
  CONSTRAINT stock_levels_sku_fkey FOREIGN KEY (sku) REFERENCES products(sku)
) WITH (fillfactor=50);

-- Orders. The id is a UUIDv7 of created_at, so a range of times is a range of ids. total_e4: ten-thousandths of the
-- currency. While an order is queued its attempts are those of its row in waiting_orders.
CREATE TABLE orders (
  id uuid NOT NULL,
  status text NOT NULL,
  customer_id text COLLATE "C" NOT NULL,
  reference text COLLATE "C",
  currency character(3) NOT NULL,
  total_e4 bigint,
  metadata jsonb NOT NULL,
  caller text COLLATE "C" NOT NULL,
  failure jsonb,
  attempts integer DEFAULT 0 NOT NULL,
  version integer DEFAULT 1 NOT NULL,
  created_at timestamp with time zone NOT NULL,
  updated_at timestamp with time zone NOT NULL,
  hold_seconds integer,
  hold_until timestamp with time zone,
  hold_extensions smallint,
  payment_reference text COLLATE "C",
  locations jsonb,
  allow_incoming boolean,
  CONSTRAINT orders_pkey PRIMARY KEY (id),
  CONSTRAINT orders_attempts_check CHECK (attempts >= 0),
  CONSTRAINT orders_status_check CHECK (status = ANY (ARRAY['queued'::text, 'held'::text, 'pending'::text, 'processing'::text, 'partly_shipped'::text, 'shipped'::text, 'delivered'::text, 'partly_returned'::text, 'returned'::text, 'cancelled'::text, 'expired'::text, 'rejected'::text, 'failed'::text])),
  CONSTRAINT orders_total_e4_check CHECK (total_e4 >= 0),
  CONSTRAINT orders_version_check CHECK (version >= 1)
) WITH (fillfactor=80);
CREATE INDEX orders_customer ON orders USING btree ("left"(id::text, 5), customer_id, id);
CREATE INDEX orders_failure ON orders USING btree ((failure ->> 'code'::text), id) WHERE failure IS NOT NULL;
CREATE INDEX orders_pending ON orders USING btree (id) WHERE status = 'pending'::text;
CREATE INDEX orders_reference ON orders USING btree (reference, id) WHERE reference IS NOT NULL;
CREATE INDEX orders_status ON orders USING btree (status, id) WHERE status <> 'pending'::text;

-- What was ordered; never changed. Without foreign keys: a product that an order names is never deleted, nor is an
-- order, and a line would cost 7 microseconds more for each.
CREATE TABLE order_lines (
  order_id uuid NOT NULL,
  line_no smallint NOT NULL,
  sku text COLLATE "C" NOT NULL,
  quantity integer NOT NULL,
  unit_price_e4 bigint,
  CONSTRAINT order_lines_pkey PRIMARY KEY (order_id, line_no),
  CONSTRAINT order_lines_line_no_check CHECK (line_no >= 1),
  CONSTRAINT order_lines_quantity_check CHECK (quantity >= 0 AND quantity <= 1000000),
  CONSTRAINT order_lines_unit_price_e4_check CHECK (unit_price_e4 >= 0)
);
CREATE INDEX order_lines_sku ON order_lines USING btree ("left"(order_id::text, 5), sku, order_id);

-- The ledger: every change of a stock level. Rows are only added, but that those of archived orders are replaced by their
-- sum, the opening. act_id: the shipment, return, transfer or arrival that a row belongs to.
CREATE TABLE stock_movements (
  id bigint GENERATED ALWAYS AS IDENTITY NOT NULL,
  sku text COLLATE "C" NOT NULL,
  location text COLLATE "C" NOT NULL,
  kind text NOT NULL,
  on_hand_delta bigint NOT NULL,
  reserved_delta bigint NOT NULL,
  order_id uuid,
  line_no smallint,
  reason text,
  reference text,
  actor text COLLATE "C" NOT NULL,
  created_at timestamp with time zone NOT NULL,
  act_id uuid,
  CONSTRAINT stock_movements_pkey PRIMARY KEY (sku, id),
  CONSTRAINT line_of_order CHECK ((order_id IS NULL) = (line_no IS NULL)),
  CONSTRAINT moves_something CHECK (on_hand_delta <> 0 OR reserved_delta <> 0),
  CONSTRAINT stock_movements_kind_check CHECK (kind = ANY (ARRAY['opening'::text, 'receive'::text, 'adjust'::text, 'count'::text, 'transfer'::text, 'arrive'::text, 'reserve'::text, 'release'::text, 'ship'::text, 'unship'::text, 'return'::text]))
);
CREATE INDEX stock_movements_opening ON stock_movements USING btree (sku, location) WHERE kind = 'opening'::text;
CREATE INDEX stock_movements_order ON stock_movements USING btree (order_id) WHERE order_id IS NOT NULL;

-- Status history and audit trail in one, append only.
CREATE TABLE events (
  id bigint GENERATED ALWAYS AS IDENTITY NOT NULL,
  type text NOT NULL,
  order_id uuid,
  order_version integer,
  sku text COLLATE "C",
  data jsonb NOT NULL,
  actor text NOT NULL,
  request_id text,
  created_at timestamp with time zone NOT NULL,
  CONSTRAINT events_pkey PRIMARY KEY (id),
  CONSTRAINT order_or_product CHECK ((order_id IS NULL) <> (sku IS NULL)),
  CONSTRAINT version_of_order CHECK ((order_id IS NULL) = (order_version IS NULL))
);
CREATE INDEX events_order ON events USING btree (order_id, id) WHERE order_id IS NOT NULL;

-- How far an import under an idempotency key has come: everything up to `after` is committed, for stock the SKU and
-- location of an entry, and all of it when the three counts add up to rows.
CREATE TABLE imports (
  actor text COLLATE "C" NOT NULL,
  idempotency_key text COLLATE "C" NOT NULL,
  fingerprint bytea NOT NULL,
  mode text NOT NULL,
  rows bigint NOT NULL,
  applied bigint NOT NULL,
  unchanged bigint NOT NULL,
  refused bigint NOT NULL,
  created_at timestamp with time zone NOT NULL,
  updated_at timestamp with time zone NOT NULL,
  created bigint DEFAULT 0 NOT NULL,
  after jsonb NOT NULL,
  CONSTRAINT imports_pkey PRIMARY KEY (actor, idempotency_key),
  CONSTRAINT counts_within_rows CHECK ((applied + unchanged + refused) <= rows),
  CONSTRAINT imports_applied_check CHECK (applied >= 0),
  CONSTRAINT imports_created_check CHECK (created >= 0),
  CONSTRAINT imports_refused_check CHECK (refused >= 0),
  CONSTRAINT imports_rows_check CHECK (rows >= 0),
  CONSTRAINT imports_unchanged_check CHECK (unchanged >= 0)
);

-- What an import under an idempotency key could not apply, and why, so that a rerun reports it again.
CREATE TABLE import_refusals (
  actor text COLLATE "C" NOT NULL,
  idempotency_key text COLLATE "C" NOT NULL,
  sku text COLLATE "C" NOT NULL,
  location text COLLATE "C" NOT NULL,
  code text NOT NULL,
  detail text NOT NULL,
  CONSTRAINT import_refusals_pkey PRIMARY KEY (actor, idempotency_key, sku, location)
);

-- The events that are still to be published; a row is deleted once the broker has confirmed its event.
CREATE TABLE outbox (
  event_id bigint NOT NULL,
  CONSTRAINT outbox_pkey PRIMARY KEY (event_id)
);

-- Who alone may do something for a while: one relay at a time publishes events.
CREATE TABLE leases (
  name text NOT NULL,
  holder text NOT NULL,
  expires_at timestamp with time zone NOT NULL,
  CONSTRAINT leases_pkey PRIMARY KEY (name)
);

-- Signs of life of the processes that place queued orders.
CREATE TABLE workers (
  id text NOT NULL,
  started_at timestamp with time zone NOT NULL,
  seen_at timestamp with time zone NOT NULL,
  orders_per_second double precision NOT NULL,
  settled bigint NOT NULL,
  CONSTRAINT workers_pkey PRIMARY KEY (id)
);

-- API keys: of the secret only the SHA-256. Rows are never deleted, so that no name is given to a second holder;
-- all keys of a name have the same scopes and customer.
CREATE TABLE api_keys (
  id uuid NOT NULL,
  name text COLLATE "C" NOT NULL,
  number integer NOT NULL,
  digest bytea NOT NULL,
  scopes text NOT NULL,
  customer_id text COLLATE "C",
  created_at timestamp with time zone NOT NULL,
  created_by text NOT NULL,
  expires_at timestamp with time zone,
  revoked_at timestamp with time zone,
  revoked_by text,
  last_used_at timestamp with time zone,
  CONSTRAINT api_keys_pkey PRIMARY KEY (id),
  CONSTRAINT api_keys_digest_check CHECK (octet_length(digest) = 32),
  CONSTRAINT api_keys_name_check CHECK (name ~ '^[A-Za-z0-9][A-Za-z0-9._@-]{0,63}$'::text),
  CONSTRAINT api_keys_number_check CHECK (number >= 1),
  CONSTRAINT api_keys_scopes_check CHECK (scopes <> ''::text),
  CONSTRAINT bound_to_customer CHECK (customer_id IS NULL OR scopes !~~ '%admin%'::text AND scopes !~~ '%inventory:write%'::text),
  CONSTRAINT revoked_by_somebody CHECK ((revoked_at IS NULL) = (revoked_by IS NULL))
);
CREATE UNIQUE INDEX api_keys_name ON api_keys USING btree (name, number);

-- The idempotency keys of all acts on orders, one namespace a caller. A key outlives its order, and does not expire.
-- act_no: the number of the act among its like on the order, such as a shipment's. answer_status: the HTTP status that a
-- replay answers with. fingerprint: SHA-256 of the command; NULL once its order was erased.
CREATE TABLE order_keys (
  created_at timestamp with time zone NOT NULL,
  order_id uuid NOT NULL,
  act_no integer,
  answer_status smallint NOT NULL,
  act text COLLATE "C" NOT NULL,
  caller text COLLATE "C" NOT NULL,
  idempotency_key text COLLATE "C" NOT NULL,
  fingerprint bytea,
  CONSTRAINT order_keys_pkey PRIMARY KEY (idempotency_key, caller)
);

-- The idempotency keys of acts on stock, one namespace an actor. fingerprint: SHA-256 of the command; NULL for a key that
-- the service made for itself, which is deleted after a day. progress: how far an act of several transactions has come.
CREATE TABLE stock_keys (
  created_at timestamp with time zone NOT NULL,
  act_id uuid,
  progress bigint,
  act text COLLATE "C" NOT NULL,
  sku text COLLATE "C",
  actor text COLLATE "C" NOT NULL,
  idempotency_key text COLLATE "C" NOT NULL,
  fingerprint bytea,
  CONSTRAINT stock_keys_pkey PRIMARY KEY (idempotency_key, actor)
);
CREATE INDEX stock_keys_own ON stock_keys USING btree (created_at) WHERE fingerprint IS NULL;

-- The orders that wait: to be placed by a worker (the queue), or to be confirmed (held). A row is deleted when its order
-- does not wait any more; attempts then go to the order. since: the last change of the order. due_at: before it, nobody
-- takes the order. Locked before the order.
CREATE TABLE waiting_orders (
  order_id uuid NOT NULL,
  queue_no bigint,
  due_at timestamp with time zone,
  since timestamp with time zone NOT NULL,
  attempts integer DEFAULT 0 NOT NULL,
  waits_for text COLLATE "C" NOT NULL,
  CONSTRAINT waiting_orders_pkey PRIMARY KEY (order_id),
  CONSTRAINT numbered_in_queue CHECK ((waits_for = 'place'::text) = (queue_no IS NOT NULL)),
  CONSTRAINT waiting_orders_attempts_check CHECK (attempts >= 0),
  CONSTRAINT waiting_orders_waits_for_check CHECK (waits_for = ANY (ARRAY['place'::text, 'confirm'::text]))
) WITH (fillfactor=50);
CREATE INDEX waiting_orders_due ON waiting_orders USING btree (due_at) WHERE waits_for = 'confirm'::text;
CREATE INDEX waiting_orders_queue ON waiting_orders USING btree (queue_no) WHERE waits_for = 'place'::text;

-- Which order a payment was for: each pays one order.
CREATE TABLE payment_references (
  created_at timestamp with time zone NOT NULL,
  order_id uuid NOT NULL,
  payment_reference text COLLATE "C" NOT NULL,
  CONSTRAINT payment_references_pkey PRIMARY KEY (payment_reference)
);

-- What left one location together for an order. What was in it is said by the ledger, in the rows of its act_id: those of
-- a live shipment take something, those of a cancelled one sum to nothing. Numbers are not given twice.
CREATE TABLE shipments (
  order_id uuid NOT NULL,
  shipment_no integer NOT NULL,
  act_id uuid NOT NULL,
  status text COLLATE "C" NOT NULL,
  location text COLLATE "C" NOT NULL,
  carrier text COLLATE "C",
  tracking_number text COLLATE "C",
  tracking_url text COLLATE "C",
  reference text COLLATE "C",
  created_at timestamp with time zone NOT NULL,
  updated_at timestamp with time zone NOT NULL,
  delivered_at timestamp with time zone,
  CONSTRAINT shipments_pkey PRIMARY KEY (order_id, shipment_no),
  CONSTRAINT delivered_at_a_time CHECK ((status = 'delivered'::text) = (delivered_at IS NOT NULL)),
  CONSTRAINT shipments_shipment_no_check CHECK (shipment_no >= 1),
  CONSTRAINT shipments_status_check CHECK (status = ANY (ARRAY['shipped'::text, 'delivered'::text, 'cancelled'::text]))
);

-- Every location that has, or had, a level. folded: the name without case and width, so that no two differ in those only;
-- those from before this table are folded by = and their name. What does not sell is withheld from its levels.
CREATE TABLE locations (
  name text COLLATE "C" NOT NULL,
  folded text COLLATE "C" NOT NULL,
  kind text COLLATE "C" NOT NULL,
  sells boolean NOT NULL,
  ships boolean NOT NULL,
  expected_at timestamp with time zone,
  note text,
  updated_at timestamp with time zone NOT NULL,
  CONSTRAINT locations_pkey PRIMARY KEY (name),
  CONSTRAINT locations_kind_check CHECK (kind = ANY (ARRAY['stock'::text, 'quarantine'::text, 'incoming'::text, 'transit'::text])),
  CONSTRAINT only_stock_is_sold CHECK (kind = 'stock'::text OR NOT (sells OR ships))
);
CREATE UNIQUE INDEX locations_folded ON locations USING btree (folded);

-- What came back together of an order. Numbers are not given twice.
CREATE TABLE returns (
  order_id uuid NOT NULL,
  return_no integer NOT NULL,
  act_id uuid NOT NULL,
  reference text COLLATE "C",
  reason text COLLATE "C",
  created_at timestamp with time zone NOT NULL,
  CONSTRAINT returns_pkey PRIMARY KEY (order_id, return_no),
  CONSTRAINT returns_return_no_check CHECK (return_no >= 1)
);

-- The units of a return, by what became of them. For those that are on hand again, at a location, the ledger has rows of
-- the act_id of their return; of those that never reached a shelf this is the only truth.
CREATE TABLE return_lines (
  order_id uuid NOT NULL,
  return_no integer NOT NULL,
  entry_no integer NOT NULL,
  line_no smallint NOT NULL,
  sku text COLLATE "C" NOT NULL,
  quantity integer NOT NULL,
  disposition text COLLATE "C" NOT NULL,
  shipped_from text COLLATE "C" NOT NULL,
  location text COLLATE "C",
  CONSTRAINT return_lines_pkey PRIMARY KEY (order_id, return_no, entry_no),
  CONSTRAINT return_lines_disposition_check CHECK (disposition = ANY (ARRAY['restock'::text, 'quarantine'::text, 'discard'::text, 'missing'::text])),
  CONSTRAINT return_lines_entry_no_check CHECK (entry_no >= 1),
  CONSTRAINT return_lines_line_no_check CHECK (line_no >= 1),
  CONSTRAINT return_lines_quantity_check CHECK (quantity >= 1 AND quantity <= 1000000),
  CONSTRAINT return_lines_return_no_check CHECK (return_no >= 1),
  CONSTRAINT shelved_somewhere CHECK ((disposition = ANY (ARRAY['restock'::text, 'quarantine'::text])) = (location IS NOT NULL))
);
