CREATE INDEX orders_queue ON orders (queue_no) WHERE status = 'queued';
CREATE INDEX orders_failure ON orders ((failure ->> 'code'), id) WHERE failure IS NOT NULL;

-- The events that are still to be published; a row is deleted once the broker has confirmed its event.
CREATE TABLE outbox (
  event_id INTEGER NOT NULL PRIMARY KEY
) STRICT;

-- Who alone may do something for a while: one relay at a time publishes events.
CREATE TABLE leases (
  name TEXT NOT NULL PRIMARY KEY,
  holder TEXT NOT NULL,
  expires_at INTEGER NOT NULL
) STRICT;

-- Signs of life of the processes that place queued orders.
CREATE TABLE workers (
  id TEXT NOT NULL PRIMARY KEY,
  started_at INTEGER NOT NULL,
  seen_at INTEGER NOT NULL,
  orders_per_second REAL NOT NULL,
  settled INTEGER NOT NULL
) STRICT;
