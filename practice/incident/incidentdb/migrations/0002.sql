-- When a plan was taken out of use; 0 while it is in use. Its versions stay.
ALTER TABLE incident_plan ADD COLUMN retired_at BIGINT NOT NULL DEFAULT 0;
