-- Whether a request moved open alerts whose rows lag behind: only those are read again at a start. Of before it is not known.
ALTER TABLE inbox ADD COLUMN moved BOOLEAN NOT NULL DEFAULT TRUE;
CREATE INDEX inbox_moved ON inbox (seq) WHERE moved;
