-- Keep updated_at current
--
-- Applications forgot to set updated_at.  A trigger does not.
--
-- Revision ID: c3f21d79e804
-- Revises: 6ae85b1f470c
-- Branch Labels:
-- Depends On:
-- Create Date: 2025-01-08 13:40:00+00

-- migrate:upgrade
CREATE FUNCTION set_updated_at() RETURNS trigger
    LANGUAGE plpgsql
    SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    new.updated_at := now();
    RETURN new;
END;
$$;

COMMENT ON FUNCTION set_updated_at() IS 'trigger function: the row changed now';

-- An UPDATE that changes nothing leaves the time alone.
CREATE TRIGGER set_updated_at BEFORE UPDATE ON organizations
    FOR EACH ROW WHEN (old.* IS DISTINCT FROM new.*)
    EXECUTE FUNCTION set_updated_at();
CREATE TRIGGER set_updated_at BEFORE UPDATE ON users
    FOR EACH ROW WHEN (old.* IS DISTINCT FROM new.*)
    EXECUTE FUNCTION set_updated_at();
CREATE TRIGGER set_updated_at BEFORE UPDATE ON agents
    FOR EACH ROW WHEN (old.* IS DISTINCT FROM new.*)
    EXECUTE FUNCTION set_updated_at();

-- migrate:downgrade
DROP TRIGGER set_updated_at ON agents;
DROP TRIGGER set_updated_at ON users;
DROP TRIGGER set_updated_at ON organizations;
DROP FUNCTION set_updated_at();
