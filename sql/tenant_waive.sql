--
-- The gate in a pipeline, and what is left out of it
--
SET client_min_messages = warning;
DROP EXTENSION IF EXISTS migrate CASCADE;
DROP SCHEMA IF EXISTS gate CASCADE;
CREATE EXTENSION migrate;
RESET client_min_messages;
CREATE ROLE regress_tenant_owner;
CREATE ROLE regress_tenant_app;
CREATE SCHEMA gate AUTHORIZATION regress_tenant_owner;
SET ROLE regress_tenant_owner;
CREATE TABLE gate.tenants (id uuid PRIMARY KEY);
CREATE TABLE gate.docs (tenant_id uuid NOT NULL REFERENCES gate.tenants, id uuid, PRIMARY KEY (tenant_id, id));
RESET ROLE;
SELECT count(*) > 0 AS done FROM migrate_tenant_setup('gate.tenants', app_roles => '{regress_tenant_app}');
SELECT count(*) > 0 AS done FROM migrate_tenant_protect('gate.tenants');
SELECT count(*) > 0 AS done FROM migrate_tenant_protect('gate.docs');
-- the version of this server may have holes
SELECT count(migrate_tenant_waive('T023', 'server', 'this is a test')) >= 0 AS waived
FROM migrate_tenant_lint() WHERE code = 'T023';
CREATE VIEW pg_temp.finding AS
SELECT code, severity, object, problem, fix FROM migrate_tenant_lint();
TABLE pg_temp.finding;
SELECT migrate_tenant_check();
SELECT migrate_tenant_check('info');

-- ---- the gate ----

ALTER TABLE gate.docs NO FORCE ROW LEVEL SECURITY;
CREATE UNIQUE INDEX docs_hash ON gate.docs (hashtext(id::text));
CREATE INDEX docs_like ON gate.docs (lower(id::text));
\set VERBOSITY sqlstate
SELECT migrate_tenant_check('nothing');
\set VERBOSITY default
SELECT migrate_tenant_check();
SELECT migrate_tenant_check('warning');
SELECT migrate_tenant_check('info');
SELECT migrate_tenant_check(NULL);
\echo :LAST_ERROR_SQLSTATE
-- as the last statement of a revision
SELECT migrate_revision('open a table', $$
    ALTER TABLE gate.docs NO FORCE ROW LEVEL SECURITY;
    SELECT migrate_tenant_check();
$$, 'SELECT 1;', rev_id => 'open');
SELECT migrate_upgrade();
SELECT migrate_edit('open', upgrade => $$
    ALTER TABLE gate.docs FORCE ROW LEVEL SECURITY;
    SELECT migrate_tenant_check();
$$) IS NOT NULL AS edited;
SELECT migrate_upgrade();
ALTER TABLE gate.docs NO FORCE ROW LEVEL SECURITY;
-- many findings are not all listed
BEGIN;
SET LOCAL client_min_messages = warning;
DO $$ BEGIN
    FOR i IN 1..60 LOOP
        EXECUTE format('CREATE TABLE gate.t%s (id integer)', to_char(i, 'FM00'));
    END LOOP;
END $$;
\set VERBOSITY terse
SELECT migrate_tenant_check();
\set VERBOSITY default
ROLLBACK;

-- ---- waivers ----

SELECT migrate_tenant_waive('T002', 'gate.docs', 'the owner has no password');
SELECT migrate_tenant_waive('T010', 'gate.docs_hash', 'a hash tells little', 'tomorrow');
TABLE pg_temp.finding;
SELECT migrate_tenant_check();
-- again, with another reason; and for what does not exist (yet)
SELECT migrate_tenant_waive('T010', 'gate.docs_hash', 'a hash tells next to nothing', current_date);
SELECT migrate_tenant_waive('T008', 'gate.nowhere.tenant_id', 'is to come');
SELECT code, object, reason, until = current_date AS today, role = current_user AS me, created_at <= now() AS then
FROM migrate.tenant_waiver WHERE code <> 'T023' ORDER BY code;
TABLE pg_temp.finding;
SELECT migrate_tenant_unwaive('T008', 'gate.nowhere.tenant_id');
SELECT migrate_tenant_waive('T008', 'gate.nowhere.tenant_id', 'is to come', 'infinity');
-- which must not be over already
SELECT migrate_tenant_waive('T002', 'gate.docs', 'the owner has no password', current_date - 1);
SELECT migrate_tenant_waive('T002', 'gate.docs', 'the owner has no password', '-infinity');
SELECT reason, until FROM migrate.tenant_waiver WHERE code = 'T002';
-- one that has ended counts no more
UPDATE migrate.tenant_waiver SET until = '2020-02-29' WHERE code = 'T010';
TABLE pg_temp.finding;
SELECT migrate_tenant_unwaive('T010', 'gate.docs_hash');
SELECT migrate_tenant_unwaive('T010', 'gate.docs_hash');
SELECT migrate_tenant_unwaive('T002', 'gate.docs');
SELECT migrate_tenant_unwaive('T008', 'gate.nowhere.tenant_id');
SELECT code, object FROM pg_temp.finding;

-- one thing that a role can do is waived, and not the next
BEGIN;
ALTER ROLE regress_tenant_app REPLICATION;
SELECT migrate_tenant_waive('T015', 'role regress_tenant_app: REPLICATION', 'it feeds the warehouse');
ALTER ROLE regress_tenant_app BYPASSRLS;
SELECT code, object FROM pg_temp.finding WHERE code = 'T015';
GRANT REFERENCES ON gate.docs TO regress_tenant_app;
SELECT migrate_tenant_waive('T016', 'REFERENCES of regress_tenant_app on gate.docs', 'a test');
SELECT code, object FROM pg_temp.finding WHERE code = 'T016';
GRANT TRUNCATE ON gate.docs TO regress_tenant_app;
SELECT code, object FROM pg_temp.finding WHERE code = 'T016';
ROLLBACK;

SELECT migrate_tenant_waive('T026', 'gate.docs', 'x');
SELECT migrate_tenant_waive('T000', 'gate.docs', 'x');
SELECT migrate_tenant_waive('t001', 'gate.docs', 'x');
SELECT migrate_tenant_waive(NULL, 'gate.docs', 'x');
SELECT migrate_tenant_waive('T001', NULL, 'x');
SELECT migrate_tenant_waive('T001', '', 'x');
SELECT migrate_tenant_waive('T001', 'gate.docs', '');
SELECT migrate_tenant_unwaive('T1', 'gate.docs');
BEGIN READ ONLY;
SELECT migrate_tenant_waive('T001', 'gate.docs', 'x');
ROLLBACK;
BEGIN READ ONLY;
SELECT migrate_tenant_unwaive('T001', 'gate.docs');
ROLLBACK;
BEGIN READ ONLY;
SELECT code, object FROM migrate_tenant_lint() WHERE code = 'T002';
ROLLBACK;
-- the rows are written with the rights of their owner, and no trigger of others
BEGIN;
CREATE FUNCTION gate.trigger() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NEW; END';
CREATE TRIGGER t BEFORE INSERT ON migrate.tenant_waiver FOR EACH ROW EXECUTE FUNCTION gate.trigger();
SELECT migrate_tenant_waive('T001', 'gate.docs', 'x');
ROLLBACK;

-- ---- a name that holds the end of a line ----

BEGIN;
CREATE TABLE gate."x
CREATE TABLE gate.pasted (); --" (id integer);
CREATE TABLE gate."x CREATE TABLE gate.pasted (); --" (id integer);
CREATE TABLE gate.carriage (id integer);
SELECT format('ALTER TABLE gate.carriage RENAME TO %I', E'x\rCREATE TABLE gate.pasted (); --') AS statement \gset
:statement;
SELECT object, problem, fix FROM migrate_tenant_lint() WHERE code = 'T024';
SELECT fix FROM migrate_tenant_lint() WHERE code = 'T024' \gexec
SELECT '-- ' || object || ': ' || problem FROM migrate_tenant_lint() WHERE code = 'T024' \gexec
SELECT to_regclass('gate.pasted');
-- it is waived as it is shown, and no other with it
SELECT migrate_tenant_waive(code, object, 'x') FROM migrate_tenant_lint() WHERE code = 'T024' AND object LIKE '%\\n%';
SELECT object FROM migrate_tenant_lint() WHERE code = 'T024';
ROLLBACK;

-- ---- who may ----

SELECT migrate_grant('regress_tenant_app', 'viewer');
SET ROLE regress_tenant_app;
SELECT migrate_tenant_waive('T001', 'gate.docs', 'x');
RESET ROLE;
SELECT migrate_grant('regress_tenant_app', 'operator');
SET ROLE regress_tenant_app;
SELECT migrate_tenant_waive('T002', 'gate.docs', 'an operator may');
RESET ROLE;
SELECT code, object, role FROM migrate.tenant_waiver WHERE code = 'T002';

SET client_min_messages = warning;
SELECT migrate_revoke('regress_tenant_app');
DROP EXTENSION migrate CASCADE;
DROP SCHEMA gate CASCADE;
DROP TABLE alembic_version;
DROP ROLE regress_tenant_owner, regress_tenant_app;
