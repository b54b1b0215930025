-- Fill content length of episodes
--
-- The rows that were there before.  migrate_deploy() walks them by their key,
-- in batches that are committed one by one; migrate_upgrade() does it in one
-- statement.
--
-- Revision ID: a86f20d4b7c5
-- Revises: 3d9a51c7e802
-- Branch Labels:
-- Depends On:
-- Create Date: 2025-04-02 09:30:00+00

-- migrate:upgrade
UPDATE episodes
SET content_length = length(content)
WHERE content_length IS NULL
  AND migrate_batch(episodes.id);

-- migrate:downgrade
-- The column goes with the revision before.
