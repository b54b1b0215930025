--
-- migrate_upgrade(): in the caller's transaction, all or nothing
--
SET client_min_messages = warning;
DROP EXTENSION IF EXISTS migrate CASCADE;
DROP TABLE IF EXISTS alembic_version;
CREATE EXTENSION migrate;
RESET client_min_messages;

SELECT migrate_revision('create agents', 'CREATE TABLE agents (id int);', 'DROP TABLE agents;', rev_id => '001');
SELECT migrate_revision('add status', 'ALTER TABLE agents ADD COLUMN status text;',
    'ALTER TABLE agents DROP COLUMN status;', rev_id => '002');
SELECT migrate_revision('add an agent', 'INSERT INTO agents VALUES (1, ''active'');',
    'DELETE FROM agents WHERE id = 1;', rev_id => '003');

-- One step and then the rest; each is reported while it runs, in Alembic's
-- words.  The result is what is current afterwards.
SELECT migrate_upgrade('+1');
SELECT migrate_upgrade('head');
SELECT * FROM agents;
SELECT * FROM alembic_version;

-- There is nothing more to do, which is said and is no error; nor is a target
-- below.
SELECT migrate_upgrade('head');
SELECT migrate_upgrade('heads');
SELECT migrate_upgrade('001');
SELECT migrate_upgrade('base');
SELECT migrate_upgrade('current');
-- a quiet client hears nothing of it
SET client_min_messages = warning;
SELECT migrate_upgrade('head');
RESET client_min_messages;

-- Rolled back, it leaves no trace: neither of the scripts nor in the version
-- table nor in the log.
SELECT migrate_downgrade('base');
SELECT count(*) AS log FROM migrate.log \gset
BEGIN;
SELECT migrate_upgrade('head');
SELECT * FROM agents;
SELECT revision FROM migrate_current();
ROLLBACK;
SELECT to_regclass('agents');
SELECT revision FROM migrate_current();
SELECT count(*) - :log AS more FROM migrate.log;
-- also when the version table is made by it
DROP TABLE alembic_version;
BEGIN;
SELECT migrate_upgrade('head');
ROLLBACK;
SELECT to_regclass('alembic_version');
-- A savepoint takes back its part.
BEGIN;
SELECT migrate_upgrade('001');
SAVEPOINT s;
SELECT migrate_upgrade('head');
ROLLBACK TO SAVEPOINT s;
SELECT revision FROM migrate_current();
SELECT migrate_upgrade('002');
COMMIT;
SELECT revision FROM migrate_current();
SELECT * FROM agents;
SELECT migrate_downgrade('base');
SELECT count(*) AS log FROM migrate.log \gset

-- An error in revision 7 of 10 leaves the database where it was.
SELECT count(*) FROM generate_series(4, 10) n, migrate_revision('table ' || n,
    CASE n WHEN 7 THEN E'CREATE TABLE t7 (i int);\n\nINSERT INTO t7\nVALUES (1 / 0);'
        ELSE format('CREATE TABLE t%s (i int);', n) END, rev_id => to_char(n, 'FM000'));
SELECT migrate_upgrade('head');
SELECT relname FROM pg_class WHERE relname ~ '^(agents|t\d+)$' ORDER BY relname;
SELECT revision FROM migrate_current();
SELECT count(*) - :log AS more FROM migrate.log;
-- in a transaction, whatever went before in it is kept by a savepoint
BEGIN;
SELECT migrate_upgrade('006');
SAVEPOINT s;
SELECT migrate_upgrade('head');
ROLLBACK TO SAVEPOINT s;
SELECT migrate_edit('007', 'CREATE TABLE t7 (i int);');
SELECT migrate_upgrade('head');
ROLLBACK;
-- and a block with an exception handler is no different
DO $$
BEGIN
    PERFORM migrate_upgrade('head');
EXCEPTION WHEN division_by_zero THEN
    RAISE NOTICE 'caught: %', SQLERRM;
    PERFORM migrate_upgrade('006');
END $$;
SELECT revision FROM migrate_current();

-- An application that calls it gets rows that it can use.
SELECT array_agg(u) FROM migrate_upgrade('006') u;
SELECT u, message FROM migrate_upgrade('006') u JOIN migrate_current() ON revision = u;
WITH up AS MATERIALIZED (SELECT * FROM migrate_upgrade('006')) SELECT count(*) FROM up;

--
-- Several heads: they are upgraded together, one branch after the other
--
SELECT migrate_remove(to_char(n, 'FM000')) FROM generate_series(10, 7, -1) n;
SELECT migrate_revision('a branch', 'CREATE TABLE branch (i int);', 'DROP TABLE branch;',
    head => '{002}', splice => true, branch_label => 'branch', rev_id => 'b1');
SELECT migrate_revision('on the branch', 'ALTER TABLE branch ADD j int;', 'ALTER TABLE branch DROP j;',
    head => '{branch@head}', rev_id => 'b2');
SELECT migrate_revision('on the trunk', '', '', head => '{006}', rev_id => '007');
SELECT migrate_upgrade('head');
SELECT migrate_upgrade('branch@+1');
SELECT * FROM alembic_version ORDER BY 1;
SELECT migrate_upgrade('heads');
SELECT * FROM alembic_version ORDER BY 1;
-- a merge makes one row of two
SELECT migrate_merge(message => 'merge the branch', rev_id => 'm1');
SELECT migrate_upgrade();
SELECT * FROM alembic_version ORDER BY 1;
-- A revision of another history that others depend on has a row of its own
-- only as long as none of them is applied; it still is a current revision.
SELECT migrate_revision('other base', '', '', head => '{base}', rev_id => 'o1');
SELECT migrate_upgrade('o1');
SELECT migrate_revision('depends on it', '', '', head => '{m1}', depends_on => '{o1}', rev_id => 'm2');
SELECT migrate_upgrade('m2');
SELECT * FROM alembic_version ORDER BY 1;
SELECT revision FROM migrate_current();
SELECT migrate_downgrade('m1');
SELECT * FROM alembic_version ORDER BY 1;

-- A tag goes to the log, for whoever reads it.
SELECT migrate_upgrade('heads', tag => 'release 1.2');
SELECT revision, tag FROM migrate.log ORDER BY id DESC LIMIT 1;

DROP TABLE alembic_version, agents, branch, t4, t5, t6;
