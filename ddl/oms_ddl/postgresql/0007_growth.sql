-- needs: 0007_growth
-- formerly: dd6bfd679ad6010eeca6dbecbac18d53d62d5ef1c5a7b62275158210f6b7a8be
-- Keys and what waits get tables of their own, so that the tables which grow for years carry no index for them, and a
-- key outlives its order. Columns and values that later releases use come now, while nobody has much to migrate.

CREATE TABLE order_keys (
  created_at timestamptz NOT NULL,
  order_id uuid NOT NULL,
  act_no integer,
  answer_status smallint NOT NULL,
  act text COLLATE "C" NOT NULL,
  caller text COLLATE "C" NOT NULL,
  idempotency_key text COLLATE "C" NOT NULL,
  fingerprint bytea,
  PRIMARY KEY (idempotency_key, caller)
);
COMMENT ON TABLE order_keys IS
  'The idempotency keys of all acts on orders, one namespace a caller. A key outlives its order, and does not expire.
act_no: the number of the act among its like on the order, such as a shipment''s. answer_status: the HTTP status that a
replay answers with. fingerprint: SHA-256 of the command; NULL once its order was erased.';
INSERT INTO order_keys (created_at, order_id, answer_status, act, caller, idempotency_key, fingerprint)
  SELECT created_at, id, accepted_status, 'place', caller, idempotency_key, fingerprint
  FROM orders WHERE idempotency_key IS NOT NULL ORDER BY id;

CREATE TABLE stock_keys (
  created_at timestamptz NOT NULL,
  act_id uuid,
  progress bigint,
  act text COLLATE "C" NOT NULL,
  sku text COLLATE "C",
  actor text COLLATE "C" NOT NULL,
  idempotency_key text COLLATE "C" NOT NULL,
  fingerprint bytea,
  PRIMARY KEY (idempotency_key, actor)
);
COMMENT ON TABLE stock_keys IS
  'The idempotency keys of acts on stock, one namespace an actor. fingerprint: SHA-256 of the command; NULL for a key that
the service made for itself, which is deleted after a day. progress: how far an act of several transactions has come.';
CREATE INDEX stock_keys_own ON stock_keys (created_at) WHERE fingerprint IS NULL;
INSERT INTO stock_keys (created_at, act, sku, actor, idempotency_key, fingerprint)
  SELECT created_at, kind, sku, actor, idempotency_key, nullif(fingerprint, '')
  FROM stock_movements WHERE idempotency_key IS NOT NULL ORDER BY sku, id;
-- Those of retries are among them. No order says which they are, and a second retry of an order that waits is harmless.
INSERT INTO stock_keys (created_at, act, actor, idempotency_key, fingerprint)
  SELECT created_at, 'describe', actor, idempotency_key, nullif(fingerprint, '') FROM idempotency_keys
  ON CONFLICT DO NOTHING;
DROP TABLE idempotency_keys;

CREATE TABLE waiting_orders (
  order_id uuid PRIMARY KEY,
  queue_no bigint,
  due_at timestamptz,
  since timestamptz NOT NULL,
  attempts integer NOT NULL DEFAULT 0 CHECK (attempts >= 0),
  waits_for text COLLATE "C" NOT NULL CHECK (waits_for IN ('place', 'confirm')),
  CONSTRAINT numbered_in_queue CHECK ((waits_for = 'place') = (queue_no IS NOT NULL))
) WITH (fillfactor = 50);
COMMENT ON TABLE waiting_orders IS
  'The orders that wait: to be placed by a worker (the queue), or to be confirmed (held). A row is deleted when its order
does not wait any more; attempts then go to the order. since: the last change of the order. due_at: before it, nobody
takes the order. Locked before the order.';
CREATE INDEX waiting_orders_queue ON waiting_orders (queue_no) WHERE waits_for = 'place';
CREATE INDEX waiting_orders_due ON waiting_orders (due_at) WHERE waits_for = 'confirm';
INSERT INTO waiting_orders (order_id, queue_no, due_at, since, attempts, waits_for)
  SELECT id, queue_no, due_at, updated_at, attempts, 'place' FROM orders WHERE status = 'queued';
COMMENT ON SEQUENCE queue_no IS 'Numbers accepted orders in order of arrival; waiting_orders.queue_no.';

CREATE TABLE payment_references (
  created_at timestamptz NOT NULL,
  order_id uuid NOT NULL,
  payment_reference text COLLATE "C" PRIMARY KEY
);
COMMENT ON TABLE payment_references IS 'Which order a payment was for: each pays one order.';

ALTER TABLE orders
  DROP COLUMN idempotency_key,
  DROP COLUMN fingerprint,
  DROP COLUMN accepted_status,
  DROP COLUMN due_at,
  DROP COLUMN queue_no,
  ADD COLUMN hold_seconds integer,
  ADD COLUMN hold_until timestamptz,
  ADD COLUMN hold_extensions smallint,
  ADD COLUMN payment_reference text COLLATE "C",
  ADD COLUMN locations jsonb,
  ADD COLUMN allow_incoming boolean;
ALTER TABLE orders DROP CONSTRAINT orders_status_check;
ALTER TABLE orders ADD CONSTRAINT orders_status_check CHECK (status IN
  ('queued', 'held', 'pending', 'processing', 'partly_shipped',
    'shipped', 'delivered', 'partly_returned', 'returned', 'cancelled', 'expired', 'rejected', 'failed'));
COMMENT ON TABLE orders IS
  'Orders. The id is a UUIDv7 of created_at, so a range of times is a range of ids. total_e4: ten-thousandths of the
currency. While an order is queued its attempts are those of its row in waiting_orders.';

ALTER TABLE order_lines DROP CONSTRAINT order_lines_quantity_check;
ALTER TABLE order_lines ADD CONSTRAINT order_lines_quantity_check CHECK (quantity BETWEEN 0 AND 1000000);

ALTER TABLE stock_movements
  DROP COLUMN idempotency_key,
  DROP COLUMN fingerprint,
  ADD COLUMN act_id uuid;
ALTER TABLE stock_movements DROP CONSTRAINT stock_movements_kind_check;
ALTER TABLE stock_movements ADD CONSTRAINT stock_movements_kind_check CHECK (kind IN
  ('opening', 'receive', 'adjust', 'count', 'transfer', 'arrive',
    'reserve', 'release', 'ship', 'unship', 'return'));
-- Of each level there is one opening, or two: they are found without its other rows.
CREATE INDEX stock_movements_opening ON stock_movements (sku, location) WHERE kind = 'opening';
COMMENT ON TABLE stock_movements IS
  'The ledger: every change of a stock level. Rows are only added, but that those of archived orders are replaced by their
sum, the opening. act_id: the shipment, return, transfer or arrival that a row belongs to.';

ALTER TABLE imports ADD COLUMN after jsonb;
-- With functions that are immutable, for a distributed server takes no others of columns here, and with E'', for behind a
-- pooler nobody turned standard_conforming_strings on.
UPDATE imports SET after = ('["' || replace(replace(after_sku, E'\\', E'\\\\'), '"', E'\\"') || '", "'
  || replace(replace(after_location, E'\\', E'\\\\'), '"', E'\\"') || '"]')::jsonb;
ALTER TABLE imports
  ALTER COLUMN after SET NOT NULL,
  DROP COLUMN after_sku,
  DROP COLUMN after_location;
ALTER TABLE imports DROP CONSTRAINT imports_mode_check;
COMMENT ON TABLE imports IS
  'How far an import under an idempotency key has come: everything up to `after` is committed, for stock the SKU and
location of an entry, and all of it when the three counts add up to rows.';
