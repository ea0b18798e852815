-- Callers are few and keys many: a key that comes first is found with half the comparisons.
DROP INDEX orders_idempotency;
CREATE UNIQUE INDEX orders_idempotency ON orders (idempotency_key, caller) WHERE idempotency_key IS NOT NULL;
