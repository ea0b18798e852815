-- formerly: d655db54515a1ee46c8e7185c19340a3e8a3777b64078a48faff0b9867ef61fe
-- In two steps, for a distributed server adds no column together with a CHECK.
ALTER TABLE imports ADD COLUMN created bigint NOT NULL DEFAULT 0;
ALTER TABLE imports ADD CONSTRAINT imports_created_check CHECK (created >= 0);
COMMENT ON COLUMN imports.created IS 'How many products the import has created so far.';
