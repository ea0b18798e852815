-- needs: 0009_locations

-- Every location that has, or had, a level. folded: the name without case and width, so that no two differ in those only;
-- those from before this table are folded by = and their name. What does not sell is withheld from its levels.
CREATE TABLE locations (
  name TEXT PRIMARY KEY,
  folded TEXT NOT NULL,
  kind TEXT NOT NULL CHECK (kind IN ('stock', 'quarantine', 'incoming', 'transit')),
  sells INTEGER NOT NULL CHECK (sells IN (0, 1)),
  ships INTEGER NOT NULL CHECK (ships IN (0, 1)),
  expected_at INTEGER,
  note TEXT,
  updated_at INTEGER NOT NULL,
  CONSTRAINT only_stock_is_sold CHECK (kind = 'stock' OR NOT (sells OR ships))
) STRICT, WITHOUT ROWID;
CREATE UNIQUE INDEX locations_folded ON locations (folded);
INSERT INTO locations (name, folded, kind, sells, ships, updated_at)
  SELECT DISTINCT location, '=' || location, 'stock', 1, 1, 0 FROM stock_levels;

-- withheld: units that are not sold however many there are: those kept back, or all where the location does not sell.
ALTER TABLE stock_levels ADD COLUMN withheld INTEGER CHECK (withheld > 0);
ALTER TABLE stock_levels ADD COLUMN kept_back INTEGER CHECK (kept_back > 0);
