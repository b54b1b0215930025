-- Index episodes by time
--
-- Statements that cannot run in a transaction.  Each is committed by itself;
-- after a failure the next deploy goes on where it stopped.
--
-- Revision ID: 96d3f7a1c24b
-- Revises: e20b84c6d91f
-- Branch Labels:
-- Depends On:
-- Create Date: 2025-04-04 11:00:00+00

-- migrate:upgrade transaction:no
SET maintenance_work_mem = '256MB';

CREATE INDEX CONCURRENTLY episodes_occurred_at_idx
    ON episodes (organization_id, occurred_at);

CREATE INDEX CONCURRENTLY episodes_content_length_idx
    ON episodes (organization_id, content_length)
    WHERE content_length > 10000;

-- migrate:downgrade transaction:no
DROP INDEX CONCURRENTLY episodes_content_length_idx;
DROP INDEX CONCURRENTLY episodes_occurred_at_idx;
