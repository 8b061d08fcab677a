CREATE TABLE object (
	kind       TEXT NOT NULL,
	id         TEXT NOT NULL,
	number     BIGINT NOT NULL,
	project    TEXT NOT NULL,
	name       TEXT NOT NULL,
	title      TEXT NOT NULL,
	state      TEXT NOT NULL,
	labels     TEXT NOT NULL,
	private    BOOLEAN NOT NULL,
	updated_at BIGINT NOT NULL,
	PRIMARY KEY (kind, id)
);
CREATE UNIQUE INDEX object_number ON object (kind, number) WHERE number > 0;
CREATE UNIQUE INDEX object_name ON object (kind, name, project) WHERE name <> '';

-- The next number of each kind.
CREATE TABLE object_counter (
	kind TEXT PRIMARY KEY,
	last BIGINT NOT NULL
);

CREATE TABLE object_link (
	from_kind TEXT NOT NULL,
	from_id   TEXT NOT NULL,
	type      TEXT NOT NULL,
	to_kind   TEXT NOT NULL,
	to_id     TEXT NOT NULL,
	at        BIGINT NOT NULL,
	PRIMARY KEY (from_kind, from_id, type, to_kind, to_id)
);
CREATE INDEX object_link_to ON object_link (to_kind, to_id);
