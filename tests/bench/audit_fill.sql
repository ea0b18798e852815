-- Fills a migrated database with %(orders)s orders of two lines in five statuses, and books that agree.
INSERT INTO products (sku, name, created_at, updated_at)
  SELECT 'SKU-' || lpad(number::text, 5, '0'), '', now(), now() FROM generate_series(0, 9999) AS number;
INSERT INTO orders (id, status, customer_id, currency, metadata, caller, created_at, updated_at)
  SELECT (lpad(to_hex(1767322800000 + number * 10), 12, '0') || '7' || lpad(to_hex(number %% 4096), 3, '0') || '8'
      || lpad(to_hex(number), 15, '0'))::uuid,
    (ARRAY['pending', 'cancelled', 'shipped', 'delivered', 'delivered'])[1 + number %% 5],
    'C' || number %% 1000, 'EUR', '{}', 'shop', now(), now()
  FROM generate_series(1, %(orders)s) AS number;
INSERT INTO order_lines (order_id, line_no, sku, quantity)
  SELECT id, line_no, 'SKU-' || lpad((abs(hashtext(id::text || line_no)) %% 10000)::text, 5, '0'), line_no
  FROM orders CROSS JOIN generate_series(1, 2) AS line_no ORDER BY id, line_no;
INSERT INTO stock_movements (sku, location, kind, on_hand_delta, reserved_delta, actor, created_at)
  SELECT sku, 'main', 'receive', 1000000, 0, 'shop', now() FROM products;
INSERT INTO stock_movements
    (sku, location, kind, on_hand_delta, reserved_delta, order_id, line_no, actor, created_at)
  SELECT sku, 'main', 'reserve', 0, quantity, order_id, line_no, 'shop', now() FROM order_lines ORDER BY order_id;
INSERT INTO stock_movements
    (sku, location, kind, on_hand_delta, reserved_delta, order_id, line_no, actor, created_at)
  SELECT sku, 'main', CASE status WHEN 'cancelled' THEN 'release' ELSE 'ship' END,
    CASE status WHEN 'cancelled' THEN 0 ELSE -quantity END, -quantity, order_id, line_no, 'shop', now()
  FROM order_lines JOIN orders ON id = order_id WHERE status <> 'pending' ORDER BY order_id;
INSERT INTO stock_levels (sku, location, on_hand, reserved, version, updated_at)
  SELECT sku, location, sum(on_hand_delta), sum(reserved_delta), 1, now() FROM stock_movements GROUP BY sku, location;
