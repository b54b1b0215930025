--
-- What a script may hold, and what it may not
--
SET client_min_messages = warning;
DROP EXTENSION IF EXISTS migrate CASCADE;
DROP TABLE IF EXISTS alembic_version;
CREATE EXTENSION migrate;
RESET client_min_messages;

-- Try a script: make it the only revision, apply it, and leave it applied.
CREATE FUNCTION try(script text, downgrade text DEFAULT '') RETURNS text LANGUAGE plpgsql AS $$
BEGIN
    PERFORM set_config('client_min_messages', 'warning', true);
    IF EXISTS (SELECT FROM migrate_current()) THEN
        PERFORM migrate_stamp('base');
    END IF;
    PERFORM migrate_remove(revision) FROM migrate_history();
    RETURN migrate_revision('try', script, downgrade, rev_id => 'try');
END $$;

--
-- Statements are split by the server's own parser
--
SELECT try($script$
-- a comment; with a semicolon, and a quote: '
/* nested /* comments; */ with
   lines */

CREATE TABLE split (i int, t text DEFAULT ';');

INSERT INTO split VALUES (1, 'it''s; one'), (2, $$two; $x$ and a half$$), (3, $x$ three; $$ $x$);;
;

CREATE FUNCTION split_body() RETURNS int LANGUAGE plpgsql AS $function$
BEGIN
    /* ; */
    EXECUTE $$SELECT 1; SELECT 2;$$;
    RETURN (SELECT count(*) FROM split);
END;
$function$;
CREATE FUNCTION split_atomic(a int) RETURNS int
BEGIN ATOMIC
    SELECT a;
    SELECT CASE a WHEN 1 THEN 2 ELSE 3 END;
END;
CREATE RULE split_rule AS ON DELETE TO split
    DO ALSO (INSERT INTO split VALUES (4, 'deleted'); NOTIFY split;);
CREATE TABLE "odd; ""name" (i int);
DO $$ BEGIN PERFORM 1; PERFORM 2; END $$;
SELECT split_body(); SELECT split_atomic(1);
-- without a semicolon, and a comment behind it
INSERT INTO "odd; ""name" SELECT split_atomic(1) /* the end */ -- really
$script$);
SELECT migrate_upgrade();
SELECT statements FROM migrate.log WHERE direction = 'upgrade' ORDER BY id DESC LIMIT 1;
SELECT * FROM split;
SELECT *, split_body() FROM "odd; ""name";
DROP TABLE split, "odd; ""name" CASCADE;
DROP FUNCTION split_body, split_atomic;

-- nothing to run: empty, blanks, comments, semicolons
SELECT try('');
SELECT migrate_upgrade();
SELECT try(E'\n -- nothing\n /* at all */ ;\n;;\n');
SELECT migrate_upgrade();
SELECT statements FROM migrate.log WHERE direction = 'upgrade' ORDER BY id DESC LIMIT 2;

-- carriage returns
SELECT try(E'\r\n-- two\r\nCREATE TABLE crlf (\r\n  i int\r\n);\r\n\r\nINSERT INTO crlf\r\nSELECT 1 / 0;\r\n');
SELECT migrate_upgrade();

-- later statements see what earlier ones made
SELECT try('CREATE TYPE mood AS ENUM (''sad''); CREATE TABLE person (m mood); INSERT INTO person VALUES (''sad'');
    ALTER TABLE person ADD n int; UPDATE person SET n = 1; CREATE INDEX ON person (n);', 'DROP TABLE person; DROP TYPE mood;');
SELECT migrate_upgrade();
SELECT * FROM person;
SELECT migrate_downgrade('base');

-- the rows of a query are thrown away, also those of INSERT ... RETURNING and of
-- EXPLAIN
SELECT try('SELECT generate_series(1, 3); CREATE TABLE r (i int); INSERT INTO r VALUES (1) RETURNING *; EXPLAIN SELECT 1;
    PREPARE p AS SELECT 1; EXECUTE p; DEALLOCATE p; VALUES (1), (2); TABLE r;', 'DROP TABLE r');
SELECT migrate_upgrade();
SELECT migrate_downgrade('base');

--
-- An error keeps what the server says, and gains revision, statement and line.
-- The cursor is on the statement.
--
SELECT try(E'CREATE TABLE e (i int);\n\n-- Größe, 名前: wider than a byte\nINSERT INTO e\n  VALUES (1), (''ä'', /* ö */ größe);\n');
SELECT migrate_upgrade();
SELECT try(E'\n\n/* 名前 */ SELECT ''名前'', oops FROM\n  pg_class;\n');
SELECT migrate_upgrade();
-- without a position: the statement is shown
SELECT try(E'CREATE TABLE e (i int UNIQUE);\nINSERT INTO e VALUES (1);\nINSERT INTO e\nVALUES (1);');
SELECT migrate_upgrade();
-- in a function that a statement calls
SELECT try(E'CREATE FUNCTION fail() RETURNS void LANGUAGE plpgsql AS $$\nBEGIN\n    RAISE EXCEPTION ''no''\n        USING ERRCODE = ''XX123'', DETAIL = ''details'', HINT = ''hints'';\nEND $$;\n\nSELECT fail();');
SELECT migrate_upgrade();
\echo :LAST_ERROR_SQLSTATE
-- in the body of a function that a statement makes
SELECT try(E'CREATE FUNCTION body() RETURNS int LANGUAGE sql\nAS $$\n    SELECT 1\n    FROM nowhere;\n$$;');
SELECT migrate_upgrade();
SELECT try(E'\nCREATE FUNCTION body() RETURNS int LANGUAGE plpgsql\nAS $$\nBEGIN\n    RETURN 1 +;\nEND $$;');
SELECT migrate_upgrade();
-- a downgrade says so
SELECT try('', E'SELECT 1;\nDROP TABLE nowhere;');
SELECT migrate_upgrade();
SELECT migrate_downgrade('base');

--
-- What a script sets ends with it
--
CREATE ROLE regress_migrate_script;
CREATE SCHEMA script_schema;
GRANT CREATE, USAGE ON SCHEMA script_schema TO regress_migrate_script;
SET work_mem = '5MB';
SELECT try($$
    SET work_mem = '7MB';
    SET LOCAL enable_seqscan = off;
    SET search_path = script_schema;
    SET standard_conforming_strings = off;
    SELECT set_config('my.setting', 'set', false);
    SET ROLE regress_migrate_script;
    CREATE TABLE made_by_role (t text DEFAULT 'a\b');
$$);
SELECT migrate_upgrade();
SELECT current_setting('work_mem') AS work_mem, current_setting('enable_seqscan') AS enable_seqscan,
       current_setting('search_path') AS search_path, current_setting('standard_conforming_strings') AS scs,
       nullif(current_setting('my.setting', true), '') IS NULL AS my_setting_is_unset, current_user = session_user AS same_user;
SELECT tableowner, schemaname FROM pg_tables WHERE tablename = 'made_by_role';
-- also within a transaction
BEGIN;
SET LOCAL work_mem = '6MB';
SELECT migrate_stamp('base');
DROP TABLE script_schema.made_by_role;
SELECT migrate_upgrade();
SHOW work_mem;
ROLLBACK;
-- and if it fails
SELECT try('SET work_mem = ''8MB''; SET ROLE regress_migrate_script; SELECT 1 / 0;');
SELECT migrate_upgrade();
SELECT current_setting('work_mem') AS work_mem, current_user = session_user AS same_user;
RESET work_mem;
DROP TABLE script_schema.made_by_role;
DROP SCHEMA script_schema;
DROP ROLE regress_migrate_script;

-- What the session sets does not change what a script means.
SET standard_conforming_strings = off;
SET escape_string_warning = off;
SET backslash_quote = on;
SELECT try($$CREATE TABLE scs AS SELECT 'a\' AS a, E'b\'' AS b;$$, 'DROP TABLE scs');
SELECT migrate_upgrade();
RESET standard_conforming_strings;
RESET escape_string_warning;
RESET backslash_quote;
SELECT * FROM scs;
SELECT migrate_downgrade('base');
-- search_path is the caller's unless the environment has one
CREATE SCHEMA script_schema;
SET search_path = script_schema, public;
SELECT try('CREATE TABLE here (i int);', 'DROP TABLE here');
SELECT migrate_upgrade();
SELECT 'here'::regclass::oid = 'script_schema.here'::regclass::oid AS in_script_schema;
SELECT migrate_environment_alter('default', search_path => 'pg_temp, public');
SELECT migrate_stamp('base');
SELECT migrate_upgrade();
SELECT relpersistence FROM pg_class WHERE relname = 'here' ORDER BY relpersistence;
RESET search_path;
DROP TABLE pg_temp.here, script_schema.here;
DROP SCHEMA script_schema;
SELECT migrate_environment_alter('default', search_path => 'public');

-- Temporary tables are the session's.
SELECT try('CREATE TEMP TABLE tmp (i int) ON COMMIT DROP; INSERT INTO tmp VALUES (1);
    CREATE TEMP TABLE tmp_stays AS SELECT * FROM tmp;');
SELECT migrate_upgrade();
SELECT to_regclass('pg_temp.tmp') AS tmp, (SELECT i FROM tmp_stays) AS tmp_stays;
DROP TABLE tmp_stays;

-- Constraints that are checked at the end: the hint says what helps, and does.
SELECT try($$
CREATE TABLE p (i int PRIMARY KEY);
CREATE TABLE c (i int REFERENCES p DEFERRABLE INITIALLY DEFERRED);
INSERT INTO p VALUES (1);
INSERT INTO c VALUES (1);
ALTER TABLE c ADD j int;
$$, 'DROP TABLE c, p');
SELECT migrate_upgrade();
SELECT migrate_edit('try', replace(upgrade, 'ALTER', E'SET CONSTRAINTS ALL IMMEDIATE;\nALTER')) FROM migrate_show('try');
SELECT migrate_upgrade();
SELECT migrate_downgrade('base');

--
-- Refused before anything runs, naming revision, statement and line
--

-- what controls the transaction: when it is written
SELECT try(E'SELECT 1;\nBEGIN;');
SELECT try(E'SELECT 1;\n\nCOMMIT;');
SELECT try('ROLLBACK AND CHAIN;');
SELECT try('START TRANSACTION;');
SELECT try('SAVEPOINT s;');
SELECT try('ROLLBACK TO s;');
SELECT try('RELEASE s;');
SELECT try('PREPARE TRANSACTION ''x'';');
SELECT try('', 'ABORT;');
-- hidden in a block, the server refuses it when it is run
SELECT try($$DO 'BEGIN COMMIT; END'$$);
SELECT migrate_upgrade();

-- what belongs to a client
SELECT try(E'CREATE TABLE copied (i int);\nCOPY copied FROM STDIN;');
SELECT try(E'CREATE TABLE copied (i int);\nCOPY copied FROM stdin;\n1\n2\n\\.\n\nSELECT 1;\n');
SELECT try('COPY pg_class TO STDOUT;');
SELECT try(E'SELECT 1;\n\\i other_file.sql\nSELECT 2;');
SELECT try(E'SELECT 1;\n\\set x 1\n');
SELECT try(E'CREATE TABLE copied (i int);\n\\copy copied FROM ''/tmp/x''\n');
-- files of the server are fine
SELECT try('CREATE TABLE copied (t text); COPY copied FROM PROGRAM ''echo server'';', 'DROP TABLE copied');
SELECT migrate_upgrade();
SELECT * FROM copied;
SELECT migrate_downgrade('base');

-- What cannot run in a transaction is written down, and refused when it should
-- run, before anything does.
SELECT try(E'CREATE TABLE t (i int);\n\nCREATE INDEX CONCURRENTLY ON t (i);', 'DROP INDEX CONCURRENTLY t_i_idx;');
SELECT migrate_upgrade();
SELECT migrate_stamp('head');
SELECT migrate_downgrade('base');
SELECT migrate_revision('and one more', 'SELECT 1;', 'SELECT 1;', rev_id => 'more');
SELECT migrate_upgrade();
SELECT migrate_downgrade('base');
SELECT revision FROM migrate_current();
SELECT try('VACUUM (ANALYZE) pg_class;');
SELECT migrate_upgrade();
SELECT try('REINDEX TABLE CONCURRENTLY pg_class;');
SELECT migrate_upgrade();
SELECT try('CREATE DATABASE d;');
SELECT migrate_upgrade();
SELECT try('ALTER SYSTEM SET work_mem = 1;');
SELECT migrate_upgrade();
SELECT try('DISCARD ALL;');
SELECT migrate_upgrade();
SELECT try('ALTER TABLE a DETACH PARTITION b CONCURRENTLY;');
SELECT migrate_upgrade();
SELECT try($$COMMIT PREPARED 'x';$$);
SELECT migrate_upgrade();
-- hidden from the parser, the server refuses it
SELECT try($$DO 'BEGIN EXECUTE ''VACUUM''; END';$$);
\set VERBOSITY terse
SELECT migrate_upgrade();
\set VERBOSITY default
-- marked so, whatever it holds
SELECT try('');
SELECT migrate_remove('try');
SELECT migrate_revision('marked', 'SELECT 1;', '', transactional => false, rev_id => 'marked');
SELECT migrate_upgrade();
SELECT migrate_stamp('marked');
SELECT migrate_downgrade('base');
SELECT migrate_stamp('base');
SELECT migrate_remove('marked');

-- of an error in it only the place is shown
SELECT try('SELECT ' || repeat('''' || repeat('x', 100) || E''' ||\n', 100) || ' oops' || repeat(E'\n|| ''' || repeat('x', 100) || '''', 100));
SELECT migrate_upgrade();

DROP FUNCTION try;
DROP TABLE alembic_version;
