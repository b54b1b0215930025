-- Create policy packs
--
-- A domain pack holds the rules of a line of business and is the same for
-- everybody.  A tenant adopts versions of packs, and overrides some of their
-- settings.
--
-- Revision ID: 4b8e62f1d703
-- Revises: 1c7d40e9b2a5
-- Branch Labels:
-- Depends On:
-- Create Date: 2025-06-02 09:30:00+00

-- migrate:upgrade
CREATE TABLE domain_pack_version (
    id            uuid        NOT NULL DEFAULT gen_random_uuid(),
    domain        text        NOT NULL,
    version       integer     NOT NULL,
    rules         jsonb       NOT NULL DEFAULT '{}',
    published_at  timestamptz NOT NULL DEFAULT now(),
    CONSTRAINT domain_pack_version_pkey PRIMARY KEY (id),
    CONSTRAINT domain_pack_version_domain_version_key UNIQUE (domain, version),
    CONSTRAINT domain_pack_version_version_positive CHECK (version > 0)
);

CREATE TABLE tenant_policy_pack_version (
    id                      uuid        NOT NULL DEFAULT gen_random_uuid(),
    tenant_id               uuid        NOT NULL,
    domain_pack_version_id  uuid        NOT NULL,
    version                 integer     NOT NULL,
    overrides               jsonb       NOT NULL DEFAULT '{}',
    activated_at            timestamptz,
    CONSTRAINT tenant_policy_pack_version_pkey PRIMARY KEY (id),
    CONSTRAINT tenant_policy_pack_version_key
        UNIQUE (tenant_id, domain_pack_version_id, version),
    CONSTRAINT tenant_policy_pack_version_tenant_id_fkey FOREIGN KEY (tenant_id)
        REFERENCES tenant (id) ON DELETE CASCADE,
    CONSTRAINT tenant_policy_pack_version_domain_pack_version_id_fkey
        FOREIGN KEY (domain_pack_version_id) REFERENCES domain_pack_version (id)
);

CREATE INDEX tenant_policy_pack_version_domain_pack_version_id_idx
    ON tenant_policy_pack_version (domain_pack_version_id);

COMMENT ON TABLE domain_pack_version IS 'rules of a line of business, the same for all';
COMMENT ON TABLE tenant_policy_pack_version IS 'what a tenant made of a domain pack';

-- migrate:downgrade
DROP TABLE tenant_policy_pack_version;
DROP TABLE domain_pack_version;
