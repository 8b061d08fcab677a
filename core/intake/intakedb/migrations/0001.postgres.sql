CREATE TABLE intake_key (
	id TEXT PRIMARY KEY,
	hash TEXT NOT NULL UNIQUE,
	project TEXT NOT NULL,
	service TEXT NOT NULL,
	format TEXT NOT NULL,
	hint TEXT NOT NULL,
	creator TEXT NOT NULL,
	created_at BIGINT NOT NULL,
	used_at BIGINT NOT NULL,
	revoked_at BIGINT NOT NULL
);

-- One row per request, in the order in which the writer took them.
CREATE TABLE inbox (
	seq BIGINT PRIMARY KEY,
	at BIGINT NOT NULL,
	project TEXT NOT NULL,
	service TEXT NOT NULL,
	key_id TEXT NOT NULL,
	format TEXT NOT NULL,
	head TEXT NOT NULL,
	body BYTEA NOT NULL
);
