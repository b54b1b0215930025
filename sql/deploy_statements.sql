--
-- Revisions whose statements are committed one by one: what cannot run in a
-- transaction, and what is marked transaction:no
--
-- What needs several sessions, or a crash, is in test/specs and test/t.
--
SET client_min_messages = warning;
DROP EXTENSION IF EXISTS migrate CASCADE;
DROP TABLE IF EXISTS alembic_version;
CREATE EXTENSION migrate;
RESET client_min_messages;

CREATE SCHEMA deploy_statements;
SET search_path = deploy_statements, public;

-- what deploys have done of a revision, and what they wrote into the log
CREATE VIEW half_done AS
SELECT environment, revision, direction, cardinality(statement_hashes) AS done, statements AS of, is_begun
FROM migrate.progress ORDER BY environment, revision;
CREATE VIEW unfinished AS
SELECT revision, direction, statement, statement_count AS of, phase FROM migrate_progress();
CREATE VIEW logged AS
SELECT revision, direction, versions_after, outcome, statements, failed_statement AS failed,
	failed_line AS line, sqlstate, error, error_detail
FROM migrate.log ORDER BY id;
CREATE VIEW indexes AS
SELECT c.oid::regclass AS index, indisvalid AS valid, pg_get_indexdef(indexrelid) AS definition
FROM pg_index JOIN pg_class c ON c.oid = indexrelid
WHERE relnamespace::regnamespace::text ~ '^deploy_statements' AND relname !~ '_pkey$'
ORDER BY relname COLLATE "C";

CREATE TABLE agents (id int PRIMARY KEY, name text, team int);
INSERT INTO agents SELECT i, 'agent ' || i, i % 3 FROM generate_series(1, 6) i;
CREATE TABLE events (id int, day date) PARTITION BY RANGE (day);
CREATE TABLE events_old PARTITION OF events FOR VALUES FROM ('2024-01-01') TO ('2025-01-01');
CREATE TABLE events_new PARTITION OF events FOR VALUES FROM ('2025-01-01') TO ('2026-01-01');
CREATE TABLE steps (n serial, what text, xid xid8 DEFAULT pg_current_xact_id());

-- ---------------------------------------------------------------------------
-- Kinds of statements.  Where one of them cannot run in a transaction, no mark
-- is needed.
-- ---------------------------------------------------------------------------
SELECT migrate_revision('all kinds', rev_id => '001', create_date => '2026-01-01',
	upgrade => $script$
CREATE INDEX CONCURRENTLY agents_name ON agents (name);
CREATE UNIQUE INDEX CONCURRENTLY IF NOT EXISTS agents_lower ON agents (lower(name)) WHERE team > 0;
REINDEX INDEX CONCURRENTLY agents_name;
REINDEX TABLE CONCURRENTLY agents;
REINDEX (CONCURRENTLY) INDEX agents_lower;
DROP INDEX CONCURRENTLY agents_lower;
VACUUM agents;
VACUUM (ANALYZE) agents (name);
ALTER TABLE events DETACH PARTITION events_old CONCURRENTLY;
CREATE DATABASE regression_migrate_deploy TEMPLATE template0;
COMMENT ON DATABASE regression_migrate_deploy IS 'made by a revision';
DROP DATABASE regression_migrate_deploy WITH (FORCE);
CLUSTER agents USING agents_pkey;
CLUSTER;
$script$,
	downgrade => $script$
ALTER TABLE events ATTACH PARTITION events_old FOR VALUES FROM ('2024-01-01') TO ('2025-01-01');
DROP INDEX CONCURRENTLY agents_name;
INSERT INTO steps (what) VALUES ('downgrade');
DROP INDEX CONCURRENTLY agents_lower;
$script$);
SELECT migrate_upgrade();
CALL migrate_deploy();
SELECT * FROM indexes;
SELECT c.relname FROM pg_inherits JOIN pg_class c ON c.oid = inhrelid WHERE inhparent = 'events'::regclass;
SELECT reltuples FROM pg_class WHERE oid = 'agents'::regclass;
SELECT revision FROM migrate_current();
-- nothing is left of how it was done
SELECT * FROM half_done;
SELECT * FROM unfinished;
SELECT count(*) FROM pg_locks WHERE locktype = 'advisory';
SELECT * FROM logged;

-- ---------------------------------------------------------------------------
-- The way back, which fails, and goes on
-- ---------------------------------------------------------------------------
SELECT migrate_downgrade('base');
CALL migrate_rollback('base');
SELECT * FROM half_done;
SELECT * FROM unfinished;
SELECT revision FROM migrate_current();
-- a failure is no success because it comes for the second time
CALL migrate_rollback('base');
-- only a rollback goes on
SELECT migrate_revision('based on it', rev_id => '002', create_date => '2026-01-01', upgrade => '', downgrade => '');
CALL migrate_deploy();
SELECT migrate_upgrade();
SELECT migrate_downgrade('base');
-- a revision that is applied is not to be edited: what the script meets is mended
CREATE INDEX agents_lower ON agents (lower(name));
CALL migrate_rollback('base');
SELECT * FROM indexes;
SELECT c.relname FROM pg_inherits JOIN pg_class c ON c.oid = inhrelid WHERE inhparent = 'events'::regclass ORDER BY 1;
SELECT what FROM steps;
SELECT * FROM half_done;
SELECT * FROM logged OFFSET 1;
SELECT count(DISTINCT deploy_id) AS deploys, count(*) AS rows FROM migrate.log;

-- ---------------------------------------------------------------------------
-- Each statement in a transaction of its own, in a session like this one
-- ---------------------------------------------------------------------------
SELECT migrate_remove('002');
SELECT migrate_remove('001');
TRUNCATE steps;
CREATE TABLE one (id int PRIMARY KEY);
INSERT INTO one VALUES (1);
CREATE FUNCTION setting_of(name text, id int) RETURNS int IMMUTABLE LANGUAGE plpgsql AS $$
BEGIN
	RAISE NOTICE '% is %', name, pg_catalog.current_setting(name);
	RETURN id;
END
$$;
CREATE PROCEDURE insert_steps(what text, count int) LANGUAGE plpgsql AS $$
BEGIN
	FOR i IN 1 .. count LOOP
		INSERT INTO steps (what) VALUES (insert_steps.what || ' ' || i);
		COMMIT;
	END LOOP;
END
$$;

SELECT migrate_revision('marked', rev_id => '003', create_date => '2026-01-01', transactional => false,
	upgrade => $script$
INSERT INTO steps (what) VALUES ('first');
INSERT INTO steps (what) SELECT concat_ws(', ', backend_type, current_user = session_user, usename = current_user,
	application_name, current_setting('work_mem'), current_setting('search_path'), current_setting('row_security'), query = current_query())
FROM pg_stat_activity WHERE pid = pg_backend_pid();
CALL insert_steps('procedure', 2);
DO $do$
BEGIN
	INSERT INTO steps (what) VALUES ('block 1');
	COMMIT;
	INSERT INTO steps (what) VALUES ('block 2');
END
$do$;
$script$,
	downgrade => 'DELETE FROM steps;');
SELECT migrate_upgrade();
SET application_name = 'regress/deploy_statements';
SET work_mem = '5MB';
CALL migrate_deploy();
RESET work_mem;
SELECT what, dense_rank() OVER (ORDER BY xid::text::bigint) AS transaction FROM steps ORDER BY n;

-- What the script sets is in force for what follows it, also what it sets for
-- the transaction, and ends with the script.  RESET gives what it gives here.
-- Nobody waits behind an index that is built concurrently: no lock_timeout.
CREATE ROLE regress_deploy_owner;
GRANT USAGE ON SCHEMA deploy_statements TO regress_deploy_owner;
GRANT INSERT ON steps TO regress_deploy_owner;
GRANT USAGE ON SEQUENCE steps_n_seq TO regress_deploy_owner;
CREATE TABLE owned (id int);
ALTER TABLE owned OWNER TO regress_deploy_owner;
GRANT CREATE ON SCHEMA deploy_statements TO regress_deploy_owner;
SELECT migrate_revision('settings', rev_id => '004', create_date => '2026-01-01',
	upgrade => $script$
SET maintenance_work_mem = '77MB';
SET LOCAL work_mem = '99kB';
SET DateStyle = 'SQL, DMY';
SET TIME ZONE 'Asia/Tokyo';
CREATE INDEX CONCURRENTLY one_memory ON one (setting_of('maintenance_work_mem', id));
CREATE INDEX CONCURRENTLY one_timeout ON one (setting_of('lock_timeout', id));
CREATE INDEX one_plain ON one (setting_of('lock_timeout', id));
INSERT INTO steps (what) VALUES (concat_ws('; ', current_setting('maintenance_work_mem'), current_setting('work_mem'),
	current_setting('DateStyle'), current_setting('TimeZone')));
RESET maintenance_work_mem;
RESET DateStyle;
RESET TIME ZONE;
SET work_mem TO DEFAULT;
INSERT INTO steps (what) VALUES (concat_ws('; ', current_setting('DateStyle'), current_setting('TimeZone')));
SET ROLE regress_deploy_owner;
INSERT INTO steps (what) VALUES (current_user);
CREATE INDEX CONCURRENTLY owned_id ON owned (id);
CREATE TABLE made_by_owner ();
RESET ROLE;
INSERT INTO steps (what) VALUES (current_user = session_user);
SET search_path = pg_catalog;
DROP INDEX CONCURRENTLY deploy_statements.one_timeout;
SET client_min_messages = warning;
DROP INDEX CONCURRENTLY IF EXISTS deploy_statements.nosuch;
DO 'BEGIN RAISE NOTICE ''not seen''; END';
$script$,
	downgrade => 'DROP TABLE made_by_owner; DROP INDEX one_memory, one_plain, owned_id;');
TRUNCATE steps;
CALL migrate_deploy(lock_timeout => '1234 ms');
SELECT replace(what, current_setting('DateStyle') || '; ' || current_setting('TimeZone'), 'as here') AS what FROM steps ORDER BY n;
SELECT tablename, tableowner FROM pg_tables WHERE tablename = 'made_by_owner';
SELECT current_user = session_user AS same_role, current_setting('maintenance_work_mem') <> '77MB' AS same_memory, current_setting('search_path');
SELECT statements FROM migrate.log WHERE revision = '004';
CALL migrate_rollback('003');

-- The settings that stand before a statement are also those with which its
-- index is looked for.
CREATE SCHEMA deploy_statements_2;
CREATE TABLE deploy_statements_2.agents (id int);
INSERT INTO deploy_statements_2.agents VALUES (1), (1);
ALTER TABLE deploy_statements_2.agents OWNER TO regress_deploy_owner;
GRANT ALL ON SCHEMA deploy_statements_2 TO regress_deploy_owner;
SELECT migrate_edit('004', upgrade => $$SET search_path = deploy_statements_2;
SET ROLE regress_deploy_owner;
CREATE UNIQUE INDEX CONCURRENTLY agents_id ON agents (id);$$);
CALL migrate_deploy();
SELECT index, valid FROM indexes;
DELETE FROM deploy_statements_2.agents;
CALL migrate_deploy();
SELECT index, valid FROM indexes;
DROP SCHEMA deploy_statements_2 CASCADE;
SELECT migrate_stamp('003');

-- a setting that is wrong fails where it stands
SELECT migrate_edit('004', upgrade => $$VACUUM agents;
SET work_mem = 'much';
VACUUM agents;$$);
CALL migrate_deploy();
SELECT migrate_edit('004', upgrade => $$VACUUM agents;
SET ROLE nosuch;$$);
CALL migrate_deploy();
SELECT * FROM logged OFFSET (SELECT count(*) - 2 FROM logged);
SELECT migrate_stamp('003');
SELECT * FROM half_done;
SELECT migrate_remove('004');

-- ---------------------------------------------------------------------------
-- What comes back: notices, and errors with all that belongs to them
-- ---------------------------------------------------------------------------
SELECT migrate_revision('messages', rev_id => '005', create_date => '2026-01-01', transactional => false,
	upgrade => $script$DO $do$
BEGIN
	RAISE NOTICE 'a notice' USING DETAIL = 'Its detail.', HINT = 'Its hint.';
	RAISE WARNING 'a warning';
	RAISE INFO 'info';
	RAISE LOG 'not seen';
END
$do$;
DO $do$
BEGIN
	RAISE 'höher' USING ERRCODE = 'XY123', DETAIL = 'Its detail.', HINT = 'Its hint.',
		SCHEMA = 's', TABLE = 't', COLUMN = 'c', DATATYPE = 'd', CONSTRAINT = 'k';
END
$do$;
$script$,
	downgrade => '');
CALL migrate_deploy();
-- the notices of our own say where they come from, which differs
SET client_min_messages = warning;
\set VERBOSITY verbose
CALL migrate_deploy();
\set VERBOSITY default
CREATE FUNCTION second_statement(sql text) RETURNS text LANGUAGE sql AS $$
	SELECT migrate_edit('005', upgrade => split_part(upgrade, E'$;\n', 1) || E'$;\n' || sql) FROM migrate_show('005')
$$;
SELECT second_statement($script$-- ä
INSERT INTO agents (id, name)
	SELECT id, 'ä' || nosuch FROM agents;$script$);
CALL migrate_deploy();
SELECT second_statement('VACUUM agents, nosuch;');
CALL migrate_deploy();
SELECT second_statement('ALTER SYSTEM SET nosuch = 1;');
CALL migrate_deploy();
SELECT second_statement('INSERT INTO agents VALUES (1);');
\set VERBOSITY verbose
CALL migrate_deploy();
\set VERBOSITY default
-- an error that comes with the commit
CREATE TABLE links (id int PRIMARY KEY, next int REFERENCES links DEFERRABLE INITIALLY DEFERRED);
SELECT second_statement('INSERT INTO links VALUES (1, 2);');
CALL migrate_deploy();
-- what no statement of a revision may do
SELECT second_statement('COMMIT;');
SELECT second_statement('CREATE INDX;');
SELECT second_statement('CALL migrate_deploy();');
CALL migrate_deploy();
SELECT second_statement('SELECT migrate_stamp(''base'');');
CALL migrate_deploy();
SELECT * FROM links;
RESET client_min_messages;
SELECT * FROM logged WHERE revision = '005';
SELECT * FROM half_done;

-- What is done must be as it was; the rest may be another, and need not be
-- what cannot run in a transaction.
SELECT split_part(upgrade, E'$;\n', 1) || '$;' AS first FROM migrate_show('005') \gset
SELECT migrate_edit('005', upgrade => '
-- another comment

' || replace(:'first', 'a notice', 'another notice'));
SELECT migrate_edit('005', upgrade => '');
SELECT migrate_load(replace(script, 'a notice', 'another notice')) FROM migrate_export() WHERE filename LIKE '005%';
-- ... also where somebody writes the table
SELECT upgrade AS second, replace(upgrade, 'a notice', 'another notice') AS other FROM migrate_show('005') \gset
UPDATE migrate.revision SET upgrade = :'other', loaded_checksum = migrate.checksum(:'other', downgrade) WHERE revision = '005';
CALL migrate_deploy();
UPDATE migrate.revision SET upgrade = '', loaded_checksum = migrate.checksum('', downgrade) WHERE revision = '005';
CALL migrate_deploy();
UPDATE migrate.revision SET upgrade = :'second', loaded_checksum = migrate.checksum(:'second', downgrade) WHERE revision = '005';
SELECT migrate_edit('005', upgrade => '
-- another comment

' || :'first' || ' INSERT INTO links VALUES (1, 2), (2, 1); SELECT * FROM links;');
CALL migrate_deploy();
SELECT * FROM links;
CALL migrate_rollback('003');
-- a file says for each direction how it is run
SELECT migrate_load($file$-- one way
--
-- Revision ID: 005
-- Revises: 003

-- migrate:upgrade
CREATE TABLE one_way AS SELECT backend_type FROM pg_stat_activity WHERE pid = pg_backend_pid();

-- migrate:downgrade transaction:no
INSERT INTO steps (what) SELECT backend_type || ' in ' || query FROM pg_stat_activity WHERE pid = pg_backend_pid();
DROP TABLE one_way;
$file$);
CALL migrate_deploy();
SELECT * FROM one_way;
SELECT migrate_downgrade('003');
CALL migrate_rollback('003');
SELECT what FROM steps ORDER BY n DESC LIMIT 1;
SELECT migrate_remove('005');
DROP TABLE links;

-- ---------------------------------------------------------------------------
-- Indexes that are there
-- ---------------------------------------------------------------------------
CREATE TABLE pairs (a int NOT NULL, b int, c text);
INSERT INTO pairs VALUES (1, 1), (1, 2);
SELECT migrate_revision('index', rev_id => '006', create_date => '2026-01-01',
	upgrade => 'CREATE UNIQUE INDEX CONCURRENTLY pairs_a ON pairs (a);', downgrade => '');
CREATE FUNCTION statement(sql text) RETURNS text LANGUAGE sql AS $$
	SELECT migrate_edit('006', upgrade => sql)
$$;

-- invalid: dropped and built again, as often as it takes
CALL migrate_deploy();
SELECT index, valid FROM indexes;
CALL migrate_deploy();
SELECT index, valid FROM indexes;
DELETE FROM pairs WHERE b = 2;
CALL migrate_deploy();
SELECT index, valid FROM indexes;
CALL migrate_rollback('-1');

-- valid and the same, however it is written: left alone
SELECT 'pairs_a'::regclass::oid AS oid \gset
SELECT statement('create unique index concurrently if not exists "pairs_a" on deploy_statements.pairs using btree ((a) int4_ops asc nulls last);');
CALL migrate_deploy();
SELECT 'pairs_a'::regclass::oid = :oid AS same;
CALL migrate_rollback('-1');

-- valid, but another
SELECT statement('CREATE INDEX CONCURRENTLY IF NOT EXISTS pairs_a ON pairs (b, a DESC) INCLUDE (c) WHERE a > 0;');
CALL migrate_deploy();
\echo :SQLSTATE
SELECT statement('CREATE UNIQUE INDEX CONCURRENTLY pairs_a ON pairs USING btree (a DESC) WITH (fillfactor = 50);');
CALL migrate_deploy();
-- a relation of another kind
CREATE TABLE in_the_way (id int, CONSTRAINT pairs_c UNIQUE (id));
CREATE VIEW view_in_the_way AS SELECT 1;
CREATE SEQUENCE sequence_in_the_way;
ALTER TABLE pairs ADD CONSTRAINT constraint_in_the_way UNIQUE (b);
SELECT statement('CREATE INDEX CONCURRENTLY in_the_way ON pairs (a);');
CALL migrate_deploy();
SELECT statement('CREATE INDEX CONCURRENTLY view_in_the_way ON pairs (a);');
CALL migrate_deploy();
SELECT statement('CREATE INDEX CONCURRENTLY sequence_in_the_way ON pairs (a);');
CALL migrate_deploy();
SELECT statement('CREATE INDEX CONCURRENTLY pairs_c ON pairs (c);');
CALL migrate_deploy();
SELECT statement('CREATE UNIQUE INDEX CONCURRENTLY constraint_in_the_way ON pairs (b);');
CALL migrate_deploy();
DROP TABLE in_the_way;
DROP VIEW view_in_the_way;
DROP SEQUENCE sequence_in_the_way;
ALTER TABLE pairs DROP CONSTRAINT constraint_in_the_way;
-- what is wrong with the statement itself the server says
SELECT statement('CREATE INDEX CONCURRENTLY events_day ON events (day);');
CALL migrate_deploy();
SELECT statement('CREATE INDEX CONCURRENTLY pairs_nosuch ON pairs ((nosuch + 1));');
CALL migrate_deploy();
SELECT statement('CREATE INDEX CONCURRENTLY ON pairs (b,
	(nosuch + 1));');
CALL migrate_deploy();
SELECT * FROM logged OFFSET (SELECT count(*) - 4 FROM logged);

-- Without a name it is looked for by what it is.  What other than that was
-- left behind is for the user to drop.
INSERT INTO pairs VALUES (2, 1);
SELECT statement('CREATE UNIQUE INDEX CONCURRENTLY ON pairs (b);');
CALL migrate_deploy();
CALL migrate_deploy();
SELECT index, valid FROM indexes;
DELETE FROM pairs WHERE a = 2;
CALL migrate_deploy();
SELECT index, valid FROM indexes;
CALL migrate_rollback('-1');
CALL migrate_deploy();
SELECT index, valid FROM indexes;
CALL migrate_rollback('-1');
-- an invalid one is replaced, whatever it was to be
DROP INDEX pairs_b_idx;
INSERT INTO pairs VALUES (2, 1);
SELECT statement('CREATE UNIQUE INDEX CONCURRENTLY pairs_b ON pairs (b);');
CALL migrate_deploy();
SELECT statement('CREATE INDEX CONCURRENTLY pairs_b ON pairs (b, a) WHERE c IS NULL;');
CALL migrate_deploy();
SELECT index, valid FROM indexes;

-- REINDEX leaves its own behind
CREATE FUNCTION fails(id int) RETURNS int IMMUTABLE LANGUAGE plpgsql AS $$
BEGIN
	IF pg_catalog.current_setting('deploy_statements.fail', true) = 'on' THEN
		RAISE 'it fails';
	END IF;
	RETURN id;
END
$$;
CALL migrate_rollback('-1');
SELECT statement('
DROP INDEX CONCURRENTLY pairs_b;
CREATE INDEX CONCURRENTLY pairs_b ON pairs (fails(b));
SET deploy_statements.fail = on;
REINDEX INDEX CONCURRENTLY pairs_b;');
\set SHOW_CONTEXT never
CALL migrate_deploy();
\set SHOW_CONTEXT errors
SELECT index, valid FROM indexes;
SELECT * FROM half_done;
CREATE OR REPLACE FUNCTION fails(id int) RETURNS int IMMUTABLE LANGUAGE sql AS 'SELECT id';
CALL migrate_deploy();
SELECT index, valid FROM indexes;
CALL migrate_rollback('-1');

-- Where nothing is left that cannot run in a transaction, what was done in
-- parts is not run once more as a whole.
SELECT statement('INSERT INTO steps (what) VALUES (''once''); VACUUM nosuch;');
CALL migrate_deploy();
SELECT statement('INSERT INTO steps (what) VALUES (''once'');');
CALL migrate_deploy();
SELECT what FROM steps WHERE what = 'once';
SELECT * FROM half_done;
CALL migrate_rollback('-1');
SELECT statement('INSERT INTO steps (what) VALUES (''twice''); VACUUM nosuch;');
CALL migrate_deploy();
SELECT statement('INSERT INTO steps (what) VALUES (''twice''); INSERT INTO steps (what) VALUES (''twice'');');
CALL migrate_deploy();
SELECT what FROM steps WHERE what = 'twice';
SELECT * FROM half_done;
CALL migrate_rollback('-1');

-- a partition whose detachment was broken off
UPDATE pg_inherits SET inhdetachpending = true WHERE inhrelid = 'events_old'::regclass;
SELECT statement('ALTER TABLE events DETACH PARTITION events_old CONCURRENTLY;');
CALL migrate_deploy();
SELECT inhrelid::regclass FROM pg_inherits WHERE inhparent = 'events'::regclass;

-- ---------------------------------------------------------------------------
-- What is half done is in the way of what it is based on
-- ---------------------------------------------------------------------------
SELECT migrate_environment_create('second', version_table => 'second_version');
SELECT migrate_revision('base of it', rev_id => 'base1', environment => 'second', create_date => '2026-01-01',
	upgrade => 'CREATE TABLE halves (id int);', downgrade => 'DROP TABLE halves;');
SELECT migrate_revision('half done', rev_id => 'half1', environment => 'second', create_date => '2026-01-01',
	upgrade => 'INSERT INTO halves VALUES (1), (1);
CREATE UNIQUE INDEX CONCURRENTLY halves_id ON halves (id);',
	downgrade => 'DROP INDEX CONCURRENTLY halves_id; DELETE FROM halves;');
SELECT migrate_revision('after it', rev_id => 'after1', environment => 'second', create_date => '2026-01-01',
	upgrade => '', downgrade => '');
SELECT migrate_revision('beside it', rev_id => 'beside1', environment => 'second', create_date => '2026-01-01',
	head => '{base}', upgrade => '', downgrade => '');
CALL migrate_deploy('after1', environment => 'second');
SELECT * FROM half_done;
SELECT * FROM unfinished;
SELECT * FROM migrate_current('second');
SELECT count(*) FROM halves;

SELECT migrate_upgrade('half1', environment => 'second');
SELECT migrate_upgrade('heads', environment => 'second');
SELECT migrate_downgrade('base', environment => 'second');
CALL migrate_rollback('base1-1', environment => 'second');
SELECT migrate_remove('half1', 'second');
SELECT migrate_remove('after1', 'second');
SELECT migrate_remove('half1', 'second');
-- but not of others
SELECT migrate_upgrade('beside1', environment => 'second');
SELECT migrate_downgrade('beside1@base', environment => 'second');
SELECT migrate_remove('beside1', 'second');

-- a pause keeps it from going on
SELECT migrate_pause('not today', environment => 'second');
SELECT * FROM unfinished;
CALL migrate_deploy(environment => 'second');
SELECT migrate_resume(environment => 'second');

-- hints name the environment that they are about, and not the one before
BEGIN;
CALL migrate_rollback('base');
ROLLBACK;
BEGIN;
CALL migrate_rollback('base', environment => 'second');
ROLLBACK;

-- what the hints say, pasted: finish it ...
DELETE FROM halves WHERE ctid = (SELECT min(ctid) FROM halves);
CALL migrate_deploy('half1', environment => 'second');
SELECT * FROM half_done;
SELECT count(*) FROM halves;
-- ... from PL/pgSQL, too, and back ...
DO $$
BEGIN
	CALL migrate_rollback('half1@base1', environment => 'second');
	CALL migrate_deploy('half1', environment => 'second');
END
$$;
SELECT count(*) FROM halves;
SELECT migrate_downgrade('base', environment => 'second');
CALL migrate_rollback('base', environment => 'second');
-- ... or give it up
CALL migrate_deploy(environment => 'second');
SELECT * FROM half_done;
SELECT index, valid FROM indexes WHERE index::text ~ 'halves';
DROP INDEX halves_id;
TRUNCATE halves;
SELECT migrate_stamp(ARRAY['base1'], environment => 'second');
SELECT * FROM half_done;
SELECT migrate_downgrade('base', environment => 'second');

-- the first statement may be what failed, and that of the first revision
SELECT migrate_edit('base1', upgrade => 'VACUUM nosuch;', downgrade => '', environment => 'second');
CALL migrate_deploy(environment => 'second');
SELECT * FROM half_done;
SELECT migrate_upgrade(environment => 'second');
SELECT migrate_stamp('base', environment => 'second');
SELECT * FROM half_done;

-- ---------------------------------------------------------------------------
-- Rights
-- ---------------------------------------------------------------------------
CREATE ROLE regress_deployer LOGIN;
SELECT migrate_grant('regress_deployer', 'operator');
GRANT CREATE, USAGE ON SCHEMA deploy_statements, public TO regress_deployer;
ALTER TABLE public.second_version OWNER TO regress_deployer;
SELECT migrate_edit('base1', environment => 'second', upgrade => '
CREATE TABLE theirs AS SELECT current_user::text AS "current", session_user::text AS session;
CREATE INDEX CONCURRENTLY theirs_current ON theirs ("current");
VACUUM theirs;
CREATE INDEX CONCURRENTLY pairs_c ON pairs (c);');
SET SESSION AUTHORIZATION regress_deployer;
CALL migrate_deploy('base1', environment => 'second');
RESET SESSION AUTHORIZATION;
SELECT * FROM theirs;
SELECT * FROM half_done;
-- as a role that is only SET, the worker's session is the other one's
DROP TABLE theirs;
SELECT migrate_stamp('base', environment => 'second');
SET ROLE regress_deployer;
CALL migrate_deploy('base1', environment => 'second');
RESET ROLE;
SELECT "current", session = session_user AS same FROM theirs;
SELECT tableowner FROM pg_tables WHERE tablename = 'theirs';
SELECT role, session_role = session_user AS same FROM migrate.log ORDER BY id DESC LIMIT 1;
-- a role that cannot log in has no worker
DROP TABLE theirs;
SELECT migrate_stamp('base', environment => 'second');
ALTER ROLE regress_deployer NOLOGIN;
SET SESSION AUTHORIZATION regress_deployer;
CALL migrate_deploy('base1', environment => 'second');
RESET SESSION AUTHORIZATION;
SELECT * FROM half_done;
SELECT outcome, failed_statement, sqlstate, error FROM migrate.log ORDER BY id DESC LIMIT 1;
-- ... nor has it begun what cannot run in a transaction
SELECT migrate_edit('base1', upgrade => 'VACUUM links;', environment => 'second');
SET SESSION AUTHORIZATION regress_deployer;
CALL migrate_deploy('base1', environment => 'second');
RESET SESSION AUTHORIZATION;
SELECT * FROM half_done;

-- ---------------------------------------------------------------------------
SET client_min_messages = warning;
DROP EXTENSION migrate CASCADE;
DROP SCHEMA deploy_statements CASCADE;
RESET search_path;
DROP TABLE alembic_version, second_version;
REVOKE ALL ON SCHEMA public FROM regress_deployer;
DROP ROLE regress_deployer;
DROP ROLE regress_deploy_owner;
