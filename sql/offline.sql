--
-- The SQL of a run, for psql
--
-- A database of its own, because the scripts name revisions and tables that
-- other tests may use too.
SELECT current_database() AS home \gset
CREATE DATABASE regress_offline TEMPLATE template0 ENCODING 'UTF8' LOCALE 'C';
\c regress_offline
CREATE EXTENSION migrate;
\pset format unaligned
\pset tuples_only on

SELECT migrate_revision('create a', E'CREATE TABLE a (i integer);\n', E'DROP TABLE a;\n', rev_id => 'a1');
SELECT migrate_revision('fill a', E'INSERT INTO a VALUES (1);\n\nINSERT INTO a VALUES (2) -- the last', 'TRUNCATE a', rev_id => 'a2');
SELECT migrate_revision('left', 'CREATE TABLE l ();', 'DROP TABLE l;', rev_id => 'b1', branch_label => 'left');
SELECT migrate_revision('right', 'CREATE TABLE r ();', 'DROP TABLE r;', head => '{a2}', splice => true, rev_id => 'c1', branch_label => 'right');
SELECT migrate_merge(rev_id => 'm1', message => 'merge');

-- the whole of a script, from where the database is: nowhere
SELECT migrate_upgrade_sql();

-- without the guards, the rest of them
CREATE FUNCTION steps(command text, range text, environment text DEFAULT NULL)
RETURNS SETOF text LANGUAGE plpgsql AS $$
BEGIN
	RETURN QUERY EXECUTE format('SELECT s FROM migrate_%s_sql($1, $2) s WHERE s !~ ''^DO \$guard''', command)
	USING range, environment;
END $$;
SELECT steps('upgrade', 'a1:b1');
SELECT steps('downgrade', 'm1:a2');
SELECT steps('downgrade', 'm1:base');

-- ranges
\pset tuples_only off
CREATE FUNCTION titles(command text, range text, OUT title text)
RETURNS SETOF text LANGUAGE sql AS $$
	SELECT s FROM steps(command, range) s WHERE s ~ '^-- (Running|nothing|upgrade|downgrade|stamp)'
$$;
SELECT * FROM titles('upgrade', 'a1');
SELECT * FROM titles('upgrade', 'a1:');
SELECT * FROM titles('upgrade', ':a2');
SELECT * FROM titles('upgrade', ':');
SELECT * FROM titles('upgrade', 'a2:+1');
SELECT * FROM titles('upgrade', 'a2:left@head');
SELECT * FROM titles('upgrade', 'a1:+1');
SELECT * FROM titles('upgrade', 'b1,c1:head');
SELECT * FROM titles('upgrade', 'b1:head');
SELECT * FROM titles('upgrade', 'current:a1');
SELECT * FROM titles('upgrade', 'm1:a1');
SELECT * FROM titles('downgrade', 'a2:-1');
SELECT * FROM titles('downgrade', 'm1:b1');
SELECT * FROM titles('downgrade', 'b1, c1:a2');
SELECT * FROM titles('downgrade', 'head:a1');
SELECT * FROM titles('downgrade', 'a2:base');
SELECT * FROM titles('stamp', 'head');
SELECT * FROM titles('stamp', 'base:b1,c1');
SELECT * FROM titles('stamp', 'm1:base');
SELECT * FROM titles('stamp', 'm1:a2');
SELECT * FROM titles('stamp', 'a1:a1');

-- ranges that are none
SELECT migrate_upgrade_sql(NULL);
SELECT migrate_upgrade_sql('');
SELECT migrate_upgrade_sql('a1:a2:m1');
SELECT migrate_upgrade_sql('nowhere:head');
SELECT migrate_upgrade_sql('a1:nowhere');
SELECT migrate_upgrade_sql('a1,:head');
SELECT migrate_upgrade_sql('a1,a2:head');
SELECT migrate_upgrade_sql('a1:+9');
SELECT migrate_upgrade_sql('head', 'nowhere');
SELECT migrate_downgrade_sql(NULL);
SELECT migrate_downgrade_sql('');
SELECT migrate_downgrade_sql('a1:');
SELECT migrate_downgrade_sql(':a1');
SELECT migrate_downgrade_sql('a1:b1');
SELECT migrate_downgrade_sql('a1');
SELECT migrate_stamp_sql(NULL);
SELECT migrate_stamp_sql('a1:nowhere');

-- from where the database is
SELECT * FROM migrate_upgrade('a2');
SELECT * FROM titles('upgrade', 'head');
SELECT * FROM titles('upgrade', '+0');
SELECT * FROM titles('upgrade', 'a2');
SELECT * FROM titles('downgrade', '-1');
SELECT * FROM titles('downgrade', 'base');
SELECT * FROM titles('upgrade', 'current:left@head');
\pset tuples_only on
SELECT steps('stamp', 'b1,c1');

-- what cannot be known, or must not be run
\pset tuples_only off
INSERT INTO alembic_version VALUES ('unknown');
SELECT migrate_upgrade_sql();
SELECT * FROM titles('upgrade', 'a1:a2');
DELETE FROM alembic_version WHERE version_num = 'unknown';
UPDATE migrate.revision SET upgrade = 'DROP TABLE a;' WHERE revision = 'm1';
SELECT migrate_upgrade_sql();
UPDATE migrate.revision SET upgrade = '' WHERE revision = 'm1';
SELECT migrate_revision('irreversible', 'DROP TABLE a;', rev_id => 'i1', head => '{m1}');
SELECT migrate_downgrade_sql('i1:a1');
SELECT migrate_remove('i1');
-- scripts that migrate_revision() does not take, put there by hand
SELECT migrate_revision('by hand', 'SELECT 1;', rev_id => 'i2', head => '{m1}');
CREATE FUNCTION put(script text) RETURNS void LANGUAGE sql AS $$
	UPDATE migrate.revision SET upgrade = script, loaded_checksum = migrate.checksum(script, downgrade)
	WHERE revision = 'i2'
$$;
SELECT put('SELECT 1; COMMIT;');
SELECT migrate_upgrade_sql('m1:i2');
SELECT put('COPY a FROM STDIN;');
SELECT migrate_upgrade_sql('m1:i2');
SELECT put(E'SELECT 1;\nRESET ALL;');
SELECT migrate_upgrade_sql('m1:i2');
SELECT put('SELECT (;');
SELECT migrate_upgrade_sql('m1:i2');
-- a stamp runs nothing
SELECT * FROM titles('stamp', 'm1:i2');
SELECT migrate_remove('i2');

-- settings end with the script that sets them
\pset tuples_only on
SELECT migrate_revision('settings', $$
SET search_path = nowhere;
SET LOCAL work_mem = '1MB';
SET TIME ZONE 'UTC';
SET "My.Parameter" = 'x';
SELECT set_config('lock_timeout', '1s', false), set_config('jit'::text, 'off', true);
SELECT set_config(name, 'x', false) FROM pg_settings WHERE false;
SET SESSION CHARACTERISTICS AS TRANSACTION READ WRITE;
SET SESSION AUTHORIZATION DEFAULT;
SET CONSTRAINTS ALL IMMEDIATE;
RESET seed;
$$, 'DO $x$ BEGIN PERFORM 1; END $x$;', rev_id => 's1', head => '{m1}');
SELECT steps('upgrade', 'm1:s1');
SELECT steps('downgrade', 's1:m1');

-- outside of a transaction, by a mark or by a statement
SELECT migrate_revision('index', $$
CREATE INDEX CONCURRENTLY a_i_idx ON a (i);
$$, 'DROP INDEX CONCURRENTLY IF EXISTS a_i_idx', rev_id => 'n1');
SELECT migrate_revision('marked', 'SELECT 1;', 'SELECT 2;', transactional => false, rev_id => 'n2');
SELECT migrate_upgrade_sql('s1:n1');
SELECT steps('downgrade', 'n2:s1');

-- What a deploy cuts into batches is one statement here, in a database that may
-- know no migrate_batch().  Nothing else of the text is touched.
SELECT migrate_revision('batches', $script$UPDATE a SET i = 1 WHERE i < 0 AND public . "migrate_batch" (
	(i /* ) */, '))', ")", $$)$$)) AND i > 9;
-- migrate_batch(i)
CREATE FUNCTION f() RETURNS text LANGUAGE sql AS 'SELECT ''migrate_batch(1)''';
DELETE FROM a WHERE i > 3 AND migrate_batch(migrate_batch(i)::integer);
DELETE FROM a WHERE MIGRATE_BATCH(a.i)$script$, '', head => '{n2}', rev_id => 'q1');
SELECT steps('upgrade', 'n2:q1');
-- row level security is as in other runs
SET migrate.row_security_guard = off;
SELECT s FROM steps('upgrade', 'n2:q1') s WHERE s ~ '^SET';
RESET migrate.row_security_guard;

-- another environment: search path, names to be quoted, texts that try to get out
SELECT migrate_environment_create('Other', version_table => 'Version "Table"', version_table_schema => 'My Schema', search_path => 'app, "My Schema", "$user", ""');
SELECT migrate_revision(E'two\nlines; DROP TABLE x; %s $guard$', 'SELECT 1', 'SELECT 2', rev_id => $$it's"$guard$"%s$$, environment => 'Other');
SELECT migrate_revision('next', '/* nothing */', '', rev_id => 'o2', transactional => false, environment => 'Other');
SELECT migrate_upgrade_sql('head', 'Other');
CREATE FUNCTION run(script text) RETURNS void LANGUAGE plpgsql AS $$
BEGIN
	EXECUTE script;
END $$;
-- its first guard, run as it stands
CREATE SCHEMA "My Schema";
CREATE TABLE "My Schema"."Version ""Table""" (version_num varchar(32) NOT NULL);
INSERT INTO "My Schema"."Version ""Table""" VALUES ('100%s'), ('B'), ('a');
\set SHOW_CONTEXT never
SELECT run(s) FROM migrate_upgrade_sql('base:head', 'Other') s WHERE s ~ '^DO \$guard';
TRUNCATE "My Schema"."Version ""Table""";
SELECT count(run(s)) FROM migrate_upgrade_sql('base:head', 'Other') s WHERE s ~ '^DO \$guard';
DROP TABLE "My Schema"."Version ""Table""";
SELECT count(run(s)) FROM migrate_upgrade_sql('base:head', 'Other') s WHERE s ~ '^DO \$guard';
SELECT run(s) FROM migrate_upgrade_sql('o2:head', 'Other') s WHERE s ~ '^DO \$guard';
SELECT attname, format_type(atttypid, atttypmod), attnotnull FROM pg_attribute
WHERE attrelid = '"My Schema"."Version ""Table"""'::regclass AND attnum > 0;
SELECT conname, pg_get_constraintdef(oid) FROM pg_constraint
WHERE conrelid = '"My Schema"."Version ""Table"""'::regclass AND contype = 'p';

\c :home
DROP DATABASE regress_offline;
