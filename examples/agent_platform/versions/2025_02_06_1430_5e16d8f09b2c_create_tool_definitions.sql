-- Create tool definitions
--
-- The tools that agents may call.  Those without an organization come with the
-- product and are there for everyone.
--
-- Revision ID: 5e16d8f09b2c
-- Revises: 73ea6f15c820
-- Branch Labels: playbooks
-- Depends On:
-- Create Date: 2025-02-06 14:30:00+00

-- migrate:upgrade
CREATE TABLE tool_definitions (
    id               uuid        NOT NULL DEFAULT gen_random_uuid(),
    organization_id  uuid,
    name             text        NOT NULL,
    description      text        NOT NULL,
    parameters       jsonb       NOT NULL DEFAULT '{"type": "object"}',
    created_at       timestamptz NOT NULL DEFAULT now(),
    CONSTRAINT tool_definitions_pkey PRIMARY KEY (id),
    -- Without "nulls not distinct" two shared tools could have one name.
    CONSTRAINT tool_definitions_organization_id_name_key
        UNIQUE NULLS NOT DISTINCT (organization_id, name),
    CONSTRAINT tool_definitions_organization_id_fkey FOREIGN KEY (organization_id)
        REFERENCES organizations (id) ON DELETE CASCADE,
    CONSTRAINT tool_definitions_name_format CHECK (name ~ '^[a-z][a-z0-9_]{0,63}$'),
    CONSTRAINT tool_definitions_parameters_object
        CHECK (jsonb_typeof(parameters) = 'object')
);

COMMENT ON TABLE tool_definitions IS 'tools that agents may call';
COMMENT ON COLUMN tool_definitions.organization_id IS 'null: shared by all organizations';

INSERT INTO tool_definitions (name, description, parameters)
VALUES ('search_memory', 'Find facts and episodes; the newest come first.',
        '{"type": "object", "required": ["query"],
          "properties": {"query": {"type": "string"}}}'),
       ('remember', 'Record a fact; an older one about the same thing is closed.',
        '{"type": "object", "required": ["subject", "predicate", "object"],
          "properties": {"subject": {"type": "string"},
                         "predicate": {"type": "string"},
                         "object": {"type": "string"}}}');

-- migrate:downgrade
DROP TABLE tool_definitions;
