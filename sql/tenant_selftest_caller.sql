--
-- migrate_tenant_selftest() is often called by a superuser, and tries tables of
-- others: nothing that their owners left there runs as the caller
--
SET client_min_messages = warning;
DROP EXTENSION IF EXISTS migrate CASCADE;
DROP SCHEMA IF EXISTS trap CASCADE;
CREATE EXTENSION migrate;
CREATE ROLE regress_tenant_owner;
CREATE ROLE regress_tenant_other;
CREATE ROLE regress_tenant_app;
CREATE ROLE regress_tenant_admin NOINHERIT;
CREATE SCHEMA trap AUTHORIZATION regress_tenant_owner;
GRANT USAGE ON SCHEMA trap TO PUBLIC;

-- Who runs the traps.  What is rolled back does not take a sequence back; one
-- for each trap.
SET ROLE regress_tenant_owner;
CREATE FUNCTION trap.spring(value anyelement) RETURNS anyelement LANGUAGE plpgsql AS $$
BEGIN
    IF current_user NOT IN ('regress_tenant_owner', 'regress_tenant_other', 'regress_tenant_app') THEN
        PERFORM pg_catalog.nextval(c.oid) FROM pg_catalog.pg_class c WHERE c.relname = 'sprung';
    ELSE
        PERFORM pg_catalog.nextval(c.oid) FROM pg_catalog.pg_class c WHERE c.relname = 'looked';
    END IF;
    RETURN value;
END
$$;
CREATE SEQUENCE trap.sprung;
CREATE SEQUENCE trap.looked;
GRANT ALL ON ALL SEQUENCES IN SCHEMA trap TO PUBLIC;
CREATE VIEW trap.caught AS
SELECT (SELECT is_called FROM trap.sprung) AS as_caller, (SELECT is_called FROM trap.looked) AS as_owner_or_app;

CREATE TABLE trap.tenants (id uuid PRIMARY KEY);
CREATE TABLE trap.docs (tenant_id uuid NOT NULL, id integer);
INSERT INTO trap.tenants VALUES ('00000000-0000-0000-0000-00000000000a'), ('00000000-0000-0000-0000-00000000000b');
INSERT INTO trap.docs SELECT id, row_number() OVER (ORDER BY id) FROM trap.tenants;
GRANT SELECT, INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA trap TO regress_tenant_app, regress_tenant_admin;
RESET ROLE;
SELECT count(*) > 0 AS done FROM migrate_tenant_setup('trap.tenants',
    app_roles => '{regress_tenant_app}', admin_role => 'regress_tenant_admin');
SELECT count(*) > 0 AS done FROM migrate_tenant_protect('trap.tenants');
SELECT count(*) > 0 AS done FROM migrate_tenant_protect('trap.docs');
SELECT probe, result, detail FROM migrate_tenant_selftest(tables => '{trap.docs}');

-- An expression of an index, which the planner evaluates
SET ROLE regress_tenant_owner;
CREATE FUNCTION trap.index(integer) RETURNS integer LANGUAGE plpgsql IMMUTABLE
    AS 'BEGIN RETURN trap.spring($1); END';
CREATE INDEX trapped ON trap.docs ((id + trap.index(1)));
\c -
SET client_min_messages = warning;
SELECT setval(s, 1, false) FROM unnest('{trap.sprung,trap.looked}'::regclass[]) s;
SELECT count(*) > 0 AS tried FROM migrate_tenant_selftest(tables => '{trap.docs}');
TABLE trap.caught;
DROP INDEX trap.trapped;
SELECT setval(s, 1, false) FROM unnest('{trap.sprung,trap.looked}'::regclass[]) s;

-- A view that a trigger puts in the place of the table
BEGIN;
DO $$BEGIN EXECUTE format('GRANT CREATE ON DATABASE %I TO regress_tenant_owner', current_database()); END$$;
SET LOCAL ROLE regress_tenant_owner;
ALTER TABLE trap.docs NO FORCE ROW LEVEL SECURITY, ADD PRIMARY KEY (id);
CREATE FUNCTION trap.swap() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    ALTER SCHEMA trap RENAME TO trap_old;
    CREATE SCHEMA trap;
    GRANT USAGE ON SCHEMA trap TO PUBLIC;
    CREATE VIEW trap.docs AS SELECT d.tableoid, trap_old.spring(d.ctid) AS ctid FROM trap_old.docs d;
    GRANT SELECT ON trap.docs TO PUBLIC;
    RETURN NEW;
END
$$;
CREATE TRIGGER swap BEFORE INSERT ON trap.docs FOR EACH ROW EXECUTE FUNCTION trap.swap();
RESET ROLE;
SELECT probe, result, detail FROM migrate_tenant_selftest('regress_tenant_owner', '{trap.docs}')
WHERE probe = 'on conflict';
-- or another table
CREATE OR REPLACE FUNCTION trap.swap() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    ALTER SCHEMA trap RENAME TO trap_old;
    CREATE SCHEMA trap;
    CREATE TABLE trap.docs (LIKE trap_old.docs);
    RETURN NEW;
END
$$;
SELECT probe, result, detail FROM migrate_tenant_selftest('regress_tenant_owner', '{trap.docs}')
WHERE probe = 'on conflict';
ROLLBACK;
TABLE trap.caught;
SELECT setval(s, 1, false) FROM unnest('{trap.sprung,trap.looked}'::regclass[]) s;

-- The table of tenants itself becomes a view, where the server allows it.
SET ROLE regress_tenant_owner;
CREATE TABLE trap.bait (id uuid PRIMARY KEY);
CREATE TABLE trap.nothing (tenant_id uuid NOT NULL);
RESET ROLE;
SELECT count(*) > 0 AS done FROM migrate_tenant_setup('trap.bait', model => 'bait', app_roles => '{regress_tenant_app}');
SELECT count(*) > 0 AS done FROM migrate_tenant_protect('trap.nothing', model => 'bait');
SET ROLE regress_tenant_owner;
ALTER TABLE trap.bait DROP CONSTRAINT bait_pkey, ALTER id DROP NOT NULL;
VACUUM trap.bait;
DO $$BEGIN
    CREATE RULE "_RETURN" AS ON SELECT TO trap.bait DO INSTEAD SELECT trap.spring(gen_random_uuid()) AS id;
EXCEPTION WHEN wrong_object_type THEN
    RETURN;
END$$;
RESET ROLE;
SELECT relkind = 'v' OR current_setting('server_version_num')::integer >= 160000 AS planted
FROM pg_class WHERE oid = 'trap.bait'::regclass;
SELECT probe, result FROM migrate_tenant_selftest('regress_tenant_app', '{trap.nothing}');
TABLE trap.caught;
SELECT setval(s, 1, false) FROM unnest('{trap.sprung,trap.looked}'::regclass[]) s;

-- A cast of a type of the owner's
SET ROLE regress_tenant_owner;
CREATE TYPE trap.plan AS ENUM ('free', 'paid', 'owed');
CREATE FUNCTION trap.text(trap.plan) RETURNS text LANGUAGE plpgsql AS $$BEGIN
    RETURN (trap.spring(ARRAY[$1]))[1];
END$$;
CREATE CAST (trap.plan AS text) WITH FUNCTION trap.text(trap.plan);
CREATE TABLE trap.plans (id trap.plan PRIMARY KEY);
CREATE TABLE trap.users (tenant_id trap.plan NOT NULL, id integer);
INSERT INTO trap.plans VALUES ('free'), ('paid');
INSERT INTO trap.users SELECT id, 1 FROM trap.plans;
GRANT SELECT, INSERT, UPDATE, DELETE ON trap.users TO regress_tenant_app;
RESET ROLE;
SELECT count(*) > 0 AS done FROM migrate_tenant_setup('trap.plans', model => 'plans', app_roles => '{regress_tenant_app}',
    setting => 'regress.plan', policy_style => 'inline');
SELECT count(*) > 0 AS done FROM migrate_tenant_protect('trap.users', model => 'plans');
SELECT probe, result, detail FROM migrate_tenant_selftest('regress_tenant_app', '{trap.users}');
TABLE trap.caught;
SELECT setval(s, 1, false) FROM unnest('{trap.sprung,trap.looked}'::regclass[]) s;

-- Who is bound by policies reads as with any SELECT, but calls nothing else of
-- a user's: here what a column that is gone is taken for.
SELECT migrate_grant('regress_tenant_admin', 'operator');
GRANT regress_tenant_app TO regress_tenant_admin;
SET ROLE regress_tenant_owner;
ALTER TABLE trap.tenants RENAME id TO ident;
CREATE FUNCTION trap.id(trap.tenants) RETURNS uuid LANGUAGE plpgsql AS 'BEGIN RETURN trap.spring($1.ident); END';
SET ROLE regress_tenant_admin;
BEGIN;
DELETE FROM trap.docs;
SET LOCAL search_path = trap, public;
SELECT probe, result, detail FROM migrate_tenant_selftest(tables => '{trap.docs}');
ROLLBACK;
SET ROLE regress_tenant_owner;
DROP FUNCTION trap.id(trap.tenants);
ALTER TABLE trap.tenants RENAME ident TO id;
RESET ROLE;
TABLE trap.caught;

-- Nobody owns a table and the one that leads to its tenants.
SET ROLE regress_tenant_owner;
ALTER TABLE trap.docs ADD PRIMARY KEY (id);
GRANT CREATE ON SCHEMA trap TO regress_tenant_other;
GRANT REFERENCES ON trap.docs TO regress_tenant_other;
SET ROLE regress_tenant_other;
CREATE TABLE trap.parts (id integer CONSTRAINT parts_doc REFERENCES trap.docs);
GRANT SELECT, INSERT, UPDATE, DELETE ON trap.parts TO regress_tenant_app, regress_tenant_admin;
INSERT INTO trap.parts VALUES (1), (2);
RESET ROLE;
SELECT count(*) > 0 AS done FROM migrate_tenant_protect('trap.parts', 'parent', via => 'parts_doc');
SELECT probe, result, detail FROM migrate_tenant_selftest(tables => '{trap.parts}');
-- A member of the other owner does not own it either, nor does a superuser: what
-- one of them left there would run with the rights of the other.
GRANT regress_tenant_owner TO regress_tenant_other;
SELECT probe, result FROM migrate_tenant_selftest(tables => '{trap.parts}');
REVOKE regress_tenant_owner FROM regress_tenant_other;
ALTER TABLE trap.docs OWNER TO CURRENT_USER;
SET ROLE regress_tenant_other;
CREATE FUNCTION trap.other_index(integer) RETURNS integer LANGUAGE plpgsql IMMUTABLE
    AS 'BEGIN RETURN trap.spring($1); END';
CREATE INDEX trapped ON trap.parts ((id + trap.other_index(1)));
\c -
SET client_min_messages = warning;
SELECT setval(s, 1, false) FROM unnest('{trap.sprung,trap.looked}'::regclass[]) s;
SELECT probe, result FROM migrate_tenant_selftest(tables => '{trap.parts}');
TABLE trap.caught;
DROP INDEX trap.trapped;
ALTER TABLE trap.docs OWNER TO regress_tenant_owner;
-- The same goes for a table and its partitions or children.
CREATE TABLE trap.events (tenant_id uuid NOT NULL, id integer) PARTITION BY LIST (tenant_id);
CREATE TABLE trap.events_rest PARTITION OF trap.events DEFAULT;
INSERT INTO trap.events SELECT id, 1 FROM trap.tenants;
ALTER TABLE trap.events_rest OWNER TO regress_tenant_other;
SELECT count(*) > 0 AS done FROM migrate_tenant_protect('trap.events');
SET ROLE regress_tenant_other;
CREATE INDEX trapped ON trap.events_rest ((id + trap.other_index(1)));
\c -
SET client_min_messages = warning;
SELECT setval(s, 1, false) FROM unnest('{trap.sprung,trap.looked}'::regclass[]) s;
SELECT probe, result, detail FROM migrate_tenant_selftest(tables => '{trap.events}') WHERE "table" = 'trap.events'::regclass;
TABLE trap.caught;
DROP INDEX trap.trapped;
-- who owns a table can have indexes made on its partitions, whose ever they are
ALTER TABLE trap.events OWNER TO regress_tenant_other;
ALTER TABLE trap.events_rest OWNER TO CURRENT_USER;
SET ROLE regress_tenant_other;
CREATE INDEX trapped ON trap.events ((id + trap.other_index(1)));
\c -
SET client_min_messages = warning;
SELECT setval(s, 1, false) FROM unnest('{trap.sprung,trap.looked}'::regclass[]) s;
SELECT "table", probe, result FROM migrate_tenant_selftest(tables => '{trap.events_rest}');
TABLE trap.caught;
DROP INDEX trap.trapped;
-- Who reads as with any SELECT is not concerned.
SET ROLE regress_tenant_admin;
SELECT result, count(*) FROM migrate_tenant_selftest(tables => '{trap.parts}') GROUP BY 1;
RESET ROLE;

DROP EXTENSION migrate CASCADE;
SET client_min_messages = warning;
DROP SCHEMA trap CASCADE;
DROP ROLE regress_tenant_owner, regress_tenant_other, regress_tenant_app, regress_tenant_admin;
