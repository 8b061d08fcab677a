CREATE TABLE project (
	id         TEXT PRIMARY KEY,
	name       TEXT NOT NULL UNIQUE,
	spec       TEXT NOT NULL,
	version    BIGINT NOT NULL,
	created_at BIGINT NOT NULL
);

CREATE TABLE service (
	id         TEXT PRIMARY KEY,
	project    TEXT NOT NULL REFERENCES project (id),
	name       TEXT NOT NULL,
	spec       TEXT NOT NULL,
	version    BIGINT NOT NULL,
	created_at BIGINT NOT NULL,
	UNIQUE (project, name)
);
