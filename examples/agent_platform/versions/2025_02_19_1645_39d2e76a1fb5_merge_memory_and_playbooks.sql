-- Merge memory and playbooks
--
-- Two people worked off one parent; from here there is one head again.
--
-- Revision ID: 39d2e76a1fb5
-- Revises: a0c97b4e3d86, f84b03c7ae19
-- Branch Labels:
-- Depends On:
-- Create Date: 2025-02-19 16:45:00+00

-- migrate:upgrade

-- migrate:downgrade
