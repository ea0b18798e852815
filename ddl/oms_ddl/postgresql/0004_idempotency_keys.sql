CREATE TABLE idempotency_keys (
  actor text COLLATE "C" NOT NULL,
  idempotency_key text COLLATE "C" NOT NULL,
  fingerprint bytea NOT NULL,
  created_at timestamptz NOT NULL,
  PRIMARY KEY (actor, idempotency_key)
);
COMMENT ON TABLE idempotency_keys IS
  'The keys of commands that leave no row which could carry theirs: a retry, a product''s name, a batch.';
