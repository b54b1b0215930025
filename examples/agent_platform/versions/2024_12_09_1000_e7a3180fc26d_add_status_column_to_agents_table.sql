-- Add status column to agents table
--
-- Adds a new status column to track agent operational state.
--
-- Revision ID: e7a3180fc26d
-- Revises: b29e5d04a718
-- Branch Labels:
-- Depends On:
-- Create Date: 2024-12-09 10:00:00+00

-- migrate:upgrade
ALTER TABLE agents ADD COLUMN operational_status varchar(50) NOT NULL DEFAULT 'active';

-- migrate:downgrade
ALTER TABLE agents DROP COLUMN operational_status;
