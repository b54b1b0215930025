-- Validate content length
--
-- In a transaction of its own: reading the whole table takes a lock that lets
-- readers and writers through, which would be for nothing if the strong one of
-- the revision before were still held.
--
-- Revision ID: e20b84c6d91f
-- Revises: 5c17e9f3a0d6
-- Branch Labels:
-- Depends On:
-- Create Date: 2025-04-03 10:10:00+00

-- migrate:upgrade
ALTER TABLE episodes VALIDATE CONSTRAINT episodes_content_length_set;

-- migrate:downgrade
-- The constraint goes with the revision before.
