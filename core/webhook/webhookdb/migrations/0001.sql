CREATE TABLE webhook_endpoint (
	id         TEXT PRIMARY KEY,
	project    TEXT NOT NULL,
	name       TEXT NOT NULL,
	spec       TEXT NOT NULL,
	secrets    TEXT NOT NULL,
	state      TEXT NOT NULL,
	reason     TEXT NOT NULL,
	failures   BIGINT NOT NULL,
	since      BIGINT NOT NULL,
	aside      BIGINT NOT NULL,
	next_at    BIGINT NOT NULL,
	ok_at      BIGINT NOT NULL,
	try_at     BIGINT NOT NULL,
	error      TEXT NOT NULL,
	created_at BIGINT NOT NULL,
	updated_at BIGINT NOT NULL,
	version    BIGINT NOT NULL,
	UNIQUE (project, name)
);

-- How far delivery has come: the queue. replay is '' for what happens, else the id of a replay that ends with until.
CREATE TABLE webhook_cursor (
	endpoint   TEXT NOT NULL,
	project    TEXT NOT NULL,
	replay     TEXT NOT NULL,
	sequence   BIGINT NOT NULL,
	until      BIGINT NOT NULL,
	created_at BIGINT NOT NULL,
	creator    TEXT NOT NULL,
	PRIMARY KEY (endpoint, project, replay)
);

-- One row per request.
CREATE TABLE webhook_attempt (
	id       TEXT PRIMARY KEY,
	endpoint TEXT NOT NULL,
	project  TEXT NOT NULL,
	message  TEXT NOT NULL,
	first    BIGINT NOT NULL,
	last     BIGINT NOT NULL,
	events   BIGINT NOT NULL,
	kind     TEXT NOT NULL,
	subject  TEXT NOT NULL,
	origin   TEXT NOT NULL,
	replay   TEXT NOT NULL,
	try      BIGINT NOT NULL,
	at       BIGINT NOT NULL,
	took     BIGINT NOT NULL,
	status   BIGINT NOT NULL,
	answer   TEXT NOT NULL,
	error    TEXT NOT NULL,
	result   TEXT NOT NULL,
	next_at  BIGINT NOT NULL
);
CREATE INDEX webhook_attempt_endpoint ON webhook_attempt (endpoint, id);
CREATE INDEX webhook_attempt_at ON webhook_attempt (at);
