-- Create playbooks
--
-- A playbook is a procedure that agents follow: numbered steps, each with an
-- instruction and perhaps a tool.  Steps have no organization of their own,
-- they belong to the playbook's.
--
-- Revision ID: f84b03c7ae19
-- Revises: 5e16d8f09b2c
-- Branch Labels:
-- Depends On:
-- Create Date: 2025-02-12 10:00:00+00

-- migrate:upgrade
CREATE TABLE playbooks (
    id               uuid        NOT NULL DEFAULT gen_random_uuid(),
    organization_id  uuid        NOT NULL,
    name             text        NOT NULL,
    version          integer     NOT NULL DEFAULT 1,
    description      text        NOT NULL DEFAULT '',
    created_at       timestamptz NOT NULL DEFAULT now(),
    updated_at       timestamptz NOT NULL DEFAULT now(),
    CONSTRAINT playbooks_pkey PRIMARY KEY (id),
    CONSTRAINT playbooks_organization_id_id_key UNIQUE (organization_id, id),
    CONSTRAINT playbooks_organization_id_name_version_key
        UNIQUE (organization_id, name, version),
    CONSTRAINT playbooks_organization_id_fkey FOREIGN KEY (organization_id)
        REFERENCES organizations (id) ON DELETE CASCADE,
    CONSTRAINT playbooks_name_not_blank CHECK (btrim(name) <> ''),
    CONSTRAINT playbooks_version_positive CHECK (version > 0)
);

CREATE TRIGGER set_updated_at BEFORE UPDATE ON playbooks
    FOR EACH ROW WHEN (old.* IS DISTINCT FROM new.*)
    EXECUTE FUNCTION set_updated_at();

CREATE TABLE playbook_steps (
    id                  uuid    NOT NULL DEFAULT gen_random_uuid(),
    playbook_id         uuid    NOT NULL,
    position            integer NOT NULL,
    instruction         text    NOT NULL,
    tool_definition_id  uuid,
    CONSTRAINT playbook_steps_pkey PRIMARY KEY (id),
    -- Deferrable, so that one UPDATE can move several steps.
    CONSTRAINT playbook_steps_playbook_id_position_key
        UNIQUE (playbook_id, position) DEFERRABLE,
    CONSTRAINT playbook_steps_playbook_id_fkey FOREIGN KEY (playbook_id)
        REFERENCES playbooks (id) ON DELETE CASCADE,
    -- A step keeps its instruction when its tool is deleted.
    CONSTRAINT playbook_steps_tool_definition_id_fkey
        FOREIGN KEY (tool_definition_id)
        REFERENCES tool_definitions (id) ON DELETE SET NULL,
    CONSTRAINT playbook_steps_position_positive CHECK (position > 0),
    CONSTRAINT playbook_steps_instruction_not_blank CHECK (btrim(instruction) <> '')
);

CREATE INDEX playbook_steps_tool_definition_id_idx
    ON playbook_steps (tool_definition_id);

COMMENT ON TABLE playbooks IS 'procedures that agents follow';
COMMENT ON TABLE playbook_steps IS 'the steps of a playbook, numbered from 1';

-- migrate:downgrade
DROP TABLE playbook_steps;
DROP TABLE playbooks;
