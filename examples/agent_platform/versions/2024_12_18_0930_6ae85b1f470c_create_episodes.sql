-- Create episodes
--
-- What happened in a session, in order: messages, tool calls, observations.
--
-- Revision ID: 6ae85b1f470c
-- Revises: 90d7e2c53ab6
-- Branch Labels:
-- Depends On:
-- Create Date: 2024-12-18 09:30:00+00

-- migrate:upgrade
CREATE TABLE episodes (
    id               uuid        NOT NULL DEFAULT gen_random_uuid(),
    organization_id  uuid        NOT NULL,
    session_id       uuid        NOT NULL,
    kind             text        NOT NULL,
    content          text        NOT NULL,
    tags             text[]      NOT NULL DEFAULT '{}',
    metadata         jsonb       NOT NULL DEFAULT '{}',
    occurred_at      timestamptz NOT NULL DEFAULT now(),
    CONSTRAINT episodes_pkey PRIMARY KEY (id),
    CONSTRAINT episodes_organization_id_id_key UNIQUE (organization_id, id),
    CONSTRAINT episodes_organization_id_fkey FOREIGN KEY (organization_id)
        REFERENCES organizations (id) ON DELETE CASCADE,
    CONSTRAINT episodes_session_fkey FOREIGN KEY (organization_id, session_id)
        REFERENCES sessions (organization_id, id) ON DELETE CASCADE,
    CONSTRAINT episodes_kind_known
        CHECK (kind IN ('message', 'tool_call', 'observation')),
    CONSTRAINT episodes_metadata_object CHECK (jsonb_typeof(metadata) = 'object')
);

CREATE INDEX episodes_session_idx
    ON episodes (organization_id, session_id, occurred_at);

-- For "tags @> ..." and "metadata @> ...".
CREATE INDEX episodes_tags_idx ON episodes USING gin (tags);
CREATE INDEX episodes_metadata_idx ON episodes USING gin (metadata jsonb_path_ops);

COMMENT ON TABLE episodes IS 'what happened in a session, in order';

-- migrate:downgrade
DROP TABLE episodes;
