--
-- Changes behind our back: a stored script is not what was loaded or applied
--
SET client_min_messages = warning;
DROP EXTENSION IF EXISTS migrate CASCADE;
DROP TABLE IF EXISTS alembic_version;
CREATE EXTENSION migrate;
RESET client_min_messages;

\set one '-- one\n-- Revision ID: 001\n-- migrate:upgrade\nCREATE TABLE one ();\n-- migrate:downgrade\nDROP TABLE one;\n'
\set two '-- two\n-- Revision ID: 002\n-- Revises: 001\n-- migrate:upgrade\nCREATE TABLE two ();\n-- migrate:downgrade\nDROP TABLE two;\n'
\set three '-- three\n-- Revision ID: 003\n-- Revises: 002\n-- migrate:upgrade\nCREATE TABLE three ();\n-- migrate:downgrade\nDROP TABLE three;\n'
SELECT * FROM migrate_load_files(ARRAY[:'one', :'two', :'three']);
SELECT migrate_upgrade('002');
SELECT up_to_date, changed FROM migrate_status();

-- An UPDATE of a script that is not applied shows, and stops whatever would
-- run.
UPDATE migrate.revision SET upgrade = 'CREATE TABLE three (i int);' WHERE revision = '003';
SELECT up_to_date, changed FROM migrate_status();
SELECT migrate_upgrade();
SELECT migrate_downgrade('-1');
-- also if there is nothing to run
SELECT migrate_upgrade('002');
-- A stamp runs nothing; it may be what helps.
BEGIN;
SELECT migrate_stamp('003');
ROLLBACK;
-- It can be made good by the file, or be accepted by an edit.
BEGIN;
SELECT migrate_load(:'three');
SELECT changed FROM migrate_status();
SELECT migrate_upgrade();
ROLLBACK;
SELECT migrate_edit('003', message => 'accepted');
SELECT changed FROM migrate_status();
SELECT upgrade FROM migrate_show('003');

-- The same for one that is applied, but here there is no edit.
UPDATE migrate.revision SET downgrade = 'DROP TABLE one, two;' WHERE revision = '002';
SELECT changed FROM migrate_status();
SELECT migrate_downgrade('base');
SELECT migrate_edit('002', downgrade => 'DROP TABLE two;');
SELECT migrate_load(replace(:'two', 'TABLE two', 'TABLE too'));
SELECT migrate_load(:'two');
SELECT changed FROM migrate_status();

-- Several are all named.
UPDATE migrate.revision SET upgrade = upgrade || ' ';
SELECT changed FROM migrate_status();
SELECT migrate_upgrade();
SELECT * FROM migrate_load_files(ARRAY[:'one', :'two']);
SELECT migrate_load(:'three');

-- Whoever changes the checksum along with the script is given away by the log,
-- which keeps the one that was applied.
UPDATE migrate.revision
SET upgrade = 'CREATE TABLE one (i int);', loaded_checksum = migrate.checksum('CREATE TABLE one (i int);', downgrade)
WHERE revision = '001';
SELECT changed FROM migrate_status();
SELECT migrate_upgrade();
SELECT migrate_load(:'one');
SELECT changed FROM migrate_status();
SELECT migrate_upgrade();

-- Downgraded, changed and applied again, it counts as it was applied last.
SELECT migrate_downgrade('002');
SELECT migrate_load(replace(:'three', '()', '(i int)'));
SELECT migrate_upgrade();
SELECT changed FROM migrate_status();
SELECT revision, direction, l.checksum = r.checksum AS as_it_is
FROM migrate.log l JOIN migrate.revision r USING (environment, revision) ORDER BY id;

-- The scripts are found without the index of the primary key, too.
BEGIN;
ALTER TABLE migrate.revision DROP CONSTRAINT revision_pkey;
SELECT revision, upgrade, downgrade FROM migrate_show('002');
ROLLBACK;

SELECT migrate_downgrade('base');
DROP TABLE alembic_version;
