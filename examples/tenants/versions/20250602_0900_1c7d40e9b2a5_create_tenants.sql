-- Create tenants
--
-- Whoever the platform works for.  All other tables lead back to this one.
--
-- Revision ID: 1c7d40e9b2a5
-- Revises:
-- Branch Labels:
-- Depends On:
-- Create Date: 2025-06-02 09:00:00+00

-- migrate:upgrade
CREATE TABLE tenant (
    id          uuid        NOT NULL DEFAULT gen_random_uuid(),
    name        text        NOT NULL,
    created_at  timestamptz NOT NULL DEFAULT now(),
    CONSTRAINT tenant_pkey PRIMARY KEY (id),
    CONSTRAINT tenant_name_key UNIQUE (name)
);

COMMENT ON TABLE tenant IS 'whoever the platform works for';

-- migrate:downgrade
DROP TABLE tenant;
