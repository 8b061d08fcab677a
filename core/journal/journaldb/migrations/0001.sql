-- One row per committed batch and project. facts is the batch's facts, compressed; hash links it to prev.
CREATE TABLE journal_batch (
	project TEXT NOT NULL,
	first   BIGINT NOT NULL,
	last    BIGINT NOT NULL,
	at      BIGINT NOT NULL,
	prev    BYTEA NOT NULL,
	hash    BYTEA NOT NULL,
	facts   BYTEA NOT NULL,
	PRIMARY KEY (project, first)
);

-- Which facts are about an object. A fact's subject is "kind:id".
CREATE TABLE fact_subject (
	subject  TEXT NOT NULL,
	project  TEXT NOT NULL,
	sequence BIGINT NOT NULL,
	PRIMARY KEY (subject, project, sequence)
);

CREATE TABLE journal_cursor (
	subscriber TEXT NOT NULL,
	project    TEXT NOT NULL,
	sequence   BIGINT NOT NULL,
	PRIMARY KEY (subscriber, project)
);

-- Facts that a subscriber could not handle, kept for a person to look at.
CREATE TABLE journal_parked (
	subscriber TEXT NOT NULL,
	project    TEXT NOT NULL,
	sequence   BIGINT NOT NULL,
	reason     TEXT NOT NULL,
	at         BIGINT NOT NULL,
	PRIMARY KEY (subscriber, project, sequence)
);
