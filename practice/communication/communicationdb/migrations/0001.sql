CREATE TABLE component (
	id TEXT PRIMARY KEY,
	project TEXT NOT NULL,
	name TEXT NOT NULL,
	title TEXT NOT NULL,
	description TEXT NOT NULL,
	is_group BOOLEAN NOT NULL,
	group_id TEXT NOT NULL,
	service TEXT NOT NULL,
	position BIGINT NOT NULL,
	showcase BOOLEAN NOT NULL,
	only_if_degraded BOOLEAN NOT NULL,
	since BIGINT NOT NULL,
	hand TEXT NOT NULL,
	reason TEXT NOT NULL,
	windows TEXT NOT NULL,
	created_at BIGINT NOT NULL,
	updated_at BIGINT NOT NULL,
	version BIGINT NOT NULL,
	UNIQUE (project, name)
);

-- One row per stretch of time in one state; until_at 0 is the one that goes on.
CREATE TABLE component_state (
	component TEXT NOT NULL,
	from_at BIGINT NOT NULL,
	until_at BIGINT NOT NULL,
	state TEXT NOT NULL,
	PRIMARY KEY (component, from_at)
);
CREATE INDEX component_state_until ON component_state (until_at);

CREATE TABLE post (
	id TEXT PRIMARY KEY,
	project TEXT NOT NULL,
	incident TEXT NOT NULL,
	state TEXT NOT NULL,
	status TEXT NOT NULL,
	title TEXT NOT NULL,
	body TEXT NOT NULL,
	template TEXT NOT NULL,
	components TEXT NOT NULL,
	next_seconds BIGINT NOT NULL,
	next_at BIGINT NOT NULL,
	drafter TEXT NOT NULL,
	decider TEXT NOT NULL,
	reason TEXT NOT NULL,
	request TEXT,
	private BOOLEAN NOT NULL,
	drafted_at BIGINT NOT NULL,
	decided_at BIGINT NOT NULL,
	version BIGINT NOT NULL,
	UNIQUE (request)
);
CREATE INDEX post_incident ON post (incident, id);
CREATE INDEX post_state ON post (state, id);

CREATE TABLE post_template (
	id TEXT PRIMARY KEY,
	project TEXT NOT NULL,
	name TEXT NOT NULL,
	title TEXT NOT NULL,
	status TEXT NOT NULL,
	body TEXT NOT NULL,
	holding BOOLEAN NOT NULL,
	updated_at BIGINT NOT NULL,
	version BIGINT NOT NULL,
	UNIQUE (project, name)
);

CREATE TABLE post_cadence (
	incident TEXT PRIMARY KEY,
	project TEXT NOT NULL,
	due_at BIGINT NOT NULL,
	overdue BOOLEAN NOT NULL,
	first_word BOOLEAN NOT NULL,
	generation BIGINT NOT NULL
);

-- What the status page is rendered from. The page reads no other practice's tables.
CREATE TABLE public_incident (
	id TEXT PRIMARY KEY,
	project TEXT NOT NULL,
	name TEXT NOT NULL,
	status TEXT NOT NULL,
	impact TEXT NOT NULL,
	components TEXT NOT NULL,
	started_at BIGINT NOT NULL,
	created_at BIGINT NOT NULL,
	updated_at BIGINT NOT NULL,
	monitoring_at BIGINT NOT NULL,
	resolved_at BIGINT NOT NULL,
	withheld BOOLEAN NOT NULL
);
CREATE INDEX public_incident_created ON public_incident (created_at);

CREATE TABLE public_window (
	id TEXT PRIMARY KEY,
	project TEXT NOT NULL,
	number BIGINT NOT NULL,
	name TEXT NOT NULL,
	body TEXT NOT NULL,
	status TEXT NOT NULL,
	from_at BIGINT NOT NULL,
	until_at BIGINT NOT NULL,
	components TEXT NOT NULL,
	sequence BIGINT NOT NULL,
	overrun BOOLEAN NOT NULL,
	created_at BIGINT NOT NULL,
	updated_at BIGINT NOT NULL,
	started_at BIGINT NOT NULL,
	ended_at BIGINT NOT NULL
);
CREATE INDEX public_window_until ON public_window (until_at);

-- The parent is an incident or a window.
CREATE TABLE public_update (
	id TEXT PRIMARY KEY,
	parent TEXT NOT NULL,
	status TEXT NOT NULL,
	body TEXT NOT NULL,
	at BIGINT NOT NULL,
	next_at BIGINT NOT NULL,
	affected TEXT NOT NULL
);
CREATE INDEX public_update_parent ON public_update (parent, at);
