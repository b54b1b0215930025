--
-- Revision files in and out: migrate_load(), migrate_load_files(),
-- migrate_export()
--
SET client_min_messages = warning;
DROP EXTENSION IF EXISTS migrate CASCADE;
DROP TABLE IF EXISTS alembic_version;
CREATE EXTENSION migrate;
RESET client_min_messages;
SET timezone = 'UTC';
SET datestyle = 'ISO';

-- A file has Alembic's header and two sections of SQL.
SELECT migrate_load($file$-- Add status column to agents table
--
-- Adds a new status column to track
-- agent operational state.
--
-- Revision ID: 20241209_100000_002
-- Revises: 20241208_130000_001
-- Branch Labels:
-- Depends On:
-- Create Date: 2024-12-09 10:00:00+00

-- migrate:upgrade
ALTER TABLE agents ADD COLUMN operational_status varchar(50) NOT NULL DEFAULT 'active';

-- migrate:downgrade
ALTER TABLE agents DROP COLUMN operational_status;
$file$, '20241209_1000_002_add_status.sql');

-- What it revises must be there; the error names the file.  Several files of
-- one call can come in any order.
SELECT * FROM migrate_load_files(ARRAY[
$file$-- Add status column to agents table
--
-- Adds a new status column to track
-- agent operational state.
--
-- Revision ID: 20241209_100000_002
-- Revises: 20241208_130000_001
-- Branch Labels:
-- Depends On:
-- Create Date: 2024-12-09 10:00:00+00

-- migrate:upgrade
ALTER TABLE agents ADD COLUMN operational_status varchar(50) NOT NULL DEFAULT 'active';

-- migrate:downgrade
ALTER TABLE agents DROP COLUMN operational_status;
$file$,
$file$-- create agents table
-- Revision ID: 20241208_130000_001
-- Create Date: 2024-12-08 14:00:00+01:00
-- Author: Ada Lovelace
-- migrate:upgrade
CREATE TABLE agents (id int);
-- migrate:downgrade
DROP TABLE agents;
$file$], '{20241209_1000_002_add_status.sql,20241208_1300_001_create_agents.sql}', origin => 'oss');
\x on
SELECT revision, down_revisions, message, description, upgrade, downgrade, origin, filename, author, create_date
FROM migrate_show('20241209');
SELECT revision, down_revisions, message, description, upgrade, downgrade, origin, filename, author, create_date
FROM migrate_show('20241208');
\x off

--
-- What is exported is what was loaded, to the last byte
--
CREATE TABLE file (n int GENERATED ALWAYS AS IDENTITY, name text, script text);
INSERT INTO file (name, script) VALUES
('plain.sql', E'-- plain\n-- Revision ID: plain\n\n-- migrate:upgrade\nSELECT 1;\n\n-- migrate:downgrade\nSELECT 2;\n'),
('crlf.sql', E'-- Windows\r\n--\r\n-- Revision ID: crlf\r\n\r\n-- migrate:upgrade\r\nSELECT 1;\r\n\r\n-- migrate:downgrade\r\n\r\nSELECT\r\n2;\r\n'),
('no_final_newline.sql', E'-- no newline at the end\n-- Revision ID: no_newline\n-- migrate:upgrade\nSELECT 1;\n-- migrate:downgrade\nSELECT 2'),
('blanks.sql', E'\n\n  --   Blanks   \n--Revision ID :   blanks  \t\n--   revises:  None\n\n\n-- migrate:upgrade  \n\n\tSELECT 1 ; \n \n-- migrate:downgrade\t\n\n\n'),
('order.sql', E'-- migrate this: a title\n-- Create Date: 2024-12-09T10:00:00Z\n-- Owner: nobody\n-- Branch Labels: ordered, sorted\n-- REVISION ID: order\n-- Depends On: plain, crlf\n-- migrate:upgrade\n'),
('marked.sql', E'-- marked\n-- Revision ID: marked\n-- migrate:upgrade transaction:no\nVACUUM;\n-- migrate:downgrade transaction:yes\n'),
('bom.sql', E'\uFEFF-- byte order mark\n-- Revision ID: bom\n-- migrate:upgrade\n-- größer, 名前\nSELECT ''größer'';\n'),
('quoted.sql', $$-- section markers that are none
-- Revision ID: quoted
-- migrate:upgrade
SELECT '
-- migrate:downgrade
', $q$
-- migrate:downgrade
$q$ /*
-- migrate:downgrade /*
*/
-- migrate:downgrade
*/;
-- migrate: all of it has come to an end
-- migrate:downgrade
SELECT 'really';
$$);
SELECT migrate_load(script, name) FROM file ORDER BY n;
SELECT f.name, f.script = e.script AS same, md5(f.script) = md5(e.script) AS same_md5,
       octet_length(f.script) - octet_length(e.script) AS missing_bytes
FROM file f LEFT JOIN migrate_export() e ON e.filename = f.name
ORDER BY f.n;
-- and this is how they were understood
SELECT revision, message, down_revisions AS down, depends_on, branch_labels, upgrade_transactional AS up_tx,
       downgrade IS NULL AS irreversible, downgrade_transactional AS down_tx, create_date
FROM file f, migrate_show(CASE f.name WHEN 'no_final_newline.sql' THEN 'no_newline' ELSE split_part(f.name, '.', 1) END)
ORDER BY f.n;
SELECT description FROM migrate_show('order');
SELECT upgrade, downgrade FROM migrate_show('quoted');

-- The same again is nothing to do, whoever else has loaded something since.
SELECT array_agg(xmin ORDER BY load_order) AS before FROM migrate.revision \gset
SELECT count(*) FROM file, migrate_load(script, name);
SELECT count(*) FROM migrate_load_files(ARRAY(SELECT script FROM file ORDER BY n DESC));
SELECT array_agg(xmin ORDER BY load_order) = :'before' AS untouched FROM migrate.revision;

-- A range, and what came from one origin.
SELECT filename FROM migrate_export(':20241209_100000_002');
SELECT filename FROM migrate_export('20241209_100000_002:');
SELECT filename FROM migrate_export(origin => 'oss');
SELECT filename FROM migrate_export(origin => 'enterprise');
-- loaded elsewhere, it is the same graph
SELECT migrate_environment_create('copy', version_table => 'copy_version');
SELECT count(*) FROM migrate_load_files(ARRAY(SELECT script FROM migrate_export()), environment => 'copy');
SELECT revision, down_revisions, depends_on, branch_labels FROM migrate_history()
EXCEPT SELECT revision, down_revisions, depends_on, branch_labels FROM migrate_history(environment => 'copy');

--
-- Changed files
--

-- Another text replaces a revision that is not applied.
SELECT migrate_load(replace(script, 'SELECT 1', 'SELECT 11')) FROM file WHERE name = 'plain.sql';
SELECT upgrade, filename FROM migrate_show('plain');
SELECT migrate_load(replace(script, 'Revision ID', E'Revises: crlf\n-- Revision ID'), 'renamed.sql') FROM file WHERE name = 'plain.sql';
SELECT down_revisions, upgrade, filename FROM migrate_show('plain');
SELECT changed FROM migrate_status();

-- Once it is applied it is refused, naming what differs; that the text is the
-- same again is fine.
SELECT migrate_upgrade('20241209_100000_002');
SELECT script AS applied FROM migrate_export() WHERE filename LIKE '20241209%' \gset
SELECT migrate_load(:'applied');
SELECT migrate_load(replace(:'applied', '50', '60'), 'edited.sql');
SELECT migrate_load(replace(:'applied', 'DROP COLUMN', 'DROP'));
SELECT migrate_load(split_part(:'applied', '-- migrate:downgrade', 1));
SELECT migrate_load(replace(:'applied', 'agent oper', 'oper'));
SELECT migrate_load(replace(:'applied', 'Add status', 'Add a status'));
SELECT migrate_load(replace(:'applied', 'Revises: 20241208_130000_001', 'Revises: crlf'));
SELECT migrate_load(replace(:'applied', 'Depends On:', 'Depends On: crlf'));
SELECT migrate_load(replace(:'applied', 'Branch Labels:', 'Branch Labels: status'));
SELECT migrate_load(replace(:'applied', 'Create Date: 2024', 'Create Date: 2025'));
SELECT migrate_load(replace(:'applied', 'migrate:upgrade', 'migrate:upgrade transaction:no'));
SELECT migrate_load(replace(replace(:'applied', '50', '60'), 'Add status', 'Add a status'));
-- all of it is listed
SELECT migrate_load(E'-- Revision ID: 20241209_100000_002\n-- migrate:upgrade\n');
SELECT migrate_downgrade('base');

-- A revision belongs to the origin that it came from.
SELECT migrate_load(:'applied', origin => 'enterprise');
SELECT migrate_load(:'applied', origin => 'oss');

--
-- Files that are none: nothing is loaded, and the error says where
--
SELECT count(*) FROM migrate.revision WHERE environment = 'default';
CREATE FUNCTION load_four(script text) RETURNS SETOF text LANGUAGE sql AS $$
    SELECT migrate_load_files(ARRAY[E'-- first\n-- Revision ID: f1\n-- migrate:upgrade\n',
        E'-- second\n-- Revision ID: f2\n-- Revises: f1\n-- migrate:upgrade\n', script,
        E'-- fourth\n-- Revision ID: f4\n-- Revises: f3\n-- migrate:upgrade\n'],
        '{1.sql,2.sql,3.sql,4.sql}')
$$;
SELECT load_four(E'-- third\n-- Revision ID: f3\n-- migrate:upgrade\nCREATE TABLE (;\n');
SELECT load_four(E'-- third\n-- Revision ID: f3\n\n-- migrate:upgrade\nSELECT 1;\n-- migrate:downgrade\nSELECT 1;\n\nSELECT 1\n+ * 2;\n');
SELECT load_four(E'-- third\n-- Revision ID: f3\n\n-- migrate:upgrade\nSELECT ''1;\n\n');
SELECT load_four(E'-- third\n-- Revision ID: f3\n\n-- migrate:upgrade\nSELECT $x$1;\n\n$y$;\n');
SELECT load_four(E'-- third\n-- Revision ID: f3\n\n-- migrate:upgrade\nSELECT 1; /* it\n/* ends */\n');
SELECT load_four('');
SELECT load_four(E'-- third\n-- Revision ID: f3\nSELECT 1;');
SELECT load_four(E'-- third\n-- Revision ID: f3\n-- migrate:downgrade\n');
SELECT load_four(E'-- third\n-- migrate:upgrade\n');
SELECT load_four(E'-- third\n-- Revision ID:\n-- migrate:upgrade\n');
SELECT load_four(E'-- third\n-- Revision ID: f3\n-- Revision ID: f4\n-- migrate:upgrade\n');
SELECT load_four(E'-- third\n-- Revision ID: f3\n-- Create Date: yesterday\n-- migrate:upgrade\n');
SELECT load_four(E'-- third\n-- Revision ID: f3\n-- Create Date: 2024-02-30\n-- migrate:upgrade\n');
SELECT load_four(E'-- third\n-- Revision ID: f3\n-- Revises: f1,, f2\n-- migrate:upgrade\n');
SELECT load_four(E'-- third\n-- Revision ID: f3\n-- Migrate:Upgrade\n');
SELECT load_four(E'-- third\n-- Revision ID: f3\n-- migrate:upgrade\n-- migrate:dowgrade\n');
SELECT load_four(E'-- third\n-- Revision ID: f3\n-- migrate:upgrade\n  -- migrate:downgrade\n');
SELECT load_four(E'-- third\n-- Revision ID: f3\n-- migrate:upgrade\n-- migrate: downgrade\n');
SELECT load_four(E'-- third\n-- Revision ID: f3\n-- migrate:upgrade transaction:off\n');
SELECT load_four(E'-- third\n-- Revision ID: f3\n-- migrate:upgrade transaction:no transaction:no\n');
SELECT load_four(E'-- third\n-- Revision ID: f3\n-- migrate:upgrade\n-- migrate:upgrade\n');
SELECT load_four(E'-- third\n-- Revision ID: f3\n-- migrate:upgrade\n-- migrate:downgrade\n-- migrate:downgrade\n');
SELECT load_four(E'-- third\n-- Revision ID: f2\n-- migrate:upgrade\n');
SELECT load_four(NULL);
SELECT load_four(E'-- third\n-- Revision ID: f5\n-- migrate:upgrade\n');
SELECT count(*) FROM migrate.revision WHERE environment = 'default';
-- and this is how it goes well
SELECT load_four(E'-- third\n-- Revision ID: f3\n-- Revises: f2\n-- migrate:upgrade\n');

SELECT migrate_load(NULL);
-- the server itself sees to the encoding
SELECT migrate_load(E'-- \xff\n-- Revision ID: f5\n-- migrate:upgrade\n');
SELECT migrate_load_files('{}');
SELECT migrate_load_files('{a,b}', '{1.sql}');
-- a file without a name is told by its revision
SELECT migrate_load(E'-- third\n-- Revision ID: f5\n\n-- migrate:upgrade\nSELEKT 1;');

DROP FUNCTION load_four;
DROP TABLE file, alembic_version;
