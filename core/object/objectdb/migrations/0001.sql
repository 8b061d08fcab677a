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
	secret     TEXT NOT NULL,
	updated_at BIGINT NOT NULL,
	PRIMARY KEY (kind, id)
);
CREATE INDEX object_secret ON object (secret) WHERE secret <> '';
CREATE UNIQUE INDEX object_number ON object (kind, number) WHERE number > 0;
CREATE UNIQUE INDEX object_name ON object (kind, name, project) WHERE name <> '';

-- Who may know of a private object besides those who manage incidents. An object's secret is the id of the one whose readers are its
-- own: itself, or what it hangs on; '' when it is not private.
CREATE TABLE object_reader (
	secret TEXT NOT NULL,
	person TEXT NOT NULL,
	PRIMARY KEY (person, secret)
);
CREATE INDEX object_reader_secret ON object_reader (secret);

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
