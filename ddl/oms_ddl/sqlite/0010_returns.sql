-- needs: 0010_returns

-- What came back together of an order. Numbers are not given twice.
CREATE TABLE returns (
  order_id TEXT NOT NULL,
  return_no INTEGER NOT NULL CHECK (return_no >= 1),
  act_id TEXT NOT NULL,
  reference TEXT,
  reason TEXT,
  created_at INTEGER NOT NULL,
  PRIMARY KEY (order_id, return_no)
) STRICT, WITHOUT ROWID;

-- The units of a return, by what became of them. For those that are on hand again, at a location, the ledger has rows of
-- the act_id of their return; of those that never reached a shelf this is the only truth.
CREATE TABLE return_lines (
  order_id TEXT NOT NULL,
  return_no INTEGER NOT NULL CHECK (return_no >= 1),
  entry_no INTEGER NOT NULL CHECK (entry_no >= 1),
  line_no INTEGER NOT NULL CHECK (line_no >= 1),
  sku TEXT NOT NULL,
  quantity INTEGER NOT NULL CHECK (quantity BETWEEN 1 AND 1000000),
  disposition TEXT NOT NULL CHECK (disposition IN ('restock', 'quarantine', 'discard', 'missing')),
  shipped_from TEXT NOT NULL,
  location TEXT,
  PRIMARY KEY (order_id, return_no, entry_no),
  CONSTRAINT shelved_somewhere CHECK ((disposition IN ('restock', 'quarantine')) = (location IS NOT NULL))
) STRICT, WITHOUT ROWID;
