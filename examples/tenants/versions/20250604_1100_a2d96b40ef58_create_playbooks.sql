-- Create playbooks
--
-- How an exception is dealt with: numbered steps, each perhaps with a tool.  A
-- step belongs to its playbook.  Tools without a tenant are there for all.
--
-- Revision ID: a2d96b40ef58
-- Revises: 7e15a9c3084f
-- Branch Labels:
-- Depends On:
-- Create Date: 2025-06-04 11:00:00+00

-- migrate:upgrade
CREATE TABLE tool_definition (
    id         uuid  NOT NULL DEFAULT gen_random_uuid(),
    tenant_id  uuid,
    name       text  NOT NULL,
    config     jsonb NOT NULL DEFAULT '{}',
    CONSTRAINT tool_definition_pkey PRIMARY KEY (id),
    CONSTRAINT tool_definition_tenant_id_name_key
        UNIQUE NULLS NOT DISTINCT (tenant_id, name),
    CONSTRAINT tool_definition_tenant_id_fkey FOREIGN KEY (tenant_id)
        REFERENCES tenant (id) ON DELETE CASCADE
);

INSERT INTO tool_definition (name) VALUES ('notify'), ('open_ticket');

CREATE TABLE playbook (
    id         uuid    NOT NULL DEFAULT gen_random_uuid(),
    tenant_id  uuid    NOT NULL,
    name       text    NOT NULL,
    version    integer NOT NULL DEFAULT 1,
    CONSTRAINT playbook_pkey PRIMARY KEY (id),
    CONSTRAINT playbook_tenant_id_name_version_key UNIQUE (tenant_id, name, version),
    CONSTRAINT playbook_tenant_id_fkey FOREIGN KEY (tenant_id)
        REFERENCES tenant (id) ON DELETE CASCADE
);

CREATE TABLE playbook_step (
    id                  uuid    NOT NULL DEFAULT gen_random_uuid(),
    playbook_id         uuid    NOT NULL,
    position            integer NOT NULL,
    instruction         text    NOT NULL,
    tool_definition_id  uuid,
    CONSTRAINT playbook_step_pkey PRIMARY KEY (id),
    CONSTRAINT playbook_step_playbook_id_position_key UNIQUE (playbook_id, position),
    CONSTRAINT playbook_step_playbook_id_fkey FOREIGN KEY (playbook_id)
        REFERENCES playbook (id) ON DELETE CASCADE,
    CONSTRAINT playbook_step_tool_definition_id_fkey FOREIGN KEY (tool_definition_id)
        REFERENCES tool_definition (id)
);

CREATE INDEX playbook_step_tool_definition_id_idx
    ON playbook_step (tool_definition_id);

COMMENT ON TABLE tool_definition IS 'tools that steps call; without a tenant for all';
COMMENT ON TABLE playbook IS 'how exceptions are dealt with';
COMMENT ON TABLE playbook_step IS 'the steps of a playbook, numbered from 1';

-- migrate:downgrade
DROP TABLE playbook_step;
DROP TABLE playbook;
DROP TABLE tool_definition;
