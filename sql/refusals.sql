-- What could crash the server, or run somebody's code with rights that are not
-- theirs, is refused.
\set VERBOSITY default
SET client_min_messages = warning;
DROP EXTENSION IF EXISTS migrate CASCADE;
DROP TABLE IF EXISTS alembic_version;
CREATE EXTENSION migrate;
RESET client_min_messages;

SELECT migrate_load('-- make agents
--
-- Revision ID: 001

-- migrate:upgrade
CREATE TABLE agents (id int);

-- migrate:downgrade
DROP TABLE agents;
');
SELECT migrate_load('-- add name
--
-- Revision ID: 002
-- Revises: 001

-- migrate:upgrade
ALTER TABLE agents ADD COLUMN name text;

-- migrate:downgrade
ALTER TABLE agents DROP COLUMN name;
');

-- names that the server would cut or put elsewhere
SELECT migrate_environment_create('t', version_table_schema => 'pg_temp');
SELECT migrate_environment_create('t', version_table_schema => repeat('c', 64));
SELECT migrate_environment_create('t', version_table => repeat('c', 64));
SELECT migrate_revision('long', rev_id => repeat('x', 256));

-- the longest name that a table can have leaves room for its primary key
SELECT migrate_environment_create('t', version_table => repeat('c', 63));
SELECT migrate_revision('first', 'SELECT 1', rev_id => 't1', environment => 't');
SELECT migrate_upgrade(environment => 't');
SELECT conname FROM pg_constraint WHERE conrelid = repeat('c', 63)::regclass AND contype = 'p';
DROP TABLE ccccccccccccccccccccccccccccccccccccccccccccccccccccccccccccccc;

-- an event trigger that takes the version table away as soon as it is made
CREATE FUNCTION rename_it() RETURNS event_trigger LANGUAGE plpgsql AS
$$ BEGIN ALTER TABLE public.alembic_version RENAME TO elsewhere; END $$;
CREATE EVENT TRIGGER rename_it ON ddl_command_end WHEN TAG IN ('CREATE TABLE')
    EXECUTE FUNCTION rename_it();
SELECT migrate_upgrade('001');
DROP EVENT TRIGGER rename_it;
DROP FUNCTION rename_it();

-- row types that were altered; a column more in a table is none of those
ALTER TABLE migrate.log ADD COLUMN note text;
SELECT revision, direction FROM migrate_log(environment => 't');
ALTER TYPE migrate.log_entry ADD ATTRIBUTE note text;
SELECT revision, direction FROM migrate_log(environment => 't');
ALTER TYPE migrate.status ADD ATTRIBUTE note text;
SELECT * FROM migrate_status();
SET client_min_messages = warning;
DROP EXTENSION migrate CASCADE;
CREATE EXTENSION migrate;
RESET client_min_messages;
SELECT migrate_revision('make agents', 'CREATE TABLE agents (id int);', 'DROP TABLE agents;', rev_id => '001');
SELECT migrate_revision('add name', 'ALTER TABLE agents ADD COLUMN name text;',
                        'ALTER TABLE agents DROP COLUMN name;', rev_id => '002');

-- a trigger on a table of ours would run as its owner
CREATE FUNCTION spy() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RAISE 'spying as %', current_user; END $$;
CREATE TRIGGER spy BEFORE INSERT ON migrate.log FOR EACH ROW EXECUTE FUNCTION spy();
SELECT migrate_stamp('001');
DROP TRIGGER spy ON migrate.log;
DROP FUNCTION spy();
VACUUM migrate.log;

-- a trigger on the version table sees the session's settings, and may not
-- start a run or change a revision in the middle of one
SELECT migrate_stamp('base');
SELECT migrate_upgrade('001');
CREATE SCHEMA side;
CREATE TABLE side.audit (version text, path text);
CREATE FUNCTION keep() RETURNS trigger LANGUAGE plpgsql AS
$$ BEGIN INSERT INTO audit VALUES (NEW.version_num, current_setting('search_path')); RETURN NEW; END $$;
CREATE TRIGGER keep AFTER UPDATE ON alembic_version FOR EACH ROW EXECUTE FUNCTION keep();
SET search_path = public, side;
SELECT migrate_upgrade('002');
TABLE audit;
RESET search_path;
CREATE OR REPLACE FUNCTION keep() RETURNS trigger LANGUAGE plpgsql AS
$$ BEGIN PERFORM public.migrate_upgrade(); RETURN NEW; END $$;
SELECT migrate_downgrade('001');
CREATE OR REPLACE FUNCTION keep() RETURNS trigger LANGUAGE plpgsql AS
$$ BEGIN PERFORM public.migrate_edit('002', 'SELECT 666'); RETURN NEW; END $$;
SELECT migrate_downgrade('001');
DROP TRIGGER keep ON alembic_version;
DROP FUNCTION keep();
SET client_min_messages = warning;
DROP SCHEMA side CASCADE;
RESET client_min_messages;

-- afterwards runs are possible again
SELECT migrate_downgrade('001');

-- what is exported is a plain file name, whatever was given
SELECT migrate_load('-- a' || chr(10) || '-- Revision ID: f1' || chr(10) || '-- Revises: 002' || chr(10) || '-- migrate:upgrade',
                    '../../etc/cron.d/x.sql');
SELECT migrate_load('-- b' || chr(10) || '-- Revision ID: f2' || chr(10) || '-- Revises: f1' || chr(10) || '-- migrate:upgrade',
                    '-rf' || chr(10) || 'x.sql');
SELECT migrate_load('-- c' || chr(10) || '-- Revision ID: f3' || chr(10) || '-- Revises: f2' || chr(10) || '-- migrate:upgrade',
                    'versions/');
SELECT filename FROM migrate_export('f1:');

-- a revision that was deleted by hand
BEGIN;
DELETE FROM migrate.revision WHERE revision = '002';
SELECT migrate_upgrade('f2');
ROLLBACK;

-- hints hold in every environment
SELECT migrate_environment_create('other', version_table => 'other_version');
SELECT migrate_revision('first', 'SELECT 1', rev_id => 'o1', environment => 'other');
SELECT migrate_upgrade(environment => 'other');
SELECT migrate_downgrade('base', environment => 'other');
INSERT INTO other_version VALUES ('zz');
SELECT migrate_upgrade(environment => 'other');

-- a script that writes the version table itself
SELECT migrate_revision('meddle', $$INSERT INTO alembic_version VALUES ('zz')$$, '', rev_id => '003', head => '{f2}');
SELECT migrate_upgrade('003');
TABLE alembic_version;

-- an environment's name where a tag or an origin stands
SELECT migrate_downgrade('base', 'other');
SELECT migrate_load('-- a' || chr(10) || '-- Revision ID: g1' || chr(10) || '-- migrate:upgrade', 'g1.sql', 'other');

-- a version table that is lost: what the log knows, before it happens again
BEGIN;
DROP TABLE alembic_version;
SELECT migrate_upgrade('001');
ROLLBACK;

-- a file of an applied revision that an editor has touched
SELECT migrate_load(replace(script, chr(10), chr(13) || chr(10)) || '  ', filename), filename
FROM migrate_export('001:001');
SELECT migrate_load(replace(script, 'agents (id int)', 'agents (id  int)'), filename)
FROM migrate_export('001:001');

-- a purge with nothing loaded would lose what the version table knows
SET client_min_messages = warning;
DROP EXTENSION migrate;
CREATE EXTENSION migrate;
RESET client_min_messages;
SELECT migrate_upgrade();
SELECT migrate_stamp('heads', purge => true);
TABLE alembic_version;

DROP TABLE agents, alembic_version, other_version;
DROP EXTENSION migrate;
