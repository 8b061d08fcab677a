-- What thousands of alerts have in common, once: half of an alert's row was this. Rows are only added.
CREATE TABLE alert_origin (
	id INTEGER PRIMARY KEY,
	project TEXT NOT NULL,
	service TEXT NOT NULL,
	severity TEXT NOT NULL,
	format TEXT NOT NULL,
	key_id TEXT NOT NULL,
	route TEXT NOT NULL,
	policy TEXT NOT NULL,
	why TEXT NOT NULL
);
INSERT INTO alert_origin (id, project, service, severity, format, key_id, route, policy, why)
	SELECT row_number() OVER (), project, service, severity, format, key_id, route, policy, why
	FROM (SELECT DISTINCT project, service, severity, format, key_id, route, policy, why FROM alert) AS before;

-- closed_at is when the end of an alert was noted: beside created_at the moment at which facts about its state were recorded. It is 0
-- while the alert is open, and for what ended before there was this column.
ALTER TABLE alert RENAME TO alert_before;
CREATE TABLE alert (
	number INTEGER PRIMARY KEY,
	created_at BIGINT NOT NULL,
	closed_at BIGINT NOT NULL,
	origin BIGINT NOT NULL,
	fingerprint BIGINT NOT NULL,
	state TEXT NOT NULL,
	starts_at BIGINT NOT NULL,
	ends_at BIGINT NOT NULL,
	updated_at BIGINT NOT NULL,
	timeout BOOLEAN NOT NULL,
	reason TEXT NOT NULL,
	seq BIGINT NOT NULL,
	labels TEXT NOT NULL,
	annotations TEXT NOT NULL,
	generator_url TEXT NOT NULL
);
INSERT INTO alert (number, created_at, closed_at, origin, fingerprint, state, starts_at, ends_at, updated_at, timeout, reason, seq,
		labels, annotations, generator_url)
	SELECT b.number, b.created_at, 0, o.id, b.fingerprint, b.state, b.starts_at, b.ends_at, b.updated_at, b.timeout, b.reason, b.seq,
		b.labels, b.annotations, b.generator_url
	FROM alert_before b JOIN alert_origin o ON o.project = b.project AND o.service = b.service AND o.severity = b.severity
		AND o.format = b.format AND o.key_id = b.key_id AND o.route = b.route AND o.policy = b.policy AND o.why = b.why;
DROP TABLE alert_before;
CREATE INDEX alert_open ON alert (number) WHERE state <> 'resolved';
