-- Orders %(first)s to %(last)s of %(all)s as a shop has placed them, one a second up to now: two SKUs of 10,000, one of
-- 100,000 customers, a key each. The rows are those of placing, in the order of time; the books agree.
WITH past AS MATERIALIZED (
  SELECT number, at, 'C' || (random() * 99999)::int AS customer, to_hex((random() * 1e18)::bigint) AS key,
    (lpad(to_hex((extract(epoch FROM at) * 1000)::bigint), 12, '0') || '7' || lpad(to_hex((random() * 4095)::int), 3, '0')
      || 'a' || lpad(to_hex((random() * 1e18)::bigint), 15, '0'))::uuid AS id,
    ARRAY[sku(1 + (random() * 9999)::int), sku(1 + (random() * 9999)::int)] AS skus
  FROM generate_series(%(first)s, %(last)s) AS number,
    LATERAL (SELECT now() - (%(all)s - number) * interval '1 s' AS at) AS time
), line AS MATERIALIZED (
  SELECT past.id, past.at, line_no, skus[line_no] AS sku FROM past CROSS JOIN generate_series(1, 2) AS line_no
), order_keys AS (
  INSERT INTO order_keys (created_at, order_id, answer_status, act, caller, idempotency_key, fingerprint)
  SELECT at, id, 201, 'place', 'bench', key, sha256(key::bytea) FROM past
), orders AS (
  INSERT INTO orders (id, status, customer_id, currency, total_e4, metadata, caller, created_at, updated_at)
  SELECT id, 'pending', customer, 'EUR', 20000, '{}', 'bench', at, at FROM past
), order_lines AS (
  INSERT INTO order_lines (order_id, line_no, sku, quantity, unit_price_e4) SELECT id, line_no, sku, 1, 10000 FROM line
), stock_movements AS (
  INSERT INTO stock_movements (sku, location, kind, on_hand_delta, reserved_delta, order_id, line_no, actor, created_at)
  SELECT sku, 'main', 'reserve', 0, 1, id, line_no, 'bench', at FROM line
), events AS (
  INSERT INTO events (type, order_id, order_version, data, actor, created_at)
  SELECT 'order.placed', id, 1, '{"from": null, "to": "pending", "reason": null}', 'bench', at FROM past
)
UPDATE stock_levels AS l SET reserved = l.reserved + sold.units, version = l.version + sold.units, updated_at = now()
FROM (SELECT sku, count(*) AS units FROM line GROUP BY sku) AS sold WHERE l.sku = sold.sku AND l.location = 'main';
