-- When a schedule was taken out of use; 0 while it is in use. Its past stays.
ALTER TABLE schedule ADD COLUMN retired_at BIGINT NOT NULL DEFAULT 0;
