-- One row per holder of work; here a single one, "installation", has all projects. fence only rises.
CREATE TABLE lease (
	name     TEXT PRIMARY KEY,
	holder   TEXT NOT NULL,
	fence    BIGINT NOT NULL,
	taken_at BIGINT NOT NULL
);
