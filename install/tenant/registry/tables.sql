-- ---------------------------------------------------------------------------
-- Tenants: what was set up, and how it was before
--
-- The user's tables are kept as regclass, so that a rename is followed, and a
-- dump holds their names.  pg_dump restores rows before it makes indexes,
-- constraints and policies; those are kept by name.  regnamespace is no type
-- for a column, since pg_upgrade refuses it: a schema is kept by its name, and
-- by its OID for the case that it is renamed.
--
-- A table that is dropped leaves its row behind until the next function that
-- writes here, and those of the tables that were protected or linked by way of
-- it, and the model of which it was the root, for longer.  All of them are left
-- out of a dump, in whose copy its OID may be that of another table.
-- ---------------------------------------------------------------------------

CREATE TABLE migrate.tenant_model (
	model name NOT NULL
		CONSTRAINT tenant_model_pkey PRIMARY KEY,
	root regclass NOT NULL,
	key name NOT NULL,
	column_name name NOT NULL,
	app_roles name[] NOT NULL
		CONSTRAINT tenant_model_app_roles_check CHECK (app_roles OPERATOR(pg_catalog.<>) '{}'::name[]),
	admin_role name,
	setting text NOT NULL,
	policy_style text NOT NULL
		CONSTRAINT tenant_model_policy_style_check
		CHECK (policy_style OPERATOR(pg_catalog.=) ANY ('{function,inline}'::text[])),
	tenant_type regtype NOT NULL,
	guard text NOT NULL DEFAULT 'off'
		CONSTRAINT tenant_model_guard_check
		CHECK (guard OPERATOR(pg_catalog.=) ANY ('{off,protect,refuse}'::text[])),
	role name NOT NULL,
	created_at timestamp with time zone NOT NULL
);
COMMENT ON TABLE migrate.tenant_model IS 'one row for each migrate_tenant_setup(): what a tenant is';
COMMENT ON COLUMN migrate.tenant_model.root IS 'the table of which a row is a tenant';
COMMENT ON COLUMN migrate.tenant_model.key IS 'its column that identifies the tenant';
COMMENT ON COLUMN migrate.tenant_model.column_name IS 'how the tenant column of the other tables is called';
COMMENT ON COLUMN migrate.tenant_model.app_roles IS
	'the roles that the policies bind; public stands for PUBLIC';
COMMENT ON COLUMN migrate.tenant_model.admin_role IS 'the role, if any, that a policy lets see all tenants';
COMMENT ON COLUMN migrate.tenant_model.setting IS 'the configuration parameter that holds the tenant';
COMMENT ON COLUMN migrate.tenant_model.guard IS 'what happens to a new table in a managed schema';

CREATE TABLE migrate.tenant_schema (
	schema name NOT NULL
		CONSTRAINT tenant_schema_pkey PRIMARY KEY,
	schema_oid oid NOT NULL,
	model name NOT NULL,
	role name NOT NULL,
	created_at timestamp with time zone NOT NULL
);
COMMENT ON TABLE migrate.tenant_schema IS
	'one row for each managed schema: one that migrate_tenant_protect_schema() was called for';
COMMENT ON COLUMN migrate.tenant_schema.schema_oid IS
	'its OID when the row was written, which counts if there is no schema of that name any more';

CREATE TABLE migrate.tenant_table (
	relation regclass NOT NULL
		CONSTRAINT tenant_table_pkey PRIMARY KEY,
	model name NOT NULL,
	mode text NOT NULL
		CONSTRAINT tenant_table_mode_check
		CHECK (mode OPERATOR(pg_catalog.=) ANY ('{root,column,shared,parent,partition,exempt}'::text[])),
	column_name name,
	via name,
	parent regclass,
	reason text,
	before jsonb NOT NULL DEFAULT '{}',
	made jsonb NOT NULL DEFAULT '{}',
	role name NOT NULL,
	created_at timestamp with time zone NOT NULL,
	relation_oid oid NOT NULL DEFAULT 0,
	column_number smallint,
	via_oid oid,
	CONSTRAINT tenant_table_check CHECK (
		CASE WHEN mode OPERATOR(pg_catalog.=) 'parent' THEN via IS NOT NULL AND parent IS NOT NULL
			WHEN mode OPERATOR(pg_catalog.=) 'partition' THEN parent IS NOT NULL
			WHEN mode OPERATOR(pg_catalog.=) 'exempt' THEN reason IS NOT NULL
			ELSE column_name IS NOT NULL END)
);
COMMENT ON TABLE migrate.tenant_table IS
	'one row for each table that is protected, or exempt from it';
COMMENT ON COLUMN migrate.tenant_table.column_name IS
	'the column that the policies compare with the tenant; NULL in mode parent and for an exempt table';
COMMENT ON COLUMN migrate.tenant_table.via IS 'mode parent: the foreign key that leads to the parent';
COMMENT ON COLUMN migrate.tenant_table.parent IS
	'mode parent: the table that the foreign key refers to; mode partition: the table that was protected with all its partitions and children';
COMMENT ON COLUMN migrate.tenant_table.relation_oid IS
	'the OID of the table when the next two were written, which count if it is that; after a dump it is not';
COMMENT ON COLUMN migrate.tenant_table.column_number IS 'the number of the column, by which it is known when it has another name';
COMMENT ON COLUMN migrate.tenant_table.via_oid IS 'the OID of the foreign key, likewise';
COMMENT ON COLUMN migrate.tenant_table.reason IS 'why the table is exempt';
COMMENT ON COLUMN migrate.tenant_table.before IS 'how the table was before';
COMMENT ON COLUMN migrate.tenant_table.made IS 'what was made: policies, with their texts, an index, a default';

CREATE TABLE migrate.tenant_column (
	relation regclass NOT NULL
		CONSTRAINT tenant_column_pkey PRIMARY KEY,
	model name NOT NULL,
	column_name name NOT NULL,
	via name NOT NULL,
	parent regclass NOT NULL,
	made jsonb NOT NULL DEFAULT '{}',
	role name NOT NULL,
	created_at timestamp with time zone NOT NULL,
	relation_oid oid NOT NULL DEFAULT 0,
	column_number smallint,
	via_oid oid
);
COMMENT ON TABLE migrate.tenant_column IS
	'one row for each table that migrate_tenant_add_column() gave its tenant column or a part of it';
COMMENT ON COLUMN migrate.tenant_column.via IS 'the foreign key along which the column is filled';
COMMENT ON COLUMN migrate.tenant_column.relation_oid IS
	'the OID of the table when the next two were written, which count if it is that';
COMMENT ON COLUMN migrate.tenant_column.column_number IS 'the number of the column, by which it is known when it has another name';
COMMENT ON COLUMN migrate.tenant_column.via_oid IS 'the OID of the foreign key, likewise';
COMMENT ON COLUMN migrate.tenant_column.made IS 'which of its steps changed something, and the names of what they made';

CREATE TABLE migrate.tenant_link (
	relation regclass NOT NULL,
	constraint_name name NOT NULL,
	model name NOT NULL,
	parent regclass NOT NULL,
	before jsonb NOT NULL DEFAULT '{}',
	made jsonb NOT NULL DEFAULT '{}',
	role name NOT NULL,
	created_at timestamp with time zone NOT NULL,
	relation_oid oid NOT NULL DEFAULT 0,
	constraint_oid oid,
	CONSTRAINT tenant_link_pkey PRIMARY KEY (relation, constraint_name)
);
COMMENT ON TABLE migrate.tenant_link IS
	'one row for each foreign key that migrate_tenant_link() made one over the tenant column too';
COMMENT ON COLUMN migrate.tenant_link.before IS 'the simple foreign key';
COMMENT ON COLUMN migrate.tenant_link.relation_oid IS
	'the OID of the table when the next one was written, which counts if it is that';
COMMENT ON COLUMN migrate.tenant_link.constraint_oid IS 'the OID of the foreign key, by which it is known when it has another name';

CREATE TABLE migrate.tenant_grant (
	role name NOT NULL,
	schema name NOT NULL,
	kind text COLLATE "C" NOT NULL
		CONSTRAINT tenant_grant_kind_check
		CHECK (kind OPERATOR(pg_catalog.=) ANY ('{schema,table,sequence,default tables,default sequences}'::text[])),
	relation regclass NOT NULL DEFAULT 0,
	owner name NOT NULL DEFAULT '',
	schema_oid oid NOT NULL,
	model name NOT NULL,
	privileges text[] NOT NULL,
	granted_by name NOT NULL,
	created_at timestamp with time zone NOT NULL,
	CONSTRAINT tenant_grant_pkey PRIMARY KEY (role, schema, kind, relation, owner)
);
COMMENT ON TABLE migrate.tenant_grant IS
	'what migrate_tenant_grant() gave a role that it did not have before: one row for each object';
COMMENT ON COLUMN migrate.tenant_grant.relation IS 'the table or sequence; - for what is no relation';
COMMENT ON COLUMN migrate.tenant_grant.owner IS
	'whose future tables or sequences the default privileges are about';

CREATE TABLE migrate.tenant_waiver (
	code text COLLATE "C" NOT NULL,
	object text COLLATE "C" NOT NULL,
	reason text NOT NULL
		CONSTRAINT tenant_waiver_reason_check CHECK (reason OPERATOR(pg_catalog.<>) ''),
	until date,
	role name NOT NULL,
	created_at timestamp with time zone NOT NULL,
	CONSTRAINT tenant_waiver_pkey PRIMARY KEY (code, object)
);
COMMENT ON TABLE migrate.tenant_waiver IS
	'one row for each finding of migrate_tenant_lint() that is as it should be';
COMMENT ON COLUMN migrate.tenant_waiver.until IS 'the last day on which the waiver counts; NULL: for good';

SELECT pg_catalog.pg_extension_config_dump('migrate.tenant_model',
	'WHERE EXISTS (SELECT FROM pg_catalog.pg_class c WHERE c.oid OPERATOR(pg_catalog.=) root)');
SELECT pg_catalog.pg_extension_config_dump('migrate.tenant_schema', '');
SELECT pg_catalog.pg_extension_config_dump('migrate.tenant_table',
	'WHERE EXISTS (SELECT FROM pg_catalog.pg_class c WHERE c.oid OPERATOR(pg_catalog.=) relation) AND (parent IS NULL OR EXISTS (SELECT FROM pg_catalog.pg_class c WHERE c.oid OPERATOR(pg_catalog.=) parent))');
SELECT pg_catalog.pg_extension_config_dump('migrate.tenant_column',
	'WHERE EXISTS (SELECT FROM pg_catalog.pg_class c WHERE c.oid OPERATOR(pg_catalog.=) relation) AND EXISTS (SELECT FROM pg_catalog.pg_class c WHERE c.oid OPERATOR(pg_catalog.=) parent)');
SELECT pg_catalog.pg_extension_config_dump('migrate.tenant_link',
	'WHERE EXISTS (SELECT FROM pg_catalog.pg_class c WHERE c.oid OPERATOR(pg_catalog.=) relation) AND EXISTS (SELECT FROM pg_catalog.pg_class c WHERE c.oid OPERATOR(pg_catalog.=) parent)');
SELECT pg_catalog.pg_extension_config_dump('migrate.tenant_grant',
	'WHERE relation OPERATOR(pg_catalog.=) 0 OR EXISTS (SELECT FROM pg_catalog.pg_class c WHERE c.oid OPERATOR(pg_catalog.=) relation)');
SELECT pg_catalog.pg_extension_config_dump('migrate.tenant_waiver', '');
