-- ---------------------------------------------------------------------------
-- Tenants: is everything as it should be?
--
-- The queries are the specification: each function here looks for a group of
-- codes and returns findings.  They read catalogs that everybody may read,
-- and our own tables; migrate_tenant_lint() runs them as the owner of those,
-- so that whoever may call it needs no right on them.  No function of
-- anybody else's is called: expressions of policies are taken apart in C, as
-- trees, and never evaluated.
--
-- The larger queries are in PL/pgSQL only because it keeps their plans, which
-- take longer to make than to run.
--
-- Severities: with an error, a tenant reaches rows of another one or nobody
-- looked; with a warning something about others shows, or it takes one more
-- mistake; the rest is for information.
-- ---------------------------------------------------------------------------

CREATE TYPE migrate.tenant_finding AS (
	code text,
	severity text,
	object text,
	problem text,
	fix text
);
COMMENT ON TYPE migrate.tenant_finding IS 'what migrate_tenant_lint() returns';

-- ---- what they share ----

CREATE FUNCTION migrate.tenant_binding(
	expression pg_catalog.pg_node_tree,
	relation oid,
	tenant_column smallint,
	setting text,
	functions oid[],
	protected oid[],
	shared oid[],
	OUT bind text,
	OUT is_inline boolean,
	OUT allows_null boolean,
	OUT is_exact boolean,
	OUT gap text)
AS 'MODULE_PATHNAME', 'migrate_tenant_binding'
LANGUAGE C STABLE PARALLEL SAFE;
COMMENT ON FUNCTION migrate.tenant_binding(pg_catalog.pg_node_tree, oid, smallint, text, oid[], oid[], oid[]) IS
	'what the expression of a policy compares the tenant of a row with';

CREATE FUNCTION migrate.tenant_expression_remarks(
	expression pg_catalog.pg_node_tree,
	relation oid,
	tenant_column smallint,
	OUT kind text,
	OUT function oid,
	OUT subject text)
RETURNS SETOF record
AS 'MODULE_PATHNAME', 'migrate_tenant_expression_remarks'
LANGUAGE C STABLE PARALLEL SAFE ROWS 5;
COMMENT ON FUNCTION migrate.tenant_expression_remarks(pg_catalog.pg_node_tree, oid, smallint) IS
	'what in the expression of a policy is slow, fragile or treacherous';

-- Partitions and children of a protected table belong to it whether they are
-- registered or not.  kind is the mode, for them that of the table above.
CREATE FUNCTION migrate.tenant_lint_tables(schemas text[])
RETURNS TABLE (
	relid oid,
	name text,
	relkind "char",
	is_partition boolean,
	owner oid,
	is_enabled boolean,
	is_forced boolean,
	model name,
	mode text,
	kind text,
	column_name name,
	attnum smallint,
	not_null boolean,
	via name,
	parent oid,
	top oid,
	made jsonb)
LANGUAGE plpgsql STABLE PARALLEL SAFE ROWS 2000
SET search_path = pg_catalog, pg_temp
AS $$
#variable_conflict use_column
BEGIN
	RETURN QUERY
	WITH RECURSIVE family AS (
		SELECT t.relation::oid AS relid, t.model, t.mode, t.mode AS kind,
			t.column_name, t.via, t.parent::oid AS parent, t.relation::oid AS top
		FROM migrate.tenant_table t
		WHERE t.mode <> 'partition'
		UNION ALL
		SELECT t.relation::oid, t.model, t.mode, p.mode,
			coalesce(t.column_name, p.column_name), p.via, p.parent::oid, p.relation::oid
		FROM migrate.tenant_table t
			JOIN migrate.tenant_table p ON p.relation = t.parent
		WHERE t.mode = 'partition'
		UNION
		SELECT i.inhrelid, f.model, 'partition', f.kind, f.column_name, f.via, f.parent, f.top
		FROM family f
			JOIN pg_inherits i ON i.inhparent = f.relid
	), chosen AS (
		SELECT DISTINCT ON (f.relid) f.*, t.made
		FROM family f
			LEFT JOIN migrate.tenant_table t ON t.relation = f.relid
		ORDER BY f.relid, f.mode = 'partition', f.kind = 'exempt', f.top
	)
	SELECT c.oid, format('%I.%I', n.nspname, c.relname), c.relkind, c.relispartition,
		c.relowner, c.relrowsecurity, c.relforcerowsecurity, f.model, f.mode, f.kind,
		a.attname, a.attnum, a.attnotnull, f.via, f.parent, f.top, f.made
	FROM chosen f
		JOIN pg_class c ON c.oid = f.relid
		JOIN pg_namespace n ON n.oid = c.relnamespace
		JOIN migrate.tenant_model m ON m.model = f.model
		LEFT JOIN pg_attribute a ON a.attrelid = c.oid AND NOT a.attisdropped
			AND f.kind IN ('root', 'column', 'shared')
			AND a.attname = coalesce(f.column_name,
				CASE WHEN f.kind = 'root' THEN m.key ELSE m.column_name END)
	WHERE schemas IS NULL OR n.nspname = ANY (schemas);
END
$$;
COMMENT ON FUNCTION migrate.tenant_lint_tables(text[]) IS
	'the tables of the registry with their partitions and children, all or those of some schemas';

CREATE FUNCTION migrate.tenant_lint_schemas(schemas text[])
RETURNS SETOF oid
LANGUAGE plpgsql STABLE PARALLEL SAFE ROWS 5
SET search_path = pg_catalog, pg_temp
AS $$
#variable_conflict use_column
BEGIN
	RETURN QUERY
	SELECT n.oid
	FROM pg_namespace n
	WHERE CASE WHEN schemas IS NOT NULL THEN n.nspname = ANY (schemas)
		ELSE n.oid IN (
				SELECT c.relnamespace
				FROM migrate.tenant_table t JOIN pg_class c ON c.oid = t.relation
				UNION ALL
				SELECT c.relnamespace
				FROM migrate.tenant_model m JOIN pg_class c ON c.oid = m.root)
			OR n.nspname IN (SELECT s.schema FROM migrate.tenant_schema s)
		END;
END
$$;
COMMENT ON FUNCTION migrate.tenant_lint_schemas(text[]) IS
	'the schemas that are looked at: those given, or those that hold tables of the registry or are managed';

-- PUBLIC has the OID 0
CREATE FUNCTION migrate.tenant_lint_roles(roles name[])
RETURNS TABLE (model name, role oid, name text)
LANGUAGE plpgsql STABLE PARALLEL SAFE ROWS 5
SET search_path = pg_catalog, pg_temp
AS $$
#variable_conflict use_column
BEGIN
	RETURN QUERY
	SELECT DISTINCT m.model, coalesce(r.oid, 0), coalesce(quote_ident(r.rolname), 'PUBLIC')
	FROM migrate.tenant_model m
		CROSS JOIN LATERAL unnest(coalesce(tenant_lint_roles.roles, m.app_roles)) a
		LEFT JOIN pg_roles r ON r.rolname = a
	WHERE r.oid IS NOT NULL OR a = 'public';
END
$$;
COMMENT ON FUNCTION migrate.tenant_lint_roles(name[]) IS
	'the roles that must not see the rows of other tenants: those given, or the application''s';

CREATE FUNCTION migrate.tenant_lint_functions()
RETURNS oid[]
LANGUAGE sql STABLE PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $$
	SELECT coalesce(array_agg(p.oid ORDER BY p.oid), '{}')
	FROM pg_proc p
	WHERE p.proname = ANY ('{migrate_tenant_current,migrate_tenant_current_int8,migrate_tenant_current_int4,
			migrate_tenant_current_text,migrate_tenant_require,migrate_tenant_require_int8,
			migrate_tenant_require_int4,migrate_tenant_require_text}')
		AND p.pronargs = 0
		AND EXISTS (
			SELECT FROM pg_depend d JOIN pg_extension e ON e.oid = d.refobjid
			WHERE d.classid = 'pg_proc'::regclass AND d.objid = p.oid
				AND d.refclassid = 'pg_extension'::regclass AND d.deptype = 'e' AND e.extname = 'migrate')
$$;
COMMENT ON FUNCTION migrate.tenant_lint_functions() IS 'our functions that return the tenant';

CREATE FUNCTION migrate.tenant_lint_tenant(model name)
RETURNS text
LANGUAGE sql STABLE PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $$
	SELECT CASE m.policy_style
		WHEN 'inline' THEN format('(SELECT nullif(pg_catalog.current_setting(%L, true), '''')::%s)',
			m.setting, format_type(m.tenant_type, -1))
		ELSE format('@extschema@.migrate_tenant_current%s()', CASE m.tenant_type::oid
			WHEN 'uuid'::regtype THEN ''
			WHEN 'int8'::regtype THEN '_int8'
			WHEN 'int4'::regtype THEN '_int4'
			WHEN 'int2'::regtype THEN '_int4'
			ELSE '_text' END) END
	FROM migrate.tenant_model m
	WHERE m.model = tenant_lint_tenant.model
$$;
COMMENT ON FUNCTION migrate.tenant_lint_tenant(name) IS 'the expression for the tenant in policies of a model';

CREATE FUNCTION migrate.tenant_lint_call(function text, model name, VARIADIC arguments text[])
RETURNS text
LANGUAGE sql STABLE PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $$
	SELECT format('SELECT * FROM @extschema@.%s(%s%s);', function, string_agg(quote_literal(a), ', ' ORDER BY n),
		CASE WHEN model = 'default' THEN '' ELSE format(', model => %L', model) END)
	FROM unnest(arguments) WITH ORDINALITY u (a, n)
$$;
COMMENT ON FUNCTION migrate.tenant_lint_call(text, name, text[]) IS
	'the statement that calls one of our functions for a model';

-- A command is a letter, as in pg_policy: r (SELECT), a (INSERT), w (UPDATE)
-- or d (DELETE).  What a policy says about rows that are there (USING) and
-- about rows that are written (WITH CHECK) are two rows; of the latter there
-- is none for SELECT and DELETE.
CREATE FUNCTION migrate.tenant_lint_policies(schemas text[])
RETURNS TABLE (
	policy oid,
	name name,
	object text,
	relid oid,
	table_name text,
	model name,
	kind text,
	is_permissive boolean,
	roles oid[],
	command "char",
	is_check boolean,
	has_check boolean,
	bind text,
	is_inline boolean,
	allows_null boolean,
	is_exact boolean,
	gap text)
LANGUAGE plpgsql STABLE PARALLEL SAFE ROWS 20000
SET search_path = pg_catalog, pg_temp
AS $$
#variable_conflict use_column
BEGIN
	RETURN QUERY
	WITH RECURSIVE everywhere AS MATERIALIZED (
		SELECT t.relid, t.kind, t.parent FROM migrate.tenant_lint_tables(NULL) t WHERE t.kind <> 'exempt'
	), protected AS MATERIALIZED (
		SELECT array_agg(t.relid) AS oids FROM everywhere t
	), below_shared AS (
		SELECT t.relid FROM everywhere t WHERE t.kind = 'shared'
		UNION
		SELECT t.relid FROM everywhere t JOIN below_shared s ON s.relid = t.parent
		WHERE t.kind = 'parent'
	), shared AS MATERIALIZED (
		SELECT array_agg(s.relid) AS oids FROM below_shared s
	), functions AS MATERIALIZED (
		SELECT migrate.tenant_lint_functions() AS oids
	), policy AS MATERIALIZED (
		SELECT t.*, p.oid AS policy, p.polname, p.polcmd, p.polpermissive, p.polroles,
			p.polqual, p.polwithcheck, e.is_check, b.*
		FROM migrate.tenant_lint_tables(schemas) t
			JOIN migrate.tenant_model m ON m.model = t.model
			JOIN pg_policy p ON p.polrelid = t.relid
			CROSS JOIN protected
			CROSS JOIN shared
			CROSS JOIN functions
			CROSS JOIN (VALUES (false), (true)) e (is_check)
			CROSS JOIN LATERAL (
				SELECT CASE WHEN e.is_check THEN coalesce(p.polwithcheck, p.polqual)
					ELSE p.polqual END) x (expression)
			CROSS JOIN LATERAL migrate.tenant_binding(x.expression, t.relid, t.attnum,
				m.setting, functions.oids, protected.oids, shared.oids) b
		WHERE t.kind <> 'exempt'
			AND CASE WHEN e.is_check THEN p.polcmd IN ('*', 'a', 'w') ELSE p.polcmd <> 'a' END
	)
	SELECT p.policy, p.polname, format('%I on %s', p.polname, p.name), p.relid, p.name,
		p.model, p.kind, p.polpermissive, p.polroles, c.command, p.is_check, p.polwithcheck IS NOT NULL, p.bind, p.is_inline,
		p.allows_null, p.is_exact,
		-- rows without a tenant are everybody's to read in a shared table,
		-- and cannot be where the column is NOT NULL
		CASE WHEN p.gap IS NOT NULL THEN p.gap
			WHEN p.bind = 'parent' AND p.allows_null AND c.command <> 'r'
				THEN 'lets rows through that hang on one that all tenants share'
			WHEN p.bind <> 'parent' AND p.allows_null AND NOT p.not_null
				AND NOT (p.kind = 'shared' AND c.command = 'r')
				THEN format('lets rows through whose "%s" is NULL', p.column_name) END
	FROM policy p
		JOIN (VALUES ('r'::"char", false), ('w', false), ('d', false), ('a', true), ('w', true))
			c (command, is_check)
			ON c.is_check = p.is_check AND p.polcmd IN ('*', c.command);
END
$$;
COMMENT ON FUNCTION migrate.tenant_lint_policies(text[]) IS
	'the policies of protected tables, by command, and what they bind rows to';

-- ---- T001, T002, T005, T024: is row level security on? ----

CREATE FUNCTION migrate.tenant_lint_security(schemas text[], roles name[])
RETURNS SETOF migrate.tenant_finding
LANGUAGE plpgsql STABLE PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $$
#variable_conflict use_column
BEGIN
	RETURN QUERY
	WITH protected AS MATERIALIZED (
		SELECT t.*, EXISTS (
			SELECT FROM pg_policy p WHERE p.polrelid = t.relid AND p.polpermissive) AS has_policy
		FROM migrate.tenant_lint_tables(schemas) t
		WHERE t.mode NOT IN ('exempt', 'partition')
	), classified AS MATERIALIZED (
		SELECT t.relid FROM migrate.tenant_lint_tables(NULL) t
	), scope AS MATERIALIZED (
		SELECT c.*, n.nspname, format('%I.%I', n.nspname, c.relname) AS name
		FROM migrate.tenant_lint_schemas(schemas) s (oid)
			JOIN pg_namespace n ON n.oid = s.oid
			JOIN pg_class c ON c.relnamespace = n.oid
		WHERE c.relkind IN ('r', 'p', 'f')
			AND n.nspname <> ALL ('{pg_catalog,information_schema,migrate}')
			AND NOT EXISTS (
				SELECT FROM pg_depend d
				WHERE d.classid = 'pg_class'::regclass AND d.objid = c.oid AND d.deptype = 'e')
			AND NOT EXISTS (
				SELECT FROM migrate.environment e
				WHERE e.version_table_schema = n.nspname AND e.version_table = c.relname)
			AND (n.nspname, c.relname) <> ('public', 'alembic_version')
	)
	SELECT 'T001', 'error', t.name,
		'row level security is off: every role that may read the table reads the rows of all tenants',
		CASE WHEN t.has_policy
			THEN format('ALTER TABLE %s ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY;', t.name)
			ELSE migrate.tenant_lint_call('migrate_tenant_protect', t.model, t.name) END
	FROM protected t
	WHERE NOT t.is_enabled
	UNION ALL
	SELECT 'T002', 'error', t.name,
		format('row level security is not forced: the owner, role %I, sees and writes the rows of all tenants',
			pg_get_userbyid(t.owner)),
		format('ALTER TABLE %s FORCE ROW LEVEL SECURITY;', t.name)
	FROM protected t
	WHERE t.is_enabled AND NOT t.is_forced
	UNION ALL
	SELECT 'T005', 'error', c.name,
		format('policies are there but row level security is off, so that none of them counts: %s',
			(SELECT string_agg(quote_ident(p.polname), ', ' ORDER BY p.polname)
			 FROM pg_policy p WHERE p.polrelid = c.oid)),
		format('ALTER TABLE %s ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY;', c.name)
	FROM scope c
	WHERE NOT c.relrowsecurity
		AND EXISTS (SELECT FROM pg_policy p WHERE p.polrelid = c.oid)
	UNION ALL
	SELECT 'T024', 'error', c.name,
		'the table is neither protected nor exempt'
			|| CASE WHEN x.model IS NOT NULL THEN ''
				ELSE '; it has no column for the tenant and no foreign key to a protected table' END,
		CASE WHEN x.model IS NOT NULL AND c.relkind <> 'f'
			THEN migrate.tenant_lint_call('migrate_tenant_protect', x.model, c.name)
			ELSE migrate.tenant_lint_call('migrate_tenant_exempt', y.model, c.name, 'holds no rows of tenants') END
	FROM scope c
		CROSS JOIN LATERAL (
			SELECT min(m.model::text)::name
			FROM migrate.tenant_model m
			WHERE m.root = c.oid
				OR EXISTS (
					SELECT FROM pg_attribute a
					WHERE a.attrelid = c.oid AND a.attname = m.column_name AND NOT a.attisdropped)
				OR EXISTS (
					SELECT FROM pg_constraint f
						JOIN migrate.tenant_table t ON t.relation = f.confrelid
					WHERE f.conrelid = c.oid AND f.contype = 'f' AND t.model = m.model AND t.mode <> 'exempt')) x (model)
		CROSS JOIN LATERAL (SELECT min(m.model::text)::name FROM migrate.tenant_model m) y (model)
	WHERE y.model IS NOT NULL
		AND c.oid NOT IN (SELECT relid FROM classified)
		-- with its partitions goes the table above
		AND NOT c.relispartition;
END
$$;
COMMENT ON FUNCTION migrate.tenant_lint_security(text[], name[]) IS
	'findings T001, T002, T005 and T024: is row level security on?';

-- ---- T003, T004, T006, T018: what the policies let through ----

CREATE FUNCTION migrate.tenant_lint_policing(schemas text[], roles name[])
RETURNS SETOF migrate.tenant_finding
LANGUAGE plpgsql STABLE PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $$
#variable_conflict use_column
BEGIN
	RETURN QUERY
	WITH protected AS MATERIALIZED (
		SELECT t.* FROM migrate.tenant_lint_tables(schemas) t WHERE t.kind <> 'exempt'
	), policy AS MATERIALIZED (
		SELECT * FROM migrate.tenant_lint_policies(schemas)
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
		SELECT DISTINCT p.relid, a.role, p.command, p.is_check
		FROM policy p
			JOIN applies a ON a.policy = p.policy
		WHERE NOT p.is_permissive AND p.gap IS NULL
	), open AS (
		-- what the application's roles get
		SELECT p.policy, p.name, p.object, p.table_name, p.model, p.is_check, p.gap, p.bind, p.command,
			a.name AS role_name, true AS is_app
		FROM policy p
			JOIN applies a ON a.policy = p.policy
		WHERE p.is_permissive AND p.gap IS NOT NULL AND p.bind <> 'user'
			-- where USING is the check as well it is reported for itself
			AND (p.has_check OR NOT p.is_check)
			AND NOT EXISTS (
				SELECT FROM floor f
				WHERE f.relid = p.relid AND f.role = a.role
					AND f.command = p.command AND f.is_check = p.is_check)
		UNION ALL
		-- and what any other role but the one for administration gets
		SELECT p.policy, p.name, p.object, p.table_name, p.model, p.is_check, p.gap, p.bind, p.command,
			quote_ident(r.rolname), false
		FROM policy p
			JOIN migrate.tenant_model m ON m.model = p.model
			CROSS JOIN LATERAL unnest(p.roles) g (role)
			JOIN pg_roles r ON r.oid = g.role
		WHERE tenant_lint_policing.roles IS NULL
			AND p.is_permissive AND p.gap IS NOT NULL AND p.bind <> 'user'
			AND (p.has_check OR NOT p.is_check)
			AND r.rolname IS DISTINCT FROM m.admin_role
			AND NOT r.rolsuper AND NOT r.rolbypassrls
			AND NOT EXISTS (SELECT FROM applies a WHERE a.policy = p.policy)
			AND NOT EXISTS (
				SELECT FROM policy f
				WHERE f.relid = p.relid AND NOT f.is_permissive AND f.gap IS NULL
					AND f.command = p.command AND f.is_check = p.is_check
					AND (0 = ANY (f.roles) OR EXISTS (
						SELECT FROM unnest(f.roles) h WHERE pg_has_role(r.oid, h, 'USAGE'))))
	), widened AS (
		SELECT o.policy, o.name, o.object, o.table_name, o.model, o.is_check, o.is_app, min(o.gap) AS gap, min(o.bind) AS bind,
			string_agg(DISTINCT o.role_name, ', ') AS roles,
			string_agg(DISTINCT CASE o.command WHEN 'r' THEN 'SELECT' WHEN 'a' THEN 'INSERT'
				WHEN 'w' THEN 'UPDATE' ELSE 'DELETE' END, ', ') AS commands
		FROM open o
		GROUP BY o.policy, o.name, o.object, o.table_name, o.model, o.is_check, o.is_app
	), summary AS MATERIALIZED (
		SELECT p.policy, bool_and(p.gap IS NOT DISTINCT FROM 'is always true') AS is_true,
			bool_and(p.gap IS NULL AND p.is_exact
				AND (p.bind <> 'tenant'
					OR p.is_inline = (m.policy_style = 'inline')
						AND p.allows_null = (p.kind = 'shared' AND p.command = 'r'))) AS is_standard
		FROM policy p
			JOIN migrate.tenant_model m ON m.model = p.model
		GROUP BY p.policy
	), expected AS (
		SELECT t.relid, t.name AS table_name, t.model, t.kind, e.*
		FROM protected t
			CROSS JOIN LATERAL jsonb_to_recordset(
				CASE WHEN jsonb_typeof(t.made -> 'policies') = 'array' THEN t.made -> 'policies' ELSE '[]' END)
				e (name text, permissive boolean, command text, roles text[], "using" text, "check" text)
	), drifted AS (
		SELECT e.table_name, e.model, e.name, CASE
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
			WHERE p.relid = t.relid AND p.is_permissive AND x.role = a.role)
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
	SELECT 'T018', 'warning', format('%I on %s', d.name, d.table_name),
		format('the policy was made by migrate_tenant_protect(), but %s', d.problem),
		migrate.tenant_lint_call('migrate_tenant_protect', d.model, d.table_name)
	FROM drifted d
	WHERE d.problem IS NOT NULL;
END
$$;
COMMENT ON FUNCTION migrate.tenant_lint_policing(text[], name[]) IS
	'findings T003, T004, T006 and T018: what the policies let through';

-- ---- T017, T019: how the policies are written ----

CREATE FUNCTION migrate.tenant_lint_expressions(schemas text[], roles name[])
RETURNS SETOF migrate.tenant_finding
LANGUAGE plpgsql STABLE PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $$
#variable_conflict use_column
BEGIN
	RETURN QUERY
	WITH policy AS MATERIALIZED (
		-- rewritten: the same policy with the model's own expression
		SELECT t.relid, t.model, t.attnum, t.name AS table_name, p.polqual, p.polwithcheck,
			format('%I on %s', p.polname, t.name) AS object,
			CASE WHEN t.column_name IS NULL THEN format('DROP POLICY IF EXISTS %I ON %s;', p.polname, t.name)
				ELSE format('ALTER POLICY %I ON %s', p.polname, t.name)
					|| CASE WHEN p.polqual IS NULL THEN '' ELSE x.using END
					|| CASE WHEN p.polwithcheck IS NULL THEN '' ELSE x.check END || ';' END AS rewritten
		FROM migrate.tenant_lint_tables(schemas) t
			JOIN pg_policy p ON p.polrelid = t.relid
			CROSS JOIN LATERAL (
				SELECT format(' USING (%s = %s)', quote_ident(t.column_name), migrate.tenant_lint_tenant(t.model)),
					format(' WITH CHECK (%s = %s)', quote_ident(t.column_name), migrate.tenant_lint_tenant(t.model)))
				x ("using", "check")
		WHERE t.kind <> 'exempt'
	), remark AS MATERIALIZED (
		SELECT DISTINCT p.model, p.object, p.rewritten, r.*
		FROM policy p
			CROSS JOIN LATERAL (
				SELECT * FROM migrate.tenant_expression_remarks(p.polqual, p.relid, p.attnum)
				UNION ALL
				SELECT * FROM migrate.tenant_expression_remarks(p.polwithcheck, p.relid, p.attnum)) r
	), called AS (
		-- but those that come with the server; one may stand in each policy
		SELECT r.model, p.oid AS function, p.provolatile, format('function %s', p.oid::regprocedure) AS object,
			bool_or(r.subject = 'constant') AS is_constant,
			'the policy ' || min(r.object) || CASE WHEN count(DISTINCT r.object) > 1
				THEN format(', like %s more,', count(DISTINCT r.object) - 1) ELSE '' END || ' calls it' AS who_calls
		FROM remark r
			JOIN pg_proc p ON p.oid = r.function
		WHERE r.kind = 'call' AND p.oid >= 16384
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
		JOIN migrate.tenant_lint_roles(roles) a ON a.model = c.model
	WHERE NOT has_function_privilege(a.role, c.function, 'EXECUTE')
	UNION ALL
	SELECT 'T017', 'warning', p.object,
		'tenants are told apart by the name of the role: all who share a connection pool are one role',
		p.rewritten
	FROM policy p
	WHERE EXISTS (
		SELECT FROM migrate.tenant_lint_policies(schemas) b
		WHERE b.relid = p.relid AND b.object = p.object AND b.bind = 'user')
	UNION ALL
	SELECT 'T017', x.severity, r.object, format(x.problem, r.subject), r.rewritten
	FROM remark r
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
	FROM migrate.tenant_lint_tables(schemas) t
	WHERE t.mode = 'parent';
END
$$;
COMMENT ON FUNCTION migrate.tenant_lint_expressions(text[], name[]) IS
	'findings T017 and T019: how the policies are written';

-- ---- T007 to T010, T022: columns, keys and indexes ----

CREATE FUNCTION migrate.tenant_lint_keys(schemas text[], roles name[])
RETURNS SETOF migrate.tenant_finding
LANGUAGE plpgsql STABLE PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $$
#variable_conflict use_column
BEGIN
	RETURN QUERY
	WITH everywhere AS MATERIALIZED (
		SELECT t.* FROM migrate.tenant_lint_tables(NULL) t WHERE t.kind <> 'exempt'
	), protected AS MATERIALIZED (
		SELECT t.*, t.name || '.' || quote_ident(t.column_name) AS column_object,
			-- what an index on the tenant has behind it: the primary key
			concat_ws(', ', quote_ident(t.column_name), (
				SELECT string_agg(quote_ident(a.attname), ', ' ORDER BY k.position)
				FROM pg_index i
					CROSS JOIN LATERAL unnest(i.indkey::smallint[]) WITH ORDINALITY k (attnum, position)
					JOIN pg_attribute a ON a.attrelid = i.indrelid AND a.attnum = k.attnum
				WHERE i.indrelid = t.relid AND i.indisprimary AND k.position <= i.indnkeyatts
					AND k.attnum <> t.attnum)) AS index_columns
		FROM migrate.tenant_lint_tables(schemas) t
		WHERE t.kind <> 'exempt' AND t.relkind IN ('r', 'p')
	), reference AS MATERIALIZED (
		SELECT f.oid, c.model, f.conname, f.conrelid, f.confrelid, c.name AS child, p.name AS parent_table,
			c.column_name AS child_column, p.column_name AS parent_column,
			c.attnum AS child_attnum, p.attnum AS parent_attnum, c.kind AS child_kind, p.kind AS parent_kind,
			f.conkey, f.confkey, f.conindid, f.confdeltype, f.confdelsetcols,
			format('%I on %s', f.conname, c.name) AS object,
			(SELECT string_agg(quote_ident(a.attname), ', ' ORDER BY k.position)
			 FROM unnest(f.conkey) WITH ORDINALITY k (attnum, position)
				JOIN pg_attribute a ON a.attrelid = f.conrelid AND a.attnum = k.attnum) AS columns,
			(SELECT string_agg(quote_ident(a.attname), ', ' ORDER BY k.position)
			 FROM unnest(f.confkey) WITH ORDINALITY k (attnum, position)
				JOIN pg_attribute a ON a.attrelid = f.confrelid AND a.attnum = k.attnum) AS parent_columns,
			CASE f.confmatchtype WHEN 'f' THEN ' MATCH FULL' ELSE '' END
			|| CASE f.confupdtype WHEN 'c' THEN ' ON UPDATE CASCADE' WHEN 'r' THEN ' ON UPDATE RESTRICT'
				ELSE '' END
			|| CASE f.confdeltype WHEN 'c' THEN ' ON DELETE CASCADE' WHEN 'r' THEN ' ON DELETE RESTRICT'
				WHEN 'n' THEN ' ON DELETE SET NULL (' || d.columns || ')'
				WHEN 'd' THEN ' ON DELETE SET DEFAULT (' || d.columns || ')'
				ELSE '' END
			|| CASE WHEN f.condeferrable THEN ' DEFERRABLE' ELSE '' END
			|| CASE WHEN f.condeferred THEN ' INITIALLY DEFERRED' ELSE '' END
			|| CASE WHEN f.convalidated THEN '' ELSE ' NOT VALID' END AS actions,
			EXISTS (
				SELECT FROM unnest(f.conkey, f.confkey) k (child, parent)
				WHERE k.child = c.attnum AND k.parent = p.attnum) AS has_tenant
		FROM pg_constraint f
			JOIN protected c ON c.relid = f.conrelid
			JOIN everywhere p ON p.relid = f.confrelid AND p.model = c.model
			CROSS JOIN LATERAL (
				SELECT string_agg(quote_ident(a.attname), ', ' ORDER BY a.attnum) AS columns
				FROM unnest(coalesce(f.confdelsetcols, f.conkey)) k (attnum)
					JOIN pg_attribute a ON a.attrelid = f.conrelid AND a.attnum = k.attnum
				WHERE k.attnum IS DISTINCT FROM c.attnum) d
		WHERE f.contype = 'f' AND f.conparentid = 0
			-- a reference to a tenant is what makes a tenant column
			AND p.kind <> 'root'
			-- the one that the policies follow
			AND NOT (c.kind = 'parent' AND f.conname = c.via)
	), unique_key AS MATERIALIZED (
		SELECT t.name AS table_name, t.relid, t.column_name, t.kind, t.attnum, i.indexrelid, ic.relname AS index_name,
			n.nspname, k.oid AS constraint_oid, k.conname, k.contype, k.condeferrable, k.condeferred,
			coalesce(quote_ident(k.conname) || ' on ' || t.name, format('%I.%I', n.nspname, ic.relname)) AS object,
			(SELECT string_agg(pg_get_indexdef(i.indexrelid, n, true), ', ' ORDER BY n)
			 FROM generate_series(1, i.indnkeyatts) n) AS columns,
			coalesce(' WHERE ' || pg_get_expr(i.indpred, i.indrelid), '') AS predicate,
			i.indnatts = i.indnkeyatts AND NOT i.indnullsnotdistinct AS is_plain
		FROM protected t
			JOIN pg_index i ON i.indrelid = t.relid AND i.indisunique AND i.indisvalid
			JOIN pg_class ic ON ic.oid = i.indexrelid AND NOT ic.relispartition
			JOIN pg_namespace n ON n.oid = ic.relnamespace
			LEFT JOIN pg_constraint k ON k.conindid = i.indexrelid AND k.contype IN ('p', 'u', 'x')
				AND k.conrelid = t.relid
			LEFT JOIN pg_constraint via ON t.kind = 'parent' AND via.conrelid = t.relid AND via.conname = t.via
		WHERE t.kind <> 'root'
			AND NOT t.is_partition
			AND NOT coalesce(t.attnum = ANY (i.indkey::smallint[]), false)
			AND NOT coalesce(via.conkey <@ i.indkey::smallint[], false)
			AND k.contype IS DISTINCT FROM 'x'
			-- a random key tells nothing to who tries one, and a generated
			-- number only that so many rows were made
			AND NOT EXISTS (
				SELECT FROM pg_attribute a
					LEFT JOIN pg_attrdef d ON d.adrelid = a.attrelid AND d.adnum = a.attnum
				WHERE a.attrelid = t.relid AND a.attnum = ANY (i.indkey::smallint[])
					AND (a.atttypid = 'uuid'::regtype OR a.attidentity <> ''
						OR EXISTS (
							SELECT FROM pg_depend s JOIN pg_class q ON q.oid = s.refobjid AND q.relkind = 'S'
							WHERE s.classid = 'pg_attrdef'::regclass AND s.objid = d.oid
								AND s.refclassid = 'pg_class'::regclass)))
	)
	SELECT 'T007', 'error', t.column_object,
		'the tenant column can be NULL: such rows belong to nobody, and a foreign key with a NULL is not checked',
		format('ALTER TABLE %s ALTER COLUMN %I SET NOT NULL;', t.name, t.column_name)
	FROM protected t
	WHERE t.kind IN ('root', 'column') AND NOT t.not_null AND NOT t.is_partition
	UNION ALL
	SELECT 'T008', 'warning', t.column_object,
		'no index begins with the tenant column: every query reads the rows of all tenants',
		format('CREATE INDEX ON %s (%s);', t.name, t.index_columns)
	FROM protected t
	WHERE t.attnum IS NOT NULL AND NOT t.is_partition
		AND NOT EXISTS (
			SELECT FROM pg_index i JOIN pg_class c ON c.oid = i.indexrelid JOIN pg_am m ON m.oid = c.relam
			WHERE i.indrelid = t.relid AND i.indisvalid AND i.indpred IS NULL AND i.indkey[0] = t.attnum
				AND m.amname <> 'brin')
	UNION ALL
	SELECT 'T009', CASE WHEN r.child_attnum IS NOT NULL AND r.parent_kind = 'column' THEN 'error' ELSE 'warning' END,
		r.object,
		format('a row can refer to a row of %s of another tenant: the foreign key does not include the tenant', r.parent_table)
			|| CASE WHEN r.child_attnum IS NULL THEN format(', and %s has no column for it', r.child)
				WHEN r.parent_attnum IS NULL THEN format(', and %s has no column for it', r.parent_table)
				WHEN r.parent_kind = 'shared' THEN ', and rows that are shared have none'
				ELSE '' END,
		CASE WHEN r.child_attnum IS NOT NULL AND r.parent_kind = 'column'
			THEN migrate.tenant_lint_call('migrate_tenant_link', r.model, r.conname, r.child)
			ELSE format('SELECT @extschema@.migrate_tenant_waive(%L, %L, %L);', 'T009', r.object,
				'accepted: a table has no tenant column to refer by') END
	FROM reference r
	WHERE NOT r.has_tenant
	UNION ALL
	SELECT 'T009', 'warning', r.object,
		format('when a row of %s is deleted, ON DELETE SET %s takes the tenant away from the rows that refer to it',
			r.parent_table, CASE r.confdeltype WHEN 'n' THEN 'NULL' ELSE 'DEFAULT' END),
		format('ALTER TABLE %s DROP CONSTRAINT %I, ADD CONSTRAINT %I FOREIGN KEY (%s) REFERENCES %s (%s)%s;',
			r.child, r.conname, r.conname, r.columns, r.parent_table, r.parent_columns, r.actions)
	FROM reference r
	WHERE r.has_tenant AND r.confdeltype IN ('n', 'd')
		AND (r.confdelsetcols IS NULL OR r.child_attnum = ANY (r.confdelsetcols))
	UNION ALL
	SELECT 'T010', 'warning', u.object,
		format('(%s) is unique across tenants: a duplicate key error tells one tenant what another one has', u.columns),
		CASE
			WHEN u.column_name IS NULL OR NOT u.is_plain
				OR u.kind = 'shared' AND u.contype = 'p'
				OR EXISTS (SELECT FROM pg_constraint f
					WHERE f.conindid = u.indexrelid AND f.contype = 'f')
				THEN format('SELECT @extschema@.migrate_tenant_waive(%L, %L, %L);', 'T010', u.object,
					'accepted: what it tells is no secret')
			WHEN u.constraint_oid IS NOT NULL
				THEN format('ALTER TABLE %s DROP CONSTRAINT %I, ADD CONSTRAINT %I %s (%I, %s)%s%s;',
					u.table_name, u.conname, u.conname,
					CASE WHEN u.contype = 'p' THEN 'PRIMARY KEY'
						WHEN u.kind = 'shared' THEN 'UNIQUE NULLS NOT DISTINCT'
						ELSE 'UNIQUE' END, u.column_name, u.columns,
					CASE WHEN u.condeferrable THEN ' DEFERRABLE' ELSE '' END,
					CASE WHEN u.condeferred THEN ' INITIALLY DEFERRED' ELSE '' END)
			ELSE format('DROP INDEX %I.%I; CREATE UNIQUE INDEX %I ON %s (%I, %s)%s%s;',
				u.nspname, u.index_name, u.index_name, u.table_name, u.column_name, u.columns,
				CASE WHEN u.kind = 'shared' THEN ' NULLS NOT DISTINCT' ELSE '' END, u.predicate) END
	FROM unique_key u
	UNION ALL
	SELECT 'T022', 'info', format('%I.%I', n.nspname, ic.relname),
		format('no query under row level security uses the index on %s: %s', t.name, x.reason),
		CASE WHEN am.amname IN ('btree', 'hash') AND t.column_name IS NOT NULL
			THEN format('CREATE INDEX ON %s (%I, %s)%s; ', t.name, t.column_name, (
					SELECT string_agg(pg_get_indexdef(i.indexrelid, k, true), ', ' ORDER BY k)
					FROM generate_series(1, i.indnkeyatts) k),
				' WHERE ' || pg_get_expr(i.indpred, i.indrelid))
			ELSE '' END || format('DROP INDEX %I.%I;', n.nspname, ic.relname)
	FROM protected t
		JOIN pg_index i ON i.indrelid = t.relid AND NOT i.indisunique AND NOT i.indisexclusion AND i.indisvalid
		JOIN pg_class ic ON ic.oid = i.indexrelid AND NOT ic.relispartition
		JOIN pg_namespace n ON n.oid = ic.relnamespace
		JOIN pg_am am ON am.oid = ic.relam
		JOIN pg_opclass oc ON oc.oid = i.indclass[0]
		JOIN pg_opfamily fam ON fam.oid = oc.opcfamily
		CROSS JOIN LATERAL (
			SELECT CASE
				WHEN fam.opfname IN ('text_pattern_ops', 'bpchar_pattern_ops')
					THEN 'it is for LIKE, which is not leakproof'
				WHEN NOT EXISTS (
					SELECT FROM pg_amop o
						JOIN pg_operator op ON op.oid = o.amopopr
						JOIN pg_proc f ON f.oid = op.oprcode
					WHERE o.amopfamily = oc.opcfamily AND o.amoppurpose = 's'
						AND o.amoplefttype = oc.opcintype AND f.proleakproof)
					THEN 'none of its operators is leakproof'
				WHEN i.indkey[0] = 0 AND EXISTS (
					SELECT FROM migrate.tenant_expression_remarks(i.indexprs, t.relid, t.attnum) r
						JOIN pg_proc f ON f.oid = r.function
					WHERE NOT f.proleakproof)
					THEN 'its expression is not leakproof'
				END) x (reason)
	WHERE NOT t.is_partition AND i.indkey[0] IS DISTINCT FROM t.attnum
		AND x.reason IS NOT NULL;
END
$$;
COMMENT ON FUNCTION migrate.tenant_lint_keys(text[], name[]) IS
	'findings T007 to T010 and T022: columns, keys and indexes';

-- ---- T011 to T013, T021: what is around the tables ----

CREATE FUNCTION migrate.tenant_lint_around(schemas text[], roles name[])
RETURNS SETOF migrate.tenant_finding
LANGUAGE plpgsql STABLE PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $$
#variable_conflict use_column
BEGIN
	RETURN QUERY
	WITH RECURSIVE protected AS MATERIALIZED (
		SELECT t.* FROM migrate.tenant_lint_tables(schemas) t WHERE t.kind <> 'exempt'
	), app AS MATERIALIZED (
		SELECT * FROM migrate.tenant_lint_roles(roles)
	), dependency AS MATERIALIZED (
		SELECT DISTINCT r.ev_class AS view, d.refobjid AS source
		FROM pg_depend d
			JOIN pg_rewrite r ON r.oid = d.objid
		WHERE d.classid = 'pg_rewrite'::regclass AND d.refclassid = 'pg_class'::regclass
			AND d.refobjid <> r.ev_class
	), view AS MATERIALIZED (
		SELECT c.oid, c.relkind, c.relowner, format('%I.%I', n.nspname, c.relname) AS name,
			c.relkind = 'v' AND EXISTS (
				SELECT FROM pg_options_to_table(c.reloptions) o
				WHERE o.option_name = 'security_invoker' AND o.option_value::boolean) AS is_invoker,
			w.rolname AS owner_name, w.rolsuper OR w.rolbypassrls AS owner_bypasses
		FROM pg_class c
			JOIN pg_namespace n ON n.oid = c.relnamespace
			JOIN pg_roles w ON w.oid = c.relowner
		-- nobody else sees a temporary one
		WHERE c.relkind IN ('v', 'm') AND c.relpersistence <> 't'
	), reach AS (
		-- as whom a table is read: the owner of the first view on the way up
		-- that does not hand the question on to who reads it; NULL: as who asks
		SELECT t.relid, t.name AS table_name, t.model, v.oid, v.name, v.is_invoker,
			CASE WHEN NOT v.is_invoker THEN v.relowner END AS reader,
			CASE WHEN v.is_invoker THEN '{}' ELSE ARRAY[v.name] END AS definers
		FROM protected t
			JOIN dependency d ON d.source = t.relid
			JOIN view v ON v.oid = d.view
		WHERE v.relkind = 'v'
		UNION
		SELECT r.relid, r.table_name, r.model, v.oid, v.name, v.is_invoker,
			CASE WHEN r.reader IS NOT NULL OR v.is_invoker THEN r.reader ELSE v.relowner END,
			CASE WHEN v.is_invoker THEN r.definers ELSE r.definers || v.name END
		FROM reach r
			JOIN dependency d ON d.source = r.oid
			JOIN view v ON v.oid = d.view
		WHERE v.relkind = 'v'
	), above AS (
		-- a materialized view keeps what it read, by whatever way
		SELECT t.relid, t.name AS table_name, t.model, t.relid AS oid, false AS is_kept
		FROM protected t
		UNION
		SELECT a.relid, a.table_name, a.model, v.oid, a.is_kept OR v.relkind = 'm'
		FROM above a
			JOIN dependency d ON d.source = a.oid
			JOIN view v ON v.oid = d.view
	), opened AS MATERIALIZED (
		-- policies that show the owner of a view more than one tenant
		SELECT DISTINCT p.relid, o.owner
		FROM migrate.tenant_lint_policies(schemas) p
			JOIN (SELECT DISTINCT r.relid, r.reader AS owner
				FROM reach r JOIN pg_roles w ON w.oid = r.reader
				WHERE NOT w.rolsuper AND NOT w.rolbypassrls) o ON o.relid = p.relid
		WHERE p.is_permissive AND p.gap IS NOT NULL AND p.command = 'r'
			AND (0 = ANY (p.roles) OR EXISTS (
				SELECT FROM unnest(p.roles) r WHERE pg_has_role(o.owner, r, 'USAGE')))
			AND NOT EXISTS (
				SELECT FROM pg_policy f
				WHERE f.polrelid = p.relid AND NOT f.polpermissive AND f.polcmd IN ('*', 'r')
					AND (0 = ANY (f.polroles) OR EXISTS (
						SELECT FROM unnest(f.polroles) r WHERE pg_has_role(o.owner, r, 'USAGE'))))
	), leaking AS (
		SELECT r.name, r.table_name, r.definers, w.rolname AS reader_name, a.name AS role,
			CASE WHEN w.rolsuper OR w.rolbypassrls THEN 'who bypasses row level security'
				ELSE 'whom the policies let see them' END AS reason
		FROM reach r
			JOIN protected t ON t.relid = r.relid
			JOIN pg_roles w ON w.oid = r.reader
			JOIN app a ON a.model = r.model
		-- what an invoker's view reads, who reads it must have a right on
		WHERE NOT r.is_invoker
			AND has_any_column_privilege(a.role, r.oid, 'SELECT, INSERT, UPDATE')
			AND (w.rolsuper OR w.rolbypassrls
				OR NOT (t.is_enabled AND t.is_forced) AND pg_has_role(r.reader, t.owner, 'USAGE')
				OR EXISTS (SELECT FROM opened o WHERE o.relid = r.relid AND o.owner = r.reader))
	), kept AS (
		SELECT v.oid, v.name, v.relkind, a.table_name, p.role, p.name AS role_name
		FROM above a
			JOIN view v ON v.oid = a.oid
			JOIN app p ON p.model = a.model
		WHERE a.is_kept AND NOT v.is_invoker AND has_any_column_privilege(p.role, v.oid, 'SELECT')
	)
	SELECT 'T011', CASE WHEN x.roles IS NULL THEN 'warning' ELSE 'error' END, t.name,
		format('%s of %s has row level security %s: what the policies there say does not hold for who names it directly%s',
			CASE WHEN t.is_partition THEN 'the partition' ELSE 'the child' END,
			u.name, CASE WHEN t.is_enabled THEN 'not forced' ELSE 'off' END,
			', as role ' || x.roles || ' may'),
		CASE WHEN t.relkind = 'f' THEN format('REVOKE ALL ON TABLE %s FROM %s;', t.name, coalesce((
				SELECT string_agg(DISTINCT coalesce(quote_ident(g.rolname), 'PUBLIC'), ', ')
				FROM pg_class c
					CROSS JOIN LATERAL aclexplode(c.relacl) k
					LEFT JOIN pg_roles g ON g.oid = k.grantee
				WHERE c.oid = t.relid AND k.grantee <> c.relowner), 'PUBLIC'))
			ELSE format('ALTER TABLE %s ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY;', t.name) END
	FROM protected t
		JOIN migrate.tenant_lint_tables(NULL) u ON u.relid = t.top
		CROSS JOIN LATERAL (
			SELECT string_agg(a.name, ', ' ORDER BY a.name)
			FROM app a
			WHERE a.model = t.model
				AND (has_any_column_privilege(a.role, t.relid, 'SELECT, INSERT, UPDATE')
					OR has_table_privilege(a.role, t.relid, 'DELETE'))) x (roles)
	WHERE t.mode = 'partition' AND NOT (t.is_enabled AND t.is_forced)
		-- a foreign table has no row level security
		AND (t.relkind <> 'f' OR x.roles IS NOT NULL)
	UNION ALL
	SELECT 'T012', 'error', l.name,
		format('the view shows role %s the rows of all tenants of %s: it reads them as role %I, %s',
			string_agg(DISTINCT l.role, ', '), string_agg(DISTINCT l.table_name, ', '), l.reader_name, l.reason),
		string_agg(DISTINCT f.fix, ' ')
	FROM leaking l
		CROSS JOIN LATERAL (
			SELECT format('ALTER VIEW %s SET (security_invoker = true);', d) FROM unnest(l.definers) d) f (fix)
	GROUP BY l.name, l.reader_name, l.reason
	UNION ALL
	SELECT 'T013', 'error', k.name,
		format('%s rows of %s and shows them to role %s: there is no row level security on it',
			CASE k.relkind WHEN 'm' THEN 'the materialized view keeps'
				ELSE 'the view reads a materialized view that keeps' END,
			string_agg(DISTINCT k.table_name, ', '), string_agg(DISTINCT k.role_name, ', ')),
		CASE WHEN bool_or(k.role <> 0 AND pg_has_role(k.role, c.relowner, 'USAGE'))
			THEN format('ALTER TABLE %s OWNER TO CURRENT_USER;', k.name)
			ELSE format('REVOKE ALL ON TABLE %s FROM %s;', k.name, (
				SELECT string_agg(DISTINCT coalesce(quote_ident(g.rolname), 'PUBLIC'), ', ')
				FROM (SELECT r.relacl AS acl FROM pg_class r WHERE r.oid = k.oid
					UNION ALL
					SELECT a.attacl FROM pg_attribute a WHERE a.attrelid = k.oid) l
					CROSS JOIN LATERAL aclexplode(l.acl) x
					LEFT JOIN pg_roles g ON g.oid = x.grantee
				WHERE x.grantee <> c.relowner
					AND (x.grantee = 0 OR EXISTS (
						SELECT FROM app a
						WHERE a.role <> 0 AND pg_has_role(a.role, x.grantee, 'USAGE'))))) END
	FROM kept k
		JOIN pg_class c ON c.oid = k.oid
	GROUP BY k.oid, k.name, k.relkind, c.relowner
	UNION ALL
	SELECT 'T021', 'warning', format('%s in publication %I', t.name, p.pubname),
		'the table is published without a row filter: its subscribers get the rows of all tenants',
		format('ALTER PUBLICATION %I DROP TABLE %s;', p.pubname, t.name)
	FROM protected t
		JOIN pg_publication_rel r ON r.prrelid = t.relid AND r.prqual IS NULL
		JOIN pg_publication p ON p.oid = r.prpubid
	UNION ALL
	SELECT DISTINCT 'T021', 'warning', format('schema %I in publication %I', n.nspname, p.pubname),
		'the tables of the schema are published without a row filter: its subscribers get the rows of all tenants',
		format('ALTER PUBLICATION %I DROP TABLES IN SCHEMA %I;', p.pubname, n.nspname)
	FROM protected t
		JOIN pg_class c ON c.oid = t.relid
		JOIN pg_namespace n ON n.oid = c.relnamespace
		JOIN pg_publication_namespace s ON s.pnnspid = n.oid
		JOIN pg_publication p ON p.oid = s.pnpubid
	UNION ALL
	SELECT 'T021', 'warning', format('publication %I', p.pubname),
		'all tables are published without a row filter: its subscribers get the rows of all tenants',
		format('SELECT @extschema@.migrate_tenant_waive(%L, %L, %L);', 'T021', format('publication %I', p.pubname),
			'accepted: the subscriber may have the rows of all tenants')
	FROM pg_publication p
	WHERE p.puballtables AND EXISTS (SELECT FROM protected);
END
$$;
COMMENT ON FUNCTION migrate.tenant_lint_around(text[], name[]) IS
	'findings T011 to T013 and T021: partitions, views and publications';

-- ---- T014 to T016, T020, T025: who may do what ----

CREATE FUNCTION migrate.tenant_lint_rights(schemas text[], roles name[], caller oid, is_guarded boolean)
RETURNS SETOF migrate.tenant_finding
LANGUAGE plpgsql STABLE PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $$
#variable_conflict use_column
BEGIN
	RETURN QUERY
	WITH protected AS MATERIALIZED (
		SELECT t.*, c.relacl
		FROM migrate.tenant_lint_tables(schemas) t
			JOIN pg_class c ON c.oid = t.relid
		WHERE t.kind <> 'exempt'
	), app AS MATERIALIZED (
		SELECT * FROM migrate.tenant_lint_roles(roles)
	), owner AS MATERIALIZED (
		SELECT DISTINCT t.model, t.owner FROM protected t
	), way AS MATERIALIZED (
		-- from 16 on membership alone does not allow SET ROLE
		SELECT CASE WHEN current_setting('server_version_num')::integer >= 160000
			THEN 'SET' ELSE 'MEMBER' END AS privilege
	), bypassing AS MATERIALIZED (
		SELECT r.oid, r.rolname, m.model, CASE WHEN r.rolsuper THEN 'is a superuser'
			WHEN r.rolbypassrls THEN 'bypasses row level security'
			WHEN r.rolname IS NOT DISTINCT FROM m.admin_role THEN 'is there to see all tenants'
			ELSE 'owns protected tables' END AS reason
		FROM pg_roles r
			CROSS JOIN migrate.tenant_model m
		WHERE r.rolsuper OR r.rolbypassrls OR r.rolname = m.admin_role
			OR EXISTS (SELECT FROM owner o WHERE o.model = m.model AND o.owner = r.oid)
	), definer AS (
		SELECT p.oid, p.oid::regprocedure::text AS signature, w.rolname AS owner_name,
			string_agg(DISTINCT a.name, ', ') AS roles
		FROM pg_proc p
			JOIN pg_namespace n ON n.oid = p.pronamespace
			JOIN pg_roles w ON w.oid = p.proowner
			CROSS JOIN app a
		WHERE p.prosecdef AND p.prorettype <> 'event_trigger'::regtype
			AND n.nspname <> ALL ('{pg_catalog,information_schema}')
			AND (schemas IS NULL OR n.nspname = ANY (schemas))
			AND NOT EXISTS (
				SELECT FROM pg_depend d
				WHERE d.classid = 'pg_proc'::regclass AND d.objid = p.oid AND d.deptype = 'e')
			AND (w.rolsuper OR w.rolbypassrls OR EXISTS (
				SELECT FROM migrate.tenant_model m
				WHERE m.model = a.model AND m.admin_role = w.rolname) OR EXISTS (
				SELECT FROM protected t
				WHERE t.model = a.model AND NOT (t.is_enabled AND t.is_forced)
					AND pg_has_role(w.oid, t.owner, 'USAGE')))
			AND has_function_privilege(a.role, p.oid, 'EXECUTE')
			AND has_schema_privilege(a.role, n.oid, 'USAGE')
		GROUP BY p.oid, w.rolname
	), granted AS (
		SELECT t.name, t.relid, x.grantee, coalesce(quote_ident(g.rolname), 'PUBLIC') AS grantee_name,
			string_agg(DISTINCT x.privilege_type, ', ') AS privileges,
			bool_or(x.privilege_type = 'TRUNCATE') AS may_truncate
		FROM protected t
			CROSS JOIN LATERAL (
				SELECT t.relacl
				UNION ALL
				SELECT a.attacl FROM pg_attribute a WHERE a.attrelid = t.relid AND a.attacl IS NOT NULL) l (acl)
			CROSS JOIN LATERAL aclexplode(l.acl) x
			LEFT JOIN pg_roles g ON g.oid = x.grantee
		WHERE x.privilege_type IN ('TRUNCATE', 'REFERENCES', 'TRIGGER')
			AND x.grantee <> t.owner
			AND EXISTS (
				SELECT FROM app a
				WHERE a.model = t.model
					AND (x.grantee = 0 OR a.role <> 0 AND pg_has_role(a.role, x.grantee, 'USAGE')))
		GROUP BY t.name, t.relid, x.grantee, g.rolname
	), default_grant AS (
		SELECT d.defaclrole, n.nspname, x.grantee, coalesce(quote_ident(g.rolname), 'PUBLIC') AS grantee_name,
			string_agg(x.privilege_type, ', ' ORDER BY x.privilege_type) AS privileges
		FROM pg_default_acl d
			LEFT JOIN pg_namespace n ON n.oid = d.defaclnamespace
			CROSS JOIN LATERAL aclexplode(d.defaclacl) x
			LEFT JOIN pg_roles g ON g.oid = x.grantee
		WHERE d.defaclobjtype = 'r'
			AND (d.defaclnamespace = 0
				OR d.defaclnamespace IN (SELECT s FROM migrate.tenant_lint_schemas(schemas) s))
			AND (x.grantee = 0
				OR x.privilege_type IN ('TRUNCATE', 'REFERENCES', 'TRIGGER') AND x.grantee <> d.defaclrole
					AND EXISTS (
						SELECT FROM app a WHERE a.role <> 0 AND pg_has_role(a.role, x.grantee, 'USAGE')))
			AND EXISTS (SELECT FROM migrate.tenant_model)
		GROUP BY d.defaclrole, n.nspname, x.grantee, g.rolname
	), runner AS (
		SELECT DISTINCT r.oid, r.rolname
		FROM pg_roles r
			JOIN protected t ON t.is_enabled AND t.is_forced AND pg_has_role(r.oid, t.owner, 'USAGE')
		WHERE NOT r.rolsuper AND NOT r.rolbypassrls
			AND CASE WHEN r.oid = caller THEN NOT is_guarded
				ELSE r.oid = t.owner AND EXISTS (
					SELECT FROM pg_db_role_setting s
						CROSS JOIN LATERAL unnest(s.setconfig) c
					WHERE s.setrole = r.oid
						AND s.setdatabase IN (0, (SELECT d.oid FROM pg_database d WHERE d.datname = current_database()))
						AND c ~* '^migrate\.row_security_guard=(off|false|no|0)$') END
	)
	SELECT 'T014', 'warning', d.signature,
		format('role %s may call the function, which runs as its owner, role %I, who sees the rows of all tenants',
			d.roles, d.owner_name),
		format('ALTER ROUTINE %s SECURITY INVOKER;', d.signature)
	FROM definer d
	UNION ALL
	SELECT 'T015', 'error', format('role %s', a.name),
		CASE WHEN r.rolsuper THEN 'the application''s role is a superuser: no policy holds for it'
			ELSE 'the application''s role has BYPASSRLS: no policy holds for it' END,
		format('ALTER ROLE %s %s;', a.name, CASE WHEN r.rolsuper THEN 'NOSUPERUSER' || CASE WHEN r.rolbypassrls THEN ' NOBYPASSRLS' ELSE '' END
			ELSE 'NOBYPASSRLS' END)
	FROM app a
		JOIN pg_roles r ON r.oid = a.role
	WHERE r.rolsuper OR r.rolbypassrls
	UNION ALL
	SELECT 'T015', 'error', format('role %s', a.name),
		format('the application''s role owns %s and can take its policies away', t.name),
		format('ALTER TABLE %s OWNER TO CURRENT_USER;', t.name)
	FROM app a
		JOIN protected t ON t.model = a.model AND t.owner = a.role
	UNION ALL
	SELECT DISTINCT 'T015', 'error', format('role %s', a.name),
		format('the application''s role can become role %I, which %s', b.rolname, b.reason),
		format('REVOKE %I FROM %s;', g.rolname, a.name)
	FROM app a
		CROSS JOIN way
		JOIN pg_roles r ON r.oid = a.role AND NOT r.rolsuper
		JOIN bypassing b ON b.model = a.model AND b.oid <> a.role
			AND (pg_has_role(a.role, b.oid, way.privilege)
				OR pg_has_role(a.role, b.oid, 'USAGE') AND b.reason <> ALL ('{is a superuser,bypasses row level security}'))
		JOIN pg_auth_members m ON m.member = a.role
			AND (m.roleid = b.oid OR pg_has_role(m.roleid, b.oid, 'MEMBER'))
		JOIN pg_roles g ON g.oid = m.roleid
	UNION ALL
	SELECT 'T015', 'error', format('role %s', a.name),
		'the application''s role has CREATEROLE, with which it can make itself a member of other roles',
		format('ALTER ROLE %s NOCREATEROLE;', a.name)
	FROM app a
		CROSS JOIN way
		JOIN pg_roles r ON r.oid = a.role
	WHERE r.rolcreaterole AND NOT r.rolsuper AND way.privilege = 'MEMBER'
	UNION ALL
	SELECT 'T015', 'error', format('role %s', a.name),
		'the application''s role has REPLICATION, with which it can read every table',
		format('ALTER ROLE %s NOREPLICATION;', a.name)
	FROM app a
		JOIN pg_roles r ON r.oid = a.role
	WHERE r.rolreplication AND NOT r.rolsuper
	UNION ALL
	SELECT 'T016', CASE WHEN g.may_truncate THEN 'error' ELSE 'warning' END, g.name,
		format('role %s has %s on the table, which no policy restricts', g.grantee_name, g.privileges),
		format('REVOKE %s ON TABLE %s FROM %s;', g.privileges, g.name, g.grantee_name)
	FROM granted g
	UNION ALL
	SELECT 'T020', 'warning', format('default privileges of role %I%s', pg_get_userbyid(d.defaclrole),
			' in schema ' || quote_ident(d.nspname)),
		format('every table that the role makes gives %s to %s before anybody has protected it', d.privileges,
			CASE WHEN d.grantee = 0 THEN 'everybody' ELSE 'role ' || d.grantee_name END),
		format('ALTER DEFAULT PRIVILEGES FOR ROLE %I%s REVOKE %s ON TABLES FROM %s;', pg_get_userbyid(d.defaclrole),
			' IN SCHEMA ' || quote_ident(d.nspname), d.privileges, d.grantee_name)
	FROM default_grant d
	UNION ALL
	SELECT 'T025', 'warning', format('role %I', r.rolname),
		'the role runs revisions on protected tables without a guard: their UPDATEs would change no row and their foreign keys go unchecked, without an error',
		format('ALTER ROLE %I SET migrate.row_security_guard = on;%s', r.rolname,
			CASE WHEN r.oid = caller THEN ' SET migrate.row_security_guard = on;' ELSE '' END)
	FROM runner r;
END
$$;
COMMENT ON FUNCTION migrate.tenant_lint_rights(text[], name[], oid, boolean) IS
	'findings T014 to T016, T020 and T025: who may do what';

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

CREATE FUNCTION migrate.tenant_lint_findings(schemas text[], roles name[], caller oid, is_guarded boolean)
RETURNS SETOF migrate.tenant_finding
LANGUAGE plpgsql STABLE PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $$
#variable_conflict use_column
BEGIN
	RETURN QUERY
	WITH found AS MATERIALIZED (
		SELECT * FROM migrate.tenant_lint_security(schemas, roles)
		UNION
		SELECT * FROM migrate.tenant_lint_policing(schemas, roles)
		UNION
		SELECT * FROM migrate.tenant_lint_expressions(schemas, roles)
		UNION
		SELECT * FROM migrate.tenant_lint_keys(schemas, roles)
		UNION
		SELECT * FROM migrate.tenant_lint_around(schemas, roles)
		UNION
		SELECT * FROM migrate.tenant_lint_rights(schemas, roles, caller, is_guarded)
		UNION
		SELECT * FROM migrate.tenant_lint_server(current_setting('server_version_num')::integer)
	), result AS (
		SELECT f.*
		FROM found f
		WHERE NOT EXISTS (
			SELECT FROM migrate.tenant_waiver w
			WHERE w.code = f.code AND w.object = f.object
				AND coalesce(w.until >= current_date, true))
		UNION ALL
		SELECT 'T000', 'error', 'migrate.tenant_model',
			'no tenants are set up, so that next to nothing can be checked',
			'-- SELECT * FROM @extschema@.migrate_tenant_setup(''the table of which a row is a tenant'');'
		WHERE NOT EXISTS (SELECT FROM migrate.tenant_model)
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
	)
	SELECT * FROM result r
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
