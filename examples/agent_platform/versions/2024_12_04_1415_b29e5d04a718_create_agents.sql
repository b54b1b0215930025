-- Create agents
--
-- An agent is a model with instructions and settings.  It belongs to an
-- organization, and to one of its teams unless it is everybody's.
--
-- Revision ID: b29e5d04a718
-- Revises: 8d60b7e1c5f4
-- Branch Labels:
-- Depends On:
-- Create Date: 2024-12-04 14:15:00+00

-- migrate:upgrade
CREATE TABLE agents (
    id               uuid        NOT NULL DEFAULT gen_random_uuid(),
    organization_id  uuid        NOT NULL,
    team_id          uuid,
    name             text        NOT NULL,
    model            text        NOT NULL,
    instructions     text        NOT NULL DEFAULT '',
    settings         jsonb       NOT NULL DEFAULT '{}',
    created_at       timestamptz NOT NULL DEFAULT now(),
    updated_at       timestamptz NOT NULL DEFAULT now(),
    CONSTRAINT agents_pkey PRIMARY KEY (id),
    CONSTRAINT agents_organization_id_id_key UNIQUE (organization_id, id),
    CONSTRAINT agents_organization_id_name_key UNIQUE (organization_id, name),
    CONSTRAINT agents_organization_id_fkey FOREIGN KEY (organization_id)
        REFERENCES organizations (id) ON DELETE CASCADE,
    -- Only team_id becomes null; organization_id must not.
    CONSTRAINT agents_team_fkey FOREIGN KEY (organization_id, team_id)
        REFERENCES teams (organization_id, id) ON DELETE SET NULL (team_id),
    CONSTRAINT agents_name_not_blank CHECK (btrim(name) <> ''),
    CONSTRAINT agents_settings_object CHECK (jsonb_typeof(settings) = 'object')
);

CREATE INDEX agents_team_idx ON agents (organization_id, team_id);

COMMENT ON TABLE agents IS 'models with instructions and settings';

-- migrate:downgrade
DROP TABLE agents;
