--
-- migrate_deploy() and migrate_rollback(): a transaction for each revision
--
-- What needs several sessions is in test/specs and test/t.
--
SET client_min_messages = warning;
DROP EXTENSION IF EXISTS migrate CASCADE;
DROP TABLE IF EXISTS alembic_version;
CREATE EXTENSION migrate;
RESET client_min_messages;

SELECT migrate_revision('create agents', rev_id => '001', create_date => '2026-01-01',
	upgrade => 'CREATE TABLE agents (id int PRIMARY KEY, name text);',
	downgrade => 'DROP TABLE agents;');
SELECT migrate_revision('add status', rev_id => '002', create_date => '2026-01-01',
	upgrade => 'ALTER TABLE agents ADD COLUMN status text;',
	downgrade => 'ALTER TABLE agents DROP COLUMN status;');
SELECT migrate_revision('fill', rev_id => '003', create_date => '2026-01-01',
	upgrade => $$INSERT INTO agents VALUES (1, 'a', 'on'), (2, 'b', NULL);
INSERT INTO agents
	SELECT 3, 'c', 1 / (count(*) - 2) FROM agents;$$,
	downgrade => 'DELETE FROM agents;');

-- where it cannot commit
BEGIN;
CALL migrate_deploy();
ROLLBACK;
SELECT 1 AS one\; CALL migrate_deploy();
DO $$
BEGIN
	CALL migrate_rollback('base');
EXCEPTION WHEN division_by_zero THEN
	NULL;
END
$$;
CREATE FUNCTION deploy() RETURNS void LANGUAGE plpgsql AS 'BEGIN CALL migrate_deploy(); END';
SELECT deploy();
CREATE PROCEDURE deploy_pinned() LANGUAGE plpgsql SET search_path = public
	AS 'BEGIN CALL migrate_deploy(); END';
CALL deploy_pinned();

-- where nothing can be written
SET default_transaction_read_only = on;
CALL migrate_deploy();
RESET default_transaction_read_only;
SET default_transaction_isolation = 'repeatable read';
CALL migrate_deploy();
RESET default_transaction_isolation;

-- arguments
CALL migrate_deploy(NULL);
CALL migrate_deploy('nope');
CALL migrate_deploy(lock_timeout => '-1 s');
CALL migrate_deploy(max_wait => '-1 s');
CALL migrate_deploy(environment => 'nope');
CALL migrate_rollback('heads');
CALL migrate_rollback('base');

-- what was applied before a failure stays, and the failure is in the log
CALL migrate_deploy(tag => 'v1');
SELECT revision FROM migrate_current();
SELECT * FROM agents;
SELECT revision, direction, versions_before, versions_after, outcome, statements,
	failed_statement, failed_line, sqlstate, error, error_detail, tag
FROM migrate.log ORDER BY id;
SELECT count(DISTINCT deploy_id) AS deploys, count(*) AS rows FROM migrate.log;

-- nothing is held afterwards
SELECT count(*) FROM pg_locks WHERE locktype = 'advisory';

-- mended, it goes on from there
SELECT migrate_edit('003', upgrade => $$INSERT INTO agents VALUES (1, 'a', 'on'), (2, 'b', NULL);$$);
CALL migrate_deploy();
CALL migrate_deploy();
SELECT revision FROM migrate_current();

-- from PL/pgSQL that may commit
CREATE PROCEDURE back_and_forth() LANGUAGE plpgsql AS $$
BEGIN
	CALL migrate_rollback('-1');
	CALL migrate_deploy();
END
$$;
CALL back_and_forth();
DO $$
BEGIN
	CALL migrate_rollback('base');
END
$$;
SELECT revision FROM migrate_current();

-- an error at commit is one of the revision, too
SELECT migrate_revision('deferred', rev_id => '004', create_date => '2026-01-01',
	upgrade => $$CREATE TABLE links (id int PRIMARY KEY,
	next int REFERENCES links DEFERRABLE INITIALLY DEFERRED);
INSERT INTO links VALUES (1, 2);$$,
	downgrade => 'DROP TABLE links;');
CALL migrate_deploy();
SELECT revision FROM migrate_current();
SELECT revision, outcome, failed_statement, sqlstate, error, error_detail
FROM migrate.log ORDER BY id DESC LIMIT 1;
SELECT migrate_remove('004');

-- a script can call for no deploy, nor end its transaction
SELECT migrate_revision('calls', rev_id => '004', create_date => '2026-01-01',
	upgrade => 'CALL migrate_deploy();', downgrade => '');
CALL migrate_deploy();
SELECT migrate_edit('004', upgrade => 'COMMIT;');
CALL migrate_deploy();
SELECT migrate_edit('004', upgrade => 'DO $do$BEGIN COMMIT; END$do$;');
CALL migrate_deploy();

-- the error is told also where the log cannot be written
ALTER TABLE migrate.log ADD CONSTRAINT no_failures CHECK (outcome <> 'failed') NOT VALID;
CALL migrate_deploy();
ALTER TABLE migrate.log DROP CONSTRAINT no_failures;
SELECT count(*) FROM pg_locks WHERE locktype = 'advisory';

-- what it sets ends with it, and what it unlocks is locked again
SELECT migrate_edit('004', upgrade => 'SET work_mem = ''77MB''; SELECT pg_advisory_unlock_all();');
SELECT migrate_revision('after', rev_id => '005', create_date => '2026-01-01',
	upgrade => 'CREATE TABLE seen AS SELECT current_setting(''work_mem'') AS work_mem;',
	downgrade => 'DROP TABLE seen;');
CALL migrate_deploy();
SELECT work_mem = current_setting('work_mem') AS same FROM seen;

-- lock_timeout is that of the call, in the scripts only
SELECT migrate_revision('timeout', rev_id => '006', create_date => '2026-01-01',
	upgrade => 'CREATE TABLE timeout AS SELECT current_setting(''lock_timeout'') AS value;',
	downgrade => 'DROP TABLE timeout;');
CALL migrate_deploy(lock_timeout => '1234 ms');
SELECT value, current_setting('lock_timeout') AS afterwards FROM timeout;
CALL migrate_rollback('-1');
SET lock_timeout = '3s';
CALL migrate_deploy(lock_timeout => NULL);
SELECT value, current_setting('lock_timeout') AS afterwards FROM timeout;
RESET lock_timeout;

-- rights
CREATE ROLE regress_deployer;
GRANT CREATE ON SCHEMA public TO regress_deployer;
SET ROLE regress_deployer;
CALL migrate_deploy();
RESET ROLE;
SELECT migrate_grant('regress_deployer', 'operator');
GRANT ALL ON ALL TABLES IN SCHEMA public TO regress_deployer;
SELECT migrate_revision('by another', rev_id => '007', create_date => '2026-01-01',
	upgrade => 'CREATE TABLE theirs ();', downgrade => 'DROP TABLE theirs;');
SET ROLE regress_deployer;
CALL migrate_deploy();
RESET ROLE;
SELECT tableowner FROM pg_tables WHERE tablename = 'theirs';
SELECT role FROM migrate.log ORDER BY id DESC LIMIT 1;
CALL migrate_rollback('base');

DROP FUNCTION deploy();
DROP PROCEDURE deploy_pinned();
DROP PROCEDURE back_and_forth();
DROP TABLE alembic_version;
REVOKE ALL ON SCHEMA public FROM regress_deployer;
DROP OWNED BY regress_deployer;
DROP ROLE regress_deployer;
