--
-- Writing revisions one at a time: migrate_revision(), migrate_merge(),
-- migrate_edit(), migrate_remove()
--
SET client_min_messages = warning;
DROP EXTENSION IF EXISTS migrate CASCADE;
DROP TABLE IF EXISTS alembic_version;
CREATE EXTENSION migrate;
RESET client_min_messages;
SET timezone = 'UTC';

-- A revision goes on top of the head.  What is stored is a revision file, which
-- can be exported and loaded elsewhere.
SELECT migrate_revision('create agents', 'CREATE TABLE agents (id int);', 'DROP TABLE agents;',
    rev_id => 'a1b2c3d4e5f6', create_date => '2024-12-08 13:00:00+00');
SELECT migrate_revision('Add status to agents',
    E'ALTER TABLE agents\n    ADD COLUMN status text;\n',
    'ALTER TABLE agents DROP COLUMN status;',
    description => E'The state that an agent is in.\n\nNULL means that nobody knows.',
    rev_id => 'b2c3d4e5f6a1', create_date => '2024-12-09 10:00:00.75+00',
    author => 'Ada Lovelace <ada@example.com>', origin => 'oss');
\pset format unaligned
SELECT filename, script FROM migrate_export();
\pset format aligned

-- Without a downgrade script it is irreversible; with an empty one the
-- downgrade does nothing.  Without a message Alembic has one, too.
SELECT migrate_revision(rev_id => 'c3d4e5f6a1b2', create_date => '2024-12-10 00:00:00+00');
SELECT migrate_revision('nothing to undo', downgrade => '', transactional => false,
    rev_id => 'd4e5f6a1b2c3', create_date => '2024-12-10 00:00:00+00');
SELECT revision, down_revisions, message, upgrade, downgrade, upgrade_transactional,
       downgrade_transactional, filename
FROM migrate_show('c3d4e5f6a1b2')
UNION ALL
SELECT revision, down_revisions, message, upgrade, downgrade, upgrade_transactional,
       downgrade_transactional, filename
FROM migrate_show('d4e5f6a1b2c3');

-- With no id given, one is made: 12 hexadecimal digits, as Alembic does.  The
-- id is the result, and the date is now.
SELECT migrate_revision('its id is made') AS id \gset
SELECT :'id' ~ '^[0-9a-f]{12}$' AS looks_like_alembic, revision = :'id' AS is_head,
       down_revisions, create_date = date_trunc('second', now()) AS made_now
FROM migrate_history() WHERE is_head;
SELECT migrate_remove(:'id') = :'id' AS removed;

--
-- Branches and merges
--

-- Only a head is built on, unless a branch is asked for.
SELECT migrate_revision('a branch', head => '{a1b2c3d4e5f6}', rev_id => 'branch_1');
SELECT migrate_revision('a branch', head => '{a1b2c3d4e5f6}', splice => true,
    branch_label => 'shop', rev_id => 'branch_1');
-- now "head" says too little; an id, the start of one, or a label will do
SELECT migrate_revision('which head?', rev_id => 'branch_2');
SELECT migrate_revision('on the branch', head => '{shop@head}', rev_id => 'branch_2');
SELECT migrate_revision('on the trunk', head => '{d4e5}', depends_on => '{branch_1}', rev_id => 'trunk_5');
-- "base" begins a history of its own; dependencies are kept by their full ids,
-- or as the branch label that was given
SELECT migrate_revision('its own base', head => '{base}', branch_label => 'audit',
    depends_on => '{a1b2,shop}', rev_id => 'audit_1');
SELECT revision, down_revisions, depends_on, branch_labels, is_head, is_branch_point
FROM migrate_history();

-- A merge joins heads into one.
SELECT migrate_merge('{branch_2,trunk_5}', rev_id => 'merge_1', create_date => '2025-01-01 00:00:00+00');
SELECT revision, down_revisions, is_merge_point, message FROM migrate_history() WHERE is_merge_point;
-- Its scripts are empty: it changes no table, up or down.
SELECT upgrade, downgrade FROM migrate_show('merge_1');
-- Without arguments all heads are merged.
SELECT migrate_merge(message => 'all together', branch_label => 'joined', rev_id => 'merge_2');
SELECT revision, down_revisions, branch_labels FROM migrate_heads();
-- what is no head cannot be merged, but spliced
\set VERBOSITY terse
SELECT migrate_merge('{branch_1,merge_2}', rev_id => 'merge_3');
\set VERBOSITY default
SELECT migrate_merge('{branch_1,c3d4}', splice => true, rev_id => 'merge_3');
SELECT migrate_remove('merge_3');
SELECT migrate_merge('{merge_2,heads}', rev_id => 'merge_3');
SELECT migrate_merge('{nowhere}', rev_id => 'merge_3');

--
-- What is refused
--
SELECT migrate_revision('twice', rev_id => 'merge_2');
SELECT migrate_revision('taken', rev_id => 'shop');
SELECT migrate_revision('taken', branch_label => 'shop', rev_id => 'x1');
SELECT migrate_revision('taken', branch_label => 'trunk_5', rev_id => 'x1');
SELECT migrate_revision('not there', depends_on => '{nowhere}', rev_id => 'x1');
SELECT migrate_revision('NULL among them', depends_on => '{merge_2,NULL}', rev_id => 'x1');
SELECT migrate_revision('two dimensions', head => '{{merge_2}}', rev_id => 'x1');
-- a script that does not parse, and what no script can hold, is refused when it
-- is written and not when it is run
SELECT migrate_revision('typo', E'CREATE TABLE t (i int);\nCREATE TABEL u (i int);', rev_id => 'x1');
SELECT migrate_revision('typo', '', E'\n\nDROP TABEL t;', rev_id => 'x1');
SELECT migrate_revision('ends its transaction', E'CREATE TABLE t (i int);\nCOMMIT;', rev_id => 'x1');
-- a line that begins a section would not be read back as it was given
SELECT migrate_revision('two in one', E'SELECT 1;\n-- migrate:downgrade\nSELECT 2;', rev_id => 'x1');
SELECT migrate_revision('description', description => E'Read on.\n\nRevises: everything', rev_id => 'x1');
SELECT count(*) FROM migrate_history();

--
-- Editing and removing
--

-- What is not applied can be changed.  The header stays as it was, byte for
-- byte, unless the message or description is changed.
SELECT migrate_edit('merge_2', upgrade => 'SELECT 1;');
SELECT migrate_edit('head', message => 'all at last', description => 'Nothing more to come.');
SELECT message, description, upgrade, downgrade FROM migrate_show('merge_2');
SELECT changed FROM migrate_status();
-- one revision at a time
SELECT migrate_edit('base', upgrade => 'SELECT 2;');
SELECT migrate_edit('-1', message => 'either');
SELECT migrate_edit('nowhere', upgrade => 'SELECT 2;');
SELECT migrate_edit(NULL, upgrade => 'SELECT 2;');
SELECT migrate_edit('head', upgrade => 'SELEKT 2;');

-- What is removed must not be missed by others.
SELECT migrate_remove('audit_1');
SELECT migrate_remove('merge_1');
SELECT migrate_remove('branch_1');
SELECT migrate_remove('head');
SELECT migrate_remove('audit');
SELECT revision FROM migrate_history();

-- What is applied can be neither edited nor removed: to change it, add a
-- revision, or downgrade first.
SELECT migrate_upgrade('b2c3');
SELECT migrate_edit('a1b2', upgrade => 'CREATE TABLE agents (id bigint);');
SELECT migrate_edit('current', message => 'Add status');
SELECT migrate_remove('b2c3');
SELECT migrate_downgrade('-1');
SELECT migrate_edit('b2c3', upgrade => 'ALTER TABLE agents ADD COLUMN state text;',
    downgrade => 'ALTER TABLE agents DROP COLUMN state;');
SELECT migrate_upgrade('b2c3');
SELECT * FROM agents;
SELECT migrate_downgrade('base');
DROP TABLE alembic_version;
