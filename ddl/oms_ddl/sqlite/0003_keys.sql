-- API keys: of the secret only the SHA-256. Rows are never deleted, so that no name is given to a second holder;
-- all keys of a name have the same scopes and customer.
CREATE TABLE api_keys (
  id TEXT NOT NULL PRIMARY KEY,
  name TEXT NOT NULL CHECK
    (name GLOB '[A-Za-z0-9]*' AND name NOT GLOB '*[^A-Za-z0-9._@-]*' AND length(name) BETWEEN 1 AND 64),
  number INTEGER NOT NULL CHECK (number >= 1),
  digest BLOB NOT NULL CHECK (length(digest) = 32),
  scopes TEXT NOT NULL CHECK (scopes <> ''),
  customer_id TEXT,
  created_at INTEGER NOT NULL,
  created_by TEXT NOT NULL,
  expires_at INTEGER,
  revoked_at INTEGER,
  revoked_by TEXT,
  last_used_at INTEGER,
  CONSTRAINT revoked_by_somebody CHECK ((revoked_at IS NULL) = (revoked_by IS NULL)),
  CONSTRAINT bound_to_customer CHECK
    (customer_id IS NULL OR (scopes NOT LIKE '%admin%' AND scopes NOT LIKE '%inventory:write%'))
) STRICT;
CREATE UNIQUE INDEX api_keys_name ON api_keys (name, number);
