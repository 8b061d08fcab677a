-- When a service was taken out of use; 0 while it is in use. What names it keeps its name.
ALTER TABLE service ADD COLUMN retired_at BIGINT NOT NULL DEFAULT 0;
