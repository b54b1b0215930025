--
-- What makes no graph is refused when it is loaded, with the ids concerned
--
SET client_min_messages = warning;
DROP EXTENSION IF EXISTS migrate CASCADE;
DROP TABLE IF EXISTS alembic_version;
CREATE EXTENSION migrate;
RESET client_min_messages;
\set SHOW_CONTEXT never

-- A revision file in one line: id, what it revises, labels, dependencies.
CREATE FUNCTION file(id text, revises text DEFAULT '', labels text DEFAULT '', depends_on text DEFAULT '')
RETURNS text LANGUAGE sql AS $$
    SELECT format(E'-- %s\n-- Revision ID: %s\n-- Revises: %s\n-- Branch Labels: %s\n-- Depends On: %s\n-- migrate:upgrade\n',
        id, id, revises, labels, depends_on)
$$;
SELECT migrate_load(file('a', labels => 'trunk'));
SELECT migrate_load(file('b', 'a'));

-- cycles
SELECT migrate_load_files(ARRAY[file('c', 'e'), file('d', 'c'), file('e', 'd'), file('f', 'e')]);
SELECT migrate_load_files(ARRAY[file('c', 'b'), file('d', 'c', depends_on => 'e'), file('e', 'd')]);
SELECT migrate_load_files(ARRAY[file('c', depends_on => 'd'), file('d', depends_on => 'c')]);
-- a revision that is there can be drawn into one
SELECT migrate_load_files(ARRAY[file('a', 'c'), file('c', 'b')]);
SELECT migrate_load(file('a', depends_on => 'b'));
-- a revision on itself
SELECT migrate_load(file('c', 'c'));
SELECT migrate_load(file('c', 'b', depends_on => 'c'));
SELECT migrate_load(file('c', 'b', labels => 'mine', depends_on => 'mine'));

-- the same id twice
SELECT migrate_load_files(ARRAY[file('c', 'b'), file('c', 'a')]);
SELECT migrate_load_files(ARRAY[file('c', 'b'), file('c', 'b')], '{1.sql,2.sql}');

-- the same label twice, and a label that is an id
SELECT migrate_load(file('c', 'b', 'trunk'));
SELECT migrate_load_files(ARRAY[file('c', 'b', 'branch'), file('d', 'a', 'branch')]);
SELECT migrate_load(file('c', 'b', 'twice, twice'));
SELECT migrate_load(file('c', 'b', 'a'));
SELECT migrate_load(file('trunk', 'b'));
SELECT migrate_load(file('c', 'b', 'c'));

-- parents that are not there
SELECT migrate_load(file('c', 'nowhere'));
SELECT migrate_load(file('c', 'b', depends_on => 'nowhere'));
SELECT migrate_load(file('c', 'b, nowhere'), 'c.sql');
SELECT migrate_load(file('c', 'b, b'));
-- A down revision is named by its whole id, a dependency by its id or a label.
SELECT migrate_load(file('abcdef', 'b'));
\set VERBOSITY terse
SELECT migrate_load(file('c', 'abcd'));
SELECT migrate_load(file('c', 'trunk'));
\set VERBOSITY default
SELECT migrate_load(file('c', 'b', depends_on => 'trunk'));
\set VERBOSITY terse
SELECT migrate_load(file('d', 'c', depends_on => 'abcd'));
\set VERBOSITY default

-- characters that have a meaning in targets, and words that do
SELECT migrate_load(file('c-1', 'b'));
SELECT migrate_load(file('c+1@x:y z', 'b'));
SELECT migrate_load(file('d', 'c', 'one/two, thr-ee'));
SELECT migrate_load(file('head', 'b'));
SELECT migrate_load(file('heads', 'b'));
SELECT migrate_load(file('base', 'b'));
SELECT migrate_load(file('current', 'b'));
SELECT migrate_load(file('d', 'c', 'head'));
SELECT migrate_revision('illegal', rev_id => 'x-1', head => '{heads}');
SELECT migrate_revision('illegal', rev_id => '', head => '{c}');
SELECT migrate_revision('illegal', rev_id => 'x,y', head => '{c}');
SELECT migrate_revision('illegal', rev_id => E'x\ty', head => '{c}');
SELECT migrate_revision('illegal', rev_id => 'head', head => '{c}');
SELECT migrate_revision('illegal', branch_label => 'x@y', rev_id => 'd', head => '{c}');
SELECT migrate_revision('illegal', branch_label => 'heads', rev_id => 'd', head => '{c}');
-- anything else is fine: dots, slashes, letters of any script, upper case
SELECT migrate_load(file('1.0/β_Größe', 'c', 'Ⅳ.label'));

-- All of that left no trace.
SELECT revision, down_revisions, depends_on, branch_labels FROM migrate_history();

-- A graph that was broken behind our back is an error whoever reads it: that
-- is better than to run what nobody meant.
UPDATE migrate.revision_edge SET parent = 'nowhere' WHERE revision = 'b';
SELECT * FROM migrate_history();
UPDATE migrate.revision_edge SET parent = 'a' WHERE revision = 'b';
DROP FUNCTION file;
