-- Protect tenants
--
-- Row level security on all tables.  What a table is to tenants is found, but
-- for two decisions: tools may be shared, and domain packs are everybody's.
--
-- Steps of playbooks get a tenant column of their own, since to look their
-- playbook up for each row is slow, and since a foreign key with the tenant in
-- it cannot lead to the playbook of another tenant.
--
-- Revision ID: c5f30e817ad2
-- Revises: a2d96b40ef58
-- Branch Labels:
-- Depends On:
-- Create Date: 2025-06-09 09:00:00+00

-- migrate:upgrade
-- The policies are for PUBLIC: whichever role the application has.
SELECT migrate_tenant_setup('tenant');

SELECT migrate_tenant_add_column('playbook_step', via => 'playbook_step_playbook_id_fkey');
SELECT migrate_tenant_protect('tool_definition', 'shared');
SELECT migrate_tenant_exempt('domain_pack_version', 'packs are published for everybody');
SELECT migrate_tenant_protect_schema(current_schema()::regnamespace);

-- migrate:downgrade
SELECT migrate_tenant_unprotect_schema(current_schema()::regnamespace);
SELECT migrate_tenant_unexempt('domain_pack_version');
SELECT migrate_tenant_unprotect('tool_definition');
SELECT migrate_tenant_drop_column('playbook_step');
SELECT migrate_tenant_teardown();
