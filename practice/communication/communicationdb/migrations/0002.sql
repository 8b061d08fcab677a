-- When a component was taken out of use; 0 while it is in use. Its past states stay.
ALTER TABLE component ADD COLUMN retired_at BIGINT NOT NULL DEFAULT 0;
