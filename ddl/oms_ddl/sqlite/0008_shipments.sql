-- needs: 0008_shipments

-- What left one location together for an order. What was in it is said by the ledger, in the rows of its act_id: those of
-- a live shipment take something, those of a cancelled one sum to nothing. Numbers are not given twice.
CREATE TABLE shipments (
  order_id TEXT NOT NULL,
  shipment_no INTEGER NOT NULL CHECK (shipment_no >= 1),
  act_id TEXT NOT NULL,
  status TEXT NOT NULL CHECK (status IN ('shipped', 'delivered', 'cancelled')),
  location TEXT NOT NULL,
  carrier TEXT,
  tracking_number TEXT,
  tracking_url TEXT,
  reference TEXT,
  created_at INTEGER NOT NULL,
  updated_at INTEGER NOT NULL,
  delivered_at INTEGER,
  PRIMARY KEY (order_id, shipment_no),
  CONSTRAINT delivered_at_a_time CHECK ((status = 'delivered') = (delivered_at IS NOT NULL))
) STRICT, WITHOUT ROWID;
