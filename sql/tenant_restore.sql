--
-- Tenants: policies that stood under our names before, and come back
--
SET client_min_messages = warning;
DROP EXTENSION IF EXISTS migrate CASCADE;
DROP TABLE IF EXISTS alembic_version;
CREATE EXTENSION migrate;
RESET client_min_messages;
\a

CREATE ROLE regress_migrate_super SUPERUSER;
CREATE ROLE regress_migrate_owner;
CREATE ROLE regress_migrate_member IN ROLE regress_migrate_owner;
CREATE ROLE regress_migrate_app;
CREATE ROLE regress_migrate_other;
SELECT migrate_grant(role, 'operator') FROM unnest('{regress_migrate_owner,regress_migrate_member}'::name[]) role;
CREATE SCHEMA saas AUTHORIZATION regress_migrate_owner;
GRANT USAGE ON SCHEMA saas TO regress_migrate_app;

-- A constant of a domain has a function of the owner's called when a policy is
-- parsed: it is called as the owner, who gets nowhere from there.
SET ROLE regress_migrate_owner;
CREATE TABLE saas.tenants (id integer PRIMARY KEY);
CREATE TABLE saas.docs (id integer PRIMARY KEY, tenant_id integer NOT NULL);
CREATE TABLE saas.trace (line text);
CREATE FUNCTION saas.checked(text) RETURNS boolean LANGUAGE plpgsql AS $$
BEGIN
    RAISE NOTICE 'called as %', current_user;
    INSERT INTO saas.trace VALUES (current_user);
    IF current_user = session_user OR current_setting('regress.set_trap', true) IS DISTINCT FROM 'on' THEN
        RETURN true;
    END IF;
    BEGIN
        SET ROLE regress_migrate_super;
        RAISE NOTICE 'and now as %', current_user;
    EXCEPTION WHEN others THEN
        RAISE NOTICE '%', SQLERRM;
    END;
    BEGIN
        PERFORM set_config('search_path', 'nowhere', false);
        CREATE TEMP TABLE trap ();
    EXCEPTION WHEN others THEN
        RAISE NOTICE '%', SQLERRM;
    END;
    RETURN true;
END
$$;
CREATE DOMAIN saas.d AS text CHECK (saas.checked(VALUE));
\set VERBOSITY terse
CREATE POLICY migrate_tenant ON saas.docs USING ('{a}'::saas.d[] IS NOT NULL);
\set VERBOSITY default
RESET ROLE;
TRUNCATE saas.trace;
-- the superuser who looks, and the one who does it
SET regress.set_trap = on;
SET ROLE regress_migrate_super;
SELECT * FROM migrate_tenant_setup('saas.tenants', app_roles => '{regress_migrate_app}');
SELECT object, action FROM migrate_tenant_protect('saas.docs');
\set VERBOSITY terse
SELECT * FROM migrate_tenant_unprotect('saas.docs', dry_run => true);
TABLE saas.trace;
SELECT current_user, current_setting('search_path') = 'nowhere' AS changed;
SELECT * FROM migrate_tenant_unprotect('saas.docs');
TABLE saas.trace;
SELECT current_user, current_setting('search_path') = 'nowhere' AS changed;
SELECT polname, pg_get_expr(polqual, polrelid) FROM pg_policy WHERE polrelid = 'saas.docs'::regclass;
SET ROLE regress_migrate_super;
-- nor when all is taken back
TRUNCATE saas.trace;
SELECT object, action FROM migrate_tenant_protect('saas.docs');
SELECT object, action FROM migrate_tenant_teardown(cascade => true) WHERE action <> 'forget';
TABLE saas.trace;
-- what is there already is not parsed
SELECT object, action FROM migrate_tenant_setup('saas.tenants', app_roles => '{regress_migrate_app}');
SELECT object, action FROM migrate_tenant_protect('saas.docs');
SET ROLE regress_migrate_owner;
RESET regress.set_trap;
DROP POLICY migrate_tenant ON saas.docs;
CREATE POLICY migrate_tenant ON saas.docs USING ('{a}'::saas.d[] IS NOT NULL);
SET ROLE regress_migrate_super;
SELECT object, action FROM migrate_tenant_unprotect('saas.docs');
-- a member of the owner is enough
SET ROLE regress_migrate_owner;
ALTER POLICY migrate_tenant ON saas.docs USING (id > 0);
SET ROLE regress_migrate_member;
SELECT object, action FROM migrate_tenant_protect('saas.docs');
SELECT object, action FROM migrate_tenant_unprotect('saas.docs');
-- an error, here of an event trigger, gives the caller back
RESET ROLE;
CREATE FUNCTION refuse() RETURNS event_trigger LANGUAGE plpgsql AS $$ BEGIN RAISE EXCEPTION 'not as %', current_user; END $$;
SET ROLE regress_migrate_member;
SELECT object, action FROM migrate_tenant_protect('saas.docs');
RESET ROLE;
CREATE EVENT TRIGGER regress_migrate ON ddl_command_end WHEN TAG IN ('CREATE POLICY', 'ALTER POLICY') EXECUTE FUNCTION refuse();
SET ROLE regress_migrate_member;
BEGIN;
SAVEPOINT s;
SELECT object, action FROM migrate_tenant_unprotect('saas.docs');
ROLLBACK TO s;
SELECT current_user;
COMMIT;
DO $$
BEGIN
    PERFORM migrate_tenant_unprotect('saas.docs');
EXCEPTION WHEN others THEN
    RAISE NOTICE '% caught as %', SQLERRM, current_user;
END
$$;
SELECT current_user;
RESET ROLE;
DROP EVENT TRIGGER regress_migrate;
DROP FUNCTION refuse;
SET ROLE regress_migrate_owner;
SELECT object, action FROM migrate_tenant_unprotect('saas.docs');
DROP POLICY migrate_tenant ON saas.docs;
\set VERBOSITY default

-- What cannot be made any more is left out, and shown: a column that has
-- another name, ...
CREATE TYPE saas.state AS ENUM ('open', 'closed');
ALTER TABLE saas.docs ADD owner_name text, ADD state saas.state;
CREATE POLICY migrate_tenant ON saas.docs FOR SELECT TO regress_migrate_app, regress_migrate_other USING (owner_name = 'o''neil');
CREATE POLICY migrate_tenant_floor ON saas.docs AS RESTRICTIVE USING (id > 0);
COMMENT ON POLICY migrate_tenant ON saas.docs IS 'mine';
SELECT object, action FROM migrate_tenant_protect('saas.docs');
ALTER TABLE saas.docs RENAME owner_name TO holder;
SELECT * FROM migrate_tenant_unprotect('saas.docs', dry_run => true);
SELECT * FROM migrate_tenant_unprotect('saas.docs');
SELECT polname, polpermissive, pg_get_expr(polqual, polrelid) FROM pg_policy WHERE polrelid = 'saas.docs'::regclass;
SELECT relrowsecurity, relforcerowsecurity FROM pg_class WHERE oid = 'saas.docs'::regclass;
-- and pasted, with the new name, it is what it was
CREATE POLICY migrate_tenant ON saas.docs FOR SELECT TO regress_migrate_app, regress_migrate_other USING ((holder = 'o''neil'::text));
-- ... a role that is gone, ...
SELECT count(*) > 0 AS protected FROM migrate_tenant_protect('saas.docs');
RESET ROLE;
DROP ROLE regress_migrate_other;
SELECT action, sql FROM migrate_tenant_teardown(cascade => true) WHERE object LIKE 'policy%';
SELECT count(*) FROM migrate.tenant_table;
-- ... a value of an enum, a function, a schema without rights.
SET ROLE regress_migrate_owner;
DROP POLICY migrate_tenant_floor ON saas.docs;
SELECT object, action FROM migrate_tenant_setup('saas.tenants', app_roles => '{regress_migrate_app}');
CREATE FUNCTION saas.mine(integer) RETURNS boolean LANGUAGE sql AS 'SELECT $1 = 1';
CREATE POLICY migrate_tenant ON saas.docs USING (state = 'open') WITH CHECK (saas.mine(id));
SELECT count(*) > 0 AS protected FROM migrate_tenant_protect('saas.docs');
ALTER TYPE saas.state RENAME VALUE 'open' TO 'opened';
BEGIN;
SELECT action, sql FROM migrate_tenant_unprotect('saas.docs') WHERE object LIKE 'policy%';
ROLLBACK;
ALTER TYPE saas.state RENAME VALUE 'opened' TO 'open';
ALTER FUNCTION saas.mine(integer) RENAME TO yours;
BEGIN;
SELECT action, sql FROM migrate_tenant_unprotect('saas.docs') WHERE object LIKE 'policy%';
ROLLBACK;
ALTER FUNCTION saas.yours(integer) RENAME TO mine;
RESET ROLE;
ALTER SCHEMA saas OWNER TO regress_migrate_super;
BEGIN;
SELECT action, sql FROM migrate_tenant_unprotect('saas.docs') WHERE object LIKE 'policy%';
ROLLBACK;
ALTER SCHEMA saas OWNER TO regress_migrate_owner;
-- who has the table now is not to run what is in it
ALTER TABLE saas.docs OWNER TO regress_migrate_super;
BEGIN;
SELECT action, sql FROM migrate_tenant_unprotect('saas.docs') WHERE object LIKE 'policy%';
ROLLBACK;
ALTER TABLE saas.docs OWNER TO regress_migrate_owner;
-- with everything in its place it comes back
SELECT action, sql FROM migrate_tenant_unprotect('saas.docs') WHERE object LIKE 'policy%';
SELECT count(*) FROM migrate_tenant_teardown();

-- The function in a default may be in a schema of another name by now.
SET client_min_messages = warning;
DROP SCHEMA saas CASCADE;
DROP OWNED BY regress_migrate_owner, regress_migrate_member;
DROP EXTENSION migrate;
RESET client_min_messages;
CREATE SCHEMA regress_one;
CREATE EXTENSION migrate SCHEMA regress_one;
SET search_path = regress_one, public;
CREATE TABLE tenants (id smallint PRIMARY KEY);
CREATE TABLE docs (id integer PRIMARY KEY, tenant_id smallint NOT NULL);
CREATE TABLE notes (id integer PRIMARY KEY, tenant_id smallint NOT NULL);
SELECT object, action FROM migrate_tenant_setup('tenants');
SELECT object, action FROM migrate_tenant_protect('docs');
SELECT object, action FROM migrate_tenant_protect('notes');
ALTER SCHEMA regress_one RENAME TO regress_two;
SET search_path = regress_two, public;
SELECT * FROM migrate_tenant_protect('docs');
ALTER TABLE notes ALTER tenant_id SET DEFAULT 1;
SELECT object, action FROM migrate_tenant_unprotect('notes');
SELECT * FROM migrate_tenant_unprotect('docs');
SELECT object, action FROM migrate_tenant_teardown(cascade => true);
RESET search_path;
SET client_min_messages = warning;
DROP EXTENSION migrate;
DROP SCHEMA regress_two CASCADE;
DROP ROLE regress_migrate_super, regress_migrate_owner, regress_migrate_member, regress_migrate_app;
