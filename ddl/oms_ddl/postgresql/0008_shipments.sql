-- needs: 0008_shipments
CREATE TABLE shipments (
  order_id uuid NOT NULL,
  shipment_no integer NOT NULL CHECK (shipment_no >= 1),
  act_id uuid NOT NULL,
  status text COLLATE "C" NOT NULL CHECK (status IN ('shipped', 'delivered', 'cancelled')),
  location text COLLATE "C" NOT NULL,
  carrier text COLLATE "C",
  tracking_number text COLLATE "C",
  tracking_url text COLLATE "C",
  reference text COLLATE "C",
  created_at timestamptz NOT NULL,
  updated_at timestamptz NOT NULL,
  delivered_at timestamptz,
  PRIMARY KEY (order_id, shipment_no),
  CONSTRAINT delivered_at_a_time CHECK ((status = 'delivered') = (delivered_at IS NOT NULL))
);
COMMENT ON TABLE shipments IS
  'What left one location together for an order. What was in it is said by the ledger, in the rows of its act_id: those of
a live shipment take something, those of a cancelled one sum to nothing. Numbers are not given twice.';
