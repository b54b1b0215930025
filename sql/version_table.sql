--
-- The version table is Alembic's own and the user's: whatever it looks like, it
-- is understood or refused, and never made worse
--
SET client_min_messages = warning;
DROP EXTENSION IF EXISTS migrate CASCADE;
DROP TABLE IF EXISTS alembic_version;
CREATE EXTENSION migrate;
RESET client_min_messages;

SELECT migrate_revision('one', 'CREATE TABLE one ();', 'DROP TABLE one;', rev_id => '001');
SELECT migrate_revision('two', 'CREATE TABLE two ();', 'DROP TABLE two;', rev_id => '002');
SELECT migrate_revision('three', 'CREATE TABLE three ();', 'DROP TABLE three;', rev_id => '003');

-- A database that Alembic has managed so far is understood as it is.
CREATE TABLE one ();
CREATE TABLE alembic_version (version_num VARCHAR(32) NOT NULL,
    CONSTRAINT alembic_version_pkc PRIMARY KEY (version_num));
INSERT INTO alembic_version VALUES ('001');
SELECT * FROM migrate_current();
SELECT migrate_upgrade('+1');
SELECT * FROM alembic_version;
-- Its column is wide enough for Alembic's ids, and not for all of ours.
SELECT migrate_revision('long', '', '', rev_id => 'a_revision_with_quite_a_long_identifier');
\set VERBOSITY terse
SELECT migrate_upgrade();
\set VERBOSITY default
SELECT * FROM alembic_version;
SELECT migrate_remove('head');
SELECT migrate_upgrade();

-- A row that no revision matches: it is said which, and both ways out.
-- Looking at the state as a whole is always possible.
INSERT INTO alembic_version VALUES ('gone'), ('lost');
SELECT migrate_upgrade();
SELECT migrate_downgrade('-1');
SELECT migrate_stamp('001');
SELECT * FROM migrate_current();
SELECT migrate_check_heads();
SELECT * FROM migrate_plan('upgrade', 'head');
SELECT * FROM migrate_history(':current');
SELECT current, pending, up_to_date, unknown FROM migrate_status();
SELECT revision FROM migrate_history();
SELECT revision FROM migrate_heads();
SELECT migrate_revision('gone', '', '', head => '{base}', rev_id => 'gone');
SELECT unknown FROM migrate_status();
SELECT migrate_stamp('003', purge => true);
SELECT migrate_remove('gone');
-- A row is an id in full; no symbol does.
UPDATE alembic_version SET version_num = 'head';
SELECT migrate_upgrade();
UPDATE alembic_version SET version_num = '003';

-- A revision and one below it: Alembic can leave that behind.
INSERT INTO alembic_version VALUES ('001');
SELECT migrate_upgrade();
SELECT migrate_downgrade('002');
SELECT current FROM migrate_status();
SELECT migrate_stamp('003', purge => true);

-- Without a primary key, a row can be there twice.
ALTER TABLE alembic_version DROP CONSTRAINT alembic_version_pkc;
INSERT INTO alembic_version VALUES ('003');
SELECT migrate_upgrade();
SELECT migrate_downgrade('-1');
SELECT current FROM migrate_status();
SELECT migrate_stamp('003', purge => true);
SELECT * FROM alembic_version;
-- or none at all
ALTER TABLE alembic_version ALTER version_num DROP NOT NULL;
INSERT INTO alembic_version VALUES (NULL);
SELECT migrate_upgrade();
SELECT revision FROM migrate_current();
DELETE FROM alembic_version WHERE version_num IS NULL;
SELECT revision FROM migrate_current();

-- What is not as Alembic would have made it
DROP TABLE alembic_version;
CREATE VIEW alembic_version AS SELECT '003'::text AS version_num;
SELECT migrate_upgrade();
SELECT revision FROM migrate_current();
DROP VIEW alembic_version;
CREATE TABLE alembic_version (version text);
\set VERBOSITY terse
SELECT migrate_upgrade();
\set VERBOSITY default
DROP TABLE alembic_version;
CREATE TABLE alembic_version (version_num int);
INSERT INTO alembic_version VALUES (3);
SELECT revision FROM migrate_current();
DROP TABLE alembic_version;
CREATE TABLE alembic_version (id int GENERATED ALWAYS AS IDENTITY, version_num char(8), at timestamptz DEFAULT now());
INSERT INTO alembic_version (version_num) VALUES ('003');
SELECT revision FROM migrate_current();
DROP TABLE alembic_version;
CREATE TABLE alembic_version (version_num text PRIMARY KEY) PARTITION BY LIST (version_num);
CREATE TABLE alembic_version_1 PARTITION OF alembic_version DEFAULT;
INSERT INTO alembic_version VALUES ('003');
SELECT migrate_downgrade('-1');
SELECT * FROM alembic_version;
DROP TABLE alembic_version;
-- one of the same name elsewhere in the search path is another table
CREATE SCHEMA other;
CREATE TABLE other.alembic_version AS SELECT '001' AS version_num;
SET search_path = other, public;
SELECT revision FROM migrate_current();
RESET search_path;
DROP TABLE other.alembic_version;
DROP SCHEMA other;

-- A trigger that changes what is written is noticed.
DROP TABLE one, two;
SELECT migrate_upgrade('001');
CREATE FUNCTION keep() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NULL; END';
CREATE TRIGGER keep BEFORE UPDATE ON alembic_version FOR EACH ROW EXECUTE FUNCTION keep();
SELECT migrate_upgrade('002');
DROP TRIGGER keep ON alembic_version;
DROP FUNCTION keep;

-- A script that drops the version table, puts another in its place or writes it
-- is refused when it has run, and all is as before.
\set VERBOSITY terse
SELECT migrate_edit('002', upgrade => 'DROP TABLE alembic_version;');
SELECT migrate_upgrade();
SELECT migrate_edit('002', upgrade => 'DROP TABLE alembic_version; CREATE TABLE alembic_version (version_num text);');
SELECT migrate_upgrade();
SELECT migrate_edit('002', upgrade => 'ALTER TABLE alembic_version RENAME TO old_version;');
SELECT migrate_upgrade();
SELECT migrate_edit('002', upgrade => 'UPDATE alembic_version SET version_num = ''002'';');
SELECT migrate_upgrade();
SELECT migrate_edit('002', upgrade => 'INSERT INTO alembic_version VALUES (''002'');');
SELECT migrate_upgrade();
\set VERBOSITY default
SELECT * FROM alembic_version;
-- nothing against a script that alters it
SELECT migrate_edit('002', upgrade => 'ALTER TABLE alembic_version ALTER version_num TYPE varchar(100);',
    downgrade => 'ALTER TABLE alembic_version ALTER version_num TYPE varchar(32);');
SELECT migrate_upgrade('002');
SELECT migrate_downgrade('001');

SELECT migrate_downgrade('base');
DROP TABLE alembic_version;
