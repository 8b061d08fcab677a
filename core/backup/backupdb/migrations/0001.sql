-- What is known of the backups in the folder. Copies of the database leave it out: it is about this server's folder.
CREATE TABLE backup_copy (
	id       TEXT PRIMARY KEY,
	name     TEXT NOT NULL UNIQUE,
	state    TEXT NOT NULL,
	cause    TEXT NOT NULL,
	by_kind  TEXT NOT NULL,
	by_id    TEXT NOT NULL,
	began    BIGINT NOT NULL,
	made     BIGINT NOT NULL,
	ended    BIGINT NOT NULL,
	size     BIGINT NOT NULL,
	row_count BIGINT NOT NULL,
	facts    BIGINT NOT NULL,
	files    BIGINT NOT NULL,
	missing  BIGINT NOT NULL,
	version  TEXT NOT NULL,
	error    TEXT NOT NULL,
	told     BOOLEAN NOT NULL,
	verified BIGINT NOT NULL
);
CREATE INDEX backup_copy_began ON backup_copy (began);
