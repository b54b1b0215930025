--
-- Where nothing can be run or written, and what a caller can tell apart by
-- SQLSTATE
--
SET client_min_messages = warning;
DROP EXTENSION IF EXISTS migrate CASCADE;
DROP TABLE IF EXISTS alembic_version;
CREATE EXTENSION migrate;
RESET client_min_messages;

SELECT migrate_revision('one', 'CREATE TABLE one ();', 'DROP TABLE one;', rev_id => '001');
SELECT migrate_revision('two', 'CREATE TABLE two ();', rev_id => '002');

-- a read-only transaction
BEGIN READ ONLY;
SELECT migrate_upgrade();
ROLLBACK;
BEGIN READ ONLY;
SELECT migrate_downgrade('base');
ROLLBACK;
BEGIN READ ONLY;
SELECT migrate_stamp('head');
ROLLBACK;
BEGIN READ ONLY;
SELECT migrate_stamp(ARRAY['001']);
ROLLBACK;
BEGIN READ ONLY;
SELECT migrate_revision('three');
ROLLBACK;
BEGIN READ ONLY;
SELECT migrate_load(E'-- three\n-- Revision ID: 003\n-- migrate:upgrade\n');
ROLLBACK;
BEGIN READ ONLY;
SELECT migrate_edit('001', upgrade => '');
ROLLBACK;
BEGIN READ ONLY;
SELECT migrate_remove('002');
ROLLBACK;
BEGIN READ ONLY;
SELECT migrate_environment_create('second', version_table => 'second_version');
ROLLBACK;
BEGIN READ ONLY;
SELECT migrate_environment_drop('default');
ROLLBACK;

-- a transaction that cannot see what another run did a moment ago
BEGIN ISOLATION LEVEL REPEATABLE READ;
SELECT migrate_upgrade();
ROLLBACK;
BEGIN ISOLATION LEVEL SERIALIZABLE;
SELECT migrate_downgrade('base');
ROLLBACK;
SET default_transaction_isolation = 'serializable';
SELECT migrate_upgrade();
RESET default_transaction_isolation;

-- a script: called directly, in a block, in a function
CREATE FUNCTION go_up() RETURNS void LANGUAGE plpgsql AS 'BEGIN PERFORM migrate_upgrade(); END';
SELECT migrate_revision('calls itself', E'CREATE TABLE three ();\nSELECT migrate_upgrade(''head'');', rev_id => '003');
SELECT migrate_upgrade('head');
SELECT migrate_edit('003', upgrade => $$DO 'BEGIN PERFORM migrate_downgrade(''base''); END'$$);
SELECT migrate_upgrade('head');
SELECT migrate_edit('003', upgrade => 'SELECT go_up();');
SELECT migrate_upgrade('head');
SELECT migrate_edit('003', upgrade => 'SELECT migrate_revision(''a revision of a revision'');');
SELECT migrate_upgrade('head');
-- also if that is caught: nothing was run by it
SELECT migrate_edit('003', upgrade => $$DO 'BEGIN PERFORM go_up(); EXCEPTION WHEN object_in_use THEN RAISE NOTICE ''caught''; END'$$);
SELECT migrate_upgrade('head');
-- looking is fine there, and sees the versions as they are before the step
SELECT migrate_stamp('002');
SELECT migrate_edit('003', downgrade => '', upgrade => $$DO 'BEGIN RAISE NOTICE ''at %'', (SELECT revision FROM migrate_current()); END'$$);
SELECT migrate_upgrade('head');
-- afterwards the session is free again
SELECT go_up();
DROP FUNCTION go_up;

-- A table that the calling query itself reads cannot be altered.
SELECT migrate_revision('alters two', 'ALTER TABLE two ADD i int;', '', rev_id => '004');
INSERT INTO two DEFAULT VALUES;
SELECT migrate_upgrade() FROM two;

--
-- SQLSTATEs
--
\set VERBOSITY sqlstate
SELECT migrate_revision('five', '', '', head => '{004}', rev_id => 'abcdef');
SELECT migrate_revision('five too', '', '', head => '{004}', splice => true, rev_id => 'abcdxy');
SELECT migrate_upgrade('nowhere');
SELECT migrate_upgrade('abcd');
SELECT migrate_upgrade('head');
SELECT migrate_stamp(ARRAY['001', '002']);
SELECT migrate_check_heads();
SELECT migrate_remove('001');
UPDATE migrate.revision SET upgrade = 'SELECT 1;' WHERE revision = '004';
SELECT migrate_upgrade('004');
UPDATE migrate.revision SET upgrade = 'ALTER TABLE two ADD i int;' || E'\n\n' WHERE revision = '004';
SELECT migrate_upgrade('004');
SELECT migrate_downgrade('base');
SELECT migrate_load(E'-- x\n-- Revision ID: x\n-- Revises: x\n-- migrate:upgrade\n');
SELECT migrate_upgrade('+9');
SELECT migrate_edit('abcdef', upgrade => 'DROP TABLE alembic_version;');
SELECT migrate_upgrade('abcdef');
SELECT migrate_upgrade('');
SELECT migrate_upgrade(NULL);
SELECT migrate_upgrade('001:002');
SELECT migrate_downgrade('abcdef');
SELECT migrate_revision('taken', '', head => '{004}', splice => true, rev_id => '001');
SELECT migrate_revision('no head', '', head => '{001}', rev_id => 'x');
SELECT migrate_revision('illegal', '', head => '{abcdef}', rev_id => 'a-b');
SELECT migrate_revision('reserved', '', head => '{abcdef}', rev_id => 'head');
SELECT migrate_revision('typo', 'SELEKT', head => '{abcdef}', rev_id => 'x');
SELECT migrate_revision('commits', 'COMMIT', head => '{abcdef}', rev_id => 'x');
SELECT migrate_revision('copies', 'COPY t FROM STDIN', head => '{abcdef}', rev_id => 'x');
SELECT migrate_edit('abcdef', upgrade => 'VACUUM');
SELECT migrate_upgrade('abcdef');
SELECT migrate_remove('004');
SELECT migrate_load('no file');
SELECT migrate_load(E'-- x\n-- Revision ID: x\n-- Revises: nowhere\n-- migrate:upgrade\n');
SELECT migrate_load_directory('/nonexistent/directory');
SELECT migrate_upgrade(environment => 'nowhere');
SELECT migrate_environment_alter('default', file_template => '%');
SELECT migrate_environment_drop('default');
SELECT migrate_plan('fly', 'head');
SELECT count(*) FROM migrate_log(max_rows => -1);
\set VERBOSITY default

DROP TABLE alembic_version, one, two;
