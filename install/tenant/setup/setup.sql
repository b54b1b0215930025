-- ---------------------------------------------------------------------------
-- Tenants: setting up what keeps their rows apart, and taking it back
--
-- A row of the result is a step that was taken or, in a dry run, would be; the
-- sql is NULL where a row of our own tables is written, or something is left
-- as it is.
-- ---------------------------------------------------------------------------

CREATE FUNCTION @extschema@.migrate_tenant_setup(
	root regclass,
	key name DEFAULT 'id',
	column_name name DEFAULT 'tenant_id',
	app_roles name[] DEFAULT '{public}',
	admin_role name DEFAULT NULL,
	setting text DEFAULT 'migrate.tenant',
	policy_style text DEFAULT 'function',
	model name DEFAULT 'default',
	dry_run boolean DEFAULT false)
RETURNS TABLE (object text, action text, sql text)
AS 'MODULE_PATHNAME', 'migrate_tenant_setup'
LANGUAGE C VOLATILE PARALLEL UNSAFE;
COMMENT ON FUNCTION @extschema@.migrate_tenant_setup(regclass, name, name, name[], name, text, text, name, boolean) IS
	'say what a tenant is: a row of a table; what is protected already follows the change';

CREATE FUNCTION @extschema@.migrate_tenant_teardown(
	model name DEFAULT 'default',
	cascade boolean DEFAULT false,
	dry_run boolean DEFAULT false)
RETURNS TABLE (object text, action text, sql text)
AS 'MODULE_PATHNAME', 'migrate_tenant_teardown'
LANGUAGE C VOLATILE PARALLEL UNSAFE;
COMMENT ON FUNCTION @extschema@.migrate_tenant_teardown(name, boolean, boolean) IS
	'take a tenant model back, with cascade everything that was made for it';

CREATE FUNCTION @extschema@.migrate_tenant_plan(
	schema regnamespace,
	discover text DEFAULT 'both',
	model name DEFAULT 'default')
RETURNS TABLE (
	relation regclass,
	mode text,
	column_name name,
	path text,
	missing text[],
	via name,
	reason text)
AS 'MODULE_PATHNAME', 'migrate_tenant_plan'
LANGUAGE C STABLE PARALLEL UNSAFE;
COMMENT ON FUNCTION @extschema@.migrate_tenant_plan(regnamespace, text, name) IS
	'what each table of a schema is to tenants, and what it lacks; changes nothing';

CREATE FUNCTION @extschema@.migrate_tenant_protect(
	tbl regclass,
	mode text DEFAULT 'auto',
	column_name name DEFAULT NULL,
	via name DEFAULT NULL,
	model name DEFAULT 'default',
	dry_run boolean DEFAULT false)
RETURNS TABLE (object text, action text, sql text)
AS 'MODULE_PATHNAME', 'migrate_tenant_protect'
LANGUAGE C VOLATILE PARALLEL UNSAFE;
COMMENT ON FUNCTION @extschema@.migrate_tenant_protect(regclass, text, name, name, name, boolean) IS
	'keep the rows of tenants in a table apart by policies';

CREATE FUNCTION @extschema@.migrate_tenant_unprotect(
	tbl regclass,
	dry_run boolean DEFAULT false)
RETURNS TABLE (object text, action text, sql text)
AS 'MODULE_PATHNAME', 'migrate_tenant_unprotect'
LANGUAGE C VOLATILE PARALLEL UNSAFE;
COMMENT ON FUNCTION @extschema@.migrate_tenant_unprotect(regclass, boolean) IS
	'make a table what it was before it was protected';

CREATE FUNCTION @extschema@.migrate_tenant_protect_schema(
	schema regnamespace,
	exclude regclass[] DEFAULT '{}',
	model name DEFAULT 'default',
	dry_run boolean DEFAULT false)
RETURNS TABLE (object text, action text, sql text)
AS 'MODULE_PATHNAME', 'migrate_tenant_protect_schema'
LANGUAGE C VOLATILE PARALLEL UNSAFE;
COMMENT ON FUNCTION @extschema@.migrate_tenant_protect_schema(regnamespace, regclass[], name, boolean) IS
	'protect all tables of a schema, or none if one of them is undecided';

CREATE FUNCTION @extschema@.migrate_tenant_unprotect_schema(
	schema regnamespace,
	dry_run boolean DEFAULT false)
RETURNS TABLE (object text, action text, sql text)
AS 'MODULE_PATHNAME', 'migrate_tenant_unprotect_schema'
LANGUAGE C VOLATILE PARALLEL UNSAFE;
COMMENT ON FUNCTION @extschema@.migrate_tenant_unprotect_schema(regnamespace, boolean) IS
	'take back what migrate_tenant_protect_schema() did';

CREATE FUNCTION @extschema@.migrate_tenant_exempt(
	tbl regclass,
	reason text,
	model name DEFAULT 'default',
	dry_run boolean DEFAULT false)
RETURNS TABLE (object text, action text, sql text)
AS 'MODULE_PATHNAME', 'migrate_tenant_exempt'
LANGUAGE C VOLATILE PARALLEL UNSAFE;
COMMENT ON FUNCTION @extschema@.migrate_tenant_exempt(regclass, text, name, boolean) IS
	'say why the rows of a table belong to no tenant';

CREATE FUNCTION @extschema@.migrate_tenant_unexempt(
	tbl regclass,
	dry_run boolean DEFAULT false)
RETURNS TABLE (object text, action text, sql text)
AS 'MODULE_PATHNAME', 'migrate_tenant_unexempt'
LANGUAGE C VOLATILE PARALLEL UNSAFE;
COMMENT ON FUNCTION @extschema@.migrate_tenant_unexempt(regclass, boolean) IS
	'take migrate_tenant_exempt() back';

CREATE FUNCTION @extschema@.migrate_tenant_add_column(
	tbl regclass,
	via name DEFAULT NULL,
	step text DEFAULT 'all',
	column_name name DEFAULT NULL,
	model name DEFAULT 'default',
	dry_run boolean DEFAULT false)
RETURNS TABLE (object text, action text, sql text)
AS 'MODULE_PATHNAME', 'migrate_tenant_add_column'
LANGUAGE C VOLATILE PARALLEL UNSAFE;
COMMENT ON FUNCTION @extschema@.migrate_tenant_add_column(regclass, name, text, name, name, boolean) IS
	'give a table a tenant column, filled along a foreign key; all steps or one';

CREATE FUNCTION @extschema@.migrate_tenant_drop_column(
	tbl regclass,
	step text DEFAULT 'all',
	dry_run boolean DEFAULT false)
RETURNS TABLE (object text, action text, sql text)
AS 'MODULE_PATHNAME', 'migrate_tenant_drop_column'
LANGUAGE C VOLATILE PARALLEL UNSAFE;
COMMENT ON FUNCTION @extschema@.migrate_tenant_drop_column(regclass, text, boolean) IS
	'take migrate_tenant_add_column() back; all steps or one';

CREATE PROCEDURE @extschema@.migrate_tenant_backfill(
	tbl regclass,
	batch integer DEFAULT 10000)
AS 'MODULE_PATHNAME', 'migrate_tenant_backfill'
LANGUAGE C;
COMMENT ON PROCEDURE @extschema@.migrate_tenant_backfill(regclass, integer) IS
	'fill the tenant column of a table, committing after each batch of rows';

CREATE FUNCTION @extschema@.migrate_tenant_link(
	constraint_name name,
	tbl regclass,
	model name DEFAULT 'default',
	dry_run boolean DEFAULT false)
RETURNS TABLE (object text, action text, sql text)
AS 'MODULE_PATHNAME', 'migrate_tenant_link'
LANGUAGE C VOLATILE PARALLEL UNSAFE;
COMMENT ON FUNCTION @extschema@.migrate_tenant_link(name, regclass, name, boolean) IS
	'have a foreign key hold the tenant, so that it cannot refer to the row of another one';

CREATE FUNCTION @extschema@.migrate_tenant_unlink(
	constraint_name name,
	tbl regclass,
	dry_run boolean DEFAULT false)
RETURNS TABLE (object text, action text, sql text)
AS 'MODULE_PATHNAME', 'migrate_tenant_unlink'
LANGUAGE C VOLATILE PARALLEL UNSAFE;
COMMENT ON FUNCTION @extschema@.migrate_tenant_unlink(name, regclass, boolean) IS
	'make a foreign key the simple one again that it was';

CREATE FUNCTION @extschema@.migrate_tenant_grant(
	role name,
	schemas regnamespace[],
	model name DEFAULT 'default',
	dry_run boolean DEFAULT false)
RETURNS TABLE (object text, action text, sql text)
AS 'MODULE_PATHNAME', 'migrate_tenant_grant'
LANGUAGE C VOLATILE PARALLEL UNSAFE;
COMMENT ON FUNCTION @extschema@.migrate_tenant_grant(name, regnamespace[], name, boolean) IS
	'let a role of the application read and write the rows of tenants';

CREATE FUNCTION @extschema@.migrate_tenant_revoke(
	role name,
	schemas regnamespace[] DEFAULT NULL,
	model name DEFAULT 'default',
	dry_run boolean DEFAULT false)
RETURNS TABLE (object text, action text, sql text)
AS 'MODULE_PATHNAME', 'migrate_tenant_revoke'
LANGUAGE C VOLATILE PARALLEL UNSAFE;
COMMENT ON FUNCTION @extschema@.migrate_tenant_revoke(name, regnamespace[], name, boolean) IS
	'take back what migrate_tenant_grant() gave; NULL: in all schemas';

CREATE FUNCTION @extschema@.migrate_tenant_guard(
	mode text,
	model name DEFAULT 'default',
	dry_run boolean DEFAULT false)
RETURNS TABLE (object text, action text, sql text)
AS 'MODULE_PATHNAME', 'migrate_tenant_guard'
LANGUAGE C VOLATILE PARALLEL UNSAFE;
COMMENT ON FUNCTION @extschema@.migrate_tenant_guard(text, name, boolean) IS
	'have new tables in managed schemas protected at once (protect) or refused until somebody has decided (refuse), or not (off)';

CREATE FUNCTION @extschema@.migrate_tenant_guard_trigger()
RETURNS event_trigger
AS 'MODULE_PATHNAME', 'migrate_tenant_guard_trigger'
LANGUAGE C VOLATILE PARALLEL UNSAFE;
COMMENT ON FUNCTION @extschema@.migrate_tenant_guard_trigger() IS
	'for the event trigger that migrate_tenant_guard() makes';
