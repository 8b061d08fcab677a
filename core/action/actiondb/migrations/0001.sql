-- due_key orders by due date: due_at, or a time beyond all others when there is none.
CREATE TABLE action (
	id             TEXT PRIMARY KEY,
	number         BIGINT NOT NULL UNIQUE,
	project        TEXT NOT NULL,
	kind           TEXT NOT NULL,
	title          TEXT NOT NULL,
	owner          TEXT NOT NULL,
	due_at         BIGINT NOT NULL,
	due_key        BIGINT NOT NULL,
	origin_kind    TEXT NOT NULL,
	origin_id      TEXT NOT NULL,
	private        BOOLEAN NOT NULL,
	state          TEXT NOT NULL,
	proof          TEXT NOT NULL,
	verdict        TEXT NOT NULL,
	judge_kind     TEXT NOT NULL,
	judge_id       TEXT NOT NULL,
	judged_at      BIGINT NOT NULL,
	created_kind   TEXT NOT NULL,
	created_id     TEXT NOT NULL,
	created_at     BIGINT NOT NULL,
	changed_at     BIGINT NOT NULL,
	done_at        BIGINT NOT NULL,
	overdue_at     BIGINT NOT NULL,
	version        BIGINT NOT NULL
);

CREATE INDEX action_owner ON action (owner, due_key, id) WHERE state IN ('proposed', 'accepted');

CREATE INDEX action_due ON action (due_key, id) WHERE state IN ('proposed', 'accepted');

CREATE INDEX action_origin ON action (origin_id);

CREATE INDEX action_project ON action (project, id);
