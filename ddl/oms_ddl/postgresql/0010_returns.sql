-- needs: 0010_returns
CREATE TABLE returns (
  order_id uuid NOT NULL,
  return_no integer NOT NULL CHECK (return_no >= 1),
  act_id uuid NOT NULL,
  reference text COLLATE "C",
  reason text COLLATE "C",
  created_at timestamptz NOT NULL,
  PRIMARY KEY (order_id, return_no)
);
COMMENT ON TABLE returns IS 'What came back together of an order. Numbers are not given twice.';
CREATE TABLE return_lines (
  order_id uuid NOT NULL,
  return_no integer NOT NULL CHECK (return_no >= 1),
  entry_no integer NOT NULL CHECK (entry_no >= 1),
  line_no smallint NOT NULL CHECK (line_no >= 1),
  sku text COLLATE "C" NOT NULL,
  quantity integer NOT NULL CHECK (quantity BETWEEN 1 AND 1000000),
  disposition text COLLATE "C" NOT NULL CHECK (disposition IN ('restock', 'quarantine', 'discard', 'missing')),
  shipped_from text COLLATE "C" NOT NULL,
  location text COLLATE "C",
  PRIMARY KEY (order_id, return_no, entry_no),
  CONSTRAINT shelved_somewhere CHECK ((disposition IN ('restock', 'quarantine')) = (location IS NOT NULL))
);
COMMENT ON TABLE return_lines IS
  'The units of a return, by what became of them. For those that are on hand again, at a location, the ledger has rows of
the act_id of their return; of those that never reached a shelf this is the only truth.';
