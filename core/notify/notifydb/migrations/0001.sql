-- What somebody was to be told. The key makes it happen once however often it is asked for.
CREATE TABLE notice (
	id       TEXT PRIMARY KEY,
	key      TEXT NOT NULL UNIQUE,
	project  TEXT NOT NULL,
	subject  TEXT NOT NULL,
	person   TEXT NOT NULL,
	channel  TEXT NOT NULL,
	address  TEXT NOT NULL,
	template TEXT NOT NULL,
	data     TEXT NOT NULL,
	urgent   BOOLEAN NOT NULL,
	at       BIGINT NOT NULL
);

-- One notice on its way to one address. What the log shows is kept here, so that a notice's data may be erased.
CREATE TABLE delivery (
	id       TEXT PRIMARY KEY,
	key      TEXT NOT NULL UNIQUE,
	notice   TEXT NOT NULL REFERENCES notice (id),
	project  TEXT NOT NULL,
	subject  TEXT NOT NULL,
	person   TEXT NOT NULL,
	channel  TEXT NOT NULL,
	address  TEXT NOT NULL,
	template TEXT NOT NULL,
	urgent   BOOLEAN NOT NULL,
	zone     TEXT NOT NULL,
	state    TEXT NOT NULL,
	attempts BIGINT NOT NULL,
	planned  BIGINT NOT NULL,
	next     BIGINT NOT NULL,
	began    BIGINT NOT NULL,
	ended    BIGINT NOT NULL,
	error    TEXT NOT NULL,
	answer   TEXT NOT NULL,
	reason   TEXT NOT NULL,
	instead  TEXT NOT NULL,
	relieved BOOLEAN NOT NULL
);

CREATE INDEX delivery_open ON delivery (id) WHERE state IN ('planned', 'leased');
CREATE INDEX delivery_notice ON delivery (notice);
CREATE INDEX delivery_subject ON delivery (subject, id);
CREATE INDEX delivery_project ON delivery (project, id);
CREATE INDEX delivery_person ON delivery (person, id);
CREATE INDEX delivery_address ON delivery (address, planned);
