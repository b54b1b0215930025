-- Create teams and users
--
-- References between tables of one tenant carry organization_id along, so that
-- no row can point to a row of another organization.
--
-- Revision ID: 8d60b7e1c5f4
-- Revises: 4f1c2a9be073
-- Branch Labels:
-- Depends On:
-- Create Date: 2024-12-02 09:40:00+00

-- migrate:upgrade
CREATE TABLE teams (
    id               uuid        NOT NULL DEFAULT gen_random_uuid(),
    organization_id  uuid        NOT NULL,
    name             text        NOT NULL,
    created_at       timestamptz NOT NULL DEFAULT now(),
    CONSTRAINT teams_pkey PRIMARY KEY (id),
    -- What composite foreign keys refer to; also the index on organization_id.
    CONSTRAINT teams_organization_id_id_key UNIQUE (organization_id, id),
    CONSTRAINT teams_organization_id_name_key UNIQUE (organization_id, name),
    CONSTRAINT teams_organization_id_fkey FOREIGN KEY (organization_id)
        REFERENCES organizations (id) ON DELETE CASCADE,
    CONSTRAINT teams_name_not_blank CHECK (btrim(name) <> '')
);

CREATE TABLE users (
    id               uuid        NOT NULL DEFAULT gen_random_uuid(),
    organization_id  uuid        NOT NULL,
    email            text        NOT NULL,
    name             text        NOT NULL,
    role             text        NOT NULL DEFAULT 'member',
    created_at       timestamptz NOT NULL DEFAULT now(),
    updated_at       timestamptz NOT NULL DEFAULT now(),
    CONSTRAINT users_pkey PRIMARY KEY (id),
    CONSTRAINT users_organization_id_id_key UNIQUE (organization_id, id),
    CONSTRAINT users_organization_id_fkey FOREIGN KEY (organization_id)
        REFERENCES organizations (id) ON DELETE CASCADE,
    CONSTRAINT users_email_format CHECK (email LIKE '_%@_%'),
    CONSTRAINT users_name_not_blank CHECK (btrim(name) <> ''),
    CONSTRAINT users_role_known CHECK (role IN ('owner', 'admin', 'member'))
);

-- People type their address in any case.
CREATE UNIQUE INDEX users_organization_id_email_idx
    ON users (organization_id, lower(email));

CREATE TABLE team_members (
    organization_id  uuid        NOT NULL,
    team_id          uuid        NOT NULL,
    user_id          uuid        NOT NULL,
    added_at         timestamptz NOT NULL DEFAULT now(),
    CONSTRAINT team_members_pkey PRIMARY KEY (organization_id, team_id, user_id),
    CONSTRAINT team_members_team_fkey FOREIGN KEY (organization_id, team_id)
        REFERENCES teams (organization_id, id) ON DELETE CASCADE,
    CONSTRAINT team_members_user_fkey FOREIGN KEY (organization_id, user_id)
        REFERENCES users (organization_id, id) ON DELETE CASCADE
);

CREATE INDEX team_members_user_idx ON team_members (organization_id, user_id);

COMMENT ON TABLE teams IS 'groups of users that own agents together';
COMMENT ON TABLE users IS 'people, one row for each organization they work in';
COMMENT ON TABLE team_members IS 'which user is in which team';

-- migrate:downgrade
DROP TABLE team_members;
DROP TABLE users;
DROP TABLE teams;
