--
-- migrate_downgrade()
--
SET client_min_messages = warning;
DROP EXTENSION IF EXISTS migrate CASCADE;
DROP TABLE IF EXISTS alembic_version;
CREATE EXTENSION migrate;
RESET client_min_messages;

SELECT migrate_revision('create agents', 'CREATE TABLE agents (id int);', 'DROP TABLE agents;', rev_id => '001');
SELECT migrate_revision('add status', 'ALTER TABLE agents ADD COLUMN status text;',
    'ALTER TABLE agents DROP COLUMN status;', rev_id => '002');
SELECT migrate_revision('fill status', 'INSERT INTO agents VALUES (1, ''active'');', downgrade => '', rev_id => '003');
SELECT migrate_revision('forget who was there', 'DELETE FROM agents;', rev_id => '004');
SELECT migrate_revision('add note', 'ALTER TABLE agents ADD COLUMN note text;',
    'ALTER TABLE agents DROP COLUMN note;', rev_id => '005');
SELECT migrate_upgrade();

-- down by one, and to a revision that is current already
SELECT migrate_downgrade('-1');
SELECT migrate_downgrade('004');
SELECT migrate_downgrade('current');
SELECT * FROM agents;

-- Without a downgrade script there is no way down.  That is found out before
-- anything is run, also when it lies further below.
SELECT migrate_downgrade('-1');
SELECT migrate_upgrade();
\set VERBOSITY terse
SELECT migrate_downgrade('base');
\set VERBOSITY default
SELECT revision FROM migrate_current();
-- What was to be undone by hand is, and the way is free.
SELECT migrate_downgrade('-1');
SELECT migrate_stamp(ARRAY['003'], purge => true);
-- an empty script is a downgrade that does nothing
SELECT migrate_downgrade('002');
SELECT migrate_downgrade('base');
SELECT migrate_downgrade('base');
SELECT to_regclass('agents'), (SELECT count(*) FROM alembic_version) AS versions;

-- An error leaves the database where it was.
SELECT migrate_edit('002', downgrade => E'ALTER TABLE agents DROP COLUMN status;\nDROP TABLE nowhere;');
SELECT migrate_upgrade('003');
SELECT migrate_downgrade('base');
SELECT revision FROM migrate_current();
SELECT * FROM agents;
-- Above what cannot be undone it can be undone.
BEGIN;
SELECT migrate_downgrade('002');
ROLLBACK;
SELECT revision FROM migrate_current();

-- up is no way down
SELECT migrate_downgrade('004');
SELECT migrate_downgrade('+1');
SELECT migrate_downgrade('head');

--
-- Branches
--
SELECT migrate_revision('a branch', 'CREATE TABLE branch (i int);', 'DROP TABLE branch;',
    head => '{003}', splice => true, branch_label => 'branch', rev_id => 'b1');
SELECT migrate_revision('more of it', '', '', head => '{b1}', rev_id => 'b2');
SELECT migrate_revision('trunk', '', '', head => '{003}', splice => true, rev_id => 't1');
SELECT migrate_revision('trunk needs branch', '', '', head => '{t1}', depends_on => '{b1}', rev_id => 't2');
SELECT migrate_upgrade('b2');
SELECT migrate_upgrade('t2');
SELECT * FROM alembic_version ORDER BY 1;
-- one of the branches
SELECT migrate_downgrade('branch@-1');
SELECT * FROM alembic_version ORDER BY 1;
-- what depends on it goes first; the other branch stays
SELECT migrate_downgrade('branch@003');
SELECT * FROM alembic_version ORDER BY 1;
-- below the branch point there is no choice
SELECT migrate_upgrade('b1');
SELECT migrate_downgrade('003');
SELECT * FROM alembic_version ORDER BY 1;
-- a merge point has to be told which way
SELECT migrate_merge('{b2,t2}', message => 'merge', rev_id => 'm1');
SELECT migrate_upgrade('m1');
SELECT migrate_downgrade('-1');
SELECT migrate_downgrade('t2');
SELECT * FROM alembic_version ORDER BY 1;
-- several current revisions: the first, with a warning
SELECT migrate_downgrade('-1');
SELECT * FROM alembic_version ORDER BY 1;

DROP TABLE alembic_version, agents, branch;
