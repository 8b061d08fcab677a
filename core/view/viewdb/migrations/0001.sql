CREATE TABLE saved_view (
	id         TEXT PRIMARY KEY,
	owner      TEXT NOT NULL,
	project    TEXT NOT NULL, -- '' for the owner alone
	list       TEXT NOT NULL,
	path       TEXT NOT NULL,
	query      TEXT NOT NULL,
	title      TEXT NOT NULL,
	created_at BIGINT NOT NULL
);
CREATE INDEX saved_view_owner ON saved_view (owner);
CREATE INDEX saved_view_project ON saved_view (project) WHERE project <> '';

CREATE TABLE saved_view_use (
	person     TEXT NOT NULL,
	view       TEXT NOT NULL REFERENCES saved_view (id),
	list       TEXT NOT NULL,
	pinned     BOOLEAN NOT NULL,
	is_default BOOLEAN NOT NULL,
	PRIMARY KEY (person, view)
);
