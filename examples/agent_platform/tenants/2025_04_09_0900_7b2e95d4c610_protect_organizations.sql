-- Protect organizations
--
-- Row level security on the tables of the product: whoever works for one
-- organization sees no row of another.
--
-- A branch of its own, since it is for those who put many organizations into
-- one database.  It depends on the last revision of the product.
--
-- Revision ID: 7b2e95d4c610
-- Revises:
-- Branch Labels: tenants
-- Depends On: b76d10e9a4c3
-- Create Date: 2025-04-09 09:00:00+00

-- migrate:upgrade
-- For PUBLIC: whichever role the application has.
SELECT migrate_tenant_setup('organizations', column_name => 'organization_id');
SELECT migrate_tenant_protect('organizations');

SELECT migrate_tenant_protect('teams');
SELECT migrate_tenant_protect('users');
SELECT migrate_tenant_protect('team_members');
SELECT migrate_tenant_protect('agents');
SELECT migrate_tenant_protect('api_keys');
SELECT migrate_tenant_protect('sessions');
SELECT migrate_tenant_protect('episodes');
SELECT migrate_tenant_protect('playbooks');
SELECT migrate_tenant_protect('memory_facts');

-- Those without an organization are there for all to read.
SELECT migrate_tenant_protect('tool_definitions', 'shared');

-- Steps are always read with their playbook; few enough to look it up for each.
SELECT migrate_tenant_protect('playbook_steps', 'parent', via => 'playbook_steps_playbook_id_fkey');

-- Its triggers keep it append-only; this keeps entries apart.
SELECT migrate_tenant_protect('audit_log');

-- What the lint would ask about is meant so.
SELECT migrate_tenant_waive('T009',
    format('playbook_steps_tool_definition_id_fkey on %I.playbook_steps', current_schema()),
    'a step may use a shared tool, which has no organization');
SELECT migrate_tenant_waive('T010',
    format('api_keys_key_hash_key on %I.api_keys', current_schema()),
    'the hash of a random key tells nothing, and is looked up before the organization is known');

-- migrate:downgrade
SELECT migrate_tenant_unwaive('T010',
    format('api_keys_key_hash_key on %I.api_keys', current_schema()));
SELECT migrate_tenant_unwaive('T009',
    format('playbook_steps_tool_definition_id_fkey on %I.playbook_steps', current_schema()));
SELECT migrate_tenant_unprotect('audit_log');
SELECT migrate_tenant_unprotect('playbook_steps');
SELECT migrate_tenant_unprotect('tool_definitions');
SELECT migrate_tenant_unprotect('memory_facts');
SELECT migrate_tenant_unprotect('playbooks');
SELECT migrate_tenant_unprotect('episodes');
SELECT migrate_tenant_unprotect('sessions');
SELECT migrate_tenant_unprotect('api_keys');
SELECT migrate_tenant_unprotect('agents');
SELECT migrate_tenant_unprotect('team_members');
SELECT migrate_tenant_unprotect('users');
SELECT migrate_tenant_unprotect('teams');
SELECT migrate_tenant_unprotect('organizations');
SELECT migrate_tenant_teardown();
