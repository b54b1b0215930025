--
-- migrate_tenant_lint(): who reads the tables as somebody else, or may do what
-- no policy restricts
--
SET client_min_messages = warning;
DROP EXTENSION IF EXISTS migrate CASCADE;
DROP SCHEMA IF EXISTS lint CASCADE;
CREATE EXTENSION migrate;
CREATE ROLE regress_tenant_owner;
CREATE ROLE regress_tenant_app;
CREATE ROLE regress_tenant_admin;
CREATE ROLE regress_tenant_other;
CREATE SCHEMA lint AUTHORIZATION regress_tenant_owner;
SET ROLE regress_tenant_owner;
CREATE TABLE lint.tenants (id uuid PRIMARY KEY, name text);
CREATE TABLE lint.docs (
    tenant_id uuid NOT NULL REFERENCES lint.tenants,
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    slug text,
    amount numeric,
    UNIQUE (tenant_id, id)
);
CREATE TABLE lint.labels (tenant_id uuid REFERENCES lint.tenants, id uuid PRIMARY KEY, name text);
CREATE INDEX ON lint.labels (tenant_id);
CREATE TABLE lint.countries (code text PRIMARY KEY);
CREATE TABLE lint.steps (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    doc_id bigint NOT NULL CONSTRAINT steps_doc REFERENCES lint.docs (id)
);
GRANT USAGE ON SCHEMA lint TO regress_tenant_app, regress_tenant_other, regress_tenant_admin;
GRANT SELECT, INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA lint TO regress_tenant_app, regress_tenant_admin;
RESET ROLE;
SELECT count(*) > 0 AS done FROM migrate_tenant_setup('lint.tenants',
    app_roles => '{regress_tenant_app}', admin_role => 'regress_tenant_admin');
SELECT count(*) > 0 AS done FROM migrate_tenant_protect('lint.tenants');
SELECT count(*) > 0 AS done FROM migrate_tenant_protect('lint.docs');
SELECT count(*) > 0 AS done FROM migrate_tenant_protect('lint.labels', 'shared');
SELECT count(*) > 0 AS done FROM migrate_tenant_protect('lint.steps', 'parent', via => 'steps_doc');
SELECT count(*) > 0 AS done FROM migrate_tenant_exempt('lint.countries', 'the same for all');
CREATE VIEW pg_temp.finding AS
SELECT * FROM migrate_tenant_lint() WHERE code NOT IN ('T019', 'T023');
-- Execute what mends the findings, those of a code or all.
CREATE FUNCTION pg_temp.mend(which text DEFAULT '%') RETURNS void LANGUAGE plpgsql AS $$
DECLARE
    statement text;
BEGIN
    FOR statement IN SELECT fix FROM pg_temp.finding WHERE code LIKE which LOOP
        EXECUTE statement;
    END LOOP;
END
$$;
\x
TABLE pg_temp.finding;

-- ---- T000: what makes all else blind ----

BEGIN;
ALTER ROLE regress_tenant_app RENAME TO regress_tenant_renamed;
ALTER ROLE regress_tenant_admin RENAME TO regress_tenant_renamed_too;
SELECT * FROM pg_temp.finding WHERE code = 'T000';
SAVEPOINT checked;
\set VERBOSITY terse
SELECT migrate_tenant_check();
\set VERBOSITY default
ROLLBACK TO checked;
SELECT count(*) AS others FROM migrate_tenant_lint(roles => '{regress_tenant_other}') WHERE code = 'T000';
ROLLBACK;
BEGIN;
DROP TABLE lint.tenants CASCADE;
SELECT * FROM pg_temp.finding WHERE code = 'T000';
ROLLBACK;

-- ---- T011 ----

-- what is exempt is still a part of the table
BEGIN;
SET ROLE regress_tenant_owner;
CREATE TABLE lint.docs_child () INHERITS (lint.docs);
GRANT SELECT ON lint.docs_child TO regress_tenant_app;
RESET ROLE;
SELECT count(*) > 0 AS done FROM migrate_tenant_exempt('lint.docs_child', 'a test');
TABLE pg_temp.finding;
SELECT pg_temp.mend('T011');
SELECT * FROM pg_temp.finding WHERE code = 'T011';
ROLLBACK;
-- a foreign table has no row level security
BEGIN;
CREATE FOREIGN DATA WRAPPER lint_wrapper;
CREATE SERVER lint_server FOREIGN DATA WRAPPER lint_wrapper;
CREATE FOREIGN TABLE lint.docs_far () INHERITS (lint.docs) SERVER lint_server;
SELECT * FROM pg_temp.finding WHERE code = 'T011';
GRANT SELECT ON lint.docs_far TO regress_tenant_app WITH GRANT OPTION;
GRANT DELETE ON lint.docs_far TO PUBLIC;
SET LOCAL ROLE regress_tenant_app;
GRANT SELECT ON lint.docs_far TO regress_tenant_other;
RESET ROLE;
SELECT * FROM pg_temp.finding WHERE code = 'T011';
SELECT pg_temp.mend('T011');
SELECT * FROM pg_temp.finding WHERE code = 'T011';
ROLLBACK;

-- ---- T012 ----

-- any other restrictive policy is no floor
BEGIN;
CREATE VIEW lint.admins AS SELECT * FROM lint.docs;
ALTER VIEW lint.admins OWNER TO regress_tenant_admin;
GRANT SELECT ON lint.admins TO regress_tenant_app;
CREATE POLICY positive ON lint.docs AS RESTRICTIVE USING (amount > 0);
SELECT code, severity, object, problem FROM pg_temp.finding;
CREATE POLICY floor ON lint.docs AS RESTRICTIVE USING (tenant_id = migrate_tenant_current());
SELECT code, severity, object, problem FROM pg_temp.finding;
ROLLBACK;
-- to delete is enough, and nothing is not
BEGIN;
CREATE VIEW lint.deletable AS SELECT * FROM lint.docs;
TABLE pg_temp.finding;
GRANT DELETE ON lint.deletable TO regress_tenant_app;
TABLE pg_temp.finding;
SELECT pg_temp.mend();
TABLE pg_temp.finding;
ROLLBACK;
-- a member of the owner sees what the owner does where it is not forced
BEGIN;
GRANT regress_tenant_owner TO regress_tenant_other;
CREATE VIEW lint.members AS SELECT * FROM lint.docs;
ALTER VIEW lint.members OWNER TO regress_tenant_other;
GRANT SELECT ON lint.members TO regress_tenant_app;
SELECT code, severity, object, problem FROM pg_temp.finding;
ALTER TABLE lint.docs NO FORCE ROW LEVEL SECURITY;
SELECT code, severity, object, problem FROM pg_temp.finding WHERE code <> 'T002';
ROLLBACK;
-- the rule of a table runs as the table's owner
BEGIN;
CREATE TABLE lint.switch (n integer);
SELECT count(*) > 0 AS done FROM migrate_tenant_exempt('lint.switch', 'a test');
CREATE RULE flip AS ON UPDATE TO lint.switch DO ALSO UPDATE lint.docs SET slug = 'x';
CREATE RULE "Look At" AS ON DELETE TO lint.switch DO ALSO DELETE FROM lint.docs;
CREATE VIEW lint.over_switch AS SELECT * FROM lint.switch;
GRANT SELECT, INSERT ON lint.switch, lint.over_switch TO regress_tenant_app;
TABLE pg_temp.finding;
GRANT UPDATE (n) ON lint.switch TO regress_tenant_app;
TABLE pg_temp.finding;
GRANT DELETE ON lint.switch TO regress_tenant_app;
TABLE pg_temp.finding;
SELECT pg_temp.mend();
TABLE pg_temp.finding;
ROLLBACK;
-- whom the policies bind sees nothing, if none of them is for it
BEGIN;
SET LOCAL ROLE regress_tenant_owner;
CREATE VIEW lint.empty AS SELECT * FROM lint.docs;
CREATE VIEW lint.invokers WITH (security_invoker = true) AS SELECT * FROM lint.docs;
CREATE MATERIALIZED VIEW lint.kept AS SELECT * FROM lint.docs;
CREATE MATERIALIZED VIEW lint.kept_by_view AS SELECT * FROM lint.empty;
CREATE FUNCTION lint.empties() RETURNS bigint LANGUAGE sql SECURITY DEFINER AS 'SELECT count(*) FROM lint.docs';
CREATE FUNCTION lint.unrelated() RETURNS bigint LANGUAGE sql SECURITY DEFINER AS 'SELECT count(*) FROM lint.countries';
RESET ROLE;
TABLE pg_temp.finding;
SELECT pg_temp.mend();
TABLE pg_temp.finding;
-- a policy for everybody shows the rows of one tenant, but not to REFRESH
CREATE POLICY everybody ON lint.docs USING (tenant_id = migrate_tenant_current());
ALTER VIEW lint.empty SET (security_invoker = false);
ALTER FUNCTION lint.empties() SECURITY DEFINER;
SELECT code, severity, object FROM pg_temp.finding;
-- which is as it should be for who bypasses them, or where they do not bind
ALTER MATERIALIZED VIEW lint.kept OWNER TO postgres;
ALTER TABLE lint.docs NO FORCE ROW LEVEL SECURITY;
SELECT code, severity, object FROM pg_temp.finding;
ROLLBACK;

-- ---- T013 ----

-- who may read everything needs no right on it
BEGIN;
CREATE MATERIALIZED VIEW lint.kept AS SELECT * FROM lint.docs;
TABLE pg_temp.finding;
GRANT pg_read_all_data TO regress_tenant_other;
GRANT regress_tenant_other TO regress_tenant_app;
TABLE pg_temp.finding;
SELECT pg_temp.mend();
TABLE pg_temp.finding;
ROLLBACK;
-- a role that one can become is as good, and what it passed on goes with it
BEGIN;
CREATE ROLE regress_tenant_between NOINHERIT;
GRANT regress_tenant_other TO regress_tenant_between;
GRANT regress_tenant_between TO regress_tenant_app;
CREATE ROLE regress_tenant_grantor;
GRANT USAGE ON SCHEMA lint TO regress_tenant_grantor;
CREATE MATERIALIZED VIEW lint.kept AS SELECT * FROM lint.docs;
GRANT SELECT ON lint.kept TO regress_tenant_grantor WITH GRANT OPTION;
SET LOCAL ROLE regress_tenant_grantor;
GRANT SELECT ON lint.kept TO regress_tenant_other;
RESET ROLE;
SELECT code, severity, object, problem, fix FROM pg_temp.finding;
SELECT pg_temp.mend('T013');
SELECT code, object FROM pg_temp.finding;
-- T016
GRANT TRUNCATE ON lint.docs TO regress_tenant_other;
GRANT REFERENCES ON lint.docs TO regress_tenant_grantor WITH GRANT OPTION;
SET LOCAL ROLE regress_tenant_grantor;
GRANT REFERENCES ON lint.docs TO regress_tenant_app WITH GRANT OPTION;
SET LOCAL ROLE regress_tenant_app;
GRANT REFERENCES ON lint.docs TO regress_tenant_other;
RESET ROLE;
TABLE pg_temp.finding;
SELECT pg_temp.mend('T016');
SELECT code, object FROM pg_temp.finding;
-- one that nobody of the application can become is not asked about
GRANT TRUNCATE ON lint.docs TO regress_tenant_grantor;
SELECT code, object FROM pg_temp.finding;
ROLLBACK;

-- ---- T014 ----

BEGIN;
CREATE FUNCTION lint.told() RETURNS bigint LANGUAGE sql SECURITY DEFINER AS 'SELECT count(*) FROM lint.Docs';
CREATE FUNCTION lint.body() RETURNS bigint LANGUAGE sql SECURITY DEFINER BEGIN ATOMIC SELECT count(*) FROM lint.docs d; END;
CREATE FUNCTION lint.untold(text) RETURNS void LANGUAGE plpgsql SECURITY DEFINER AS 'BEGIN EXECUTE $1; END';
CREATE FUNCTION lint.longer() RETURNS text LANGUAGE sql SECURITY DEFINER AS $$SELECT 'docs_of_mine'$$;
CREATE FUNCTION lint.members() RETURNS bigint LANGUAGE sql SECURITY DEFINER AS 'SELECT count(*) FROM lint.docs';
GRANT regress_tenant_admin TO regress_tenant_other;
ALTER FUNCTION lint.members() OWNER TO regress_tenant_other;
SELECT code, severity, object, problem FROM pg_temp.finding;
ROLLBACK;
-- where it is not forced the owner sees all, and so do its members
BEGIN;
GRANT regress_tenant_owner TO regress_tenant_other;
CREATE FUNCTION lint.members() RETURNS bigint LANGUAGE sql SECURITY DEFINER AS 'SELECT count(*) FROM lint.docs';
ALTER FUNCTION lint.members() OWNER TO regress_tenant_other;
CREATE FUNCTION lint.owners() RETURNS bigint LANGUAGE sql SECURITY DEFINER AS 'SELECT count(*) FROM lint.labels';
ALTER FUNCTION lint.owners() OWNER TO regress_tenant_owner;
SELECT code, severity, object, problem FROM pg_temp.finding;
ALTER TABLE lint.docs NO FORCE ROW LEVEL SECURITY;
SELECT code, severity, object, problem FROM pg_temp.finding WHERE code = 'T014';
ROLLBACK;
-- Nobody needs a right to execute the function of a trigger.
BEGIN;
CREATE FUNCTION lint.trigger() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER
    AS 'BEGIN UPDATE lint.docs SET slug = NULL; RETURN NEW; END';
CREATE FUNCTION lint.invokers() RETURNS trigger LANGUAGE plpgsql
    AS 'BEGIN UPDATE lint.docs SET slug = NULL; RETURN NEW; END';
SELECT code, object FROM pg_temp.finding;
REVOKE ALL ON FUNCTION lint.trigger() FROM PUBLIC;
REVOKE ALL ON lint.countries FROM regress_tenant_app;
CREATE TRIGGER i BEFORE UPDATE ON lint.countries FOR EACH ROW EXECUTE FUNCTION lint.invokers();
CREATE TRIGGER t BEFORE UPDATE ON lint.countries FOR EACH ROW EXECUTE FUNCTION lint.trigger();
GRANT INSERT, DELETE ON lint.countries TO regress_tenant_app;
SELECT code, object FROM pg_temp.finding;
GRANT UPDATE (code) ON lint.countries TO regress_tenant_app;
TABLE pg_temp.finding;
ALTER TABLE lint.countries DISABLE TRIGGER t;
SELECT code, object FROM pg_temp.finding;
CREATE VIEW lint.front WITH (security_invoker = true) AS SELECT * FROM lint.countries;
CREATE TRIGGER t INSTEAD OF DELETE ON lint.front FOR EACH ROW EXECUTE FUNCTION lint.trigger();
SELECT code, object FROM pg_temp.finding;
GRANT DELETE ON lint.front TO regress_tenant_app;
SELECT code, object FROM pg_temp.finding;
SELECT pg_temp.mend();
TABLE pg_temp.finding;
ROLLBACK;

-- ---- T015 ----

-- The files of the server are those of the tables.
BEGIN;
GRANT pg_read_server_files TO regress_tenant_app;
CREATE ROLE regress_tenant_between NOINHERIT;
GRANT pg_execute_server_program, pg_write_server_files TO regress_tenant_between;
GRANT regress_tenant_between TO regress_tenant_app;
TABLE pg_temp.finding;
-- two of them have the same cure
SET LOCAL client_min_messages = error;
SELECT pg_temp.mend();
TABLE pg_temp.finding;
ROLLBACK;
-- what a role with CREATEROLE can do depends on the version
BEGIN;
ALTER ROLE regress_tenant_app CREATEROLE;
SELECT code, severity, object, problem, fix FROM pg_temp.finding
UNION ALL
SELECT 'T015', 'error', 'role regress_tenant_app: CREATEROLE',
    'the application''s role has CREATEROLE, with which it can make itself a member of other roles',
    'ALTER ROLE regress_tenant_app NOCREATEROLE;'
WHERE current_setting('server_version_num')::integer >= 160000;
ALTER ROLE regress_tenant_app NOCREATEROLE;
TABLE pg_temp.finding;
ROLLBACK;

\x off
SET client_min_messages = warning;
DROP EXTENSION migrate CASCADE;
DROP SCHEMA lint CASCADE;
DROP ROLE regress_tenant_owner, regress_tenant_app, regress_tenant_admin, regress_tenant_other;
