-- How far the content of facts was removed for its age: by project and rule, the last sequence that was looked at.
CREATE TABLE retention_mark (
	project  TEXT NOT NULL,
	rule     TEXT NOT NULL,
	sequence BIGINT NOT NULL,
	PRIMARY KEY (project, rule)
);

-- What was removed for its age, by project and what it was: the latest time, and how many in all.
CREATE TABLE retention_run (
	project TEXT NOT NULL,
	what    TEXT NOT NULL,
	at      BIGINT NOT NULL,
	before  BIGINT NOT NULL,
	total   BIGINT NOT NULL,
	PRIMARY KEY (project, what)
);
