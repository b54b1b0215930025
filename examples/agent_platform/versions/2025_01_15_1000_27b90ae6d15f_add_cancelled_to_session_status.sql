-- Add cancelled to session status
--
-- A session that a person stops has not failed.
--
-- The new value cannot be used before the transaction that adds it commits.
-- No revision that follows uses it, so that all of them can be applied in one
-- transaction.
--
-- Revision ID: 27b90ae6d15f
-- Revises: c3f21d79e804
-- Branch Labels:
-- Depends On:
-- Create Date: 2025-01-15 10:00:00+00

-- migrate:upgrade
ALTER TYPE session_status ADD VALUE 'cancelled';

-- migrate:downgrade
-- A value cannot be dropped from an enum: the type is made again without it.
-- What refers to the type must go first, and come back afterwards.
DROP INDEX sessions_active_idx;
ALTER TABLE sessions DROP CONSTRAINT sessions_ended_unless_active;
ALTER TABLE sessions ALTER COLUMN status DROP DEFAULT;

ALTER TYPE session_status RENAME TO session_status_with_cancelled;
CREATE TYPE session_status AS ENUM ('active', 'completed', 'failed');

-- Cancelled sessions were called failed before.  Compared as text, because the
-- value may have been added by this very transaction.
ALTER TABLE sessions ALTER COLUMN status TYPE session_status
    USING CASE status::text
              WHEN 'cancelled' THEN 'failed'
              ELSE status::text
          END::session_status;

DROP TYPE session_status_with_cancelled;

ALTER TABLE sessions ALTER COLUMN status SET DEFAULT 'active';
ALTER TABLE sessions ADD CONSTRAINT sessions_ended_unless_active
    CHECK ((status = 'active') = (ended_at IS NULL));
CREATE INDEX sessions_active_idx ON sessions (organization_id, agent_id)
    WHERE status = 'active';
