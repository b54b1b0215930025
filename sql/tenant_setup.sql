--
-- Tenants: what a tenant is, and protecting tables in all modes
--
SET client_min_messages = warning;
DROP EXTENSION IF EXISTS migrate CASCADE;
DROP TABLE IF EXISTS alembic_version;
CREATE EXTENSION migrate;
RESET client_min_messages;
\a

CREATE ROLE regress_migrate_owner;
CREATE ROLE regress_migrate_app;
CREATE ROLE regress_migrate_admin;
CREATE ROLE regress_migrate_other;
SELECT migrate_grant('regress_migrate_owner', 'operator');
CREATE SCHEMA saas AUTHORIZATION regress_migrate_owner;
GRANT USAGE ON SCHEMA saas TO regress_migrate_app, regress_migrate_admin;
SET ROLE regress_migrate_owner;
SET search_path = saas, public;

CREATE TABLE orgs (id uuid PRIMARY KEY, name text);
CREATE TABLE docs (id integer PRIMARY KEY, tenant_id uuid NOT NULL REFERENCES orgs, title text);
CREATE TABLE notes (id integer PRIMARY KEY, tenant_id uuid REFERENCES orgs, body text);
CREATE TABLE steps (id integer PRIMARY KEY, doc_id integer NOT NULL REFERENCES docs, body text);
CREATE TABLE remarks (id integer PRIMARY KEY, note_id integer NOT NULL REFERENCES notes, body text);
CREATE TABLE replies (id integer PRIMARY KEY, remark_id integer NOT NULL REFERENCES remarks, body text);
CREATE TABLE events (tenant_id uuid NOT NULL, at timestamptz);
CREATE TABLE countries (code text PRIMARY KEY);
INSERT INTO orgs VALUES ('00000000-0000-0000-0000-00000000000a', 'A'), ('00000000-0000-0000-0000-00000000000b', 'B');
INSERT INTO docs VALUES (1, '00000000-0000-0000-0000-00000000000a', 'of A'), (2, '00000000-0000-0000-0000-00000000000b', 'of B');
INSERT INTO notes VALUES (1, '00000000-0000-0000-0000-00000000000a', 'of A'), (2, '00000000-0000-0000-0000-00000000000b', 'of B'), (3, NULL, 'of all');
INSERT INTO steps VALUES (1, 1, 'of A'), (2, 2, 'of B');
INSERT INTO remarks VALUES (1, 1, 'of A'), (2, 2, 'of B'), (3, 3, 'of all');
INSERT INTO replies VALUES (1, 1, 'of A'), (2, 2, 'of B'), (3, 3, 'of all');

-- Nothing is known before the setup.
SELECT * FROM migrate_tenant_plan('saas');
SELECT * FROM migrate_tenant_protect('docs');
SELECT * FROM migrate_tenant_teardown();

-- A setup that cannot work is refused.  (PL/pgSQL has parameters once it is there.)
DO $$ BEGIN END $$;
SELECT * FROM migrate_tenant_setup(NULL);
SELECT * FROM migrate_tenant_setup('orgs', key => 'org_id');
SELECT * FROM migrate_tenant_setup('orgs', key => 'name');
SELECT * FROM migrate_tenant_setup('orgs', app_roles => '{regress_migrate_nobody}');
SELECT * FROM migrate_tenant_setup('orgs', app_roles => '{}');
SELECT * FROM migrate_tenant_setup('orgs', app_roles => '{NULL}');
SELECT * FROM migrate_tenant_setup('orgs', admin_role => 'regress_migrate_admin');
SELECT * FROM migrate_tenant_setup('orgs', setting => 'tenant');
SELECT * FROM migrate_tenant_setup('orgs', setting => 'app.tenant');
SELECT * FROM migrate_tenant_setup('orgs', setting => 'plpgsql.variable_conflict', policy_style => 'inline');
SELECT * FROM migrate_tenant_setup('orgs', setting => 'Migrate.Tenant_Fold', policy_style => 'inline');
SELECT * FROM migrate_tenant_setup('orgs', setting => 'migrate.tenants', policy_style => 'inline');
SELECT * FROM migrate_tenant_setup('orgs', policy_style => 'fast');
SELECT * FROM migrate_tenant_setup('pg_class');
SELECT * FROM migrate_tenant_setup('migrate.revision');
RESET ROLE;
GRANT regress_migrate_admin TO regress_migrate_app;
SET ROLE regress_migrate_owner;
SELECT * FROM migrate_tenant_setup('orgs', app_roles => '{regress_migrate_app}', admin_role => 'regress_migrate_admin');
RESET ROLE;
REVOKE regress_migrate_admin FROM regress_migrate_app;
GRANT regress_migrate_app TO regress_migrate_admin;
SET ROLE regress_migrate_owner;
SELECT * FROM migrate_tenant_setup('orgs', app_roles => '{regress_migrate_app}', admin_role => 'regress_migrate_admin');
RESET ROLE;
REVOKE regress_migrate_app FROM regress_migrate_admin;
-- a role that policies do not bind is none of the application; the owner can
-- get rid of them
CREATE ROLE regress_migrate_bypass BYPASSRLS;
GRANT regress_migrate_bypass TO regress_migrate_other;
GRANT regress_migrate_owner TO regress_migrate_app;
SET ROLE regress_migrate_owner;
SELECT * FROM migrate_tenant_setup('orgs', app_roles => '{regress_migrate_bypass}', dry_run => true);
SELECT * FROM migrate_tenant_setup('orgs', app_roles => '{regress_migrate_other}', admin_role => 'regress_migrate_admin', dry_run => true);
SELECT * FROM migrate_tenant_setup('orgs', app_roles => '{regress_migrate_app}', admin_role => 'regress_migrate_admin', dry_run => true);
SELECT * FROM migrate_tenant_setup('orgs', app_roles => '{regress_migrate_owner}', dry_run => true);
RESET ROLE;
REVOKE regress_migrate_owner FROM regress_migrate_app;
DROP ROLE regress_migrate_bypass;
-- what is said of a key can be pasted
CREATE TABLE saas.keys (id integer, code text NOT NULL, name text UNIQUE);
SELECT * FROM migrate_tenant_setup('saas.keys');
SELECT * FROM migrate_tenant_setup('saas.keys', key => 'name');
ALTER TABLE saas.keys ADD PRIMARY KEY (id);
SELECT * FROM migrate_tenant_setup('saas.keys', key => 'code');
ALTER TABLE saas.keys ADD UNIQUE (code);
SELECT * FROM migrate_tenant_setup('saas.keys', key => 'code', model => 'keys');
SELECT * FROM migrate_tenant_setup('saas.keys', key => 'id', model => 'keys');
SELECT * FROM migrate_tenant_teardown('keys');
DROP TABLE saas.keys;
-- nor may anybody else than the owner of the root
SELECT migrate_grant('regress_migrate_other', 'operator');
GRANT USAGE ON SCHEMA saas TO regress_migrate_other;
SET ROLE regress_migrate_other;
SELECT * FROM migrate_tenant_setup('orgs');
SET ROLE regress_migrate_owner;

-- A dry run changes nothing; a second call has nothing to do.
SELECT * FROM migrate_tenant_setup('orgs', app_roles => '{regress_migrate_app}', admin_role => 'regress_migrate_admin', dry_run => true);
RESET ROLE;
SELECT count(*) FROM migrate.tenant_model;
SET ROLE regress_migrate_owner;
SELECT * FROM migrate_tenant_setup('orgs', app_roles => '{regress_migrate_app,regress_migrate_app}', admin_role => 'regress_migrate_admin');
SELECT * FROM migrate_tenant_setup('orgs', app_roles => '{regress_migrate_app}', admin_role => 'regress_migrate_admin');
RESET ROLE;
SELECT model, root, key, column_name, app_roles, admin_role, setting, policy_style, tenant_type, guard, role FROM migrate.tenant_model;
SET ROLE regress_migrate_owner;

-- What each table is, and what it lacks.
SELECT relation, mode, column_name, path, via, reason FROM migrate_tenant_plan('saas');
SELECT relation, missing FROM migrate_tenant_plan('saas');
SELECT relation, mode, column_name, via FROM migrate_tenant_plan('saas', 'column');
SELECT relation, mode, column_name, via FROM migrate_tenant_plan('saas', 'fk');
SELECT * FROM migrate_tenant_plan('saas', 'guess');
SELECT * FROM migrate_tenant_plan('saas', model => 'other');

-- The root, a table with a tenant column, one without a primary key.
SELECT * FROM migrate_tenant_protect('orgs');
SELECT * FROM migrate_tenant_protect('docs', dry_run => true);
SELECT * FROM migrate_tenant_protect('docs');
SELECT * FROM migrate_tenant_protect('events');
-- A tenant column that can be NULL is for somebody to decide.
SELECT * FROM migrate_tenant_protect('notes');
SELECT * FROM migrate_tenant_protect('notes', 'column');
SELECT * FROM migrate_tenant_protect('notes', 'shared');
-- By way of another table, which has to be protected, too.
SELECT * FROM migrate_tenant_protect('replies');
SELECT * FROM migrate_tenant_protect('steps');
SELECT * FROM migrate_tenant_protect('remarks', via => 'remarks_note_id_fkey');
SELECT * FROM migrate_tenant_protect('replies', 'parent');
-- Neither.
SELECT * FROM migrate_tenant_protect('countries');
SELECT * FROM migrate_tenant_protect('countries', 'root');
SELECT * FROM migrate_tenant_protect('countries', 'column');
SELECT * FROM migrate_tenant_protect('countries', 'column', 'code');
SELECT * FROM migrate_tenant_protect('countries', 'parent');
SELECT * FROM migrate_tenant_protect('countries', 'parent', via => 'fk');
SELECT * FROM migrate_tenant_protect('steps', 'parent', via => 'fk');
SELECT * FROM migrate_tenant_protect('countries', 'open');
SELECT * FROM migrate_tenant_protect('orgs', 'column', 'id');
SELECT * FROM migrate_tenant_exempt('countries', ' ');
SELECT * FROM migrate_tenant_exempt('countries', NULL);
SELECT * FROM migrate_tenant_exempt('countries', 'the same for everybody', dry_run => true);
SELECT * FROM migrate_tenant_exempt('countries', 'the same for everybody');
SELECT * FROM migrate_tenant_exempt('countries', 'the same for everybody');
SELECT * FROM migrate_tenant_exempt('countries', 'the same for all');
SELECT * FROM migrate_tenant_exempt('docs', 'no secrets');
SELECT * FROM migrate_tenant_protect('countries');
SELECT * FROM migrate_tenant_unprotect('countries');

-- A second call has nothing to do, in a dry run neither, and takes no lock that
-- would have others wait.
BEGIN;
SELECT * FROM migrate_tenant_protect('orgs');
SELECT * FROM migrate_tenant_protect('docs');
SELECT * FROM migrate_tenant_protect('notes');
SELECT * FROM migrate_tenant_protect('steps');
SELECT * FROM migrate_tenant_protect('replies');
SELECT * FROM migrate_tenant_protect('events');
SELECT count(*) FROM pg_locks l JOIN pg_class c ON c.oid = l.relation
WHERE l.pid = pg_backend_pid() AND c.relnamespace = 'saas'::regnamespace AND l.mode <> 'AccessShareLock';
COMMIT;
SELECT * FROM migrate_tenant_protect('notes', dry_run => true);
SELECT relation, mode, missing FROM migrate_tenant_plan('saas');
RESET ROLE;
SELECT relation, model, mode, column_name, via, parent, reason, before, made -> 'index' AS index, made -> 'default' AS "default", role
FROM migrate.tenant_table ORDER BY relation::text COLLATE "C";
SELECT jsonb_pretty(made) FROM migrate.tenant_table WHERE relation = 'docs'::regclass;

-- What an application sees: nothing without a tenant, else its own rows and
-- those that are everybody's.
GRANT SELECT, INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA saas TO regress_migrate_app, regress_migrate_admin, regress_migrate_other;
CREATE VIEW saas.seen AS
    SELECT 'orgs' AS relation, name AS row FROM saas.orgs
    UNION ALL SELECT 'docs', title FROM saas.docs
    UNION ALL SELECT 'notes', body FROM saas.notes
    UNION ALL SELECT 'steps', body FROM saas.steps
    UNION ALL SELECT 'remarks', body FROM saas.remarks
    UNION ALL SELECT 'replies', body FROM saas.replies;
ALTER VIEW saas.seen SET (security_invoker = true);
GRANT SELECT ON saas.seen TO PUBLIC;
SET ROLE regress_migrate_app;
SELECT relation, string_agg(row, ', ' ORDER BY row) FROM saas.seen GROUP BY 1 ORDER BY 1;
BEGIN;
SET LOCAL migrate.tenant = '00000000-0000-0000-0000-00000000000a';
SELECT relation, string_agg(row, ', ' ORDER BY row) FROM saas.seen GROUP BY 1 ORDER BY 1;
-- its own rows, with the default
INSERT INTO docs (id, title) VALUES (3, 'more of A');
SELECT * FROM docs;
ROLLBACK;
-- not the rows of another one, in no way
\set VERBOSITY terse
\set tenant 'BEGIN; SET LOCAL migrate.tenant = ''00000000-0000-0000-0000-00000000000a'';'
:tenant INSERT INTO docs VALUES (3, '00000000-0000-0000-0000-00000000000b', 'x'); ROLLBACK;
:tenant UPDATE docs SET tenant_id = '00000000-0000-0000-0000-00000000000b'; ROLLBACK;
:tenant UPDATE docs SET title = 'x' WHERE id = 2; ROLLBACK;
:tenant DELETE FROM docs WHERE id = 2; ROLLBACK;
:tenant INSERT INTO orgs VALUES ('00000000-0000-0000-0000-00000000000c', 'C'); ROLLBACK;
:tenant INSERT INTO steps VALUES (3, 2, 'x'); ROLLBACK;
:tenant UPDATE steps SET doc_id = 2; ROLLBACK;
-- what is shared cannot be written, nor what hangs on it
:tenant INSERT INTO notes VALUES (4, NULL, 'x'); ROLLBACK;
:tenant UPDATE notes SET tenant_id = NULL; ROLLBACK;
:tenant UPDATE notes SET body = 'x' WHERE id = 3; ROLLBACK;
:tenant DELETE FROM notes WHERE id = 3; ROLLBACK;
:tenant INSERT INTO remarks VALUES (4, 3, 'x'); ROLLBACK;
:tenant UPDATE remarks SET body = 'x' WHERE id = 3; ROLLBACK;
:tenant INSERT INTO replies VALUES (4, 3, 'x'); ROLLBACK;
:tenant DELETE FROM replies WHERE id = 3; ROLLBACK;
:tenant INSERT INTO remarks VALUES (4, 1, 'mine'); INSERT INTO replies VALUES (4, 4, 'mine'); ROLLBACK;
-- the floor holds against a policy that somebody adds
SET ROLE regress_migrate_owner;
CREATE POLICY open ON docs USING (true);
SELECT * FROM migrate_tenant_protect('docs');
SET ROLE regress_migrate_app;
:tenant SELECT id FROM docs; ROLLBACK;
SET ROLE regress_migrate_owner;
DROP POLICY open ON docs;
\set VERBOSITY default
-- the admin role sees all, a role that is none of the model's and the owner nothing
SET ROLE regress_migrate_admin;
SELECT relation, string_agg(row, ', ' ORDER BY row) FROM saas.seen GROUP BY 1 ORDER BY 1;
SET ROLE regress_migrate_other;
SELECT count(*) FROM saas.seen;
SET ROLE regress_migrate_owner;
SELECT count(*) FROM docs;

-- A setup that is changed changes what is protected.
SELECT * FROM migrate_tenant_setup('docs', app_roles => '{regress_migrate_app}');
SELECT * FROM migrate_tenant_setup('orgs', app_roles => '{regress_migrate_app,regress_migrate_other}', policy_style => 'inline', setting => 'app."x', dry_run => true);
SELECT * FROM migrate_tenant_setup('orgs', app_roles => '{regress_migrate_app,regress_migrate_other}', policy_style => 'inline', setting => 'app.tenant');
SELECT * FROM migrate_tenant_setup('orgs', app_roles => '{regress_migrate_app,regress_migrate_other}', policy_style => 'inline', setting => 'app.tenant');
-- what is left out is not what it was, and that is said
SELECT object, action FROM migrate_tenant_setup('orgs', column_name => 'org_id', policy_style => 'inline', setting => 'app.tenant', dry_run => true) WHERE object LIKE 'model%';
SELECT pg_get_expr(adbin, adrelid) FROM pg_attrdef WHERE adrelid = 'docs'::regclass;
SET ROLE regress_migrate_app;
BEGIN;
SET LOCAL app.tenant = '00000000-0000-0000-0000-00000000000a';
SELECT relation, string_agg(row, ', ' ORDER BY row) FROM saas.seen GROUP BY 1 ORDER BY 1;
INSERT INTO docs (id, title) VALUES (3, 'more of A');
COMMIT;
-- the setting is empty by now, and not NULL
SELECT count(*) FROM docs;
SET ROLE regress_migrate_owner;

-- Taking one table back: others hang on it.
SELECT * FROM migrate_tenant_unprotect('notes');
SELECT * FROM migrate_tenant_unprotect('steps', dry_run => true);
SELECT * FROM migrate_tenant_unprotect('steps');
SELECT * FROM migrate_tenant_unprotect('steps');
SELECT * FROM migrate_tenant_unexempt('docs');
-- another mode: what it needs no more is dropped
RESET ROLE;
DELETE FROM replies WHERE id = 3;
DELETE FROM remarks WHERE id = 3;
DELETE FROM notes WHERE id = 3;
SET ROLE regress_migrate_owner;
ALTER TABLE notes ALTER COLUMN tenant_id SET NOT NULL;
SELECT object, action FROM migrate_tenant_protect('notes', 'column');
SELECT object, action FROM migrate_tenant_protect('notes', 'column');
-- and what hangs on it changed with it
SELECT object, action FROM migrate_tenant_protect('replies');
ALTER TABLE notes ALTER COLUMN tenant_id DROP NOT NULL;
SELECT count(*) FROM migrate_tenant_protect('notes', 'shared');
SELECT polname FROM pg_policy WHERE polrelid = 'replies'::regclass ORDER BY 1;

-- All of it.
SELECT * FROM migrate_tenant_teardown();
SELECT count(*) FROM migrate_tenant_teardown(cascade => true, dry_run => true);
SELECT object, action FROM migrate_tenant_teardown(cascade => true);
SELECT * FROM migrate_tenant_teardown(cascade => true);
SELECT relname, relrowsecurity, relforcerowsecurity, (SELECT count(*) FROM pg_policy WHERE polrelid = c.oid) AS policies,
    (SELECT count(*) FROM pg_index WHERE indrelid = c.oid) AS indexes,
    (SELECT count(*) FROM pg_attrdef WHERE adrelid = c.oid) AS defaults
FROM pg_class c WHERE relnamespace = 'saas'::regnamespace AND relkind = 'r' ORDER BY 1;
RESET ROLE;
SELECT (SELECT count(*) FROM migrate.tenant_model) + (SELECT count(*) FROM migrate.tenant_table) AS rows;

-- What was there before comes back: flags, policies of our names, an index and a
-- default that were not made here.
SET ROLE regress_migrate_owner;
ALTER TABLE docs FORCE ROW LEVEL SECURITY;
CREATE POLICY migrate_tenant ON docs FOR SELECT TO regress_migrate_app, regress_migrate_admin USING (title <> '' OR 1 = any (ARRAY[2, 3]));
COMMENT ON POLICY migrate_tenant ON docs IS 'it''s mine';
CREATE POLICY migrate_tenant_floor ON docs AS RESTRICTIVE USING (true);
CREATE POLICY mine ON docs USING (true);
CREATE UNIQUE INDEX mine ON docs (tenant_id, id);
ALTER TABLE docs ALTER COLUMN tenant_id SET DEFAULT '00000000-0000-0000-0000-00000000000b';
CREATE FUNCTION state() RETURNS SETOF text LANGUAGE sql AS $$
    SELECT relrowsecurity || ' ' || relforcerowsecurity FROM pg_class WHERE oid = 'saas.docs'::regclass
    UNION ALL (SELECT concat_ws(' ', polname, polcmd, polpermissive, polroles::regrole[]::text, pg_get_expr(polqual, polrelid), pg_get_expr(polwithcheck, polrelid), obj_description(oid, 'pg_policy'))
        FROM pg_policy WHERE polrelid = 'saas.docs'::regclass ORDER BY polname)
    UNION ALL (SELECT pg_get_indexdef(indexrelid) FROM pg_index WHERE indrelid = 'saas.docs'::regclass ORDER BY 1)
    UNION ALL SELECT pg_get_expr(adbin, adrelid) FROM pg_attrdef WHERE adrelid = 'saas.docs'::regclass
$$;
SELECT * FROM state();
SELECT * FROM migrate_tenant_setup('orgs', app_roles => '{regress_migrate_app}');
SELECT * FROM migrate_tenant_protect('docs');
SELECT * FROM state();
SELECT * FROM migrate_tenant_protect('docs');
SELECT * FROM migrate_tenant_unprotect('docs');
SELECT * FROM state();
-- what somebody changed since stays as it is
SELECT object, action FROM migrate_tenant_protect('events');
ALTER TABLE events ALTER COLUMN tenant_id SET DEFAULT '00000000-0000-0000-0000-00000000000b';
DROP POLICY migrate_tenant ON events;
DROP INDEX events_tenant_id_idx;
ALTER TABLE events DISABLE ROW LEVEL SECURITY;
SELECT object, action FROM migrate_tenant_unprotect('events');
-- a table that is dropped is forgotten
SELECT object, action FROM migrate_tenant_protect('events');
DROP TABLE events;
RESET ROLE;
SELECT count(*) FROM migrate.tenant_table;
SET ROLE regress_migrate_owner;
SELECT object, action FROM migrate_tenant_exempt('countries', 'the same for everybody');
RESET ROLE;
SELECT relation, mode FROM migrate.tenant_table;
-- and a root that is dropped is no root
CREATE TABLE tenants (id integer PRIMARY KEY);
SELECT * FROM migrate_tenant_setup('tenants', model => 'second', policy_style => 'inline');
SELECT * FROM migrate_tenant_protect('countries', model => 'second');
DROP TABLE tenants;
SELECT * FROM migrate_tenant_protect('countries', model => 'second');
SELECT * FROM migrate_tenant_teardown('second', cascade => true);
SELECT object, action FROM migrate_tenant_teardown(cascade => true);

RESET search_path;
SET client_min_messages = warning;
DROP SCHEMA saas CASCADE;
DROP OWNED BY regress_migrate_owner, regress_migrate_other;
DROP ROLE regress_migrate_owner, regress_migrate_app, regress_migrate_admin, regress_migrate_other;
