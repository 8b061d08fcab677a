CREATE TABLE maintenance_window (
	id TEXT PRIMARY KEY,
	number BIGINT NOT NULL UNIQUE,
	project TEXT NOT NULL,
	name TEXT NOT NULL,
	title TEXT NOT NULL,
	body TEXT NOT NULL,
	services TEXT NOT NULL,
	components TEXT NOT NULL,
	from_at BIGINT NOT NULL,
	until_at BIGINT NOT NULL,
	by_hand BOOLEAN NOT NULL,
	state TEXT NOT NULL,
	overrun BOOLEAN NOT NULL,
	sequence BIGINT NOT NULL,
	plan BIGINT NOT NULL,
	updates TEXT NOT NULL,
	created_by TEXT NOT NULL,
	created_at BIGINT NOT NULL,
	updated_at BIGINT NOT NULL,
	started_at BIGINT NOT NULL,
	ended_at BIGINT NOT NULL,
	version BIGINT NOT NULL
);
CREATE UNIQUE INDEX maintenance_window_name ON maintenance_window (project, name) WHERE name <> '';
CREATE INDEX maintenance_window_state ON maintenance_window (state, from_at);
