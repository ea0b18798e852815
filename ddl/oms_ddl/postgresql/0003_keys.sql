CREATE TABLE api_keys (
  id uuid PRIMARY KEY,
  name text COLLATE "C" NOT NULL CHECK (name ~ '^[A-Za-z0-9][A-Za-z0-9._@-]{0,63}$'),
  number integer NOT NULL CHECK (number >= 1),
  digest bytea NOT NULL CHECK (octet_length(digest) = 32),
  scopes text NOT NULL CHECK (scopes <> ''),
  customer_id text COLLATE "C",
  created_at timestamptz NOT NULL,
  created_by text NOT NULL,
  expires_at timestamptz,
  revoked_at timestamptz,
  revoked_by text,
  last_used_at timestamptz,
  CONSTRAINT revoked_by_somebody CHECK ((revoked_at IS NULL) = (revoked_by IS NULL)),
  CONSTRAINT bound_to_customer CHECK
    (customer_id IS NULL OR (scopes NOT LIKE '%admin%' AND scopes NOT LIKE '%inventory:write%'))
);
COMMENT ON TABLE api_keys IS
  'API keys: of the secret only the SHA-256. Rows are never deleted, so that no name is given to a second holder;
all keys of a name have the same scopes and customer.';
CREATE UNIQUE INDEX api_keys_name ON api_keys (name, number);
