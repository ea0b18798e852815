-- Callers are few and keys many: a key that comes first is found with half the comparisons.
DROP INDEX orders_idempotency;
CREATE UNIQUE INDEX orders_idempotency ON orders (idempotency_key, caller) WHERE idempotency_key IS NOT NULL;

-- A new order is pending and its id the highest: in an index of pending orders alone its place is the end, which is
-- remembered and needs no search.
DROP INDEX orders_status;
CREATE INDEX orders_pending ON orders (id) WHERE status = 'pending';
CREATE INDEX orders_status ON orders (status, id) WHERE status <> 'pending';

-- With the period of time in front, the first digits of a UUIDv7, what is placed now goes to a few pages, which stay in
-- memory, instead of all over an index that grows for years (oms_peewee/postgresql/order_periods.py).
DROP INDEX orders_customer;
CREATE INDEX orders_customer ON orders (left(id::text, 5), customer_id, id);
DROP INDEX order_lines_sku;
CREATE INDEX order_lines_sku ON order_lines (left(order_id::text, 5), sku, order_id);

COMMENT ON TABLE products IS 'What is sold. A row is deleted only while its product was never used.';
COMMENT ON TABLE order_lines IS
  'What was ordered; never changed. Without foreign keys: a product that an order names is never deleted, nor is an
order, and a line would cost 7 microseconds more for each.';
