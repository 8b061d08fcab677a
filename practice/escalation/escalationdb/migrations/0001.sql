CREATE TABLE schedule (
	id TEXT PRIMARY KEY,
	project TEXT NOT NULL,
	name TEXT NOT NULL,
	revision BIGINT NOT NULL,
	UNIQUE (project, name)
);

CREATE TABLE schedule_version (
	schedule TEXT NOT NULL REFERENCES schedule (id),
	number BIGINT NOT NULL,
	effective_at BIGINT NOT NULL,
	spec TEXT NOT NULL,
	PRIMARY KEY (schedule, number)
);

CREATE TABLE schedule_override (
	id TEXT PRIMARY KEY,
	schedule TEXT NOT NULL REFERENCES schedule (id),
	person TEXT NOT NULL,
	from_at BIGINT NOT NULL,
	until_at BIGINT NOT NULL,
	reason TEXT NOT NULL,
	made_by TEXT NOT NULL,
	created_at BIGINT NOT NULL,
	removed_at BIGINT NOT NULL
);
CREATE INDEX schedule_override_until ON schedule_override (schedule, until_at);

CREATE TABLE escalation_policy (
	id TEXT PRIMARY KEY,
	project TEXT NOT NULL,
	name TEXT NOT NULL,
	definition TEXT NOT NULL,
	revision BIGINT NOT NULL,
	UNIQUE (project, name)
);

CREATE TABLE page (
	id TEXT PRIMARY KEY,
	number BIGINT NOT NULL UNIQUE,
	project TEXT NOT NULL,
	request TEXT NOT NULL,
	title TEXT NOT NULL,
	severity TEXT NOT NULL,
	service TEXT NOT NULL,
	reason TEXT NOT NULL,
	policy TEXT NOT NULL,
	state TEXT NOT NULL,
	step BIGINT NOT NULL,
	round BIGINT NOT NULL,
	generation BIGINT NOT NULL,
	next_at BIGINT NOT NULL,
	opened_at BIGINT NOT NULL,
	acked_at BIGINT NOT NULL,
	acked_by TEXT NOT NULL,
	acked_via TEXT NOT NULL,
	ended_at BIGINT NOT NULL,
	end_reason TEXT NOT NULL,
	version BIGINT NOT NULL
);
CREATE INDEX page_underway ON page (state, number) WHERE state <> 'resolved';
CREATE INDEX page_project ON page (project, number);

-- Each request is served once, however often it is handed over.
CREATE TABLE page_request (
	request TEXT PRIMARY KEY,
	page TEXT NOT NULL
);

CREATE TABLE page_subject (
	page TEXT NOT NULL REFERENCES page (id),
	subject TEXT NOT NULL,
	position BIGINT NOT NULL,
	ended_at BIGINT NOT NULL,
	PRIMARY KEY (page, subject)
);
CREATE INDEX page_subject_subject ON page_subject (subject, page);

CREATE TABLE page_step (
	page TEXT NOT NULL REFERENCES page (id),
	number BIGINT NOT NULL,
	taken TEXT NOT NULL,
	PRIMARY KEY (page, number)
);

CREATE TABLE page_person (
	person TEXT NOT NULL,
	page TEXT NOT NULL REFERENCES page (id),
	PRIMARY KEY (person, page)
);
