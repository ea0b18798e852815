-- needs: 0009_locations
CREATE TABLE locations (
  name text COLLATE "C" PRIMARY KEY,
  folded text COLLATE "C" NOT NULL,
  kind text COLLATE "C" NOT NULL CHECK (kind IN ('stock', 'quarantine', 'incoming', 'transit')),
  sells boolean NOT NULL,
  ships boolean NOT NULL,
  expected_at timestamptz,
  note text,
  updated_at timestamptz NOT NULL,
  CONSTRAINT only_stock_is_sold CHECK (kind = 'stock' OR NOT (sells OR ships))
);
CREATE UNIQUE INDEX locations_folded ON locations (folded);
COMMENT ON TABLE locations IS
  'Every location that has, or had, a level. folded: the name without case and width, so that no two differ in those only;
those from before this table are folded by = and their name. What does not sell is withheld from its levels.';
INSERT INTO locations (name, folded, kind, sells, ships, updated_at)
  SELECT location, '=' || location, 'stock', true, true, now() FROM (SELECT DISTINCT location FROM stock_levels) AS known
  ORDER BY location;

ALTER TABLE stock_levels ADD COLUMN withheld bigint, ADD COLUMN kept_back bigint;
ALTER TABLE stock_levels ADD CONSTRAINT withheld_units CHECK (withheld > 0 AND kept_back > 0);
COMMENT ON TABLE stock_levels IS
  'Units of a SKU at a location: there, and promised to open orders. The sum of its stock_movements. Rows are never
deleted; updated often, so half of each page is left free for updates that touch no index (HOT). withheld: units that are
not sold however many there are: those kept back, or all where the location does not sell; NULL for none.';
