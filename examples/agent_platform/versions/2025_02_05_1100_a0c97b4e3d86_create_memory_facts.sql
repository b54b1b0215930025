-- Create memory facts
--
-- What an agent knows, and during which time it held.  A fact that no longer
-- holds is closed, not deleted, so that "what did the agent know then" can be
-- answered.
--
-- Revision ID: a0c97b4e3d86
-- Revises: 73ea6f15c820
-- Branch Labels: memory
-- Depends On:
-- Create Date: 2025-02-05 11:00:00+00

-- migrate:upgrade
CREATE TABLE memory_facts (
    id                 uuid        NOT NULL DEFAULT gen_random_uuid(),
    organization_id    uuid        NOT NULL,
    agent_id           uuid        NOT NULL,
    source_episode_id  uuid,
    subject            text        NOT NULL,
    predicate          text        NOT NULL,
    object             text        NOT NULL,
    confidence         real        NOT NULL DEFAULT 1,
    validity           tstzrange   NOT NULL DEFAULT tstzrange(now(), NULL),
    recorded_at        timestamptz NOT NULL DEFAULT now(),
    CONSTRAINT memory_facts_pkey PRIMARY KEY (id),
    CONSTRAINT memory_facts_organization_id_id_key UNIQUE (organization_id, id),
    CONSTRAINT memory_facts_organization_id_fkey FOREIGN KEY (organization_id)
        REFERENCES organizations (id) ON DELETE CASCADE,
    CONSTRAINT memory_facts_agent_fkey FOREIGN KEY (organization_id, agent_id)
        REFERENCES agents (organization_id, id) ON DELETE CASCADE,
    -- A fact stays when the episode it was learned from is deleted.
    CONSTRAINT memory_facts_source_episode_fkey
        FOREIGN KEY (organization_id, source_episode_id)
        REFERENCES episodes (organization_id, id)
        ON DELETE SET NULL (source_episode_id),
    CONSTRAINT memory_facts_confidence_range CHECK (confidence BETWEEN 0 AND 1),
    CONSTRAINT memory_facts_validity_begins
        CHECK (NOT isempty(validity) AND NOT lower_inf(validity))
);

-- One open fact at a time: the older one is closed before a newer is added.
CREATE UNIQUE INDEX memory_facts_open_idx
    ON memory_facts (organization_id, agent_id, subject, predicate)
    WHERE upper_inf(validity);
CREATE INDEX memory_facts_agent_idx ON memory_facts (organization_id, agent_id);
CREATE INDEX memory_facts_source_episode_idx
    ON memory_facts (organization_id, source_episode_id);

-- For validity @> a point in time.
CREATE INDEX memory_facts_validity_idx ON memory_facts USING gist (validity);

COMMENT ON TABLE memory_facts IS 'what agents know, and when it held';

-- migrate:downgrade
DROP TABLE memory_facts;
