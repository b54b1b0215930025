-- ---------------------------------------------------------------------------
-- Tenants: what the policies let through
-- ---------------------------------------------------------------------------

-- An expression that a table has several times, as in a policy and the floor
-- below it, is taken apart once.
CREATE FUNCTION migrate.tenant_lint_policies(tables migrate.tenant_lint_table[])
RETURNS SETOF migrate.tenant_lint_policy
LANGUAGE plpgsql STABLE PARALLEL SAFE ROWS 20000
SET search_path = pg_catalog, pg_temp
AS $$
#variable_conflict use_column
BEGIN
	RETURN QUERY
	WITH rule AS MATERIALIZED (
		-- a row of another model's table has another tenant
		SELECT m.model, m.setting, migrate.tenant_lint_functions() AS functions,
			array_agg(t.relid) AS protected,
			array_agg(t.relid) FILTER (WHERE t.is_shared) AS shared
		FROM unnest(tables) t
			JOIN migrate.tenant_model m ON m.model = t.model
		WHERE t.kind <> 'exempt'
		GROUP BY m.model, m.setting
	), policy AS MATERIALIZED (
		SELECT t.*, t.kind <> 'parent' AND t.attnum IS NULL AS is_gone, p.oid AS policy, p.polname, p.polcmd,
			p.polpermissive, p.polroles, p.polwithcheck IS NOT NULL AS has_check, e.is_check, x.expression
		FROM unnest(tables) t
			JOIN pg_policy p ON p.polrelid = t.relid
			CROSS JOIN (VALUES (false), (true)) e (is_check)
			CROSS JOIN LATERAL (
				SELECT CASE WHEN e.is_check THEN coalesce(p.polwithcheck, p.polqual)
					ELSE p.polqual END) x (expression)
		WHERE t.is_in_scope AND t.kind <> 'exempt'
			AND CASE WHEN e.is_check THEN p.polcmd IN ('*', 'a', 'w') ELSE p.polcmd <> 'a' END
	), bound AS MATERIALIZED (
		SELECT x.relid, x.expression::text AS text, b.*
		FROM (SELECT DISTINCT ON (p.relid, p.expression::text COLLATE "C") p.relid, p.model, p.attnum, p.expression
				FROM policy p
				WHERE p.expression IS NOT NULL AND NOT p.is_gone) x
			JOIN rule r ON r.model = x.model
			CROSS JOIN LATERAL migrate.tenant_binding(x.expression, x.relid, x.attnum,
				r.setting, r.functions, r.protected, r.shared) b
	)
	SELECT p.policy, p.polname, p.relid, p.model, p.kind, p.polpermissive, p.polroles,
		c.commands, p.is_check, p.has_check,
		CASE WHEN p.is_gone THEN 'gone' WHEN p.expression IS NULL THEN 'absent' ELSE b.bind END,
		coalesce(b.is_inline, false), coalesce(b.allows_null, false), coalesce(b.is_exact, true),
		-- rows without a tenant are everybody's to read in a shared table,
		-- and cannot be where the column is NOT NULL
		CASE WHEN p.is_gone THEN NULL
			WHEN p.expression IS NULL THEN 'has no expression'
			WHEN b.gap IS NOT NULL THEN b.gap
			WHEN b.bind = 'parent' AND b.allows_null AND c.commands[1] <> 'r'
				THEN 'lets rows through that hang on one that all tenants share'
			WHEN b.bind <> 'parent' AND b.allows_null AND NOT p.not_null
				AND NOT (p.kind = 'shared' AND c.commands[1] = 'r')
				THEN format('lets rows through whose "%s" is NULL', p.column_name) END
	FROM policy p
		LEFT JOIN bound b ON b.relid = p.relid AND b.text = p.expression::text
		-- to read what has no tenant may be as it should be, to write it never
		JOIN (VALUES ('*'::"char", false, false, '{r,w,d}'::"char"[]), ('*', false, true, '{r}'), ('*', false, true, '{w,d}'),
				('*', true, NULL, '{a,w}'), ('r', false, NULL, '{r}'), ('a', true, NULL, '{a}'),
				('w', false, NULL, '{w}'), ('w', true, NULL, '{w}'), ('d', false, NULL, '{d}'))
			c (polcmd, is_check, allows_null, commands)
			ON c.polcmd = p.polcmd AND c.is_check = p.is_check
				AND coalesce(c.allows_null = coalesce(b.allows_null, false), true);
END
$$;
COMMENT ON FUNCTION migrate.tenant_lint_policies(migrate.tenant_lint_table[]) IS
	'the policies of protected tables, by command, and what they bind rows to';

-- ---- T003, T004, T006, T018: what the policies let through ----

CREATE FUNCTION migrate.tenant_lint_policing(
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
	WITH protected AS MATERIALIZED (
		SELECT t.* FROM unnest(tables) t WHERE t.is_in_scope AND t.kind <> 'exempt'
	), policy AS MATERIALIZED (
		SELECT p.*, t.name AS table_name
		FROM unnest(policies) p
			JOIN protected t ON t.relid = p.relid
	), app AS MATERIALIZED (
		SELECT * FROM migrate.tenant_lint_roles(roles)
	), applies AS MATERIALIZED (
		SELECT DISTINCT p.policy, a.role, a.name
		FROM policy p
			JOIN app a ON a.model = p.model
		WHERE 0 = ANY (p.roles)
			OR a.role <> 0 AND EXISTS (
				SELECT FROM unnest(p.roles) r WHERE pg_has_role(a.role, r, 'USAGE'))
	), floor AS MATERIALIZED (
		SELECT DISTINCT p.relid, a.role, c.command, p.is_check
		FROM policy p
			JOIN applies a ON a.policy = p.policy
			CROSS JOIN LATERAL unnest(p.commands) c (command)
		WHERE NOT p.is_permissive AND p.gap IS NULL
	), open AS (
		-- what the application's roles get; where there is no expression: nothing
		SELECT p.policy, p.name, p.table_name, p.model, p.is_check, p.gap, p.bind, c.command,
			a.name AS role_name, true AS is_app
		FROM policy p
			JOIN applies a ON a.policy = p.policy
			CROSS JOIN LATERAL unnest(p.commands) c (command)
		WHERE p.is_permissive AND p.gap IS NOT NULL AND p.bind <> ALL ('{user,absent}')
			-- where USING is the check as well it is reported for itself
			AND (p.has_check OR NOT p.is_check)
			AND NOT EXISTS (
				SELECT FROM floor f
				WHERE f.relid = p.relid AND f.role = a.role
					AND f.command = c.command AND f.is_check = p.is_check)
		UNION ALL
		-- and what any other role but the one for administration gets
		SELECT p.policy, p.name, p.table_name, p.model, p.is_check, p.gap, p.bind, c.command,
			quote_ident(r.rolname), false
		FROM policy p
			JOIN migrate.tenant_model m ON m.model = p.model
			CROSS JOIN LATERAL unnest(p.roles) g (role)
			CROSS JOIN LATERAL unnest(p.commands) c (command)
			JOIN pg_roles r ON r.oid = g.role
		WHERE tenant_lint_policing.roles IS NULL
			AND p.is_permissive AND p.gap IS NOT NULL AND p.bind <> ALL ('{user,absent}')
			AND (p.has_check OR NOT p.is_check)
			AND r.rolname IS DISTINCT FROM m.admin_role
			AND NOT r.rolsuper AND NOT r.rolbypassrls
			AND NOT EXISTS (SELECT FROM applies a WHERE a.policy = p.policy)
			AND NOT EXISTS (
				SELECT FROM policy f
				WHERE f.relid = p.relid AND NOT f.is_permissive AND f.gap IS NULL
					AND c.command = ANY (f.commands) AND f.is_check = p.is_check
					AND (0 = ANY (f.roles) OR EXISTS (
						SELECT FROM unnest(f.roles) h WHERE pg_has_role(r.oid, h, 'USAGE'))))
	), widened AS (
		SELECT o.policy, o.name, format('%I on %s', o.name, o.table_name) AS object, o.table_name, o.model, o.is_check, o.is_app, min(o.gap) AS gap, min(o.bind) AS bind,
			string_agg(DISTINCT o.role_name, ', ') AS roles,
			string_agg(DISTINCT CASE o.command WHEN 'r' THEN 'SELECT' WHEN 'a' THEN 'INSERT'
				WHEN 'w' THEN 'UPDATE' ELSE 'DELETE' END, ', ') AS commands
		FROM open o
		GROUP BY o.policy, o.name, o.table_name, o.model, o.is_check, o.is_app
	), summary AS MATERIALIZED (
		SELECT p.policy, bool_and(p.gap IS NOT DISTINCT FROM 'is always true') AS is_true,
			bool_and(p.gap IS NULL AND p.is_exact
				AND (p.bind <> 'tenant'
					OR p.is_inline = (m.policy_style = 'inline')
						AND p.allows_null = (p.kind = 'shared' AND 'r' = ANY (p.commands)))) AS is_standard
		FROM policy p
			JOIN migrate.tenant_model m ON m.model = p.model
		GROUP BY p.policy
	), expected AS (
		SELECT t.relid, t.name AS table_name, t.model, t.kind, e.*
		FROM protected t
			JOIN migrate.tenant_table x ON x.relation = t.relid
			CROSS JOIN LATERAL jsonb_to_recordset(
				CASE WHEN jsonb_typeof(x.made -> 'policies') = 'array' THEN x.made -> 'policies' ELSE '[]' END)
				e (name text, permissive boolean, command text, roles text[], "using" text, "check" text)
		WHERE t.kind = 'parent' OR t.attnum IS NOT NULL
	), drifted AS (
		SELECT e.table_name, e.model, e.name, coalesce(e.permissive, false) AS is_permissive, CASE
			WHEN p.oid IS NULL THEN 'is gone'
			WHEN p.polpermissive <> coalesce(e.permissive, false)
				THEN 'is ' || CASE WHEN p.polpermissive THEN 'permissive' ELSE 'restrictive' END || ' now'
			WHEN p.polcmd::text <> e.command THEN 'is for another command now'
			WHEN p.roles IS DISTINCT FROM
				(SELECT array_agg(r ORDER BY r COLLATE "C") FROM unnest(e.roles) r)
				THEN 'is for other roles now: ' || array_to_string(p.roles, ', ')
			WHEN (p.polqual IS NULL) <> (e."using" IS NULL)
				OR (p.polwithcheck IS NULL) <> (e."check" IS NULL)
				THEN 'has another expression now'
			WHEN NOT CASE WHEN coalesce(e."using", e."check") = 'true' THEN s.is_true ELSE s.is_standard END
				THEN 'has another expression now'
			END AS problem
		FROM expected e
			LEFT JOIN LATERAL (
				SELECT p.*, (
					SELECT array_agg(coalesce(a.rolname, 'public') ORDER BY coalesce(a.rolname, 'public') COLLATE "C")
					FROM unnest(p.polroles) r LEFT JOIN pg_roles a ON a.oid = r)::text[] AS roles
				FROM pg_policy p
				WHERE p.polrelid = e.relid AND p.polname = e.name) p ON true
			LEFT JOIN summary s ON s.policy = p.oid
	)
	SELECT 'T003', 'warning', t.name,
		format('no permissive policy is for role %s, which has rights on the table: it sees no row, and writes none',
			a.name),
		CASE WHEN tenant_lint_policing.roles IS NULL
			THEN migrate.tenant_lint_call('migrate_tenant_protect', t.model, t.name)
			WHEN t.column_name IS NULL THEN format('REVOKE ALL ON TABLE %s FROM %s;', t.name, a.name)
			ELSE format('CREATE POLICY %I ON %s TO %s USING (%I = %s);', 'tenant_of_' || a.name, t.name, a.name,
				t.column_name, migrate.tenant_lint_tenant(t.model)) END
	FROM protected t
		JOIN app a ON a.model = t.model
	WHERE t.is_enabled AND t.mode <> 'partition'
		AND (has_any_column_privilege(a.role, t.relid, 'SELECT, INSERT, UPDATE')
			OR has_table_privilege(a.role, t.relid, 'DELETE'))
		AND NOT EXISTS (
			SELECT FROM pg_roles r WHERE r.oid = a.role AND (r.rolsuper OR r.rolbypassrls))
		AND NOT EXISTS (
			SELECT FROM policy p JOIN applies x ON x.policy = p.policy
			WHERE p.relid = t.relid AND p.is_permissive AND p.bind <> 'absent' AND x.role = a.role)
	UNION ALL
	SELECT CASE WHEN w.is_check THEN 'T006' ELSE 'T004' END,
		CASE WHEN w.is_app AND w.bind <> 'opaque' THEN 'error' ELSE 'warning' END,
		w.object,
		format('the %s %s, which opens %s to role %s for the rows of other tenants; no restrictive policy holds against it',
			CASE WHEN w.is_check THEN 'check on rows that are written' ELSE 'policy' END,
			w.gap, w.commands, w.roles),
		CASE WHEN w.is_app AND tenant_lint_policing.roles IS NULL
			THEN migrate.tenant_lint_call('migrate_tenant_protect', w.model, w.table_name)
			ELSE format('DROP POLICY IF EXISTS %I ON %s;', w.name, w.table_name) END
	FROM widened w
	UNION ALL
	-- without the floor the next policy that somebody adds opens the table
	SELECT 'T018', CASE WHEN d.is_permissive THEN 'warning' ELSE 'error' END, format('%I on %s', d.name, d.table_name),
		format('the policy was made by migrate_tenant_protect(), but %s', d.problem),
		migrate.tenant_lint_call('migrate_tenant_protect', d.model, d.table_name)
	FROM drifted d
	WHERE d.problem IS NOT NULL
	UNION ALL
	SELECT 'T004', 'error', t.name,
		format('rows that hang on a row of %s which all tenants share are read by all of them, though %s says whose they are',
			t.parent::regclass, quote_ident(min(f.conname::text))),
		CASE WHEN bool_or(o.kind = 'root')
			THEN migrate.tenant_lint_call('migrate_tenant_protect', t.model, t.name, 'column', min(a.attname::text))
			ELSE migrate.tenant_lint_call('migrate_tenant_add_column', t.model, t.name, min(f.conname::text))
				|| ' ' || migrate.tenant_lint_call('migrate_tenant_link', t.model, min(f.conname::text), t.name)
				|| ' ' || migrate.tenant_lint_call('migrate_tenant_protect', t.model, t.name, 'column') END
	FROM protected t
		JOIN pg_constraint f ON f.conrelid = t.relid AND f.contype = 'f' AND f.conname <> t.via
		JOIN unnest(tables) o ON o.relid = f.confrelid AND o.model = t.model AND o.kind <> 'exempt' AND NOT o.is_shared
		JOIN pg_attribute a ON a.attrelid = f.conrelid AND a.attnum = f.conkey[1]
	WHERE t.mode = 'parent' AND t.is_shared
		AND NOT EXISTS (
			SELECT FROM pg_attribute n
			WHERE n.attrelid = f.conrelid AND n.attnum = ANY (f.conkey) AND NOT n.attnotnull)
	GROUP BY t.name, t.model, t.parent;
END
$$;
COMMENT ON FUNCTION migrate.tenant_lint_policing(migrate.tenant_lint_table[], migrate.tenant_lint_policy[], name[]) IS
	'findings T003, T004, T006 and T018: what the policies let through';
