-- Create organizations
--
-- The tenants.  Every other table of the product leads back to this one.
--
-- Revision ID: 4f1c2a9be073
-- Revises:
-- Branch Labels:
-- Depends On:
-- Create Date: 2024-12-02 09:00:00+00

-- migrate:upgrade
CREATE TABLE organizations (
    id          uuid        NOT NULL DEFAULT gen_random_uuid(),
    name        text        NOT NULL,
    slug        text        NOT NULL,
    created_at  timestamptz NOT NULL DEFAULT now(),
    updated_at  timestamptz NOT NULL DEFAULT now(),
    CONSTRAINT organizations_pkey PRIMARY KEY (id),
    CONSTRAINT organizations_slug_key UNIQUE (slug),
    CONSTRAINT organizations_name_not_blank CHECK (btrim(name) <> ''),
    -- The slug is part of URLs and host names.
    CONSTRAINT organizations_slug_format
        CHECK (slug ~ '^[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?$')
);

COMMENT ON TABLE organizations IS 'tenants';

-- migrate:downgrade
DROP TABLE organizations;
