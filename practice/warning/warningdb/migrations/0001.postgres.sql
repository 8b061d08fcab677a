-- The number is the key and ascends, so inserts append. There is no index on the fingerprint: deduplication is answered from
-- memory, and such an index would cost more than everything else of an insert together. The id is made of created_at and number.
CREATE TABLE alert (
	number BIGINT PRIMARY KEY,
	created_at BIGINT NOT NULL,
	project TEXT NOT NULL,
	service TEXT NOT NULL,
	fingerprint BIGINT NOT NULL,
	state TEXT NOT NULL,
	severity TEXT NOT NULL,
	starts_at BIGINT NOT NULL,
	ends_at BIGINT NOT NULL,
	updated_at BIGINT NOT NULL,
	timeout BOOLEAN NOT NULL,
	reason TEXT NOT NULL,
	labels TEXT NOT NULL,
	annotations TEXT NOT NULL,
	generator_url TEXT NOT NULL,
	format TEXT NOT NULL,
	key_id TEXT NOT NULL,
	route TEXT NOT NULL,
	policy TEXT NOT NULL,
	why TEXT NOT NULL,
	seq BIGINT NOT NULL
);
CREATE INDEX alert_open ON alert (number) WHERE state <> 'resolved';

-- Up to which inbox entry the rows of open alerts are complete.
CREATE TABLE alert_checkpoint (
	name TEXT PRIMARY KEY,
	seq BIGINT NOT NULL
);

CREATE TABLE route (
	id TEXT PRIMARY KEY,
	project TEXT NOT NULL,
	name TEXT NOT NULL,
	service TEXT NOT NULL,
	spec TEXT NOT NULL,
	version BIGINT NOT NULL,
	UNIQUE (project, name)
);

CREATE TABLE heartbeat (
	id TEXT PRIMARY KEY,
	project TEXT NOT NULL,
	service TEXT NOT NULL,
	name TEXT NOT NULL,
	every BIGINT NOT NULL, -- microseconds
	state TEXT NOT NULL,
	last_at BIGINT NOT NULL,
	told BOOLEAN NOT NULL,
	UNIQUE (project, name)
);
CREATE INDEX heartbeat_untold ON heartbeat (id) WHERE NOT told;
