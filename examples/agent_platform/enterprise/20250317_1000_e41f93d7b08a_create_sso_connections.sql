-- Create SSO connections
--
-- Single sign-on: an organization's identity providers, and who of its users
-- is known to them under which name.
--
-- A branch of its own, with its own base; it depends on the revision that
-- brings set_updated_at(), and by that on users and organizations.
--
-- Revision ID: e41f93d7b08a
-- Revises:
-- Branch Labels: enterprise
-- Depends On: c3f21d79e804
-- Create Date: 2025-03-17 10:00:00+00

-- migrate:upgrade
CREATE TABLE sso_connections (
    id               uuid        NOT NULL DEFAULT gen_random_uuid(),
    organization_id  uuid        NOT NULL,
    name             text        NOT NULL,
    protocol         text        NOT NULL,
    issuer           text        NOT NULL,
    settings         jsonb       NOT NULL DEFAULT '{}',
    enabled          boolean     NOT NULL DEFAULT false,
    created_at       timestamptz NOT NULL DEFAULT now(),
    updated_at       timestamptz NOT NULL DEFAULT now(),
    CONSTRAINT sso_connections_pkey PRIMARY KEY (id),
    CONSTRAINT sso_connections_organization_id_id_key UNIQUE (organization_id, id),
    CONSTRAINT sso_connections_organization_id_name_key UNIQUE (organization_id, name),
    CONSTRAINT sso_connections_organization_id_fkey FOREIGN KEY (organization_id)
        REFERENCES organizations (id) ON DELETE CASCADE,
    CONSTRAINT sso_connections_protocol_known CHECK (protocol IN ('saml', 'oidc')),
    CONSTRAINT sso_connections_issuer_format CHECK (issuer LIKE 'https://_%'),
    CONSTRAINT sso_connections_settings_object CHECK (jsonb_typeof(settings) = 'object')
);

CREATE TRIGGER set_updated_at BEFORE UPDATE ON sso_connections
    FOR EACH ROW WHEN (old.* IS DISTINCT FROM new.*)
    EXECUTE FUNCTION set_updated_at();

CREATE TABLE sso_identities (
    organization_id    uuid        NOT NULL,
    sso_connection_id  uuid        NOT NULL,
    subject            text        NOT NULL,
    user_id            uuid        NOT NULL,
    created_at         timestamptz NOT NULL DEFAULT now(),
    CONSTRAINT sso_identities_pkey
        PRIMARY KEY (organization_id, sso_connection_id, subject),
    CONSTRAINT sso_identities_sso_connection_fkey
        FOREIGN KEY (organization_id, sso_connection_id)
        REFERENCES sso_connections (organization_id, id) ON DELETE CASCADE,
    CONSTRAINT sso_identities_user_fkey FOREIGN KEY (organization_id, user_id)
        REFERENCES users (organization_id, id) ON DELETE CASCADE
);

CREATE INDEX sso_identities_user_idx ON sso_identities (organization_id, user_id);

COMMENT ON TABLE sso_connections IS 'identity providers of an organization';
COMMENT ON TABLE sso_identities IS 'users as their identity providers know them';

-- migrate:downgrade
DROP TABLE sso_identities;
DROP TABLE sso_connections;
