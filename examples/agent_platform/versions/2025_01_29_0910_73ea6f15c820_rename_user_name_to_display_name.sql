-- Rename user name to display name
--
-- The column holds what people want to be called, not who they are.
--
-- Revision ID: 73ea6f15c820
-- Revises: d5480cf3b9a1
-- Branch Labels:
-- Depends On:
-- Create Date: 2025-01-29 09:10:00+00

-- migrate:upgrade
ALTER TABLE users RENAME COLUMN name TO display_name;
ALTER TABLE users RENAME CONSTRAINT users_name_not_blank TO users_display_name_not_blank;

-- migrate:downgrade
ALTER TABLE users RENAME CONSTRAINT users_display_name_not_blank TO users_name_not_blank;
ALTER TABLE users RENAME COLUMN display_name TO name;
