-- ---------------------------------------------------------------------------
-- Tenants: who may do what, and who gets what
-- ---------------------------------------------------------------------------

CREATE FUNCTION migrate.tenant_lint_rights(
	tables migrate.tenant_lint_table[],
	schemas text[],
	roles name[],
	caller oid,
	is_guarded boolean)
RETURNS SETOF migrate.tenant_finding
LANGUAGE plpgsql STABLE PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $$
#variable_conflict use_column
BEGIN
	RETURN QUERY
	WITH protected AS MATERIALIZED (
		SELECT t.*, c.relacl
		FROM unnest(tables) t
			JOIN pg_class c ON c.oid = t.relid
		WHERE t.is_in_scope AND t.kind <> 'exempt'
	), app AS MATERIALIZED (
		SELECT * FROM migrate.tenant_lint_roles(tenant_lint_rights.roles)
	), acting AS MATERIALIZED (
		SELECT * FROM migrate.tenant_lint_acting(tenant_lint_rights.roles)
	), owner AS MATERIALIZED (
		SELECT DISTINCT t.model, t.owner FROM protected t
	), way AS MATERIALIZED (
		-- what a role is its members have not, unless they become it
		SELECT replace(migrate.tenant_lint_reach(), 'USAGE, ', '') AS privilege
	), bypassing AS MATERIALIZED (
		SELECT r.oid, r.rolname, m.model, x.reason, r.rolname ~ '^pg_' AND NOT r.rolsuper AND NOT r.rolbypassrls AS reads_files
		FROM pg_roles r
			CROSS JOIN migrate.tenant_model m
			CROSS JOIN LATERAL (
				SELECT CASE WHEN r.rolsuper THEN 'is a superuser'
					WHEN r.rolbypassrls THEN 'bypasses row level security'
					WHEN r.rolname = m.admin_role THEN 'is there to see all tenants'
					WHEN EXISTS (SELECT FROM owner o WHERE o.model = m.model AND o.owner = r.oid) THEN 'owns protected tables'
					-- among the server's files are those of the tables
					WHEN r.rolname = 'pg_execute_server_program' THEN 'runs programs as the server'
					WHEN r.rolname = 'pg_read_server_files' THEN 'reads all files of the server'
					WHEN r.rolname = 'pg_write_server_files' THEN 'writes all files of the server' END) x (reason)
		WHERE x.reason IS NOT NULL
	), granted AS (
		SELECT t.name, t.relid, x.grantee, coalesce(quote_ident(g.rolname), 'PUBLIC') AS grantee_name,
			string_agg(DISTINCT x.privilege_type, ', ' ORDER BY x.privilege_type) AS privileges,
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
				SELECT FROM acting a WHERE a.model = t.model AND (x.grantee = 0 OR x.grantee = a.acting))
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
					AND EXISTS (SELECT FROM acting a WHERE a.acting = x.grantee))
			AND EXISTS (SELECT FROM migrate.tenant_model)
		GROUP BY d.defaclrole, n.nspname, x.grantee, g.rolname
	), runner AS (
		SELECT DISTINCT r.oid, r.rolname, r.oid = caller AND NOT is_guarded AS is_caller, s.is_of_database
		FROM pg_roles r
			JOIN protected t ON t.is_enabled AND t.is_forced AND pg_has_role(r.oid, t.owner, 'USAGE')
			LEFT JOIN LATERAL (
				-- what a session of the role begins with: of several settings
				-- the one for both role and database counts first
				SELECT s.setrole <> 0 AND s.setdatabase <> 0 AS is_of_database, split_part(c, '=', 2) AS value
				FROM pg_db_role_setting s
					CROSS JOIN LATERAL unnest(s.setconfig) c
				WHERE s.setrole IN (0, r.oid)
					AND s.setdatabase IN (0, (SELECT d.oid FROM pg_database d WHERE d.datname = current_database()))
					AND lower(split_part(c, '=', 1)) = 'migrate.row_security_guard'
				ORDER BY s.setrole <> 0 DESC, s.setdatabase <> 0 DESC
				LIMIT 1) s ON true
		WHERE NOT r.rolsuper AND NOT r.rolbypassrls
			AND CASE WHEN r.oid = caller THEN NOT is_guarded
				-- as a boolean setting may be written, and never an error
				ELSE r.oid = t.owner AND s.value ~* '^(off?|f|fa|fal|fals|false|no?|0)$' END
	)
	-- each by itself, so that a waiver of one does not hide another
	SELECT 'T015', 'error', format('role %s: %s', a.name, x.attribute),
		format('the application''s role %s', x.problem), format('ALTER ROLE %s NO%s;', a.name, x.attribute)
	FROM app a
		CROSS JOIN way
		JOIN pg_roles r ON r.oid = a.role
		CROSS JOIN LATERAL (VALUES
			('SUPERUSER', r.rolsuper, 'is a superuser: no policy holds for it'),
			('BYPASSRLS', r.rolbypassrls, 'has BYPASSRLS: no policy holds for it'),
			-- from 16 on that is of no use without a role to hand on
			('CREATEROLE', r.rolcreaterole AND NOT r.rolsuper AND way.privilege = 'MEMBER',
				'has CREATEROLE, with which it can make itself a member of other roles'),
			('REPLICATION', r.rolreplication AND NOT r.rolsuper, 'has REPLICATION, with which it can read every table'))
			x (attribute, has_it, problem)
	WHERE x.has_it
	UNION ALL
	SELECT 'T015', 'error', format('role %s: owner of %s', a.name, t.name),
		format('the application''s role owns %s and can take its policies away', t.name),
		format('ALTER TABLE %s OWNER TO CURRENT_USER;', t.name)
	FROM app a
		JOIN protected t ON t.model = a.model AND t.owner = a.role
	UNION ALL
	SELECT DISTINCT 'T015', 'error', format('role %s: member of %I', a.name, b.rolname),
		format(CASE WHEN b.reads_files THEN 'the application''s role is a member of %I, which %s'
			ELSE 'the application''s role can become role %I, which %s' END, b.rolname, b.reason),
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
	SELECT 'T016', CASE WHEN g.may_truncate THEN 'error' ELSE 'warning' END,
		format('%s of %s on %s', g.privileges, g.grantee_name, g.name),
		format('role %s has %s on the table, which no policy restricts', g.grantee_name, g.privileges),
		migrate.tenant_lint_revoke(g.relid, g.grantee, g.privileges)
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
		format('ALTER ROLE %I %sSET migrate.row_security_guard = on;%s', r.rolname,
			CASE WHEN r.is_of_database THEN format('IN DATABASE %I ', current_database()) ELSE '' END,
			CASE WHEN r.is_caller THEN ' SET migrate.row_security_guard = on;' ELSE '' END)
	FROM runner r;
END
$$;
COMMENT ON FUNCTION migrate.tenant_lint_rights(migrate.tenant_lint_table[], text[], name[], oid, boolean) IS
	'findings T015, T016, T020 and T025: who may do what';

-- ---- T021: what subscribers get ----

CREATE FUNCTION migrate.tenant_lint_published(tables migrate.tenant_lint_table[])
RETURNS SETOF migrate.tenant_finding
LANGUAGE plpgsql STABLE PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $$
#variable_conflict use_column
BEGIN
	RETURN QUERY
	WITH protected AS MATERIALIZED (
		SELECT t.* FROM unnest(tables) t WHERE t.is_in_scope AND t.kind <> 'exempt'
	)
	-- a filter knows no session, but it may choose a tenant
	SELECT 'T021', 'warning', format('%s in publication %I', t.name, p.pubname),
		CASE WHEN r.prqual IS NULL
			THEN 'the table is published without a row filter: its subscribers get the rows of all tenants'
			ELSE format('the table is published with a row filter that chooses no tenant: %s',
				regexp_replace(pg_get_expr(r.prqual, t.relid), '\s+', ' ', 'g')) END,
		format('ALTER PUBLICATION %I DROP TABLE %s;', p.pubname, t.name)
	FROM protected t
		JOIN migrate.tenant_model m ON m.model = t.model
		JOIN pg_publication_rel r ON r.prrelid = t.relid
		JOIN pg_publication p ON p.oid = r.prpubid
	WHERE r.prqual IS NULL
		OR (migrate.tenant_binding(r.prqual, t.relid, t.attnum, m.setting, '{}', '{}', '{}')).bind <> 'constant'
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
COMMENT ON FUNCTION migrate.tenant_lint_published(migrate.tenant_lint_table[]) IS
	'findings T021: publications';
