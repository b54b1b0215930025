-- Hold references within tenants
--
-- Policies do not look at foreign keys: an event could refer to the exception
-- of another tenant.  With the tenant in the key it cannot.
--
-- The tool of a step may be a shared one, which has no tenant; that foreign
-- key stays as it is, and the lint is told so.
--
-- Revision ID: e84b17d05c69
-- Revises: c5f30e817ad2
-- Branch Labels:
-- Depends On:
-- Create Date: 2025-06-09 09:30:00+00

-- migrate:upgrade
SELECT migrate_tenant_link('exception_event_exception_id_fkey', 'exception_event');
SELECT migrate_tenant_link('playbook_step_playbook_id_fkey', 'playbook_step');
SELECT migrate_tenant_waive('T009',
    format('playbook_step_tool_definition_id_fkey on %I.playbook_step', current_schema()),
    'a step may use a shared tool, which has no tenant');

-- migrate:downgrade
SELECT migrate_tenant_unwaive('T009',
    format('playbook_step_tool_definition_id_fkey on %I.playbook_step', current_schema()));
SELECT migrate_tenant_unlink('playbook_step_playbook_id_fkey', 'playbook_step');
SELECT migrate_tenant_unlink('exception_event_exception_id_fkey', 'exception_event');
