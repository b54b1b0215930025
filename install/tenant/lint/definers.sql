-- ---------------------------------------------------------------------------
-- Tenants: functions that run as their owner
-- ---------------------------------------------------------------------------

-- What a function reads its body tells only as text, unless it is of SQL's own
-- form: it is enough that a protected table is named.
CREATE FUNCTION migrate.tenant_lint_definers(
	tables migrate.tenant_lint_table[],
	policies migrate.tenant_lint_policy[],
	schemas text[],
	roles name[])
RETURNS SETOF migrate.tenant_finding
LANGUAGE plpgsql STABLE PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $$
#variable_conflict use_column
BEGIN
	RETURN QUERY
	WITH protected AS MATERIALIZED (
		SELECT t.*, c.relname
		FROM unnest(tables) t
			JOIN pg_class c ON c.oid = t.relid
		WHERE t.is_in_scope AND t.kind <> 'exempt'
	), acting AS MATERIALIZED (
		SELECT * FROM migrate.tenant_lint_acting(tenant_lint_definers.roles)
	), definer AS MATERIALIZED (
		SELECT p.oid, p.proowner, p.prorettype, p.pronamespace, p.prosrc, p.oid::regprocedure::text AS signature
		FROM pg_proc p
			JOIN pg_namespace n ON n.oid = p.pronamespace
		WHERE p.prosecdef AND p.prorettype <> 'event_trigger'::regtype
			AND n.nspname <> ALL ('{pg_catalog,information_schema}')
			AND (schemas IS NULL OR n.nspname = ANY (schemas))
			AND NOT EXISTS (
				SELECT FROM pg_depend d
				WHERE d.classid = 'pg_proc'::regclass AND d.objid = p.oid AND d.deptype = 'e')
	), word AS MATERIALIZED (
		SELECT DISTINCT d.oid, w.word
		FROM definer d
			CROSS JOIN LATERAL regexp_split_to_table(lower(d.prosrc), '[^[:alnum:]_$]+') w (word)
	), named AS MATERIALIZED (
		SELECT w.oid, t.relid
		FROM word w
			JOIN protected t ON lower(t.relname) = w.word
		UNION
		-- a name that is none of these words stands in quotes
		SELECT d.oid, t.relid
		FROM definer d
			JOIN protected t ON t.relname ~ '[^[:alnum:]_$]' AND strpos(d.prosrc, quote_ident(t.relname)) > 0
		UNION
		SELECT d.oid, t.relid
		FROM definer d
			JOIN pg_depend r ON r.classid = 'pg_proc'::regclass AND r.objid = d.oid
				AND r.refclassid = 'pg_class'::regclass
			JOIN protected t ON t.relid = r.refobjid
	), called AS MATERIALIZED (
		SELECT d.oid, a.model, a.name, 'may call the function, which' AS how
		FROM definer d
			CROSS JOIN acting a
		WHERE d.prorettype <> 'trigger'::regtype
			AND has_function_privilege(a.acting, d.oid, 'EXECUTE')
			AND has_schema_privilege(a.acting, d.pronamespace, 'USAGE')
		UNION
		-- for a trigger nobody needs a right to execute the function
		SELECT d.oid, a.model, a.name, 'sets the trigger function off, which'
		FROM definer d
			JOIN pg_trigger g ON g.tgfoid = d.oid AND NOT g.tgisinternal AND g.tgenabled <> 'D'
			CROSS JOIN acting a
		WHERE d.prorettype = 'trigger'::regtype
			AND ((g.tgtype & 4) <> 0 AND has_any_column_privilege(a.acting, g.tgrelid, 'INSERT')
				OR (g.tgtype & 8) <> 0 AND has_table_privilege(a.acting, g.tgrelid, 'DELETE')
				OR (g.tgtype & 16) <> 0 AND has_any_column_privilege(a.acting, g.tgrelid, 'UPDATE')
				OR (g.tgtype & 32) <> 0 AND has_table_privilege(a.acting, g.tgrelid, 'TRUNCATE'))
	), reader AS MATERIALIZED (
		SELECT r.*, t.model, t.name
		FROM migrate.tenant_lint_readers(tables, policies, ARRAY(
				SELECT DISTINCT d.proowner FROM definer d JOIN called c ON c.oid = d.oid)) r
			JOIN protected t ON t.relid = r.relid
	), function AS (
		SELECT d.oid, d.signature, w.rolname AS owner_name, c.how,
			string_agg(DISTINCT c.name, ', ') AS roles,
			string_agg(DISTINCT r.name, ', ') FILTER (WHERE r.sees = 'all' AND n.oid IS NOT NULL) AS shown,
			string_agg(DISTINCT r.name, ', ') FILTER (WHERE r.sees = 'none' AND n.oid IS NOT NULL) AS hidden,
			bool_or(r.sees = 'all') AS sees_some,
			bool_or(n.oid IS NOT NULL) AS is_told
		FROM definer d
			JOIN called c ON c.oid = d.oid
			JOIN pg_roles w ON w.oid = d.proowner
			JOIN reader r ON r.reader = d.proowner AND r.model = c.model
			LEFT JOIN named n ON n.oid = d.oid AND n.relid = r.relid
		GROUP BY d.oid, d.signature, w.rolname, c.how
	)
	SELECT 'T014', CASE WHEN f.shown IS NOT NULL THEN 'error' ELSE 'warning' END, f.signature,
		CASE WHEN f.shown IS NOT NULL
			THEN format('role %s %s runs as its owner, role %I, who sees the rows of all tenants of %s',
				f.roles, f.how, f.owner_name, f.shown)
			WHEN f.is_told
			THEN format('role %s %s finds no row of %s: it runs as its owner, role %I, and no policy is for that role',
				f.roles, f.how, f.hidden, f.owner_name)
			ELSE format('role %s %s runs as its owner, role %I, who sees the rows of all tenants; which tables it reads does not show',
				f.roles, f.how, f.owner_name) END,
		format('ALTER ROUTINE %s SECURITY INVOKER;', f.signature)
	FROM function f
	WHERE f.shown IS NOT NULL OR f.hidden IS NOT NULL OR NOT f.is_told AND f.sees_some;
END
$$;
COMMENT ON FUNCTION migrate.tenant_lint_definers(migrate.tenant_lint_table[], migrate.tenant_lint_policy[], text[], name[]) IS
	'findings T014: functions that run as somebody who sees the rows of all tenants, or none';
