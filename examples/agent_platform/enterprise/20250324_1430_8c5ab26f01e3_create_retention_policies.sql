-- Create retention policies
--
-- How long an organization keeps sessions, and facts that no longer hold.
--
-- Depends on the revision that has the branch label memory.
--
-- Revision ID: 8c5ab26f01e3
-- Revises: e41f93d7b08a
-- Branch Labels:
-- Depends On: memory
-- Create Date: 2025-03-24 14:30:00+00

-- migrate:upgrade
CREATE TABLE retention_policies (
    organization_id  uuid        NOT NULL,
    keep_sessions    interval    NOT NULL DEFAULT '1 year',
    keep_facts       interval    NOT NULL DEFAULT '5 years',
    legal_hold       boolean     NOT NULL DEFAULT false,
    created_at       timestamptz NOT NULL DEFAULT now(),
    updated_at       timestamptz NOT NULL DEFAULT now(),
    CONSTRAINT retention_policies_pkey PRIMARY KEY (organization_id),
    CONSTRAINT retention_policies_organization_id_fkey FOREIGN KEY (organization_id)
        REFERENCES organizations (id) ON DELETE CASCADE,
    CONSTRAINT retention_policies_keep_sessions_least CHECK (keep_sessions >= '1 day'),
    CONSTRAINT retention_policies_keep_facts_least CHECK (keep_facts >= '1 day')
);

CREATE TRIGGER set_updated_at BEFORE UPDATE ON retention_policies
    FOR EACH ROW WHEN (old.* IS DISTINCT FROM new.*)
    EXECUTE FUNCTION set_updated_at();

COMMENT ON TABLE retention_policies IS 'how long organizations keep what';

CREATE INDEX sessions_ended_at_idx ON sessions (organization_id, ended_at);

-- In batches, for a job to call until nothing is left.  A body in SQL's own
-- syntax is bound to its tables here and now, whatever the search path is when
-- it is called.
CREATE PROCEDURE apply_retention_policies(max_rows integer DEFAULT 10000)
    LANGUAGE sql
BEGIN ATOMIC
    DELETE FROM sessions
    WHERE id IN (SELECT s.id
                 FROM sessions s
                 JOIN retention_policies p ON p.organization_id = s.organization_id
                 WHERE NOT p.legal_hold AND s.ended_at < now() - p.keep_sessions
                 ORDER BY s.ended_at
                 LIMIT max_rows);

    DELETE FROM memory_facts
    WHERE id IN (SELECT f.id
                 FROM memory_facts f
                 JOIN retention_policies p ON p.organization_id = f.organization_id
                 WHERE NOT p.legal_hold AND upper(f.validity) < now() - p.keep_facts
                 ORDER BY upper(f.validity)
                 LIMIT max_rows);
END;

COMMENT ON PROCEDURE apply_retention_policies(integer) IS 'deletes what is older than its organization keeps';

-- migrate:downgrade
DROP PROCEDURE apply_retention_policies(integer);
DROP INDEX sessions_ended_at_idx;
DROP TABLE retention_policies;
