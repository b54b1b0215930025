--
-- Tenants: odd names, other schemas, other types, and what is no table of a tenant
--
SET client_min_messages = warning;
DROP EXTENSION IF EXISTS migrate CASCADE;
DROP TABLE IF EXISTS alembic_version;
CREATE EXTENSION migrate;
RESET client_min_messages;
\a

-- Every name is quoted where it has to be, also one that would end a statement.
CREATE ROLE "regress_migrate ""PUBLIC""";
CREATE ROLE "PUBLIC";
CREATE SCHEMA "a ""b""";
CREATE SCHEMA "select";
CREATE TABLE "a ""b"""."O'rgs" ("I D" bigint PRIMARY KEY);
CREATE TABLE "select"."parent" ("Id" integer, "part" text, "Tenant's; DROP" bigint NOT NULL REFERENCES "a ""b"""."O'rgs",
    PRIMARY KEY ("Id", part));
CREATE TABLE "a ""b"""."parent" ("Id" integer PRIMARY KEY, "user" integer NOT NULL, "part" text NOT NULL,
    CONSTRAINT "F;K" FOREIGN KEY ("user", "part") REFERENCES "select"."parent");
CREATE TABLE "select"."t'able" (id text COLLATE "C" PRIMARY KEY, "parent" integer NOT NULL,
    CONSTRAINT "F""K" FOREIGN KEY ("parent") REFERENCES "a ""b"""."parent");
SELECT * FROM migrate_tenant_setup('"a ""b"""."O''rgs"', key => 'I D', column_name => 'Tenant''s; DROP',
    app_roles => '{"PUBLIC","regress_migrate \"PUBLIC\""}', model => 'odd "model"');
SELECT * FROM migrate_tenant_plan('"a ""b"""', model => 'odd "model"');
SELECT * FROM migrate_tenant_plan('select', model => 'odd "model"');
\set client_min_messages warning
SET client_min_messages = warning;
SELECT sql FROM migrate_tenant_protect_schema('select', exclude => '{"select.\"t''able\""}', model => 'odd "model"');
SELECT sql FROM migrate_tenant_protect_schema('"a ""b"""', model => 'odd "model"');
SELECT sql FROM migrate_tenant_unprotect('"a ""b"""."parent"');
SELECT sql FROM migrate_tenant_add_column('"a ""b"""."parent"', 'F;K', model => 'odd "model"');
SELECT sql FROM migrate_tenant_link('F;K', '"a ""b"""."parent"', model => 'odd "model"');
SELECT sql FROM migrate_tenant_add_column('"select"."t''able"', model => 'odd "model"');
SELECT sql FROM migrate_tenant_link('F"K', '"select"."t''able"', model => 'odd "model"');
SELECT sql FROM migrate_tenant_protect_schema('select', model => 'odd "model"');
SELECT sql FROM migrate_tenant_protect_schema('"a ""b"""', model => 'odd "model"');
SELECT sql FROM migrate_tenant_grant('regress_migrate "PUBLIC"', '{select,"\"a \"\"b\"\"\""}', model => 'odd "model"') WHERE sql NOT LIKE 'ALTER DEFAULT%';
RESET client_min_messages;
-- it works
INSERT INTO "a ""b"""."O'rgs" VALUES (1), (2);
INSERT INTO "select"."parent" VALUES (1, 'x', 1), (2, 'x', 2);
INSERT INTO "a ""b"""."parent" VALUES (1, 1, 'x', 1);
INSERT INTO "a ""b"""."parent" VALUES (2, 2, 'x', 1);
SET ROLE "regress_migrate ""PUBLIC""";
BEGIN;
SELECT count(*) FROM "select"."parent";
SET LOCAL migrate.tenant = 2;
SELECT * FROM "select"."parent";
ROLLBACK;
RESET ROLE;
-- names that change are followed
ALTER TABLE "select"."parent" RENAME TO "other;table";
ALTER TABLE "a ""b"""."parent" RENAME COLUMN "user" TO "use""r";
ALTER SCHEMA "select" RENAME TO "from";
SELECT sql FROM migrate_tenant_unlink('F;K', '"a ""b"""."parent"');
SELECT count(*) FROM migrate_tenant_teardown('odd "model"', cascade => true, dry_run => true);
SELECT sql FROM migrate_tenant_teardown('odd "model"', cascade => true) WHERE sql NOT LIKE 'ALTER DEFAULT%';
SELECT count(*) FROM pg_policies;
SELECT conname, pg_get_constraintdef(oid) FROM pg_constraint WHERE conname LIKE 'F_K' ORDER BY 1;
SELECT relname FROM pg_class WHERE relkind = 'i' AND relnamespace IN ('"from"'::regnamespace, '"a ""b"""'::regnamespace) ORDER BY 1;
SET client_min_messages = warning;
DROP SCHEMA "a ""b""", "from" CASCADE;
RESET client_min_messages;
DROP ROLE "regress_migrate ""PUBLIC""", "PUBLIC";

-- The types that a tenant can be of, in both styles.
CREATE DOMAIN code AS varchar(10) CHECK (VALUE <> '') NOT NULL;
CREATE FUNCTION try_type(type text, tenant_type text, style text) RETURNS SETOF text LANGUAGE plpgsql AS $$
DECLARE
    t text;
BEGIN
    SET LOCAL client_min_messages = warning;
    EXECUTE format('CREATE TABLE tenants (id %s PRIMARY KEY)', type);
    EXECUTE format('CREATE TABLE things (tenant_id %s NOT NULL)', tenant_type);
    PERFORM migrate_tenant_setup('tenants', policy_style => style);
    PERFORM migrate_tenant_protect('things');
    RETURN QUERY SELECT concat_ws(' ', type, tenant_type, pg_get_expr(polqual, polrelid)) FROM pg_policy WHERE polname = 'migrate_tenant';
    RETURN QUERY SELECT pg_get_expr(adbin, adrelid) FROM pg_attrdef WHERE adrelid = 'things'::regclass;
    -- again, and nothing is different
    FOR t IN SELECT sql FROM migrate_tenant_protect('things') LOOP
        RETURN NEXT t;
    END LOOP;
    PERFORM migrate_tenant_teardown(cascade => true);
    DROP TABLE things, tenants;
EXCEPTION WHEN others THEN
    RETURN NEXT format('%s: %s', SQLSTATE, SQLERRM);
END $$;
SELECT * FROM try_type('uuid', 'uuid', 'function');
SELECT * FROM try_type('bigint', 'integer', 'function');
SELECT * FROM try_type('integer', 'bigint', 'function');
SELECT * FROM try_type('smallint', 'smallint', 'function');
SELECT * FROM try_type('text', 'varchar(20)', 'function');
SELECT * FROM try_type('varchar(20)', 'text', 'function');
SELECT * FROM try_type('code', 'code', 'function');
SELECT * FROM try_type('date', 'date', 'function');
SELECT * FROM try_type('uuid', 'text', 'function');
SELECT * FROM try_type('uuid', 'uuid', 'inline');
SELECT * FROM try_type('bigint', 'integer', 'inline');
SELECT * FROM try_type('smallint', 'smallint', 'inline');
SELECT * FROM try_type('text', 'varchar(20)', 'inline');
SELECT * FROM try_type('code', 'code', 'inline');
SELECT * FROM try_type('date', 'date', 'inline');
SELECT * FROM try_type('char(8)', 'char(8)', 'inline');
SELECT * FROM try_type('bit(8)', 'bit(8)', 'inline');
SELECT * FROM try_type('"char"', '"char"', 'inline');
SELECT * FROM try_type('name', 'name', 'inline');

-- What each tenant sees and writes, whose keys are alike but for their length.
CREATE DOMAIN short AS char(8);
CREATE FUNCTION try_rows(type text, style text, keys text[]) RETURNS TABLE (tenant text, seen text, "default" text)
LANGUAGE plpgsql AS $$
BEGIN
    SET LOCAL client_min_messages = warning;
    EXECUTE format('CREATE TABLE tenants (id %s PRIMARY KEY)', type);
    EXECUTE format('CREATE TABLE things (tenant_id %s NOT NULL)', type);
    GRANT SELECT, INSERT ON things TO regress_migrate_app;
    EXECUTE format('INSERT INTO things SELECT unnest($1)::%s', type) USING keys;
    PERFORM migrate_tenant_setup('tenants', policy_style => style,
        setting => CASE style WHEN 'inline' THEN 'app.tenant' ELSE 'migrate.tenant' END);
    PERFORM migrate_tenant_protect('things');
    FOREACH tenant IN ARRAY keys LOOP
        PERFORM set_config(name, tenant, true) FROM unnest('{app.tenant,migrate.tenant}'::text[]) name;
        SET LOCAL ROLE regress_migrate_app;
        SELECT string_agg(concat('<', tenant_id, '>'), ', ') INTO seen FROM things;
        INSERT INTO things DEFAULT VALUES RETURNING concat('<', tenant_id, '>') INTO "default";
        RESET ROLE;
        RETURN NEXT;
    END LOOP;
    -- and so says the self-test
    EXECUTE format('INSERT INTO tenants SELECT unnest($1)::%s', type) USING keys;
    RETURN QUERY SELECT 'self-test', t.result, count(*)::text
        FROM migrate_tenant_selftest('regress_migrate_app', ARRAY[to_regclass('things')]) t
        WHERE t.probe IN ('read own', 'read other', 'insert other') GROUP BY 2;
    PERFORM migrate_tenant_teardown(cascade => true);
    DROP TABLE things, tenants;
    PERFORM set_config(name, '', true) FROM unnest('{app.tenant,migrate.tenant}'::text[]) name;
END $$;
CREATE ROLE regress_migrate_app;
SELECT * FROM try_rows('text', 'function', '{a,acme,acme2}');
SELECT * FROM try_rows('varchar(20)', 'function', '{a,acme,acme2}');
SELECT * FROM try_rows('text', 'inline', '{a,acme,acme2}');
SELECT * FROM try_rows('varchar(20)', 'inline', '{a,acme,acme2}');
SELECT * FROM try_rows('char(8)', 'inline', '{a,acme,acme2}');
SELECT * FROM try_rows('short', 'inline', '{a,acme,acme2}');
SELECT * FROM try_rows('bit(8)', 'inline', '{10000000,10000001}');
SELECT * FROM try_rows('varbit', 'inline', '{1,10,100}');
DROP ROLE regress_migrate_app;
DROP FUNCTION try_type, try_rows;
DROP DOMAIN code, short;

-- What cannot be protected.
CREATE TABLE orgs (id uuid PRIMARY KEY);
SELECT * FROM migrate_tenant_setup('orgs');
CREATE TEMP TABLE temporary (tenant_id uuid NOT NULL);
CREATE VIEW seen AS SELECT * FROM orgs;
CREATE MATERIALIZED VIEW kept AS SELECT * FROM orgs;
CREATE SEQUENCE numbers;
CREATE FOREIGN DATA WRAPPER regress_migrate;
CREATE SERVER regress_migrate FOREIGN DATA WRAPPER regress_migrate;
CREATE FOREIGN TABLE far (tenant_id uuid NOT NULL) SERVER regress_migrate;
SELECT * FROM migrate_tenant_protect('temporary');
SELECT * FROM migrate_tenant_protect('seen');
SELECT * FROM migrate_tenant_protect('kept');
SELECT * FROM migrate_tenant_protect('numbers');
SELECT * FROM migrate_tenant_protect('far');
SELECT * FROM migrate_tenant_protect('pg_class');
SELECT * FROM migrate_tenant_protect('information_schema.sql_features');
SELECT * FROM migrate_tenant_protect('migrate.log');
SELECT * FROM migrate_tenant_protect(1);
SELECT * FROM migrate_tenant_protect(NULL);
SELECT * FROM migrate_tenant_protect('nowhere');
SELECT * FROM migrate_tenant_exempt('seen', 'no rows');
SELECT * FROM migrate_tenant_add_column('kept');
SELECT * FROM migrate_tenant_link('fk', 'far');
SELECT * FROM migrate_tenant_protect_schema('pg_catalog');
SELECT * FROM migrate_tenant_protect_schema('information_schema');
SELECT * FROM migrate_tenant_protect_schema(1);
SELECT * FROM migrate_tenant_plan(NULL);
SELECT relation, mode FROM migrate_tenant_plan('migrate');
DROP FOREIGN DATA WRAPPER regress_migrate CASCADE;
DROP MATERIALIZED VIEW kept;
DROP VIEW seen;
DROP SEQUENCE numbers;

-- Nothing is changed where nothing may be.
BEGIN READ ONLY;
SELECT * FROM migrate_tenant_protect('orgs');
ROLLBACK;
BEGIN READ ONLY;
SELECT object, action FROM migrate_tenant_protect('orgs', dry_run => true);
SELECT relation, mode FROM migrate_tenant_plan('public');
ROLLBACK;

-- Foreign keys that go round in circles, or come from more than one column.
CREATE TABLE left_side (id integer PRIMARY KEY, right_id integer NOT NULL);
CREATE TABLE right_side (id integer PRIMARY KEY, left_id integer NOT NULL REFERENCES left_side, self integer REFERENCES right_side);
ALTER TABLE left_side ADD FOREIGN KEY (right_id) REFERENCES right_side;
CREATE TABLE twice (id integer PRIMARY KEY, seller uuid NOT NULL REFERENCES orgs, buyer uuid NOT NULL REFERENCES orgs);
CREATE TABLE once (id integer PRIMARY KEY, seller uuid NOT NULL REFERENCES orgs, buyer uuid REFERENCES orgs);
-- not null before short, short before long
CREATE TABLE far_side (id integer PRIMARY KEY, twice_id integer REFERENCES twice, once_id integer REFERENCES once, middle_id integer NOT NULL);
CREATE TABLE middle (id integer PRIMARY KEY, once_id integer NOT NULL REFERENCES once);
ALTER TABLE far_side ADD FOREIGN KEY (middle_id) REFERENCES middle;
SELECT relation, mode, column_name, path, via, reason FROM migrate_tenant_plan('public');
SELECT * FROM migrate_tenant_protect('twice');
SELECT object, action FROM migrate_tenant_protect('twice', 'column', 'seller');
SELECT object, action FROM migrate_tenant_protect('once');
-- a way through a circle is a policy that does not end
SELECT * FROM migrate_tenant_protect('left_side');
SELECT * FROM migrate_tenant_protect('right_side', 'parent', via => 'right_side_self_fkey');
SELECT * FROM migrate_tenant_protect('right_side', via => 'right_side_left_id_fkey');
-- the list of what is to be decided; nothing was done
SELECT * FROM migrate_tenant_protect_schema('public');
SELECT count(*) FROM migrate.tenant_table;
SET client_min_messages = warning;
SELECT object, action FROM migrate_tenant_protect_schema('public', exclude => '{left_side,right_side}');
SELECT object, action FROM migrate_tenant_protect_schema('public', exclude => '{left_side,right_side}');
-- what was protected by itself stays so
SELECT object, action FROM migrate_tenant_unprotect_schema('public');
SELECT relation, mode, made -> 'by_schema' AS by_schema FROM migrate.tenant_table ORDER BY 1;
SELECT object, action FROM migrate_tenant_unprotect_schema('public');
SELECT count(*) FROM migrate_tenant_teardown(cascade => true);
DROP TABLE left_side, right_side, far_side, middle, twice, once, orgs CASCADE;

-- Operators and functions are the server's own, whatever the search path.
CREATE SCHEMA evil;
CREATE FUNCTION evil.same(integer, integer) RETURNS boolean LANGUAGE plpgsql AS $$ BEGIN RAISE EXCEPTION 'caught'; END $$;
CREATE FUNCTION evil.same(text, text) RETURNS boolean LANGUAGE plpgsql AS $$ BEGIN RAISE EXCEPTION 'caught'; END $$;
CREATE FUNCTION evil.same(tid, tid) RETURNS boolean LANGUAGE plpgsql AS $$ BEGIN RAISE EXCEPTION 'caught'; END $$;
CREATE OPERATOR evil.= (LEFTARG = integer, RIGHTARG = integer, FUNCTION = evil.same);
CREATE OPERATOR evil.= (LEFTARG = text, RIGHTARG = text, FUNCTION = evil.same);
CREATE OPERATOR evil.= (LEFTARG = tid, RIGHTARG = tid, FUNCTION = evil.same);
CREATE FUNCTION evil.current_setting(text, boolean) RETURNS text LANGUAGE plpgsql AS $$ BEGIN RAISE EXCEPTION 'caught'; END $$;
CREATE FUNCTION evil.count(integer) RETURNS bigint LANGUAGE plpgsql AS $$ BEGIN RAISE EXCEPTION 'caught'; END $$;
CREATE DOMAIN evil.int4 AS text;
CREATE TABLE orgs (id integer PRIMARY KEY);
CREATE TABLE docs (id integer PRIMARY KEY, tenant_id integer NOT NULL REFERENCES orgs);
CREATE TABLE steps (id integer PRIMARY KEY, doc_id integer NOT NULL REFERENCES docs);
INSERT INTO orgs VALUES (1);
INSERT INTO docs VALUES (1, 1);
INSERT INTO steps VALUES (1, 1), (2, 1);
SET search_path = evil, pg_catalog, public;
SET client_min_messages = warning;
SELECT object, action FROM migrate_tenant_setup('orgs', policy_style => 'inline');
SELECT object, action FROM migrate_tenant_add_column('steps', step => 'column');
CALL migrate_tenant_backfill('steps');
SELECT object, action FROM migrate_tenant_add_column('steps');
SELECT object, action FROM migrate_tenant_link('steps_doc_id_fkey', 'steps');
SELECT object, action FROM migrate_tenant_protect_schema('public');
SELECT object, action FROM migrate_tenant_protect_schema('public');
-- and so for a session that writes literals its own way
SET standard_conforming_strings = off;
SET DateStyle = 'German';
SET quote_all_identifiers = on;
SELECT object, action FROM migrate_tenant_protect_schema('public');
RESET standard_conforming_strings;
RESET DateStyle;
RESET quote_all_identifiers;
RESET search_path;
RESET client_min_messages;
DROP SCHEMA evil CASCADE;
SELECT tablename, policyname, qual FROM pg_policies ORDER BY 1, 2;
SELECT * FROM steps;
SELECT count(*) FROM migrate_tenant_teardown(cascade => true);
DROP TABLE steps, docs, orgs;
