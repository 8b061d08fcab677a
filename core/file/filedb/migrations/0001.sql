-- One row per exhibit; its content lies in the folder of files under its digest.
CREATE TABLE exhibit (
	id           TEXT PRIMARY KEY,
	project      TEXT NOT NULL,
	subject_kind TEXT NOT NULL,
	subject_id   TEXT NOT NULL,
	name         TEXT NOT NULL,
	sha256       TEXT NOT NULL,
	size         BIGINT NOT NULL,
	media_type   TEXT NOT NULL,
	private      BOOLEAN NOT NULL,
	by_kind      TEXT NOT NULL,
	by_id        TEXT NOT NULL,
	at           BIGINT NOT NULL
);

CREATE INDEX exhibit_subject ON exhibit (subject_id, id);

CREATE INDEX exhibit_sha256 ON exhibit (sha256);
