-- ---------------------------------------------------------------------------
-- Tenants: how the policies are written
-- ---------------------------------------------------------------------------

CREATE FUNCTION migrate.tenant_lint_expressions(
	tables migrate.tenant_lint_table[],
	policies migrate.tenant_lint_policy[],
	roles name[])
RETURNS SETOF migrate.tenant_finding
LANGUAGE plpgsql STABLE PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $$
#variable_conflict use_column
BEGIN
	RETURN QUERY
	WITH policy AS MATERIALIZED (
		SELECT t.relid, t.model, t.attnum, t.column_name, t.name AS table_name, p.oid AS policy, p.polname, p.polqual, p.polwithcheck,
			format('%I on %s', p.polname, t.name) AS object
		FROM unnest(tables) t
			JOIN pg_policy p ON p.polrelid = t.relid
		WHERE t.is_in_scope AND t.kind <> 'exempt'
	), used AS MATERIALIZED (
		SELECT p.policy, p.relid, p.attnum, e.expression
		FROM policy p
			CROSS JOIN LATERAL (VALUES (p.polqual), (p.polwithcheck)) e (expression)
		WHERE e.expression IS NOT NULL
	), noted AS MATERIALIZED (
		SELECT x.relid, x.expression::text AS text, r.*
		FROM (SELECT DISTINCT ON (u.relid, u.expression::text COLLATE "C") u.* FROM used u) x
			CROSS JOIN LATERAL migrate.tenant_expression_remarks(x.expression, x.relid, x.attnum) r
		-- what comes with the server is what it says it is, and all may call it
		WHERE r.kind <> 'call' OR r.function >= 16384
	), remark AS MATERIALIZED (
		SELECT DISTINCT p.model, p.policy, p.object, r.kind, r.function, r.subject
		FROM noted r
			JOIN used u ON u.relid = r.relid AND u.expression::text = r.text
			JOIN policy p ON p.policy = u.policy
	), rewritten AS MATERIALIZED (
		-- The same policy with the model's own expression: if that comparison
		-- is all that there is, else somebody has to put it in its place.
		SELECT p.policy, p.object, x.remark || CASE
			WHEN p.column_name IS NULL THEN format('DROP POLICY IF EXISTS %I ON %s;', p.polname, p.table_name)
			ELSE format('ALTER POLICY %I ON %s', p.polname, p.table_name)
				|| CASE WHEN p.polqual IS NULL THEN '' ELSE format(' USING (%s)', y."using") END
				|| CASE WHEN p.polwithcheck IS NULL THEN '' ELSE format(' WITH CHECK (%s)', y."check") END || ';' END AS fix
		FROM policy p
			JOIN (
				SELECT b.policy, bool_and(b.is_exact AND NOT b.allows_null) AS is_exact
				FROM unnest(policies) b
				GROUP BY b.policy
				-- nothing in it was dropped after the snapshot was taken
				HAVING count(b.bind) = count(*) OR bool_or(b.bind = 'gone')) e ON e.policy = p.policy
			CROSS JOIN LATERAL (
				SELECT format('%I = %s', p.column_name, migrate.tenant_lint_tenant(p.model))) m (comparison)
			CROSS JOIN LATERAL (
				SELECT CASE WHEN e.is_exact THEN ''
					WHEN p.column_name IS NULL THEN '-- '
					ELSE format('-- with %s in its place: ', m.comparison) END) x (remark)
			CROSS JOIN LATERAL (
				SELECT CASE WHEN e.is_exact THEN m.comparison
						ELSE regexp_replace(pg_get_expr(p.polqual, p.relid), '\s+', ' ', 'g') END,
					CASE WHEN e.is_exact THEN m.comparison
						ELSE regexp_replace(pg_get_expr(p.polwithcheck, p.relid), '\s+', ' ', 'g') END) y ("using", "check")
		WHERE p.policy IN (
			SELECT r.policy FROM remark r WHERE r.kind <> 'call'
			UNION ALL
			SELECT b.policy FROM unnest(policies) b WHERE b.bind = 'user')
	), called AS (
		-- one may stand in each policy
		SELECT r.model, p.oid AS function, p.provolatile, format('function %s', p.oid::regprocedure) AS object,
			bool_or(r.subject = 'constant') AS is_constant,
			'the policy ' || min(r.object) || CASE WHEN count(DISTINCT r.object) > 1
				THEN format(', like %s more,', count(DISTINCT r.object) - 1) ELSE '' END || ' calls it' AS who_calls
		FROM remark r
			JOIN pg_proc p ON p.oid = r.function
		WHERE r.kind = 'call'
		GROUP BY r.model, p.oid
	)
	SELECT 'T017', 'error', c.object,
		format('%s, and it is IMMUTABLE: a cached plan keeps what it returned, and shows the rows of one tenant to another',
			c.who_calls),
		format('ALTER FUNCTION %s STABLE;', c.function::regprocedure)
	FROM called c
	WHERE c.provolatile = 'i' AND c.is_constant
	UNION ALL
	SELECT 'T017', 'warning', c.object,
		format('%s, and it is VOLATILE: it is called for every row, and no index is used', c.who_calls),
		format('ALTER FUNCTION %s STABLE;', c.function::regprocedure)
	FROM called c
	WHERE c.provolatile = 'v'
	UNION ALL
	SELECT 'T017', 'warning', c.object,
		format('%s, and role %s may not execute it: every query of that role on the table fails', c.who_calls, a.name),
		format('GRANT EXECUTE ON FUNCTION %s TO %s;', c.function::regprocedure, a.name)
	FROM called c
		JOIN migrate.tenant_lint_roles(tenant_lint_expressions.roles) a ON a.model = c.model
	WHERE NOT has_function_privilege(a.role, c.function, 'EXECUTE')
	UNION ALL
	SELECT DISTINCT 'T017', 'warning', w.object,
		'tenants are told apart by the name of the role: all who share a connection pool are one role',
		w.fix
	FROM unnest(policies) b
		JOIN rewritten w ON w.policy = b.policy
	WHERE b.bind = 'user'
	UNION ALL
	SELECT 'T017', x.severity, r.object, format(x.problem, r.subject), w.fix
	FROM remark r
		JOIN rewritten w ON w.policy = r.policy
		JOIN (VALUES
			('one_argument', 'warning',
				'current_setting(''%s'') raises an error where the setting was never set; it takes a second argument, true'),
			('unsafe_cast', 'warning',
				'current_setting(''%s'', ...) is cast without nullif(..., ''''): once it was set in an earlier transaction it is empty, and the cast fails'),
			('wrapped', 'warning',
				'the tenant column is compared as %s, which no index on the column helps'),
			('recursion', 'error',
				'the policy asks for rows of its own table: every query fails with "infinite recursion detected"'))
			x (kind, severity, problem) ON x.kind = r.kind
	UNION ALL
	SELECT 'T019', 'info', t.name,
		format('rows are found through their parent %s: to read all rows of a tenant costs about a thousand times what a tenant column does',
			t.parent::regclass),
		migrate.tenant_lint_call('migrate_tenant_add_column', t.model, t.name, t.via)
			|| ' ' || migrate.tenant_lint_call('migrate_tenant_link', t.model, t.via, t.name)
			|| ' ' || migrate.tenant_lint_call('migrate_tenant_protect', t.model, t.name, 'column')
	FROM unnest(tables) t
	WHERE t.is_in_scope AND t.mode = 'parent';
END
$$;
COMMENT ON FUNCTION migrate.tenant_lint_expressions(migrate.tenant_lint_table[], migrate.tenant_lint_policy[], name[]) IS
	'findings T017 and T019: how the policies are written';
