-- When the person read it in the notification centre; 0 while they have not. What came before there was one counts as read.
ALTER TABLE notice ADD COLUMN read_at BIGINT NOT NULL DEFAULT 0;
UPDATE notice SET read_at = at;
CREATE INDEX notice_person ON notice (person, id);
CREATE INDEX notice_unread ON notice (person, id) WHERE read_at = 0;
CREATE INDEX notice_asking ON notice (subject) WHERE read_at = 0;
