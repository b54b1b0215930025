-- Move episode importance out of metadata
--
-- Agents wrote {"importance": 7} into metadata; recall sorts by it, so it
-- becomes a column.  Episodes without one count as 5.
--
-- Revision ID: ce0975b8f3d4
-- Revises: 39d2e76a1fb5
-- Branch Labels:
-- Depends On:
-- Create Date: 2025-02-26 10:10:00+00

-- migrate:upgrade
-- A constant default does not rewrite the table; only rows that have something
-- to move are updated.
ALTER TABLE episodes ADD COLUMN importance smallint NOT NULL DEFAULT 5;

UPDATE episodes
SET importance = least(greatest(round((metadata ->> 'importance')::numeric), 1), 10),
    metadata = metadata - 'importance'
WHERE jsonb_typeof(metadata -> 'importance') = 'number';

ALTER TABLE episodes ADD CONSTRAINT episodes_importance_range
    CHECK (importance BETWEEN 1 AND 10);

-- migrate:downgrade
-- Back to where it came from; 5 is what its absence means.
UPDATE episodes
SET metadata = metadata || jsonb_build_object('importance', importance)
WHERE importance <> 5;

ALTER TABLE episodes DROP COLUMN importance;
