CREATE TABLE person (
	id             TEXT PRIMARY KEY,
	name           TEXT NOT NULL UNIQUE,
	full_name      TEXT NOT NULL,
	email          TEXT NOT NULL,
	email_key      TEXT, -- lower case; NULL without an address
	zone           TEXT NOT NULL,
	language       TEXT NOT NULL,
	search         TEXT NOT NULL, -- lower case: name, full name, address
	created_at     BIGINT NOT NULL,
	deactivated_at BIGINT NOT NULL,
	version        BIGINT NOT NULL
);

CREATE UNIQUE INDEX person_email ON person (email_key) WHERE email_key IS NOT NULL;

CREATE TABLE contact (
	id          TEXT PRIMARY KEY,
	person      TEXT NOT NULL REFERENCES person (id),
	position    BIGINT NOT NULL,
	channel     TEXT NOT NULL,
	address     TEXT NOT NULL,
	for_pages   BOOLEAN NOT NULL,
	sealed      TEXT NOT NULL, -- the secret of a webhook, encrypted
	verified_at BIGINT NOT NULL,
	verified_by TEXT NOT NULL
);

CREATE INDEX contact_person ON contact (person, position);

CREATE TABLE team (
	id         TEXT PRIMARY KEY,
	name       TEXT NOT NULL UNIQUE,
	title      TEXT NOT NULL,
	search     TEXT NOT NULL, -- lower case: name, title
	created_at BIGINT NOT NULL,
	version    BIGINT NOT NULL
);

CREATE TABLE team_member (
	team    TEXT NOT NULL REFERENCES team (id),
	person  TEXT NOT NULL REFERENCES person (id),
	is_lead BOOLEAN NOT NULL,
	PRIMARY KEY (team, person)
);

CREATE INDEX team_member_person ON team_member (person);
