-- What one_order.sql needs: 10,000 products, and functions that PostgreSQL puts in place of their calls.
INSERT INTO products (sku, name, created_at, updated_at)
  SELECT 'SKU-' || lpad(number::text, 6, '0'), '', now(), now() FROM generate_series(1, 10000) AS number;
INSERT INTO stock_movements (sku, location, kind, on_hand_delta, reserved_delta, actor, created_at)
  SELECT sku, 'main', 'receive', 1000000000, 0, 'bench', now() FROM products;
INSERT INTO stock_levels (sku, location, on_hand, reserved, version, updated_at)
  SELECT sku, 'main', 1000000000, 0, 1, now() FROM products;
CREATE FUNCTION sku(number bigint) RETURNS text LANGUAGE sql IMMUTABLE AS
  $$ SELECT 'SKU-' || lpad(number::text, 6, '0') $$;
CREATE FUNCTION order_id(chance bigint) RETURNS uuid LANGUAGE sql STABLE AS  -- UUIDv7, as fast to index as ours.
  $$ SELECT (lpad(to_hex((extract(epoch FROM now()) * 1000)::bigint), 12, '0') || '7000a'
    || lpad(to_hex(chance), 15, '0'))::uuid $$;
ANALYZE;
