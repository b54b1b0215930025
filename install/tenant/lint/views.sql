-- ---------------------------------------------------------------------------
-- Tenants: what reads the tables as somebody else
-- ---------------------------------------------------------------------------

CREATE FUNCTION migrate.tenant_lint_children(
	tables migrate.tenant_lint_table[],
	roles name[])
RETURNS SETOF migrate.tenant_finding
LANGUAGE plpgsql STABLE PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $$
#variable_conflict use_column
BEGIN
	RETURN QUERY
	WITH acting AS MATERIALIZED (
		SELECT * FROM migrate.tenant_lint_acting(tenant_lint_children.roles)
	), child AS (
		SELECT t.*, u.name AS above
		FROM unnest(tables) t
			JOIN unnest(tables) u ON u.relid = t.top
		WHERE t.kind <> 'exempt' AND t.mode = 'partition'
		UNION ALL
		-- that a table is exempt does not make its rows anybody else's
		SELECT t.*, u.name
		FROM unnest(tables) t
			JOIN pg_inherits i ON i.inhrelid = t.relid
			JOIN unnest(tables) u ON u.relid = i.inhparent AND u.kind <> 'exempt'
		WHERE t.kind = 'exempt'
	)
	SELECT 'T011', CASE WHEN x.roles IS NULL THEN 'warning' ELSE 'error' END, t.name,
		format('%s of %s has row level security %s: what the policies there say does not hold for who names it directly%s',
			CASE WHEN t.is_partition THEN 'the partition' ELSE 'the child' END,
			t.above, CASE WHEN t.is_enabled THEN 'not forced' ELSE 'off' END,
			', as role ' || x.roles || ' may'),
		CASE WHEN t.relkind = 'f' THEN coalesce((
				SELECT string_agg(migrate.tenant_lint_revoke(t.relid, k.grantee, 'ALL'), ' ' ORDER BY k.grantee)
				FROM (SELECT DISTINCT k.grantee
					FROM pg_class c CROSS JOIN LATERAL aclexplode(c.relacl) k
					WHERE c.oid = t.relid AND k.grantee <> c.relowner) k),
				format('REVOKE ALL ON TABLE %s FROM PUBLIC;', t.name))
			ELSE format('ALTER TABLE %s ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY;', t.name) END
	FROM child t
		CROSS JOIN LATERAL (
			SELECT string_agg(DISTINCT a.name, ', ' ORDER BY a.name)
			FROM acting a
			WHERE a.model = t.model
				AND (has_any_column_privilege(a.acting, t.relid, 'SELECT, INSERT, UPDATE')
					OR has_table_privilege(a.acting, t.relid, 'DELETE'))) x (roles)
	WHERE t.is_in_scope AND NOT (t.is_enabled AND t.is_forced)
		-- a foreign table has no row level security
		AND (t.relkind <> 'f' OR x.roles IS NOT NULL);
END
$$;
COMMENT ON FUNCTION migrate.tenant_lint_children(migrate.tenant_lint_table[], name[]) IS
	'findings T011: partitions and children that are open';

-- What a role sees of a table that is read in its name: "all" rows, those of
-- "one" tenant, or "none", since no policy is for it.
CREATE FUNCTION migrate.tenant_lint_readers(
	tables migrate.tenant_lint_table[],
	policies migrate.tenant_lint_policy[],
	readers oid[])
RETURNS TABLE (relid oid, reader oid, sees text, reason text)
LANGUAGE plpgsql STABLE PARALLEL SAFE ROWS 1000
SET search_path = pg_catalog, pg_temp
AS $$
#variable_conflict use_column
BEGIN
	RETURN QUERY
	WITH reader AS MATERIALIZED (
		SELECT r.oid, r.rolsuper OR r.rolbypassrls AS bypasses
		FROM pg_roles r
		WHERE r.oid = ANY (readers)
	), applies AS MATERIALIZED (
		SELECT r.oid AS reader, p.relid, c.command, p.is_permissive, p.gap, p.bind
		FROM unnest(policies) p
			JOIN reader r ON NOT r.bypasses
			CROSS JOIN LATERAL unnest(p.commands) c (command)
		WHERE NOT p.is_check
			AND (0 = ANY (p.roles) OR EXISTS (
				SELECT FROM unnest(p.roles) g WHERE pg_has_role(r.oid, g, 'USAGE')))
	), opened AS MATERIALIZED (
		-- by a policy that no other one holds against
		SELECT DISTINCT a.reader, a.relid
		FROM applies a
		WHERE a.is_permissive AND a.gap IS NOT NULL AND a.bind <> 'absent'
			AND NOT EXISTS (
				SELECT FROM applies f
				WHERE f.reader = a.reader AND f.relid = a.relid AND f.command = a.command
					AND NOT f.is_permissive AND f.gap IS NULL)
	), served AS MATERIALIZED (
		SELECT DISTINCT a.reader, a.relid FROM applies a WHERE a.is_permissive AND a.bind <> 'absent'
	)
	SELECT t.relid, r.oid,
		CASE WHEN r.bypasses OR NOT t.is_enabled OR o.reader IS NOT NULL
				OR NOT t.is_forced AND pg_has_role(r.oid, t.owner, 'USAGE') THEN 'all'
			WHEN s.reader IS NULL THEN 'none'
			ELSE 'one' END,
		CASE WHEN r.bypasses THEN 'who bypasses row level security'
			ELSE 'whom the policies let see them' END
	FROM unnest(tables) t
		CROSS JOIN reader r
		LEFT JOIN opened o ON o.reader = r.oid AND o.relid = t.relid
		LEFT JOIN served s ON s.reader = r.oid AND s.relid = t.relid
	WHERE t.is_in_scope AND t.kind <> 'exempt';
END
$$;
COMMENT ON FUNCTION migrate.tenant_lint_readers(migrate.tenant_lint_table[], migrate.tenant_lint_policy[], oid[]) IS
	'what the owners of views, rules and functions see of protected tables';

CREATE FUNCTION migrate.tenant_lint_views(
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
	WITH RECURSIVE protected AS MATERIALIZED (
		SELECT t.* FROM unnest(tables) t WHERE t.is_in_scope AND t.kind <> 'exempt'
	), acting AS MATERIALIZED (
		SELECT * FROM migrate.tenant_lint_acting(tenant_lint_views.roles)
	), dependency AS MATERIALIZED (
		SELECT DISTINCT r.ev_class AS view, d.refobjid AS source,
			CASE WHEN c.relkind IN ('r', 'p') THEN r.oid END AS rule
		FROM pg_depend d
			JOIN pg_rewrite r ON r.oid = d.objid
			JOIN pg_class c ON c.oid = r.ev_class
		WHERE d.classid = 'pg_rewrite'::regclass AND d.refclassid = 'pg_class'::regclass
			AND d.refobjid <> r.ev_class
	), view AS MATERIALIZED (
		-- what the rule of a table does, it does as the table's owner
		SELECT c.oid, d.rule, c.relkind, c.relowner,
			CASE WHEN d.rule IS NULL THEN x.name ELSE format('%I on %s', r.rulename, x.name) END AS name,
			CASE WHEN d.rule IS NULL THEN 'SELECT, INSERT, UPDATE'
				ELSE CASE r.ev_type WHEN '2' THEN 'UPDATE' WHEN '3' THEN 'INSERT' END END AS column_privileges,
			d.rule IS NULL OR r.ev_type = '4' AS by_delete,
			c.relkind = 'v' AND EXISTS (
				SELECT FROM pg_options_to_table(c.reloptions) o
				WHERE o.option_name = 'security_invoker' AND o.option_value::boolean) AS is_invoker,
			CASE WHEN d.rule IS NULL THEN format('ALTER VIEW %s SET (security_invoker = true);', x.name)
				ELSE format('DROP RULE %I ON %s;', r.rulename, x.name) END AS fix
		FROM (SELECT DISTINCT d.view, d.rule FROM dependency d) d
			JOIN pg_class c ON c.oid = d.view
			JOIN pg_namespace n ON n.oid = c.relnamespace
			LEFT JOIN pg_rewrite r ON r.oid = d.rule
			CROSS JOIN LATERAL (SELECT format('%I.%I', n.nspname, c.relname)) x (name)
		-- nobody else sees a temporary one
		WHERE c.relkind IN ('v', 'm', 'r', 'p') AND c.relpersistence <> 't'
	), reach AS (
		-- as whom a table is read: the owner of the first view on the way up
		-- that does not hand the question on to who reads it; NULL: as who asks
		SELECT t.relid, t.name AS table_name, t.model, v.oid, v.rule, v.name, v.is_invoker,
			CASE WHEN NOT v.is_invoker THEN v.relowner END AS reader,
			CASE WHEN v.is_invoker THEN '{}' ELSE ARRAY[v.fix] END AS fixes
		FROM protected t
			JOIN dependency d ON d.source = t.relid
			JOIN view v ON v.oid = d.view AND v.rule IS NOT DISTINCT FROM d.rule
		WHERE v.relkind <> 'm'
		UNION
		SELECT r.relid, r.table_name, r.model, v.oid, v.rule, v.name, v.is_invoker,
			CASE WHEN r.reader IS NOT NULL OR v.is_invoker THEN r.reader ELSE v.relowner END,
			CASE WHEN v.is_invoker THEN r.fixes ELSE r.fixes || v.fix END
		FROM reach r
			JOIN dependency d ON d.source = r.oid
			JOIN view v ON v.oid = d.view AND v.rule IS NOT DISTINCT FROM d.rule
		-- to read a table sets off none of its rules
		WHERE v.relkind <> 'm' AND r.rule IS NULL
	), above AS (
		-- a materialized view keeps what it read, by whatever way
		SELECT t.relid, t.name AS table_name, t.model, t.relid AS oid, NULL::oid AS kept_by, NULL::oid AS reader
		FROM protected t
		UNION
		SELECT a.relid, a.table_name, a.model, v.oid,
			CASE WHEN a.kept_by IS NULL AND v.relkind = 'm' THEN v.oid ELSE a.kept_by END,
			CASE WHEN a.reader IS NULL AND NOT v.is_invoker THEN v.relowner ELSE a.reader END
		FROM above a
			JOIN dependency d ON d.source = a.oid
			JOIN view v ON v.oid = d.view AND v.rule IS NULL
		WHERE d.rule IS NULL
	), reader AS MATERIALIZED (
		SELECT r.*
		FROM migrate.tenant_lint_readers(tables, policies, ARRAY(
			SELECT r.reader FROM reach r UNION SELECT a.reader FROM above a)) r
		WHERE (r.relid, r.reader) IN (
			SELECT r.relid, r.reader FROM reach r UNION ALL SELECT a.relid, a.reader FROM above a)
	), leaking AS (
		SELECT r.name, r.rule, r.table_name, r.fixes, w.rolname AS reader_name, a.name AS role, s.reason
		FROM reach r
			JOIN view v ON v.oid = r.oid AND v.rule IS NOT DISTINCT FROM r.rule
			JOIN reader s ON s.relid = r.relid AND s.reader = r.reader AND s.sees = 'all'
			JOIN pg_roles w ON w.oid = r.reader
			JOIN acting a ON a.model = r.model
		-- what an invoker's view reads, who reads it must have a right on
		WHERE NOT r.is_invoker
			AND (v.column_privileges IS NOT NULL AND has_any_column_privilege(a.acting, r.oid, v.column_privileges)
				OR v.by_delete AND has_table_privilege(a.acting, r.oid, 'DELETE'))
	), empty AS (
		SELECT r.name, r.rule, r.table_name, r.fixes, w.rolname AS reader_name
		FROM reach r
			JOIN reader s ON s.relid = r.relid AND s.reader = r.reader AND s.sees = 'none'
			JOIN pg_roles w ON w.oid = r.reader
		WHERE NOT r.is_invoker
	), kept AS (
		SELECT v.oid, v.name, v.relkind, a.table_name, p.role, p.name AS role_name, p.acting
		FROM above a
			JOIN view v ON v.oid = a.oid AND v.rule IS NULL
			JOIN acting p ON p.model = a.model
		WHERE a.kept_by IS NOT NULL AND NOT v.is_invoker AND has_any_column_privilege(p.acting, v.oid, 'SELECT')
	)
	SELECT 'T012', 'error', l.name,
		format('the %s role %s the rows of all tenants of %s: it reads them as role %I, %s',
			CASE WHEN l.rule IS NULL THEN 'view shows' ELSE 'rule opens to' END,
			string_agg(DISTINCT l.role, ', '), string_agg(DISTINCT l.table_name, ', '), l.reader_name, l.reason),
		string_agg(DISTINCT f, ' ')
	FROM leaking l
		CROSS JOIN LATERAL unnest(l.fixes) f
	GROUP BY l.name, l.rule, l.reader_name, l.reason
	UNION ALL
	SELECT 'T012', 'warning', e.name,
		format('the %s no row of %s: it reads them as role %I, and no policy is for that role',
			CASE WHEN e.rule IS NULL THEN 'view shows' ELSE 'rule finds' END,
			string_agg(DISTINCT e.table_name, ', '), e.reader_name),
		string_agg(DISTINCT f, ' ')
	FROM empty e
		CROSS JOIN LATERAL unnest(e.fixes) f
	GROUP BY e.name, e.rule, e.reader_name
	UNION ALL
	SELECT 'T013', 'error', k.name,
		format('%s rows of %s and shows them to role %s: there is no row level security on it',
			CASE k.relkind WHEN 'm' THEN 'the materialized view keeps'
				ELSE 'the view reads a materialized view that keeps' END,
			string_agg(DISTINCT k.table_name, ', '), string_agg(DISTINCT k.role_name, ', ')),
		CASE WHEN bool_or(k.role <> 0 AND pg_has_role(k.acting, c.relowner, 'USAGE'))
			THEN format('ALTER TABLE %s OWNER TO CURRENT_USER;', k.name)
			ELSE coalesce((
				SELECT string_agg(migrate.tenant_lint_revoke(k.oid, x.grantee, 'ALL'), ' ' ORDER BY x.name COLLATE "C")
				FROM (
					SELECT DISTINCT x.grantee, coalesce(g.rolname::text, '') AS name
					FROM (SELECT r.relacl AS acl FROM pg_class r WHERE r.oid = k.oid
						UNION ALL
						SELECT a.attacl FROM pg_attribute a WHERE a.attrelid = k.oid) l
						CROSS JOIN LATERAL aclexplode(l.acl) x
						LEFT JOIN pg_roles g ON g.oid = x.grantee
					WHERE x.grantee <> c.relowner
						AND (x.grantee = 0 OR EXISTS (
							SELECT FROM acting a
							WHERE a.acting <> 0 AND pg_has_role(a.acting, x.grantee, 'USAGE')))) x), (
				-- who may read everything needs no right on it
				SELECT string_agg(DISTINCT format('REVOKE %I FROM %I;', g.rolname, b.rolname), ' ')
				FROM acting a
					JOIN pg_auth_members m ON m.member = a.acting
					JOIN pg_roles b ON b.oid = m.member
					JOIN pg_roles g ON g.oid = m.roleid
					JOIN pg_roles e ON e.rolname = 'pg_read_all_data'
				WHERE m.roleid = e.oid OR pg_has_role(m.roleid, e.oid, 'MEMBER'))) END
	FROM kept k
		JOIN pg_class c ON c.oid = k.oid
	GROUP BY k.oid, k.name, k.relkind, c.relowner
	UNION ALL
	SELECT 'T013', 'warning', v.name,
		format('the materialized view is filled as role %I, whom the policies of %s bind: REFRESH leaves it empty, or with the rows of one tenant',
			w.rolname, string_agg(DISTINCT a.table_name, ', ')),
		format('-- ALTER MATERIALIZED VIEW %s OWNER TO a_role_with_bypassrls;', v.name)
	FROM above a
		JOIN view v ON v.oid = a.kept_by AND v.oid = a.oid
		JOIN reader s ON s.relid = a.relid AND s.reader = a.reader AND s.sees <> 'all'
		JOIN pg_roles w ON w.oid = a.reader
	GROUP BY v.name, w.rolname;
END
$$;
COMMENT ON FUNCTION migrate.tenant_lint_views(migrate.tenant_lint_table[], migrate.tenant_lint_policy[], name[]) IS
	'findings T012 and T013: views, materialized views and rules';
