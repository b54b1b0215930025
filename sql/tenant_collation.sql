--
-- Tenants: keys and columns with a collation of their own
--
-- Collations that take different texts for equal need a server with ICU.
SELECT NOT EXISTS (SELECT FROM pg_collation WHERE collprovider = 'i') AS no_icu \gset
\if :no_icu
\quit
\endif
SET client_min_messages = warning;
DROP EXTENSION IF EXISTS migrate CASCADE;
DROP TABLE IF EXISTS alembic_version;
CREATE EXTENSION migrate;
RESET client_min_messages;
\a

CREATE ROLE regress_migrate_app;
CREATE SCHEMA "co ll";
CREATE COLLATION "co ll"."c i" (provider = icu, locale = 'und-u-ks-level2', deterministic = false);
CREATE TABLE tenants (id varchar(20) COLLATE "co ll"."c i" PRIMARY KEY);
CREATE TABLE docs (id integer PRIMARY KEY, tenant_id varchar(20) COLLATE "co ll"."c i" NOT NULL);
GRANT SELECT ON docs TO regress_migrate_app;

-- A key that takes one tenant for another is none, and can be mended as it is said.
SELECT * FROM migrate_tenant_setup('tenants');
SELECT * FROM migrate_tenant_setup('tenants', policy_style => 'inline');
ALTER TABLE public.tenants ALTER COLUMN id TYPE character varying(20) COLLATE "default";
SELECT * FROM migrate_tenant_setup('tenants');
-- Nor is a tenant column, however it is protected.
SELECT * FROM migrate_tenant_protect('docs');
SELECT * FROM migrate_tenant_protect('docs', 'shared');
SELECT * FROM migrate_tenant_protect_schema('public');
SELECT count(*) FROM migrate.tenant_table;
ALTER TABLE public.docs ALTER COLUMN tenant_id TYPE character varying(20) COLLATE "default";
SELECT object, action FROM migrate_tenant_protect('docs');
INSERT INTO tenants VALUES ('acme'), ('ACME');
INSERT INTO docs VALUES (1, 'acme'), (2, 'ACME');
SET ROLE regress_migrate_app;
BEGIN;
SELECT migrate_tenant_set('acme');
SELECT * FROM docs;
ROLLBACK;
RESET ROLE;
-- and it stays so
ALTER TABLE docs ALTER COLUMN tenant_id TYPE varchar(20) COLLATE "co ll"."c i";

-- The key of a parent that takes texts for equal has one of them only; a column
-- that does so by itself would hang on several.
CREATE TABLE files (name text COLLATE "co ll"."c i" PRIMARY KEY, tenant_id varchar(20) NOT NULL REFERENCES tenants);
CREATE TABLE lines (id integer PRIMARY KEY, file text COLLATE "co ll"."c i" NOT NULL REFERENCES files);
CREATE TABLE paths (name text PRIMARY KEY, tenant_id varchar(20) NOT NULL REFERENCES tenants);
SET client_min_messages = warning;
SELECT count(*) > 0 AS protected FROM migrate_tenant_protect('files');
SELECT count(*) > 0 AS protected FROM migrate_tenant_protect('lines');
SELECT count(*) > 0 AS protected FROM migrate_tenant_protect('paths');
RESET client_min_messages;
-- as PostgreSQL 18 does not even have such a foreign key
DO $$
BEGIN
    CREATE TABLE hangs (id integer PRIMARY KEY, path text COLLATE "co ll"."c i" NOT NULL REFERENCES paths);
    PERFORM migrate_tenant_protect('hangs');
    RAISE 'it was protected' USING ERRCODE = 'P0002';
EXCEPTION
    WHEN no_data_found THEN RAISE NOTICE '%', SQLERRM;
    WHEN others THEN RAISE NOTICE 'refused: %', SQLERRM ~ 'collation|cannot be implemented';
END
$$;

-- A column that is there is not filled either.
CREATE TABLE steps (id integer PRIMARY KEY, doc_id integer NOT NULL REFERENCES docs, tenant_id text COLLATE "co ll"."c i");
SELECT * FROM migrate_tenant_add_column('steps', 'steps_doc_id_fkey');
SELECT count(*) FROM migrate_tenant_teardown(cascade => true);
DROP TABLE steps, paths, lines, files, docs, tenants;

-- A column that is added has the collation of the key, so that a foreign key,
-- and a join, has but one.
CREATE COLLATION "co ll".sorted (provider = icu, locale = 'de-u-co-phonebk');
CREATE TABLE tenants (id text COLLATE "co ll".sorted PRIMARY KEY);
CREATE TABLE docs (id integer PRIMARY KEY, tenant_id text COLLATE "co ll".sorted NOT NULL REFERENCES tenants);
CREATE TABLE steps (id integer PRIMARY KEY, doc_id integer NOT NULL REFERENCES docs);
INSERT INTO tenants VALUES ('acme'), ('ACME');
INSERT INTO docs VALUES (1, 'acme'), (2, 'ACME');
INSERT INTO steps VALUES (1, 1), (2, 2);
SELECT * FROM migrate_tenant_setup('tenants');
SELECT * FROM migrate_tenant_add_column('steps');
SELECT * FROM migrate_tenant_link('steps_doc_id_fkey', 'steps');
SELECT s.* FROM steps s JOIN docs d ON s.tenant_id > d.tenant_id;
SELECT count(*) FROM migrate_tenant_teardown(cascade => true);
DROP TABLE steps, docs, tenants;

-- The lint takes no comparison that merges texts for one with the tenant; a
-- column that does so by itself is never protected.
CREATE TABLE codes (plain text, merging text COLLATE "co ll"."c i");
CREATE POLICY bound ON codes USING (plain = migrate_tenant_current_text());
CREATE POLICY by_column ON codes USING (merging = migrate_tenant_current_text());
CREATE POLICY by_operator ON codes USING (plain = migrate_tenant_current_text() COLLATE "co ll"."c i");
SELECT p.polname, b.bind
FROM pg_policy p, migrate.tenant_binding(p.polqual, p.polrelid, CASE p.polname WHEN 'by_column' THEN 2 ELSE 1 END::int2,
    'migrate.tenant', ARRAY['migrate_tenant_current_text()'::regprocedure]::oid[], '{}', '{}') b
WHERE p.polrelid = 'codes'::regclass ORDER BY 1;
DROP TABLE codes;

SET client_min_messages = warning;
DROP SCHEMA "co ll" CASCADE;
DROP ROLE regress_migrate_app;
