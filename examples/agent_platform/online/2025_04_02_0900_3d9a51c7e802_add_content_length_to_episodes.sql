-- Add content length to episodes
--
-- A column that new rows fill by themselves.  Adding it takes a strong lock
-- for an instant: migrate_deploy() waits for that instant without holding up
-- anybody else.
--
-- Revision ID: 3d9a51c7e802
-- Revises:
-- Branch Labels: online
-- Depends On: b76d10e9a4c3
-- Create Date: 2025-04-02 09:00:00+00

-- migrate:upgrade
ALTER TABLE episodes ADD COLUMN content_length integer;

CREATE FUNCTION set_content_length() RETURNS trigger
LANGUAGE plpgsql AS $$
BEGIN
    new.content_length := length(new.content);
    RETURN new;
END
$$;

CREATE TRIGGER set_content_length BEFORE INSERT OR UPDATE OF content ON episodes
    FOR EACH ROW EXECUTE FUNCTION set_content_length();

-- migrate:downgrade
DROP TRIGGER set_content_length ON episodes;
DROP FUNCTION set_content_length();
ALTER TABLE episodes DROP COLUMN content_length;
