ALTER TABLE imports ADD COLUMN created bigint NOT NULL DEFAULT 0 CHECK (created >= 0);
COMMENT ON COLUMN imports.created IS 'How many products the import has created so far.';
