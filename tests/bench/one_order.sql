-- pgbench: one order per transaction, with the rows that placing writes; the level that everybody wants is taken last.
\set second random(2, 10000)
\if :hot
  \set first 1
  \set taken_first :second
  \set taken_last 1
\else
  \set first random(1, 10000)
  \set taken_first least(:first, :second)
  \set taken_last greatest(:first, :second)
\endif
\set customer random(0, 99999)
\set chance random(0, 1152921504606846975)
BEGIN;
INSERT INTO order_keys (created_at, order_id, answer_status, act, caller, idempotency_key, fingerprint)
  VALUES (now(), order_id(:chance), 201, 'place', 'bench', to_hex(:chance::bigint), sha256('x'));
INSERT INTO orders (id, status, customer_id, currency, total_e4, metadata, caller, created_at, updated_at)
  VALUES (order_id(:chance), 'pending', 'C' || :customer::text, 'EUR', 20000, '{}', 'bench', now(), now());
INSERT INTO order_lines (order_id, line_no, sku, quantity, unit_price_e4)
  VALUES (order_id(:chance), 1, sku(:first), 1, 10000), (order_id(:chance), 2, sku(:second), 1, 10000);
INSERT INTO stock_movements (sku, location, kind, on_hand_delta, reserved_delta, order_id, line_no, actor, created_at)
  VALUES (sku(:first), 'main', 'reserve', 0, 1, order_id(:chance), 1, 'bench', now()),
    (sku(:second), 'main', 'reserve', 0, 1, order_id(:chance), 2, 'bench', now());
INSERT INTO events (type, order_id, order_version, data, actor, created_at)
  VALUES ('order.placed', order_id(:chance), 1, '{"from": null, "to": "pending", "reason": null}', 'bench', now());
UPDATE stock_levels SET reserved = reserved + 1, version = version + 1, updated_at = now()
  WHERE sku = sku(:taken_first) AND location = 'main' AND on_hand - reserved >= 1;
UPDATE stock_levels SET reserved = reserved + 1, version = version + 1, updated_at = now()
  WHERE sku = sku(:taken_last) AND location = 'main' AND on_hand - reserved >= 1;
COMMIT;
