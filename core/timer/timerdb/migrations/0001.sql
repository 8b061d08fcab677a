CREATE TABLE timer (
	kind       TEXT NOT NULL,
	subject    TEXT NOT NULL,
	project    TEXT NOT NULL,
	due_at     BIGINT NOT NULL,
	generation BIGINT NOT NULL,
	data       TEXT NOT NULL,
	PRIMARY KEY (kind, subject)
);

-- A timer's row goes when it fires, so the index holds only what is open.
CREATE INDEX timer_due ON timer (due_at);
