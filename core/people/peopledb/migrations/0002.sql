-- What a person chose, as JSON; '' for nothing. When their data was erased; 0 while it is there.
ALTER TABLE person ADD COLUMN preferences TEXT NOT NULL DEFAULT '';
ALTER TABLE person ADD COLUMN erased_at BIGINT NOT NULL DEFAULT 0;

-- Whose data was erased. It outlives the person's data, and holds none of it.
CREATE TABLE erasure (
	person    TEXT PRIMARY KEY,
	pseudonym TEXT NOT NULL,
	asked_by  TEXT NOT NULL, -- kind:id
	reason    TEXT NOT NULL,
	asked_at  BIGINT NOT NULL,
	sealed    TEXT NOT NULL, -- the names and addresses that are being looked for, encrypted; '' once done
	project   TEXT NOT NULL, -- how far the journal was read
	sequence  BIGINT NOT NULL,
	facts     BIGINT NOT NULL,
	done_at   BIGINT NOT NULL
);
