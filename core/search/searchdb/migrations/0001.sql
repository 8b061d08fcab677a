-- The index. search_object holds what a hit shows and what decides who may see it; search_text holds the words, without keeping
-- the texts a second time.
CREATE TABLE search_object (
	n       INTEGER PRIMARY KEY,
	kind    TEXT NOT NULL,
	id      TEXT NOT NULL,
	number  BIGINT NOT NULL,
	project TEXT NOT NULL,
	name    TEXT NOT NULL,
	title   TEXT NOT NULL,
	state   TEXT NOT NULL,
	body    TEXT NOT NULL,
	labels  TEXT NOT NULL,
	private BOOLEAN NOT NULL,
	at      BIGINT NOT NULL,
	UNIQUE (kind, id)
);

CREATE INDEX search_object_number ON search_object (number) WHERE number > 0;

CREATE INDEX search_object_name ON search_object (name) WHERE name <> '';

CREATE VIRTUAL TABLE search_text USING fts5 (title, name, body, content = '', contentless_delete = 1,
	tokenize = 'porter unicode61 remove_diacritics 2', prefix = '2 3');
