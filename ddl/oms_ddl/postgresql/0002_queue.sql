CREATE SEQUENCE queue_no;
COMMENT ON SEQUENCE queue_no IS 'Numbers accepted orders in order of arrival; orders.queue_no.';
CREATE INDEX orders_queue ON orders (queue_no) WHERE status = 'queued';
CREATE INDEX orders_failure ON orders ((failure ->> 'code'), id) WHERE failure IS NOT NULL;

CREATE TABLE outbox (
  event_id bigint PRIMARY KEY
);
COMMENT ON TABLE outbox IS
  'The events that are still to be published; a row is deleted once the broker has confirmed its event.';

CREATE TABLE leases (
  name text PRIMARY KEY,
  holder text NOT NULL,
  expires_at timestamptz NOT NULL
);
COMMENT ON TABLE leases IS 'Who alone may do something for a while: one relay at a time publishes events.';

CREATE TABLE workers (
  id text PRIMARY KEY,
  started_at timestamptz NOT NULL,
  seen_at timestamptz NOT NULL,
  orders_per_second double precision NOT NULL,
  settled bigint NOT NULL
);
COMMENT ON TABLE workers IS 'Signs of life of the processes that place queued orders.';
