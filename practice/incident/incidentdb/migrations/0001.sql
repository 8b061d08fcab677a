CREATE TABLE incident_plan (
	id      TEXT PRIMARY KEY,
	project TEXT NOT NULL,
	name    TEXT NOT NULL,
	version BIGINT NOT NULL,
	UNIQUE (project, name)
);

-- A version is never changed.
CREATE TABLE incident_plan_version (
	plan    TEXT NOT NULL REFERENCES incident_plan (id),
	version BIGINT NOT NULL,
	spec    TEXT NOT NULL,
	by_kind TEXT NOT NULL,
	by_id   TEXT NOT NULL,
	at      BIGINT NOT NULL,
	PRIMARY KEY (plan, version)
);

-- plan is the snapshot of the plan's version; phases holds the time of each phase that was reached. request is the id of the
-- fact that asked for the incident, or the incident's own id.
CREATE TABLE incident (
	id            TEXT PRIMARY KEY,
	number        BIGINT NOT NULL UNIQUE,
	project       TEXT NOT NULL,
	title         TEXT NOT NULL,
	severity      TEXT NOT NULL,
	state         TEXT NOT NULL,
	services      TEXT NOT NULL,
	private       BOOLEAN NOT NULL,
	declared_kind TEXT NOT NULL,
	declared_id   TEXT NOT NULL,
	declared_at   BIGINT NOT NULL,
	resolved_at   BIGINT NOT NULL,
	changed_at    BIGINT NOT NULL,
	request       TEXT NOT NULL UNIQUE,
	plan          TEXT NOT NULL,
	phases        TEXT NOT NULL,
	version       BIGINT NOT NULL
);

CREATE INDEX incident_project ON incident (project, id);

CREATE INDEX incident_open ON incident (project, id) WHERE state = 'open';

CREATE TABLE incident_step (
	incident   TEXT NOT NULL REFERENCES incident (id),
	number     BIGINT NOT NULL,
	title      TEXT NOT NULL,
	role       TEXT NOT NULL,
	template   TEXT NOT NULL,
	due_at     BIGINT NOT NULL,
	state      TEXT NOT NULL,
	at         BIGINT NOT NULL,
	by_kind    TEXT NOT NULL,
	by_id      TEXT NOT NULL,
	note       TEXT NOT NULL,
	overdue_at BIGINT NOT NULL,
	PRIMARY KEY (incident, number)
);

CREATE TABLE incident_role (
	incident TEXT NOT NULL REFERENCES incident (id),
	position BIGINT NOT NULL,
	role     TEXT NOT NULL,
	person   TEXT NOT NULL,
	since    BIGINT NOT NULL,
	PRIMARY KEY (incident, role)
);

CREATE INDEX incident_role_person ON incident_role (person, incident);

CREATE TABLE incident_task (
	id         TEXT PRIMARY KEY,
	incident   TEXT NOT NULL REFERENCES incident (id),
	title      TEXT NOT NULL,
	owner      TEXT NOT NULL,
	state      TEXT NOT NULL,
	added_kind TEXT NOT NULL,
	added_id   TEXT NOT NULL,
	added_at   BIGINT NOT NULL,
	done_kind  TEXT NOT NULL,
	done_id    TEXT NOT NULL,
	done_at    BIGINT NOT NULL
);

CREATE INDEX incident_task_incident ON incident_task (incident, id);

CREATE TABLE incident_link (
	incident TEXT NOT NULL REFERENCES incident (id),
	kind     TEXT NOT NULL,
	id       TEXT NOT NULL,
	type     TEXT NOT NULL,
	at       BIGINT NOT NULL,
	PRIMARY KEY (incident, kind, id)
);

CREATE INDEX incident_link_to ON incident_link (id, kind);

CREATE INDEX incident_link_order ON incident_link (incident, at);
