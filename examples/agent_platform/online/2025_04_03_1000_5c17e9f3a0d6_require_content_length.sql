-- Require content length
--
-- First a constraint that only new rows are checked against, which takes an
-- instant; the next revision checks the others.
--
-- Revision ID: 5c17e9f3a0d6
-- Revises: a86f20d4b7c5
-- Branch Labels:
-- Depends On:
-- Create Date: 2025-04-03 10:00:00+00

-- migrate:upgrade
ALTER TABLE episodes ADD CONSTRAINT episodes_content_length_set
    CHECK (content_length IS NOT NULL) NOT VALID;

-- migrate:downgrade
ALTER TABLE episodes DROP CONSTRAINT episodes_content_length_set;
