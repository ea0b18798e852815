-- The floor of an import: psql writes the same rows, without a check of any value. Reads standard input.
\set ON_ERROR_STOP on
CREATE TEMPORARY TABLE incoming (sku text COLLATE "C" NOT NULL, quantity bigint NOT NULL);
\copy incoming FROM pstdin WITH (FORMAT csv, HEADER)
BEGIN;
INSERT INTO products (sku, name, created_at, updated_at)
SELECT sku, '', now(), now() FROM incoming ORDER BY sku ON CONFLICT DO NOTHING;
INSERT INTO stock_levels (sku, location, on_hand, reserved, version, updated_at)
SELECT sku, 'main', quantity, 0, 1, now() FROM incoming ORDER BY sku
ON CONFLICT (sku, location) DO UPDATE SET on_hand = excluded.on_hand, version = stock_levels.version + 1;
INSERT INTO stock_movements (sku, location, kind, on_hand_delta, reserved_delta, actor, created_at)
SELECT sku, 'main', 'count', quantity, 0, 'bench', now() FROM incoming ORDER BY sku;
COMMIT;
