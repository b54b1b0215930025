-- ---------------------------------------------------------------------------
-- Tenants: columns, keys and indexes
-- ---------------------------------------------------------------------------

CREATE FUNCTION migrate.tenant_lint_keys(
	tables migrate.tenant_lint_table[],
	roles name[])
RETURNS SETOF migrate.tenant_finding
LANGUAGE plpgsql STABLE PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $$
#variable_conflict use_column
BEGIN
	RETURN QUERY
	WITH everywhere AS MATERIALIZED (
		SELECT t.* FROM unnest(tables) t WHERE t.kind <> 'exempt'
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
		FROM everywhere t
		WHERE t.is_in_scope AND t.relkind IN ('r', 'p')
	), reference AS MATERIALIZED (
		SELECT f.oid, c.model, f.conname, f.conrelid, f.confrelid, c.name AS child, p.name AS parent_table,
			c.column_name AS child_column, p.column_name AS parent_column,
			c.attnum AS child_attnum, p.attnum AS parent_attnum, c.kind AS child_kind, p.kind AS parent_kind, c.via AS child_via, c.is_shared,
			NOT EXISTS (
				SELECT FROM pg_attribute a
				WHERE a.attrelid = f.conrelid AND a.attnum = ANY (f.conkey) AND NOT a.attnotnull) AS is_not_null,
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
			n.nspname, k.oid AS constraint_oid, k.conname, k.contype,
			coalesce(quote_ident(k.conname) || ' on ' || t.name, format('%I.%I', n.nspname, ic.relname)) AS object,
			(SELECT string_agg(pg_get_indexdef(i.indexrelid, n, true), ', ' ORDER BY n)
			 FROM generate_series(1, i.indnkeyatts) n) AS columns,
			pg_get_constraintdef(k.oid) AS definition,
			am.amname <> 'gist' OR EXISTS (
				SELECT FROM pg_opclass o
				WHERE o.opcmethod = am.oid AND o.opcdefault AND o.opcintype = (
					SELECT a.atttypid FROM pg_attribute a WHERE a.attrelid = t.relid AND a.attnum = t.attnum)) AS has_opclass
		FROM protected t
			JOIN pg_index i ON i.indrelid = t.relid AND (i.indisunique OR i.indisexclusion) AND i.indisvalid
			-- an index of a partition alone is none of the table above
			JOIN pg_class ic ON ic.oid = i.indexrelid AND NOT ic.relispartition
			JOIN pg_am am ON am.oid = ic.relam
			JOIN pg_namespace n ON n.oid = ic.relnamespace
			LEFT JOIN pg_constraint k ON k.conindid = i.indexrelid AND k.contype IN ('p', 'u', 'x')
				AND k.conrelid = t.relid
			LEFT JOIN pg_constraint via ON t.kind = 'parent' AND via.conrelid = t.relid AND via.conname = t.via
			CROSS JOIN LATERAL (
				-- the columns that have to be equal, without those of INCLUDE
				SELECT coalesce(array_agg(c.attnum), '{}')
				FROM unnest(i.indkey::smallint[]) WITH ORDINALITY c (attnum, position)
				WHERE c.position <= i.indnkeyatts
					AND (i.indisunique OR EXISTS (
						SELECT FROM pg_amop o JOIN pg_am m ON m.oid = o.amopmethod
						WHERE m.amname = 'btree' AND o.amopstrategy = 3 AND o.amopopr = k.conexclop[c.position]))) x (attnums)
		-- NULL for an index that was dropped after the snapshot was taken
		WHERE pg_get_indexdef(i.indexrelid, 1, true) IS NOT NULL
			-- of the tenants themselves tells who may try values
			AND (t.kind <> 'root' OR EXISTS (
				SELECT FROM migrate.tenant_lint_acting(tenant_lint_keys.roles) a
				WHERE a.model = t.model AND has_any_column_privilege(a.acting, t.relid, 'INSERT, UPDATE')))
			AND NOT coalesce(t.attnum = ANY (x.attnums), false)
			AND NOT coalesce(via.conkey <@ x.attnums, false)
			-- a random key tells nothing to who tries one, and a generated
			-- number only that so many rows were made
			AND NOT EXISTS (
				SELECT FROM pg_attribute a
					LEFT JOIN pg_attrdef d ON d.adrelid = a.attrelid AND d.adnum = a.attnum
				WHERE a.attrelid = t.relid AND a.attnum = ANY (x.attnums)
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
	-- its policies may still be right, but nothing here can tell
	SELECT 'T007', 'error', t.name || '.' || quote_ident(t.registered),
		'the registered tenant column is gone: it was dropped or renamed',
		CASE WHEN n.column_name IS NULL
			THEN format('-- ALTER TABLE %s ADD COLUMN %I ...;', t.name, t.registered)
			ELSE format('ALTER TABLE %s RENAME COLUMN %I TO %I;', t.name, n.column_name, t.registered) END
	FROM protected t
		CROSS JOIN LATERAL (
			-- that which the policies look at
			SELECT CASE WHEN count(DISTINCT a.attname) = 1 THEN min(a.attname::text) END
			FROM pg_policy p
				JOIN pg_depend d ON d.classid = 'pg_policy'::regclass AND d.objid = p.oid
					AND d.refclassid = 'pg_class'::regclass AND d.refobjid = p.polrelid AND d.refobjsubid > 0
				JOIN pg_attribute a ON a.attrelid = d.refobjid AND a.attnum = d.refobjsubid
			WHERE p.polrelid = t.relid) n (column_name)
	WHERE t.registered IS NOT NULL AND t.attnum IS NULL AND NOT t.is_partition
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
			-- a table that is found through its parent can have a column, but
			-- not one that comes from rows that all share
			WHEN r.child_kind = 'parent' AND r.parent_kind = 'column' AND (r.is_not_null OR NOT r.is_shared)
				THEN migrate.tenant_lint_call('migrate_tenant_add_column', r.model, r.child, w.via)
					|| ' ' || migrate.tenant_lint_call('migrate_tenant_link', r.model, w.via, r.child)
					|| ' ' || migrate.tenant_lint_call('migrate_tenant_protect', r.model, r.child, 'column')
					|| CASE WHEN w.via = r.conname THEN ''
						ELSE ' ' || migrate.tenant_lint_call('migrate_tenant_link', r.model, r.conname, r.child) END
			WHEN r.child_kind = 'parent' AND r.is_shared
				THEN '-- ' || migrate.tenant_lint_call('migrate_tenant_add_column', r.model, r.child,
					'a foreign key that is NOT NULL and leads to rows of one tenant')
			ELSE format('SELECT @extschema@.migrate_tenant_waive(%L, %L, %L);', 'T009', r.object,
				'accepted: a table has no tenant column to refer by') END
	FROM reference r
		CROSS JOIN LATERAL (SELECT CASE WHEN r.is_shared THEN r.conname ELSE r.child_via END) w (via)
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
			WHEN u.column_name IS NULL OR u.kind = 'root'
				OR u.kind = 'shared' AND u.contype = 'p'
				OR EXISTS (SELECT FROM pg_constraint f
					WHERE f.conindid = u.indexrelid AND f.contype = 'f')
				THEN format('SELECT @extschema@.migrate_tenant_waive(%L, %L, %L);', 'T010', u.object,
					'accepted: what it tells is no secret')
			WHEN u.constraint_oid IS NOT NULL
				THEN CASE WHEN u.contype = 'x' AND NOT u.has_opclass THEN '-- CREATE EXTENSION btree_gist; ' ELSE '' END
					|| format('ALTER TABLE %s DROP CONSTRAINT %I, ADD CONSTRAINT %I %s;', u.table_name, u.conname, u.conname,
						overlay(x.definition PLACING format(CASE WHEN u.contype = 'x' THEN '(%I WITH =, ' ELSE '(%I, ' END, u.column_name)
							FROM strpos(x.definition, '(') FOR 1))
			ELSE format('DROP INDEX %I.%I; ', u.nspname, u.index_name)
				|| migrate.tenant_lint_index(u.indexrelid, u.column_name, false, u.kind = 'shared') END
	FROM unique_key u
		CROSS JOIN LATERAL (
			SELECT CASE WHEN u.kind = 'shared' THEN regexp_replace(u.definition, '^UNIQUE \(', 'UNIQUE NULLS NOT DISTINCT (')
				ELSE u.definition END) x (definition)
	UNION ALL
	SELECT 'T022', 'info', format('%I.%I', n.nspname, ic.relname),
		format('no query under row level security uses the index on %s: %s', t.name, x.reason),
		CASE WHEN am.amname IN ('btree', 'hash') AND t.column_name IS NOT NULL
			THEN migrate.tenant_lint_index(i.indexrelid, t.column_name, true, false) || ' '
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
COMMENT ON FUNCTION migrate.tenant_lint_keys(migrate.tenant_lint_table[], name[]) IS
	'findings T007 to T010 and T022: columns, keys and indexes';
