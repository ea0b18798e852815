-- The keys of commands that leave no row which could carry theirs: a retry, a product's name, a batch.
CREATE TABLE idempotency_keys (
  actor TEXT NOT NULL,
  idempotency_key TEXT NOT NULL,
  fingerprint BLOB NOT NULL,
  created_at INTEGER NOT NULL,
  PRIMARY KEY (actor, idempotency_key)
) STRICT, WITHOUT ROWID;
