-- Create api keys
--
-- The key itself is shown once, when it is made; only its SHA-256 hash is
-- kept.  The prefix is what people recognize a key by.
--
-- Revision ID: 1bc4f96d8e52
-- Revises: e7a3180fc26d
-- Branch Labels:
-- Depends On:
-- Create Date: 2024-12-11 16:20:00+00

-- migrate:upgrade
CREATE TABLE api_keys (
    id               uuid        NOT NULL DEFAULT gen_random_uuid(),
    organization_id  uuid        NOT NULL,
    created_by       uuid,
    name             text        NOT NULL,
    prefix           text        NOT NULL,
    key_hash         bytea       NOT NULL,
    scopes           text[]      NOT NULL DEFAULT '{}',
    created_at       timestamptz NOT NULL DEFAULT now(),
    expires_at       timestamptz,
    revoked_at       timestamptz,
    CONSTRAINT api_keys_pkey PRIMARY KEY (id),
    -- A request is looked up by hash before its organization is known.
    CONSTRAINT api_keys_key_hash_key UNIQUE (key_hash),
    CONSTRAINT api_keys_organization_id_name_key UNIQUE (organization_id, name),
    CONSTRAINT api_keys_organization_id_fkey FOREIGN KEY (organization_id)
        REFERENCES organizations (id) ON DELETE CASCADE,
    -- A key outlives the person who made it, until it is revoked.
    CONSTRAINT api_keys_created_by_fkey FOREIGN KEY (organization_id, created_by)
        REFERENCES users (organization_id, id) ON DELETE SET NULL (created_by),
    CONSTRAINT api_keys_key_hash_length CHECK (octet_length(key_hash) = 32),
    CONSTRAINT api_keys_expires_later CHECK (expires_at > created_at)
);

CREATE INDEX api_keys_created_by_idx ON api_keys (organization_id, created_by);

COMMENT ON TABLE api_keys IS 'credentials of programs, hashed';

-- migrate:downgrade
DROP TABLE api_keys;
