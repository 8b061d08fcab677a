CREATE TABLE undo (
	id         TEXT PRIMARY KEY,
	person     TEXT NOT NULL,
	body       TEXT NOT NULL,
	expires_at BIGINT NOT NULL
);
CREATE INDEX undo_expires ON undo (expires_at);
