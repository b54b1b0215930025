-- Create sessions
--
-- One conversation or one run of an agent.
--
-- Revision ID: 90d7e2c53ab6
-- Revises: 1bc4f96d8e52
-- Branch Labels:
-- Depends On:
-- Create Date: 2024-12-16 11:05:00+00

-- migrate:upgrade
CREATE TYPE session_status AS ENUM ('active', 'completed', 'failed');

CREATE TABLE sessions (
    id               uuid           NOT NULL DEFAULT gen_random_uuid(),
    organization_id  uuid           NOT NULL,
    agent_id         uuid           NOT NULL,
    user_id          uuid,
    status           session_status NOT NULL DEFAULT 'active',
    started_at       timestamptz    NOT NULL DEFAULT now(),
    ended_at         timestamptz,
    CONSTRAINT sessions_pkey PRIMARY KEY (id),
    CONSTRAINT sessions_organization_id_id_key UNIQUE (organization_id, id),
    CONSTRAINT sessions_organization_id_fkey FOREIGN KEY (organization_id)
        REFERENCES organizations (id) ON DELETE CASCADE,
    CONSTRAINT sessions_agent_fkey FOREIGN KEY (organization_id, agent_id)
        REFERENCES agents (organization_id, id) ON DELETE CASCADE,
    CONSTRAINT sessions_user_fkey FOREIGN KEY (organization_id, user_id)
        REFERENCES users (organization_id, id) ON DELETE SET NULL (user_id),
    CONSTRAINT sessions_ended_later CHECK (ended_at >= started_at),
    CONSTRAINT sessions_ended_unless_active
        CHECK ((status = 'active') = (ended_at IS NULL))
);

CREATE INDEX sessions_agent_idx
    ON sessions (organization_id, agent_id, started_at DESC);
CREATE INDEX sessions_user_idx ON sessions (organization_id, user_id);

-- Few sessions are active at any time, and those are asked for most.
CREATE INDEX sessions_active_idx ON sessions (organization_id, agent_id)
    WHERE status = 'active';

COMMENT ON TABLE sessions IS 'conversations and runs of agents';

-- migrate:downgrade
DROP TABLE sessions;
DROP TYPE session_status;
