-- ---------------------------------------------------------------------------
-- Tenants: all findings together
-- ---------------------------------------------------------------------------

-- ---- T023: the server ----

CREATE FUNCTION migrate.tenant_lint_server(version integer)
RETURNS SETOF migrate.tenant_finding
LANGUAGE sql STABLE PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $$
	SELECT 'T023', 'warning', 'server',
		format('PostgreSQL %s.%s shows rows, or statistics of rows, that row level security hides: %s',
			version / 10000, version % 10000, string_agg(v.cve, ', ' ORDER BY v.cve COLLATE "C")),
		format('-- install PostgreSQL %s.%s or later, then restart the server', version / 10000, max(v.fixed))
	FROM (VALUES
		('CVE-2023-2455', 15, 3),
		('CVE-2023-39418', 15, 4),
		('CVE-2024-10976', 15, 9),
		('CVE-2024-10976', 16, 5),
		('CVE-2024-10976', 17, 1),
		('CVE-2025-8713', 15, 14),
		('CVE-2025-8713', 16, 10),
		('CVE-2025-8713', 17, 6)) v (cve, major, fixed)
	WHERE v.major = version / 10000 AND version % 10000 < v.fixed
	HAVING count(*) > 0
$$;
COMMENT ON FUNCTION migrate.tenant_lint_server(integer) IS
	'finding T023: known holes in row level security of a version, given as server_version_num';

-- ---- all together ----

CREATE FUNCTION migrate.tenant_lint_found(schemas text[], roles name[], caller oid, is_guarded boolean)
RETURNS SETOF migrate.tenant_finding
LANGUAGE plpgsql STABLE PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $$
#variable_conflict use_column
DECLARE
	tables migrate.tenant_lint_table[];
	policies migrate.tenant_lint_policy[];
BEGIN
	tables := ARRAY(SELECT t FROM migrate.tenant_lint_tables(schemas) t);
	policies := ARRAY(SELECT p FROM migrate.tenant_lint_policies(tables) p);
	RETURN QUERY
	WITH found AS (
		SELECT * FROM migrate.tenant_lint_security(tables, schemas)
		UNION
		SELECT * FROM migrate.tenant_lint_policing(tables, policies, roles)
		UNION
		SELECT * FROM migrate.tenant_lint_expressions(tables, policies, roles)
		UNION
		SELECT * FROM migrate.tenant_lint_keys(tables, roles)
		UNION
		SELECT * FROM migrate.tenant_lint_children(tables, roles)
		UNION
		SELECT * FROM migrate.tenant_lint_views(tables, policies, roles)
		UNION
		SELECT * FROM migrate.tenant_lint_definers(tables, policies, schemas, roles)
		UNION
		SELECT * FROM migrate.tenant_lint_rights(tables, schemas, roles, caller, is_guarded)
		UNION
		SELECT * FROM migrate.tenant_lint_published(tables)
		UNION
		SELECT * FROM migrate.tenant_lint_server(current_setting('server_version_num')::integer)
	)
	-- On one line, so that nothing in a name stands outside of a comment that
	-- an object is pasted into; still no two are the same to a waiver.
	SELECT f.code, f.severity,
		CASE WHEN f.object ~ '[\n\r]' THEN to_json(f.object)::text ELSE f.object END,
		f.problem, f.fix
	FROM found f;
END
$$;
COMMENT ON FUNCTION migrate.tenant_lint_found(text[], name[], oid, boolean) IS
	'all findings, those that are waived too';

-- What makes everything else blind is no finding that could be waived.
CREATE FUNCTION migrate.tenant_lint_models()
RETURNS SETOF migrate.tenant_finding
LANGUAGE sql STABLE PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $$
	SELECT 'T000', 'error', 'migrate.tenant_model',
		'no tenants are set up, so that next to nothing can be checked',
		'-- SELECT * FROM @extschema@.migrate_tenant_setup(''the table of which a row is a tenant'');'
	WHERE NOT EXISTS (SELECT FROM migrate.tenant_model)
	UNION ALL
	SELECT 'T000', 'error', format('model %I', m.model),
		format('role %I of the model does not exist: it was dropped or renamed, and what it may do now is not checked', r.name),
		format('-- ALTER ROLE the_name_that_it_has_now RENAME TO %I;', r.name)
	FROM migrate.tenant_model m
		CROSS JOIN LATERAL unnest(m.app_roles || m.admin_role) r (name)
	WHERE r.name <> 'public' AND NOT EXISTS (SELECT FROM pg_roles p WHERE p.rolname = r.name)
	UNION ALL
	SELECT 'T000', 'error', format('model %I', m.model),
		'the table of which a row is a tenant does not exist any more',
		format('-- SELECT * FROM @extschema@.migrate_tenant_teardown(%L, cascade => true);', m.model)
	FROM migrate.tenant_model m
	WHERE NOT EXISTS (SELECT FROM pg_class c WHERE c.oid = m.root)
$$;
COMMENT ON FUNCTION migrate.tenant_lint_models() IS 'findings T000 about what was set up';

CREATE FUNCTION migrate.tenant_lint_findings(schemas text[], roles name[], caller oid, is_guarded boolean)
RETURNS SETOF migrate.tenant_finding
LANGUAGE plpgsql STABLE PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $$
#variable_conflict use_column
BEGIN
	RETURN QUERY
	WITH found AS MATERIALIZED (
		SELECT * FROM migrate.tenant_lint_found(schemas, roles, caller, is_guarded)
	), result AS (
		SELECT f.*
		FROM found f
		WHERE NOT EXISTS (
			SELECT FROM migrate.tenant_waiver w
			WHERE w.code = f.code AND w.object = f.object
				AND coalesce(w.until >= current_date, true))
		UNION ALL
		SELECT * FROM migrate.tenant_lint_models()
		UNION ALL
		SELECT 'T000', 'warning', w.object,
			format('the waiver of %s ended with %s; its reason was: %s', w.code, to_char(w.until, 'YYYY-MM-DD'), w.reason),
			format('SELECT @extschema@.migrate_tenant_unwaive(%L, %L);', w.code, w.object)
		FROM migrate.tenant_waiver w
		WHERE w.until < current_date
		UNION ALL
		SELECT 'T000', 'info', w.object,
			format('the waiver of %s is of no use: there is no such finding', w.code),
			format('SELECT @extschema@.migrate_tenant_unwaive(%L, %L);', w.code, w.object)
		FROM migrate.tenant_waiver w
		WHERE coalesce(w.until >= current_date, true)
			AND schemas IS NULL AND tenant_lint_findings.roles IS NULL
			AND NOT EXISTS (
				SELECT FROM found f WHERE f.code = w.code AND f.object = w.object)
	), shown AS (
		-- a name may hold the end of a line, and with it that of a comment
		SELECT r.code, r.severity,
			CASE WHEN r.object ~ '[\n\r]' THEN to_json(r.object)::text ELSE r.object END AS object,
			pg_catalog.regexp_replace(r.problem, '[\n\r]+', ' ', 'g') AS problem,
			CASE WHEN pg_catalog.starts_with(r.fix, '--')
				THEN pg_catalog.regexp_replace(r.fix, '[\n\r]+', ' ', 'g')
				ELSE r.fix END AS fix
		FROM result r
	)
	SELECT * FROM shown r
	ORDER BY array_position('{error,warning,info}', r.severity), r.code COLLATE "C",
		r.object COLLATE "C", r.problem COLLATE "C", r.fix COLLATE "C";
END
$$;
COMMENT ON FUNCTION migrate.tenant_lint_findings(text[], name[], oid, boolean) IS
	'all findings but those that are waived, the gravest first';

CREATE FUNCTION @extschema@.migrate_tenant_lint(
	schemas text[] DEFAULT NULL,
	roles name[] DEFAULT NULL)
RETURNS SETOF migrate.tenant_finding
AS 'MODULE_PATHNAME', 'migrate_tenant_lint'
LANGUAGE C STABLE PARALLEL UNSAFE;
COMMENT ON FUNCTION @extschema@.migrate_tenant_lint(text[], name[]) IS
	'what is wrong with the isolation of tenants, and the statements that mend it';

CREATE FUNCTION @extschema@.migrate_tenant_check(fail_on text DEFAULT 'error')
RETURNS boolean
AS 'MODULE_PATHNAME', 'migrate_tenant_check'
LANGUAGE C STABLE PARALLEL UNSAFE;
COMMENT ON FUNCTION @extschema@.migrate_tenant_check(text) IS
	'true if migrate_tenant_lint() finds nothing so grave, else an error: a gate for pipelines';

CREATE FUNCTION @extschema@.migrate_tenant_waive(
	code text,
	object text,
	reason text,
	until date DEFAULT NULL)
RETURNS void
AS 'MODULE_PATHNAME', 'migrate_tenant_waive'
LANGUAGE C VOLATILE PARALLEL UNSAFE;
COMMENT ON FUNCTION @extschema@.migrate_tenant_waive(text, text, text, date) IS
	'leave a finding of migrate_tenant_lint() out, for a reason, up to a day or for good';

CREATE FUNCTION @extschema@.migrate_tenant_unwaive(code text, object text)
RETURNS void
AS 'MODULE_PATHNAME', 'migrate_tenant_unwaive'
LANGUAGE C VOLATILE PARALLEL UNSAFE;
COMMENT ON FUNCTION @extschema@.migrate_tenant_unwaive(text, text) IS
	'have migrate_tenant_lint() report a finding again';
