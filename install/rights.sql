-- ---------------------------------------------------------------------------
-- Rights
-- ---------------------------------------------------------------------------

CREATE FUNCTION migrate.functions_of_level(level text)
RETURNS SETOF regprocedure
LANGUAGE sql STABLE STRICT PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $$
	SELECT p.oid::regprocedure
	FROM (VALUES
		('everybody', 'migrate_batch'),
		('everybody', 'migrate_tenant_clear'),
		('everybody', 'migrate_tenant_current'),
		('everybody', 'migrate_tenant_current_int4'),
		('everybody', 'migrate_tenant_current_int8'),
		('everybody', 'migrate_tenant_current_text'),
		('everybody', 'migrate_tenant_each'),
		('everybody', 'migrate_tenant_require'),
		('everybody', 'migrate_tenant_require_int4'),
		('everybody', 'migrate_tenant_require_int8'),
		('everybody', 'migrate_tenant_require_text'),
		('everybody', 'migrate_tenant_set'),
		('viewer', 'migrate_branches'),
		('viewer', 'migrate_check_heads'),
		('viewer', 'migrate_current'),
		('viewer', 'migrate_downgrade_sql'),
		('viewer', 'migrate_export'),
		('viewer', 'migrate_graph'),
		('viewer', 'migrate_heads'),
		('viewer', 'migrate_history'),
		('viewer', 'migrate_locks'),
		('viewer', 'migrate_log'),
		('viewer', 'migrate_plan'),
		('viewer', 'migrate_progress'),
		('viewer', 'migrate_show'),
		('viewer', 'migrate_stamp_sql'),
		('viewer', 'migrate_status'),
		('viewer', 'migrate_tenant_check'),
		('viewer', 'migrate_tenant_lint'),
		('viewer', 'migrate_tenant_plan'),
		('viewer', 'migrate_upgrade_sql'),
		('operator', 'migrate_deploy'),
		('operator', 'migrate_downgrade'),
		('operator', 'migrate_pause'),
		('operator', 'migrate_resume'),
		('operator', 'migrate_rollback'),
		('operator', 'migrate_stamp'),
		('operator', 'migrate_tenant_add_column'),
		('operator', 'migrate_tenant_backfill'),
		('operator', 'migrate_tenant_drop_column'),
		('operator', 'migrate_tenant_exempt'),
		('operator', 'migrate_tenant_grant'),
		('operator', 'migrate_tenant_guard'),
		('operator', 'migrate_tenant_link'),
		('operator', 'migrate_tenant_protect'),
		('operator', 'migrate_tenant_protect_schema'),
		('operator', 'migrate_tenant_revoke'),
		('operator', 'migrate_tenant_selftest'),
		('operator', 'migrate_tenant_setup'),
		('operator', 'migrate_tenant_teardown'),
		('operator', 'migrate_tenant_unexempt'),
		('operator', 'migrate_tenant_unlink'),
		('operator', 'migrate_tenant_unprotect'),
		('operator', 'migrate_tenant_unprotect_schema'),
		('operator', 'migrate_tenant_unwaive'),
		('operator', 'migrate_tenant_waive'),
		('operator', 'migrate_upgrade'),
		('author', 'migrate_edit'),
		('author', 'migrate_environment_alter'),
		('author', 'migrate_environment_create'),
		('author', 'migrate_environment_drop'),
		('author', 'migrate_load'),
		('author', 'migrate_load_directory'),
		('author', 'migrate_load_files'),
		('author', 'migrate_merge'),
		('author', 'migrate_remove'),
		('author', 'migrate_revision')
		) AS f (lowest_level, name)
		JOIN pg_proc p ON p.proname = f.name
		JOIN pg_depend d ON d.refclassid = 'pg_extension'::regclass
			AND d.classid = 'pg_proc'::regclass AND d.objid = p.oid AND d.deptype = 'e'
		JOIN pg_extension e ON e.oid = d.refobjid
	WHERE e.extname = 'migrate'
		AND f.lowest_level = ANY (CASE WHEN level = 'everybody' THEN '{everybody}'
			ELSE ARRAY['viewer', level] END)
	ORDER BY 1
$$;
COMMENT ON FUNCTION migrate.functions_of_level(text) IS
	'the functions that a level of migrate_grant() opens, or those that are open to everybody';

CREATE FUNCTION @extschema@.migrate_grant(role name, level text)
RETURNS void
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
	f regprocedure;
BEGIN
	PERFORM migrate.check_level(level);
	IF role IS NULL THEN
		RAISE EXCEPTION USING
			ERRCODE = 'null_value_not_allowed',
			MESSAGE = 'argument "role" must not be NULL';
	END IF;
	-- GRANT takes even a quoted "public" for PUBLIC
	IF role = 'public' THEN
		RAISE EXCEPTION USING
			ERRCODE = 'invalid_grant_operation',
			MESSAGE = format('level "%s" cannot be granted to PUBLIC', level),
			DETAIL = 'Scripts may hold secrets, and who runs or writes them should be named.',
			HINT = 'Grant it to a role whose members need it.';
	END IF;
	EXECUTE format('GRANT USAGE ON SCHEMA migrate TO %I', role);
	EXECUTE format('GRANT SELECT ON migrate.environment, migrate.revision, migrate.revision_edge, migrate.log, migrate.progress, migrate.pause TO %I', role);
	FOR f IN SELECT migrate.functions_of_level(level) LOOP
		EXECUTE format('GRANT EXECUTE ON ROUTINE %s TO %I', f, role);
	END LOOP;
END
$$;
COMMENT ON FUNCTION @extschema@.migrate_grant(name, text) IS
	'let a role look (viewer), run revisions (operator) or write them (author)';

CREATE FUNCTION @extschema@.migrate_revoke(role name, level text DEFAULT NULL)
RETURNS void
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
	f regprocedure;
BEGIN
	IF role IS NULL THEN
		RAISE EXCEPTION USING
			ERRCODE = 'null_value_not_allowed',
			MESSAGE = 'argument "role" must not be NULL';
	END IF;
	IF level IS NOT NULL THEN
		PERFORM migrate.check_level(level);
	END IF;
	-- to take a level of running or writing away leaves the right to look
	FOR f IN
		SELECT migrate.functions_of_level(l)
		FROM unnest(CASE WHEN level IS NULL OR level = 'viewer'
					THEN '{operator,author}'::text[] ELSE ARRAY[level] END) l
		EXCEPT
		SELECT migrate.functions_of_level('viewer')
		WHERE level IS NOT NULL AND level <> 'viewer'
	LOOP
		EXECUTE format('REVOKE EXECUTE ON ROUTINE %s FROM %I', f, role);
	END LOOP;
	IF level IS NULL OR level = 'viewer' THEN
		EXECUTE format('REVOKE SELECT ON migrate.environment, migrate.revision, migrate.revision_edge, migrate.log, migrate.progress, migrate.pause FROM %I', role);
		EXECUTE format('REVOKE USAGE ON SCHEMA migrate FROM %I', role);
	END IF;
END
$$;
COMMENT ON FUNCTION @extschema@.migrate_revoke(name, text) IS
	'take back what migrate_grant() gave: running, writing, or (viewer, or no level) everything';

CREATE FUNCTION migrate.check_level(level text)
RETURNS void
LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
	IF level IS NULL OR level <> ALL ('{viewer,operator,author}') THEN
		RAISE EXCEPTION USING
			ERRCODE = 'invalid_parameter_value',
			MESSAGE = format('unknown level %s', coalesce('"' || level || '"', 'NULL')),
			HINT = 'The levels are "viewer" (look), "operator" (look and run) and "author" (look and write revisions).';
	END IF;
END
$$;
COMMENT ON FUNCTION migrate.check_level(text) IS
	'raise unless it is a level of migrate_grant()';

-- Next to nothing is open to everybody: scripts may hold secrets, and running
-- them is for those who were named.
DO $$
DECLARE
	f regprocedure;
BEGIN
	FOR f IN
		SELECT d.objid
		FROM pg_extension e
			JOIN pg_depend d ON d.refclassid = 'pg_extension'::regclass AND d.refobjid = e.oid
				AND d.classid = 'pg_proc'::regclass AND d.deptype = 'e'
		WHERE e.extname = 'migrate'
		EXCEPT
		SELECT migrate.functions_of_level('everybody')
	LOOP
		EXECUTE format('REVOKE ALL ON ROUTINE %s FROM PUBLIC', f);
	END LOOP;
END
$$;
