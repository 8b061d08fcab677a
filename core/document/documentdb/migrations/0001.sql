-- A text and its revisions. A revision is never changed; html is kept with the number of the renderer that made it.
CREATE TABLE document (
	id           TEXT PRIMARY KEY,
	project      TEXT NOT NULL,
	subject_kind TEXT NOT NULL,
	subject_id   TEXT NOT NULL,
	kind         TEXT NOT NULL,
	revision     BIGINT NOT NULL,
	created_at   BIGINT NOT NULL
);

CREATE INDEX document_subject ON document (subject_id, kind, id);

CREATE TABLE document_revision (
	document    TEXT NOT NULL REFERENCES document (id),
	revision    BIGINT NOT NULL,
	markdown    TEXT NOT NULL,
	html        TEXT NOT NULL,
	renderer    BIGINT NOT NULL,
	digest      TEXT NOT NULL,
	author_kind TEXT NOT NULL,
	author_id   TEXT NOT NULL,
	at          BIGINT NOT NULL,
	PRIMARY KEY (document, revision)
);
