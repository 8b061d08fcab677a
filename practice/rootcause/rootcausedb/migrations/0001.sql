-- One analysis per incident. graph, texts, corrective and authors are JSON.
CREATE TABLE rootcause (
	id           TEXT PRIMARY KEY,
	number       BIGINT NOT NULL UNIQUE,
	project      TEXT NOT NULL,
	incident     TEXT NOT NULL UNIQUE,
	title        TEXT NOT NULL,
	severity     TEXT NOT NULL,
	private      BOOLEAN NOT NULL,
	state        TEXT NOT NULL,
	owner        TEXT NOT NULL,
	due_at       BIGINT NOT NULL,
	request      TEXT NOT NULL,
	action       TEXT NOT NULL,
	texts        TEXT NOT NULL,
	graph        TEXT NOT NULL,
	corrective   TEXT NOT NULL,
	authors      TEXT NOT NULL,
	opened_at    BIGINT NOT NULL,
	opened_by    TEXT NOT NULL,
	sent_at      BIGINT NOT NULL,
	sent_by      TEXT NOT NULL,
	reviewed_at  BIGINT NOT NULL,
	reviewed_by  TEXT NOT NULL,
	published_at BIGINT NOT NULL,
	published_by TEXT NOT NULL,
	changed_at   BIGINT NOT NULL,
	version      BIGINT NOT NULL
);

CREATE INDEX rootcause_due ON rootcause (due_at, number) WHERE state IN ('open', 'in_review', 'reviewed');
