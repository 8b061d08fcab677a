CREATE TABLE password (
	person     TEXT PRIMARY KEY,
	hash       TEXT NOT NULL, -- argon2id with its cost and salt
	changed_at BIGINT NOT NULL
);

CREATE TABLE session (
	id          TEXT PRIMARY KEY,
	secret_hash TEXT NOT NULL UNIQUE, -- SHA-256, hex
	person      TEXT NOT NULL,
	created_at  BIGINT NOT NULL,
	seen_at     BIGINT NOT NULL,
	address     TEXT NOT NULL,
	agent       TEXT NOT NULL
);

CREATE INDEX session_person ON session (person);
CREATE INDEX session_created ON session (created_at);
CREATE INDEX session_seen ON session (seen_at);

CREATE TABLE token (
	id          TEXT PRIMARY KEY,
	secret_hash TEXT NOT NULL UNIQUE, -- SHA-256, hex
	name        TEXT NOT NULL,
	role        TEXT NOT NULL,
	project     TEXT NOT NULL, -- '' = all
	tail        TEXT NOT NULL,
	created_at  BIGINT NOT NULL,
	created_by  TEXT NOT NULL, -- kind:id
	used_at     BIGINT NOT NULL,
	revoked_at  BIGINT NOT NULL
);

-- Failed sign-ins per account and per address, by the digest of either.
CREATE TABLE sign_in_attempt (
	key      TEXT PRIMARY KEY,
	failures BIGINT NOT NULL,
	last_at  BIGINT NOT NULL,
	until_at BIGINT NOT NULL
);

CREATE INDEX sign_in_attempt_last ON sign_in_attempt (last_at);

-- person '' is the link that sets up the installation.
CREATE TABLE password_link (
	secret_hash TEXT PRIMARY KEY, -- SHA-256, hex
	person      TEXT NOT NULL,
	expires_at  BIGINT NOT NULL
);

CREATE INDEX password_link_person ON password_link (person);
