-- The index. words holds the stemmed words of the title (weight A), of name, number and labels (B) and of the text (D);
-- length is how many words the text has.
CREATE TABLE search_object (
	n       BIGINT GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
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
	words   TSVECTOR NOT NULL DEFAULT '',
	length  BIGINT NOT NULL DEFAULT 0,
	UNIQUE (kind, id)
);

CREATE INDEX search_object_number ON search_object (number) WHERE number > 0;

CREATE INDEX search_object_name ON search_object (name) WHERE name <> '';

CREATE INDEX search_object_words ON search_object USING GIN (words);
