-- Delete tool calls of long ended sessions
--
-- In batches, by the key of the table that shrinks.
--
-- Revision ID: 1f58c0e7b3a9
-- Revises: 96d3f7a1c24b
-- Branch Labels:
-- Depends On:
-- Create Date: 2025-04-07 08:30:00+00

-- migrate:upgrade
DELETE FROM episodes
USING sessions
WHERE sessions.organization_id = episodes.organization_id
  AND sessions.id = episodes.session_id
  AND sessions.ended_at < now() - interval '2 years'
  AND episodes.kind = 'tool_call'
  AND migrate_batch(episodes.id);

-- migrate:downgrade
-- Nothing depends on rows that were past their time.
