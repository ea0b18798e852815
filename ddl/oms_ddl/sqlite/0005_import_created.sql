-- How many products an import has created so far.
ALTER TABLE imports ADD COLUMN created INTEGER NOT NULL DEFAULT 0 CHECK (created >= 0);
