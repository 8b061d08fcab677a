-- One row per article; its text is a document.
CREATE TABLE article (
	id         TEXT PRIMARY KEY,
	number     BIGINT NOT NULL UNIQUE,
	project    TEXT NOT NULL,
	title      TEXT NOT NULL,
	state      TEXT NOT NULL,
	owner      TEXT NOT NULL,
	review_at  BIGINT NOT NULL,
	public     BOOLEAN NOT NULL,
	private    BOOLEAN NOT NULL,
	service    TEXT NOT NULL,
	rule       TEXT NOT NULL,
	document   TEXT NOT NULL,
	revision   BIGINT NOT NULL,
	shown      BIGINT NOT NULL,
	from_kind  TEXT NOT NULL,
	from_id    TEXT NOT NULL,
	request    TEXT NOT NULL,
	solved     BIGINT NOT NULL,
	helped     BIGINT NOT NULL,
	failed     BIGINT NOT NULL,
	used_at    BIGINT NOT NULL,
	failed_at  BIGINT NOT NULL,
	created_by TEXT NOT NULL,
	created_at BIGINT NOT NULL,
	changed_at BIGINT NOT NULL,
	version    BIGINT NOT NULL
);

CREATE INDEX article_rule ON article (rule) WHERE rule <> '';

CREATE UNIQUE INDEX article_from ON article (from_kind, from_id) WHERE from_id <> '';

CREATE UNIQUE INDEX article_request ON article (request) WHERE request <> '';
