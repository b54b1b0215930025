--
-- A hostile search path: for every function and operator of pg_catalog stands
-- a twin before it that raises an error, and for tables of pg_catalog and of
-- ours stand others.  No SQL of the extension may ever meet them.
--
CREATE DATABASE regress_migrate_hostile TEMPLATE template0;
SELECT current_database() AS regression_database \gset
\c regress_migrate_hostile
CREATE SCHEMA hostile;

-- Functions.  Some cannot be written in PL/pgSQL: they are left out.
SET check_function_bodies = off;
DO $$
DECLARE
    f record;
BEGIN
    FOR f IN
        SELECT p.proname, p.prokind, pg_get_function_identity_arguments(p.oid) AS arguments,
               pg_get_function_result(p.oid) AS result,
               format('hostile function %s was called', p.oid::regprocedure) AS message
        FROM pg_proc p
            JOIN pg_language l ON l.oid = p.prolang
        WHERE p.pronamespace = 'pg_catalog'::regnamespace AND p.prokind = 'f'
            AND l.lanname IN ('internal', 'c', 'sql')
            AND NOT p.prorettype = ANY ('{internal,cstring,trigger,event_trigger}'::regtype[])
            AND NOT p.proargtypes::oid[] && '{internal,cstring}'::regtype[]::oid[]
    LOOP
        BEGIN
            EXECUTE format('CREATE FUNCTION hostile.%I(%s) RETURNS %s LANGUAGE plpgsql AS %L',
                           f.proname, f.arguments, f.result,
                           format('BEGIN RAISE EXCEPTION %L; END', f.message));
        EXCEPTION WHEN OTHERS THEN
            NULL;
        END;
    END LOOP;
END
$$;

-- operators on them
DO $$
DECLARE
    o record;
BEGIN
    FOR o IN
        SELECT op.oprname, p.proname,
               CASE WHEN op.oprleft <> 0 THEN format('LEFTARG = %s, ', op.oprleft::regtype) END AS left_argument,
               op.oprright::regtype AS right_argument
        FROM pg_operator op
            JOIN pg_proc p ON p.oid = op.oprcode
        WHERE op.oprnamespace = 'pg_catalog'::regnamespace
    LOOP
        BEGIN
            EXECUTE format('CREATE OPERATOR hostile.%s (FUNCTION = hostile.%I, %s RIGHTARG = %s)',
                           o.oprname, o.proname, o.left_argument, o.right_argument);
        EXCEPTION WHEN OTHERS THEN
            NULL;
        END;
    END LOOP;
END
$$;

-- aggregates that one would write without thinking
CREATE FUNCTION hostile.step(state bigint) RETURNS bigint LANGUAGE plpgsql AS
    $$ BEGIN RAISE EXCEPTION 'hostile aggregate count(*) was called'; END $$;
CREATE FUNCTION hostile.step(state bigint, value bigint) RETURNS bigint LANGUAGE plpgsql AS
    $$ BEGIN RAISE EXCEPTION 'hostile aggregate max(bigint) was called'; END $$;
CREATE FUNCTION hostile.step(state text[], value text) RETURNS text[] LANGUAGE plpgsql AS
    $$ BEGIN RAISE EXCEPTION 'hostile aggregate array_agg(text) was called'; END $$;
CREATE FUNCTION hostile.step(state text, value text, separator text) RETURNS text LANGUAGE plpgsql AS
    $$ BEGIN RAISE EXCEPTION 'hostile aggregate string_agg(text, text) was called'; END $$;
CREATE AGGREGATE hostile.count(*) (SFUNC = hostile.step, STYPE = bigint, INITCOND = '0');
CREATE AGGREGATE hostile.max(bigint) (SFUNC = hostile.step, STYPE = bigint, INITCOND = '0');
CREATE AGGREGATE hostile.array_agg(text) (SFUNC = hostile.step, STYPE = text[], INITCOND = '{}');
CREATE AGGREGATE hostile.string_agg(text, text) (SFUNC = hostile.step, STYPE = text, INITCOND = '');

-- tables and types: whoever reads a column of them fails
CREATE TABLE hostile.environment (hostile int);
CREATE TABLE hostile.revision (hostile int);
CREATE TABLE hostile.revision_edge (hostile int);
CREATE TABLE hostile.log (hostile int);
CREATE TABLE hostile.alembic_version (hostile int);
CREATE TABLE hostile.pg_class (hostile int);
CREATE TABLE hostile.pg_namespace (hostile int);
CREATE TABLE hostile.pg_proc (hostile int);
CREATE TABLE hostile.pg_depend (hostile int);
CREATE TABLE hostile.pg_extension (hostile int);
CREATE TABLE hostile.pg_locks (hostile int);
CREATE TABLE hostile.pg_stat_activity (hostile int);
CREATE TYPE hostile.text AS (hostile int);
CREATE TYPE hostile.name AS (hostile int);
CREATE TYPE hostile.regclass AS (hostile int);
CREATE TYPE hostile.regprocedure AS (hostile int);
CREATE TYPE hostile.timestamptz AS (hostile int);

-- and the same in the schema for temporary objects, which comes first of all
-- for tables and types
CREATE TEMPORARY TABLE revision (hostile int);
CREATE TEMPORARY TABLE log (hostile int);
CREATE TEMPORARY TABLE alembic_version (hostile int);
CREATE TEMPORARY TABLE pg_locks (hostile int);

SELECT count(*) > 2000 AS functions FROM pg_proc WHERE pronamespace = 'hostile'::regnamespace;
SELECT count(*) > 700 AS operators FROM pg_operator WHERE oprnamespace = 'hostile'::regnamespace;

SET search_path = hostile, public, pg_catalog;
-- They are met by whoever does not take care.
SELECT now();
SELECT 'a' = 'b';
SELECT 'a'::pg_catalog.text <> 'b'::pg_catalog.text;
SELECT 1 + 1;
SELECT count(*);

-- We do.  The extension itself:
CREATE EXTENSION migrate SCHEMA public;

-- writing revisions,
SELECT public.migrate_revision('create agents', 'CREATE TABLE agents (id pg_catalog.int4);', 'DROP TABLE agents;', rev_id => '001', branch_label => 'main');
SELECT public.migrate_revision('create teams', 'CREATE TABLE teams (id pg_catalog.int4);', 'DROP TABLE teams;', rev_id => '002');
SELECT public.migrate_load(E'-- create memory\n--\n-- Revision ID: m01\n-- Revises: 001\n-- Depends On: 002\n\n-- migrate:upgrade\nCREATE TABLE memory (id pg_catalog.int4);\n-- migrate:downgrade\nDROP TABLE memory;\n', 'm01.sql', 'oss');
SELECT public.migrate_load_files(ARRAY[E'-- create users\n--\n-- Revision ID: u01\n-- Revises: 002\n\n-- migrate:upgrade\nCREATE TABLE users (id pg_catalog.int4);\n-- migrate:downgrade\nDROP TABLE users;\n']);
SELECT public.migrate_merge('{m01,u01}', 'join', rev_id => 'j01');
SELECT public.migrate_edit('j01', message => 'merge');
SELECT public.migrate_revision('remove me', rev_id => 'r01');
SELECT public.migrate_remove('r01');

-- environments,
SELECT public.migrate_environment_create('reports', version_table => 'reports_version');
SELECT public.migrate_environment_alter('reports', id_style => 'sequence');
SELECT public.migrate_revision('first', environment => 'reports');
SELECT public.migrate_remove('001', environment => 'reports');
SELECT public.migrate_environment_drop('reports');

-- running them,
SELECT public.migrate_upgrade('002');
SELECT public.migrate_upgrade('heads', tag => 'release');
SELECT public.migrate_upgrade();
SELECT public.migrate_downgrade('base');
SELECT public.migrate_stamp('heads');
SELECT public.migrate_stamp(ARRAY['m01', 'u01'], purge => true);

-- looking,
SELECT * FROM public.migrate_current();
SELECT * FROM public.migrate_heads();
SELECT * FROM public.migrate_branches();
SELECT revision, down_revisions, depends_on, is_current FROM public.migrate_history();
SELECT revision, message, is_applied FROM public.migrate_show('m01');
SELECT * FROM public.migrate_status();
SELECT public.migrate_check_heads();
SELECT * FROM public.migrate_plan('upgrade', 'heads');
SELECT * FROM public.migrate_plan('stamp', ARRAY['m01', 'u01'], '{}');
SELECT revision, direction, versions_after, outcome, tag FROM public.migrate_log();
SELECT filename FROM public.migrate_export();

-- also where the text itself is another test's subject,
CREATE TEMPORARY TABLE texts (line pg_catalog.text);
INSERT INTO texts SELECT * FROM public.migrate_graph('text');
INSERT INTO texts SELECT * FROM public.migrate_graph('dot');
INSERT INTO texts SELECT * FROM public.migrate_graph('mermaid');
INSERT INTO texts SELECT * FROM public.migrate_upgrade_sql('base:heads');
INSERT INTO texts SELECT * FROM public.migrate_downgrade_sql('heads:base');
INSERT INTO texts SELECT * FROM public.migrate_stamp_sql('base:heads');

-- and rights.
CREATE ROLE regress_migrate_hostile;
SELECT public.migrate_grant('regress_migrate_hostile', 'operator');
SELECT public.migrate_revoke('regress_migrate_hostile');
\set SHOW_CONTEXT never
SELECT public.migrate_grant('regress_migrate_hostile', 'nonsense');
\set SHOW_CONTEXT errors

-- What they wrote is in our tables and in the version table, not in the others.
RESET search_path;
SELECT version_num FROM public.alembic_version ORDER BY 1;
SELECT (SELECT count(*) FROM hostile.revision) + (SELECT count(*) FROM hostile.log)
     + (SELECT count(*) FROM hostile.alembic_version) + (SELECT count(*) FROM hostile.environment)
     + (SELECT count(*) FROM pg_temp.revision) + (SELECT count(*) FROM pg_temp.log)
     + (SELECT count(*) FROM pg_temp.alembic_version) AS rows_in_the_wrong_place;

-- The SQL of a run does not meet them either when it is run by psql.
DROP TABLE public.alembic_version;
SET search_path = hostile, public, pg_catalog;
\set ECHO none
SELECT public.migrate_upgrade_sql('base:002') \gexec
\set ECHO all
RESET search_path;
SELECT version_num FROM public.alembic_version;
SELECT count(*) FROM pg_tables WHERE tablename IN ('agents', 'teams');

-- A script runs with the caller's search path and meets what is in it: that is
-- the caller's affair.  Unless the environment says otherwise.
SET search_path = hostile, public, pg_catalog;
SELECT public.migrate_edit('u01', upgrade => 'CREATE TABLE users AS SELECT now();');
SELECT public.migrate_upgrade('u01');
SELECT public.migrate_environment_alter('default', search_path => 'public');
SELECT public.migrate_upgrade('u01');
RESET search_path;

\c :regression_database
DROP DATABASE regress_migrate_hostile;
DROP ROLE regress_migrate_hostile;
