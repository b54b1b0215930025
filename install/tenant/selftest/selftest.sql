-- ---------------------------------------------------------------------------
-- Tenants: do the policies hold?
-- ---------------------------------------------------------------------------

CREATE FUNCTION migrate.tenant_selftest_tables()
RETURNS TABLE (
	relid oid,
	name text,
	model name,
	kind text,
	is_partition boolean,
	column_name name,
	column_type oid,
	setting text,
	app_roles name[],
	root oid,
	root_key name,
	top oid,
	parent oid,
	via_columns name[],
	parent_columns name[],
	conflict_columns name[],
	has_insert_trigger boolean,
	has_update_trigger boolean,
	has_rule boolean)
LANGUAGE sql STABLE PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $$
	SELECT t.relid, t.name, t.model, t.kind, t.mode = 'partition', t.column_name,
		coalesce(a.atttypid, 0), m.setting, m.app_roles, m.root::oid, m.key, t.top, coalesce(t.parent, 0),
		v.columns, v.parent_columns, c.columns, coalesce(g.has_insert, false), coalesce(g.has_update, false),
		EXISTS (SELECT FROM pg_rewrite w WHERE w.ev_class = t.relid AND w.ev_type <> '1' AND w.ev_enabled <> 'D')
	FROM migrate.tenant_lint_tables(NULL) t
		JOIN migrate.tenant_model m ON m.model = t.model
		LEFT JOIN pg_attribute a ON a.attrelid = t.relid AND a.attnum = t.attnum
		-- the columns that lead to the parent; those of a partition are
		-- called as those of its table
		LEFT JOIN LATERAL (
			SELECT array_agg(x.attname ORDER BY k.position) AS columns,
				array_agg(y.attname ORDER BY k.position) AS parent_columns
			FROM pg_constraint f
				CROSS JOIN LATERAL unnest(f.conkey, f.confkey) WITH ORDINALITY k (child, parent, position)
				JOIN pg_attribute x ON x.attrelid = f.conrelid AND x.attnum = k.child
				JOIN pg_attribute y ON y.attrelid = f.confrelid AND y.attnum = k.parent
			WHERE f.conrelid = t.top AND f.conname = t.via AND f.contype = 'f'
				AND f.confrelid = t.parent) v ON t.kind = 'parent'
		-- a unique key that holds across tenants
		LEFT JOIN LATERAL (
			SELECT (SELECT array_agg(x.attname ORDER BY k.position)
				FROM unnest(i.indkey::smallint[]) WITH ORDINALITY k (attnum, position)
					JOIN pg_attribute x ON x.attrelid = i.indrelid AND x.attnum = k.attnum
				WHERE k.position <= i.indnkeyatts) AS columns
			FROM pg_index i
				JOIN pg_class ic ON ic.oid = i.indexrelid
			WHERE i.indrelid = t.relid AND i.indisunique AND i.indimmediate AND i.indisvalid
				AND i.indpred IS NULL AND i.indexprs IS NULL
				AND t.attnum <> ALL (i.indkey::smallint[])
			ORDER BY i.indisprimary DESC, ic.relname COLLATE "C"
			LIMIT 1) c ON t.attnum IS NOT NULL
		-- triggers that may change a row before it is checked, here or below
		LEFT JOIN (
			SELECT f.top, bool_or(x.tgtype::integer & 4 <> 0) AS has_insert,
				bool_or(x.tgtype::integer & 16 <> 0) AS has_update
			FROM migrate.tenant_lint_tables(NULL) f
				JOIN pg_trigger x ON x.tgrelid = f.relid
			WHERE NOT x.tgisinternal AND x.tgenabled <> 'D' AND x.tgtype::integer & 3 = 3
			GROUP BY f.top) g ON g.top = t.top
	WHERE t.kind <> 'exempt'
	ORDER BY t.name COLLATE "C"
$$;
COMMENT ON FUNCTION migrate.tenant_selftest_tables() IS
	'the tables that migrate_tenant_selftest() tries, by name';

CREATE FUNCTION migrate.tenant_selftest_waiver(codes text[], object text)
RETURNS text
LANGUAGE sql STABLE PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $$
	SELECT w.reason
	FROM migrate.tenant_waiver w
	WHERE w.code = ANY (tenant_selftest_waiver.codes) AND w.object = tenant_selftest_waiver.object
		AND coalesce(w.until >= current_date, true)
	ORDER BY w.code
	LIMIT 1
$$;
COMMENT ON FUNCTION migrate.tenant_selftest_waiver(text[], text) IS
	'why migrate_tenant_lint() is not to report an object, if that is so';

-- A foreign key to a tenant, or the one that leads to the parent, is tried
-- where rows are moved; those of a partition are tried with its table.
CREATE FUNCTION migrate.tenant_selftest_references()
RETURNS TABLE (
	relid oid,
	name name,
	is_deferred boolean,
	parent oid,
	columns name[],
	parent_columns name[],
	waiver text)
LANGUAGE sql STABLE PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $$
	SELECT t.relid, f.conname, f.condeferred, f.confrelid,
		array_agg(x.attname ORDER BY k.position) FILTER (WHERE k.child IS DISTINCT FROM t.attnum),
		array_agg(y.attname ORDER BY k.position) FILTER (WHERE k.child IS DISTINCT FROM t.attnum),
		migrate.tenant_selftest_waiver('{T009}', format('%I on %s', f.conname, t.name))
	FROM migrate.tenant_lint_tables(NULL) t
		JOIN pg_constraint f ON f.conrelid = t.relid AND f.contype = 'f' AND f.conparentid = 0
		JOIN migrate.tenant_lint_tables(NULL) p ON p.relid = f.confrelid AND p.model = t.model
		CROSS JOIN LATERAL unnest(f.conkey, f.confkey) WITH ORDINALITY k (child, parent, position)
		JOIN pg_attribute x ON x.attrelid = f.conrelid AND x.attnum = k.child
		JOIN pg_attribute y ON y.attrelid = f.confrelid AND y.attnum = k.parent
	WHERE t.kind <> 'exempt' AND p.kind NOT IN ('exempt', 'root')
		AND NOT (t.kind = 'parent' AND f.conname = t.via)
	GROUP BY t.relid, t.name, f.conname, f.condeferred, f.confrelid
	HAVING bool_or(k.child IS DISTINCT FROM t.attnum)
	ORDER BY f.conname COLLATE "C"
$$;
COMMENT ON FUNCTION migrate.tenant_selftest_references() IS
	'the foreign keys that migrate_tenant_selftest() tries, without the tenant column';

CREATE FUNCTION migrate.tenant_selftest_views()
RETURNS TABLE (
	relid oid,
	name text,
	relkind "char",
	base oid,
	waiver text)
LANGUAGE sql STABLE PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $$
	WITH RECURSIVE dependency AS MATERIALIZED (
		SELECT DISTINCT r.ev_class AS view, d.refobjid AS source
		FROM pg_depend d
			JOIN pg_rewrite r ON r.oid = d.objid
		WHERE d.classid = 'pg_rewrite'::regclass AND d.refclassid = 'pg_class'::regclass
			AND d.refobjid <> r.ev_class
	), above AS (
		SELECT d.view, t.relid AS base
		FROM migrate.tenant_lint_tables(NULL) t
			JOIN dependency d ON d.source = t.relid
		WHERE t.kind <> 'exempt'
		UNION
		SELECT d.view, a.base
		FROM above a
			JOIN dependency d ON d.source = a.view
	)
	SELECT c.oid, format('%I.%I', n.nspname, c.relname), c.relkind, a.base,
		migrate.tenant_selftest_waiver('{T012,T013}', format('%I.%I', n.nspname, c.relname))
	FROM above a
		JOIN pg_class c ON c.oid = a.view
		JOIN pg_namespace n ON n.oid = c.relnamespace
		JOIN pg_class b ON b.oid = a.base
		JOIN pg_namespace bn ON bn.oid = b.relnamespace
	-- nobody else sees a temporary one
	WHERE c.relkind IN ('v', 'm') AND c.relpersistence <> 't'
	ORDER BY n.nspname COLLATE "C", c.relname COLLATE "C", bn.nspname COLLATE "C", b.relname COLLATE "C"
$$;
COMMENT ON FUNCTION migrate.tenant_selftest_views() IS
	'the views that read tables of tenants, and which';

CREATE FUNCTION @extschema@.migrate_tenant_selftest(
	role name DEFAULT NULL,
	tables regclass[] DEFAULT NULL,
	OUT "table" regclass,
	OUT probe text,
	OUT result text,
	OUT detail text,
	OUT tested_role name)
RETURNS SETOF record
AS 'MODULE_PATHNAME', 'migrate_tenant_selftest'
LANGUAGE C VOLATILE PARALLEL UNSAFE;
COMMENT ON FUNCTION @extschema@.migrate_tenant_selftest(name, regclass[]) IS
	'try, as a role of the application, to get at the rows of another tenant; everything is rolled back';
