-- How a session began: 'password', 'password and code', 'passkey', 'provider keycloak' …
ALTER TABLE session ADD COLUMN method TEXT NOT NULL DEFAULT 'password';
ALTER TABLE session ADD COLUMN provider TEXT NOT NULL DEFAULT '';

-- 0: until it is revoked. After a rotation the secret before counts until old_until.
ALTER TABLE token ADD COLUMN expires_at BIGINT NOT NULL DEFAULT 0;
ALTER TABLE token ADD COLUMN old_hash TEXT NOT NULL DEFAULT '';
ALTER TABLE token ADD COLUMN old_until BIGINT NOT NULL DEFAULT 0;

CREATE INDEX token_old ON token (old_hash) WHERE old_hash <> '';

ALTER TABLE password_link ADD COLUMN purpose TEXT NOT NULL DEFAULT 'hand';
ALTER TABLE password_link ADD COLUMN created_at BIGINT NOT NULL DEFAULT 0;

UPDATE password_link SET purpose = 'setup' WHERE person = '';

CREATE INDEX password_link_expires ON password_link (expires_at);

CREATE TABLE authenticator (
	person   TEXT PRIMARY KEY,
	secret   TEXT NOT NULL, -- sealed
	added_at BIGINT NOT NULL,
	step     BIGINT NOT NULL -- the newest 30 s of which a code was used
);

CREATE TABLE recovery_code (
	person TEXT NOT NULL,
	hash   TEXT NOT NULL, -- HMAC-SHA256 with a key outside the database
	PRIMARY KEY (person, hash)
);

CREATE TABLE passkey (
	id            TEXT PRIMARY KEY,
	person        TEXT NOT NULL,
	credential_id TEXT NOT NULL UNIQUE, -- base64url
	credential    TEXT NOT NULL,        -- public key, counter, flags: JSON
	name          TEXT NOT NULL,
	added_at      BIGINT NOT NULL,
	used_at       BIGINT NOT NULL,
	suspect_at    BIGINT NOT NULL, -- when its counter went back; refused since
	synced        BOOLEAN NOT NULL
);

CREATE INDEX passkey_person ON passkey (person, id);

-- Challenges and answers that count once.
CREATE TABLE spent (
	key      TEXT PRIMARY KEY,
	until_at BIGINT NOT NULL
);

CREATE INDEX spent_until ON spent (until_at);

CREATE TABLE identity_provider (
	name       TEXT PRIMARY KEY,
	spec       TEXT NOT NULL, -- JSON, without the secret
	secret     TEXT NOT NULL, -- sealed; '' for none
	created_at BIGINT NOT NULL,
	changed_at BIGINT NOT NULL,
	version    BIGINT NOT NULL
);

CREATE TABLE provider_account (
	provider  TEXT NOT NULL,
	subject   TEXT NOT NULL,
	person    TEXT NOT NULL,
	linked_at BIGINT NOT NULL,
	used_at   BIGINT NOT NULL,
	PRIMARY KEY (provider, subject)
);

CREATE INDEX provider_account_person ON provider_account (person);

-- Roles and places in teams that a person has because of a group, and that go with it.
CREATE TABLE provider_given (
	provider TEXT NOT NULL,
	person   TEXT NOT NULL,
	role     TEXT NOT NULL, -- '' for a place in a team
	project  TEXT NOT NULL, -- '' = all
	team     TEXT NOT NULL,
	PRIMARY KEY (provider, person, role, project, team)
);

CREATE INDEX provider_given_person ON provider_given (person);
