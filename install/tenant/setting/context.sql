-- ---------------------------------------------------------------------------
-- Tenants: for whom a session works
--
-- Policies call these for each row, as the role that reads it: everybody may.
-- They are STABLE, since a cached plan would otherwise keep the tenant that
-- it was made for, and not LEAKPROOF, which they need not be: they take no
-- value of a row.
-- ---------------------------------------------------------------------------

CREATE FUNCTION migrate.tenant_support(internal) RETURNS internal
AS 'MODULE_PATHNAME', 'migrate_tenant_support'
LANGUAGE C VOLATILE STRICT PARALLEL UNSAFE;
COMMENT ON FUNCTION migrate.tenant_support(internal) IS
	'planner support: puts the tenant into plans on partitioned tables if migrate.tenant_fold is on';

CREATE FUNCTION @extschema@.migrate_tenant_current() RETURNS uuid
AS 'MODULE_PATHNAME', 'migrate_tenant_current'
LANGUAGE C STABLE PARALLEL SAFE
SUPPORT migrate.tenant_support;
COMMENT ON FUNCTION @extschema@.migrate_tenant_current() IS
	'the tenant that is set, NULL if none is; for tenants of type uuid';

CREATE FUNCTION @extschema@.migrate_tenant_current_int8() RETURNS bigint
AS 'MODULE_PATHNAME', 'migrate_tenant_current_int8'
LANGUAGE C STABLE PARALLEL SAFE
SUPPORT migrate.tenant_support;
COMMENT ON FUNCTION @extschema@.migrate_tenant_current_int8() IS
	'the tenant that is set, NULL if none is; for tenants of type bigint';

CREATE FUNCTION @extschema@.migrate_tenant_current_int4() RETURNS integer
AS 'MODULE_PATHNAME', 'migrate_tenant_current_int4'
LANGUAGE C STABLE PARALLEL SAFE
SUPPORT migrate.tenant_support;
COMMENT ON FUNCTION @extschema@.migrate_tenant_current_int4() IS
	'the tenant that is set, NULL if none is; for tenants of type integer';

CREATE FUNCTION @extschema@.migrate_tenant_current_text() RETURNS text
AS 'MODULE_PATHNAME', 'migrate_tenant_current_text'
LANGUAGE C STABLE PARALLEL SAFE
SUPPORT migrate.tenant_support;
COMMENT ON FUNCTION @extschema@.migrate_tenant_current_text() IS
	'the tenant that is set, NULL if none is; for tenants of type text';

CREATE FUNCTION @extschema@.migrate_tenant_require() RETURNS uuid
AS 'MODULE_PATHNAME', 'migrate_tenant_require'
LANGUAGE C STABLE PARALLEL SAFE;
COMMENT ON FUNCTION @extschema@.migrate_tenant_require() IS
	'the tenant that is set, and an error if none is; for tenants of type uuid';

CREATE FUNCTION @extschema@.migrate_tenant_require_int8() RETURNS bigint
AS 'MODULE_PATHNAME', 'migrate_tenant_require_int8'
LANGUAGE C STABLE PARALLEL SAFE;
COMMENT ON FUNCTION @extschema@.migrate_tenant_require_int8() IS
	'the tenant that is set, and an error if none is; for tenants of type bigint';

CREATE FUNCTION @extschema@.migrate_tenant_require_int4() RETURNS integer
AS 'MODULE_PATHNAME', 'migrate_tenant_require_int4'
LANGUAGE C STABLE PARALLEL SAFE;
COMMENT ON FUNCTION @extschema@.migrate_tenant_require_int4() IS
	'the tenant that is set, and an error if none is; for tenants of type integer';

CREATE FUNCTION @extschema@.migrate_tenant_require_text() RETURNS text
AS 'MODULE_PATHNAME', 'migrate_tenant_require_text'
LANGUAGE C STABLE PARALLEL SAFE;
COMMENT ON FUNCTION @extschema@.migrate_tenant_require_text() IS
	'the tenant that is set, and an error if none is; for tenants of type text';

CREATE FUNCTION @extschema@.migrate_tenant_set(
	tenant text,
	swap boolean DEFAULT false)
RETURNS void
AS 'MODULE_PATHNAME', 'migrate_tenant_set'
LANGUAGE C VOLATILE PARALLEL UNSAFE;
COMMENT ON FUNCTION @extschema@.migrate_tenant_set(text, boolean) IS
	'set the tenant until the end of the transaction';

-- Without these a key that is no text would have to be cast.  A literal, and a
-- parameter without a type, is a text.
CREATE FUNCTION @extschema@.migrate_tenant_set(
	tenant bigint,
	swap boolean DEFAULT false)
RETURNS void
AS 'MODULE_PATHNAME', 'migrate_tenant_set_int8'
LANGUAGE C VOLATILE PARALLEL UNSAFE;
COMMENT ON FUNCTION @extschema@.migrate_tenant_set(bigint, boolean) IS
	'set the tenant until the end of the transaction; for tenants whose key is a number';

CREATE FUNCTION @extschema@.migrate_tenant_set(
	tenant uuid,
	swap boolean DEFAULT false)
RETURNS void
AS 'MODULE_PATHNAME', 'migrate_tenant_set_uuid'
LANGUAGE C VOLATILE PARALLEL UNSAFE;
COMMENT ON FUNCTION @extschema@.migrate_tenant_set(uuid, boolean) IS
	'set the tenant until the end of the transaction; for tenants of type uuid';

CREATE FUNCTION @extschema@.migrate_tenant_clear() RETURNS void
AS 'MODULE_PATHNAME', 'migrate_tenant_clear'
LANGUAGE C VOLATILE PARALLEL UNSAFE;
COMMENT ON FUNCTION @extschema@.migrate_tenant_clear() IS
	'have no tenant until the end of the transaction';

CREATE PROCEDURE @extschema@.migrate_tenant_each(
	sql text,
	tenants text DEFAULT NULL,
	model name DEFAULT 'default')
AS 'MODULE_PATHNAME', 'migrate_tenant_each'
LANGUAGE C;
COMMENT ON PROCEDURE @extschema@.migrate_tenant_each(text, text, name) IS
	'run SQL for each tenant, or for those whose keys a query returns, and commit each';
