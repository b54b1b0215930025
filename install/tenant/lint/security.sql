-- ---------------------------------------------------------------------------
-- Tenants: is row level security on?
-- ---------------------------------------------------------------------------

CREATE FUNCTION migrate.tenant_lint_security(
	tables migrate.tenant_lint_table[],
	schemas text[])
RETURNS SETOF migrate.tenant_finding
LANGUAGE plpgsql STABLE PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $$
#variable_conflict use_column
BEGIN
	RETURN QUERY
	WITH RECURSIVE protected AS MATERIALIZED (
		SELECT t.*, EXISTS (
			SELECT FROM pg_policy p WHERE p.polrelid = t.relid AND p.polpermissive) AS has_policy
		FROM unnest(tables) t
		WHERE t.is_in_scope AND t.mode NOT IN ('exempt', 'partition')
	), reference AS MATERIALIZED (
		-- foreign keys of tables that nobody has decided about
		SELECT DISTINCT f.conrelid AS child, f.confrelid AS parent
		FROM pg_constraint f
		WHERE f.contype = 'f' AND f.conparentid = 0 AND f.conrelid <> f.confrelid
			AND f.conrelid NOT IN (SELECT t.relid FROM unnest(tables) t)
			AND f.conrelid NOT IN (SELECT m.root FROM migrate.tenant_model m)
	), owned AS (
		SELECT t.relid, t.model FROM unnest(tables) t WHERE t.kind <> 'exempt'
		UNION
		SELECT m.root, m.model FROM migrate.tenant_model m
	), step AS (
		-- how far they are from a table whose rows have a tenant
		SELECT r.child AS relid, o.model, 1 AS distance
		FROM reference r JOIN owned o ON o.relid = r.parent
		UNION
		SELECT r.child, s.model, s.distance + 1
		FROM step s JOIN reference r ON r.parent = s.relid
		WHERE s.distance < 10
	), nearest AS MATERIALIZED (
		SELECT DISTINCT ON (s.relid) s.* FROM step s ORDER BY s.relid, s.distance, s.model::text COLLATE "C"
	), chain AS (
		SELECT n.relid, n.model, n.distance, format('%I.%I', s.nspname, c.relname) AS name, NULL::text COLLATE "C" AS parent, '' COLLATE "C" AS before
		FROM nearest n
			JOIN pg_class c ON c.oid = n.relid
			JOIN pg_namespace s ON s.oid = c.relnamespace
		WHERE n.distance = 1
		UNION ALL
		SELECT x.relid, x.model, x.distance, x.name, x.parent, x.before
		FROM (
			SELECT DISTINCT ON (n.relid) n.relid, n.model, n.distance, format('%I.%I', s.nspname, c.relname) AS name,
				h.name AS parent, h.before || migrate.tenant_lint_call('migrate_tenant_protect', h.model, h.name) || ' ' COLLATE "C" AS before
			FROM chain h
				JOIN reference r ON r.parent = h.relid
				JOIN nearest n ON n.relid = r.child AND n.model = h.model AND n.distance = h.distance + 1
				JOIN pg_class c ON c.oid = n.relid
				JOIN pg_namespace s ON s.oid = c.relnamespace
			ORDER BY n.relid, h.name COLLATE "C") x
	), scope AS MATERIALIZED (
		SELECT c.*, n.nspname, format('%I.%I', n.nspname, c.relname) AS name
		FROM pg_class c
			JOIN pg_namespace n ON n.oid = c.relnamespace
		WHERE (n.oid IN (SELECT s FROM migrate.tenant_lint_schemas(schemas) s)
				OR schemas IS NULL AND c.oid IN (SELECT s.relid FROM nearest s))
			AND c.relkind IN ('r', 'p', 'f') AND c.relpersistence <> 't'
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
			|| CASE WHEN h.parent IS NOT NULL THEN format('; its rows belong to tenants by way of %s', h.parent)
				WHEN x.model IS NOT NULL THEN ''
				ELSE '; it has no column for the tenant and no foreign key to a protected table' END,
		CASE WHEN x.model IS NOT NULL AND c.relkind <> 'f'
			THEN coalesce(h.before, '') || migrate.tenant_lint_call('migrate_tenant_protect', x.model, c.name)
			-- that it holds no rows of tenants is for somebody to say
			ELSE '-- ' || migrate.tenant_lint_call('migrate_tenant_exempt', y.model, c.name, 'holds no rows of tenants') END
	FROM scope c
		LEFT JOIN chain h ON h.relid = c.oid
		CROSS JOIN LATERAL (
			SELECT coalesce(h.model, min(m.model::text)::name)
			FROM migrate.tenant_model m
			WHERE m.root = c.oid
				OR EXISTS (
					SELECT FROM pg_attribute a
					WHERE a.attrelid = c.oid AND a.attname = m.column_name AND NOT a.attisdropped)) x (model)
		CROSS JOIN LATERAL (SELECT min(m.model::text)::name FROM migrate.tenant_model m) y (model)
	WHERE y.model IS NOT NULL
		AND c.oid NOT IN (SELECT t.relid FROM unnest(tables) t)
		-- with its partitions goes the table above
		AND NOT c.relispartition;
END
$$;
COMMENT ON FUNCTION migrate.tenant_lint_security(migrate.tenant_lint_table[], text[]) IS
	'findings T001, T002, T005 and T024: is row level security on?';
