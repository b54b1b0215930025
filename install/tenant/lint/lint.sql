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
-- take longer to make than to run.  Which tables there are, and what their
-- policies say, is found out once, and given to each of them as arrays.
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

-- Partitions and children of a protected table belong to it whether they are
-- registered or not.  kind is the mode, for them that of the table above.
CREATE TYPE migrate.tenant_lint_table AS (
	relid oid,
	name text,
	relkind "char",
	is_partition boolean,
	is_in_scope boolean,
	owner oid,
	is_enabled boolean,
	is_forced boolean,
	model name,
	mode text,
	kind text,
	registered name,
	column_name name,
	attnum smallint,
	not_null boolean,
	via name,
	parent oid,
	top oid,
	is_shared boolean
);
COMMENT ON TYPE migrate.tenant_lint_table IS 'what migrate_tenant_lint() knows of a table of the registry';
COMMENT ON COLUMN migrate.tenant_lint_table.is_in_scope IS 'whether its schema is looked at';
COMMENT ON COLUMN migrate.tenant_lint_table.registered IS 'the tenant column that there should be; column_name and attnum: that is there';
COMMENT ON COLUMN migrate.tenant_lint_table.is_shared IS 'whether all tenants see some of its rows, by themselves or by the parent that they hang on';

-- A command is a letter, as in pg_policy: r (SELECT), a (INSERT), w (UPDATE)
-- or d (DELETE).  What a policy says about rows that are there (USING) and
-- about rows that are written (WITH CHECK) are two rows; of the latter there
-- is none for SELECT and DELETE.  Commands for which it says the same are one.
CREATE TYPE migrate.tenant_lint_policy AS (
	policy oid,
	name name,
	relid oid,
	model name,
	kind text,
	is_permissive boolean,
	roles oid[],
	commands "char"[],
	is_check boolean,
	has_check boolean,
	bind text,
	is_inline boolean,
	allows_null boolean,
	is_exact boolean,
	gap text
);
COMMENT ON TYPE migrate.tenant_lint_policy IS 'what migrate_tenant_lint() knows of a policy of a protected table, for some commands';
COMMENT ON COLUMN migrate.tenant_lint_policy.bind IS
	'what it compares the tenant with; absent: it has no expression; gone: the table has no tenant column any more';
COMMENT ON COLUMN migrate.tenant_lint_policy.gap IS 'how it lets rows of other tenants through, NULL if it does not';

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

CREATE FUNCTION migrate.tenant_lint_tables(schemas text[])
RETURNS SETOF migrate.tenant_lint_table
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
	), chosen AS MATERIALIZED (
		SELECT DISTINCT ON (f.relid) f.*
		FROM family f
		ORDER BY f.relid, f.mode = 'partition', f.kind = 'exempt', f.top
	), shared AS (
		SELECT f.relid FROM chosen f WHERE f.kind = 'shared'
		UNION
		SELECT f.relid FROM chosen f JOIN shared s ON s.relid = f.parent
		WHERE f.kind = 'parent'
	)
	SELECT c.oid, format('%I.%I', n.nspname, c.relname), c.relkind, c.relispartition,
		schemas IS NULL OR n.nspname = ANY (schemas),
		c.relowner, c.relrowsecurity, c.relforcerowsecurity, f.model, f.mode, f.kind, x.registered,
		a.attname, a.attnum, a.attnotnull, f.via, f.parent, f.top,
		EXISTS (SELECT FROM shared s WHERE s.relid = f.relid)
	FROM chosen f
		JOIN pg_class c ON c.oid = f.relid
		JOIN pg_namespace n ON n.oid = c.relnamespace
		JOIN migrate.tenant_model m ON m.model = f.model
		CROSS JOIN LATERAL (
			SELECT CASE WHEN f.kind IN ('root', 'column', 'shared') THEN coalesce(f.column_name,
				CASE WHEN f.kind = 'root' THEN m.key ELSE m.column_name END) END) x (registered)
		LEFT JOIN pg_attribute a ON a.attrelid = c.oid AND NOT a.attisdropped AND a.attname = x.registered
	-- NULL for one that this snapshot shows but that was dropped since
	WHERE has_table_privilege(c.oid, 'SELECT') IS NOT NULL;
END
$$;
COMMENT ON FUNCTION migrate.tenant_lint_tables(text[]) IS
	'the tables of the registry with their partitions and children';

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

-- By which privileges of a membership a role gets at the rights of another:
-- by having them, by SET ROLE, or by granting itself the option to.  Up to 15
-- a member may always SET ROLE.
CREATE FUNCTION migrate.tenant_lint_reach()
RETURNS text
LANGUAGE sql STABLE PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $$
	SELECT CASE WHEN current_setting('server_version_num')::integer >= 160000
		THEN 'USAGE, SET, MEMBER WITH ADMIN OPTION' ELSE 'MEMBER' END
$$;
COMMENT ON FUNCTION migrate.tenant_lint_reach() IS
	'the privilege to ask pg_has_role() for, to know whether a role can act with the rights of another';

-- Of a role that no policy binds it is reported that it can be reached (T015),
-- and not what else could be done as that role.
CREATE FUNCTION migrate.tenant_lint_acting(roles name[])
RETURNS TABLE (model name, role oid, name text, acting oid)
LANGUAGE plpgsql STABLE PARALLEL SAFE ROWS 10
SET search_path = pg_catalog, pg_temp
AS $$
#variable_conflict use_column
BEGIN
	RETURN QUERY
	SELECT a.model, a.role, a.name, a.role
	FROM migrate.tenant_lint_roles(tenant_lint_acting.roles) a
	UNION ALL
	SELECT a.model, a.role, a.name, r.oid
	FROM migrate.tenant_lint_roles(tenant_lint_acting.roles) a
		JOIN migrate.tenant_model m ON m.model = a.model
		JOIN pg_roles s ON s.oid = a.role AND NOT s.rolsuper
		JOIN pg_roles r ON r.oid <> a.role AND NOT r.rolsuper AND NOT r.rolbypassrls
			AND r.rolname IS DISTINCT FROM m.admin_role
	WHERE pg_has_role(a.role, r.oid, migrate.tenant_lint_reach())
		AND NOT EXISTS (
			SELECT FROM migrate.tenant_table t JOIN pg_class c ON c.oid = t.relation
			WHERE t.model = a.model AND c.relowner = r.oid);
END
$$;
COMMENT ON FUNCTION migrate.tenant_lint_acting(name[]) IS
	'the same roles, and as whom else they can act: the roles that they are members of';

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

-- What somebody else passed on goes with the option to do so, which only that
-- takes away which the owner gave.
CREATE FUNCTION migrate.tenant_lint_revoke(relation oid, grantee oid, privileges text)
RETURNS text
LANGUAGE sql STABLE PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $$
	WITH relation AS (
		SELECT c.*, format('%I.%I', n.nspname, c.relname) AS name
		FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
		WHERE c.oid = tenant_lint_revoke.relation
	), item AS (
		SELECT x.*
		FROM relation c
			CROSS JOIN LATERAL (
				SELECT c.relacl
				UNION ALL
				SELECT a.attacl FROM pg_attribute a WHERE a.attrelid = c.oid AND a.attacl IS NOT NULL) l (acl)
			CROSS JOIN LATERAL aclexplode(l.acl) x
		WHERE x.grantee <> c.relowner
			AND (privileges = 'ALL' OR x.privilege_type = ANY (string_to_array(privileges, ', ')))
	)
	SELECT concat_ws(' ',
		CASE WHEN count(*) FILTER (WHERE i.grantor = c.relowner) > 0
			THEN format('REVOKE %s ON TABLE %s FROM %s%s;', privileges, c.name,
				coalesce((SELECT quote_ident(r.rolname) FROM pg_roles r WHERE r.oid = tenant_lint_revoke.grantee), 'PUBLIC'),
				CASE WHEN bool_or(i.is_grantable) THEN ' CASCADE' ELSE '' END) END,
		CASE WHEN count(*) FILTER (WHERE i.grantor <> c.relowner) > 0
			THEN (SELECT format('REVOKE GRANT OPTION FOR %s ON TABLE %s FROM %s CASCADE;', privileges, c.name,
					string_agg(DISTINCT quote_ident(r.rolname), ', '))
				FROM item o JOIN pg_roles r ON r.oid = o.grantee
				WHERE o.is_grantable AND o.grantor = c.relowner) END)
	FROM relation c
		JOIN item i ON i.grantee = tenant_lint_revoke.grantee
	GROUP BY c.oid, c.relowner, c.name
$$;
COMMENT ON FUNCTION migrate.tenant_lint_revoke(oid, oid, text) IS
	'the statements that take privileges on a table from a role; PUBLIC has the OID 0';

-- pg_get_indexdef() gives a column without its collation, operator class and
-- direction unless it gives all: what stands behind the bracket is taken.
CREATE FUNCTION migrate.tenant_lint_index(index oid, column_name name, is_new boolean, is_shared boolean)
RETURNS text
LANGUAGE sql STABLE PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $$
	SELECT format('CREATE %sINDEX %sON %s USING %s (%I, %s%s%s;', x.is_unique,
		CASE WHEN tenant_lint_index.is_new THEN '' ELSE quote_ident(c.relname) || ' ' END, x.table_name,
		CASE WHEN m.amname = 'hash' THEN 'btree' ELSE m.amname END, tenant_lint_index.column_name,
		left(y.rest, length(y.rest) - length(z.tail)),
		CASE WHEN tenant_lint_index.is_shared AND i.indisunique AND NOT i.indnullsnotdistinct
			THEN ' NULLS NOT DISTINCT' ELSE '' END, z.tail)
	FROM pg_index i
		JOIN pg_class c ON c.oid = i.indexrelid
		JOIN pg_am m ON m.oid = c.relam
		JOIN pg_class r ON r.oid = i.indrelid
		JOIN pg_namespace n ON n.oid = r.relnamespace
		CROSS JOIN LATERAL (
			SELECT pg_get_indexdef(i.indexrelid), format('%I.%I', n.nspname, r.relname),
				CASE WHEN i.indisunique THEN 'UNIQUE ' ELSE '' END) x (definition, table_name, is_unique)
		CROSS JOIN LATERAL (
			SELECT substr(x.definition, 1 + length(format('CREATE %sINDEX %I ON %s%s USING %s (', x.is_unique,
				c.relname, CASE WHEN c.relkind = 'I' THEN 'ONLY ' ELSE '' END, x.table_name, m.amname)))) y (rest)
		CROSS JOIN LATERAL (
			SELECT coalesce(' WITH (' || (
					SELECT string_agg(quote_ident(o.option_name) || '=' || CASE WHEN quote_ident(o.option_value) = o.option_value
							THEN o.option_value ELSE quote_literal(o.option_value) END, ', ' ORDER BY n)
					FROM pg_options_to_table(c.reloptions) WITH ORDINALITY o (option_name, option_value, n)) || ')', '')
				|| coalesce(' WHERE ' || pg_get_expr(i.indpred, i.indrelid), '')) z (tail)
	WHERE i.indexrelid = tenant_lint_index.index
$$;
COMMENT ON FUNCTION migrate.tenant_lint_index(oid, name, boolean, boolean) IS
	'the statement that makes an index like another one, with the tenant in front';
