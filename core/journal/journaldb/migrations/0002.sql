-- The kinds of a batch's facts, joined by commas, so that what interests nobody is passed without being read; '' in batches of before.
ALTER TABLE journal_batch ADD COLUMN kinds TEXT NOT NULL DEFAULT '';

-- The state facts of alerts have no entry each in fact_subject: they are found by when they were recorded.
CREATE INDEX journal_batch_at ON journal_batch (project, at);
