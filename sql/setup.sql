--
-- CREATE EXTENSION, and what is there before anything was done
--
CREATE EXTENSION migrate;

-- its tables, none of which has a row; their rows and sequences are dumped
SELECT n.nspname || '.' || c.relname AS relation, c.relkind,
       c.oid = ANY (e.extconfig) AS dumped
FROM pg_extension e
    JOIN pg_depend d ON d.refclassid = 'pg_extension'::regclass AND d.refobjid = e.oid
    JOIN pg_class c ON d.classid = 'pg_class'::regclass AND d.objid = c.oid
    JOIN pg_namespace n ON n.oid = c.relnamespace
WHERE e.extname = 'migrate' AND c.relkind <> 'c'
ORDER BY c.relname COLLATE "C";
SELECT (SELECT count(*) FROM migrate.environment) AS environments,
       (SELECT count(*) FROM migrate.revision) AS revisions,
       (SELECT count(*) FROM migrate.revision_edge) AS edges,
       (SELECT count(*) FROM migrate.log) AS log;

-- its functions stand in the schema that CREATE EXTENSION was given, and are
-- all named alike; what it needs for itself is in schema "migrate"
SELECT n.nspname, count(*) > 0 AS some,
       bool_and(p.proname LIKE 'migrate\_%') AS named_alike
FROM pg_extension e
    JOIN pg_depend d ON d.refclassid = 'pg_extension'::regclass AND d.refobjid = e.oid
    JOIN pg_proc p ON d.classid = 'pg_proc'::regclass AND d.objid = p.oid
    JOIN pg_namespace n ON n.oid = p.pronamespace
WHERE e.extname = 'migrate'
GROUP BY n.nspname
ORDER BY n.nspname COLLATE "C";

-- every object that can have a comment has one
SELECT pg_describe_object(classid, objid, 0) AS "without a comment"
FROM pg_depend d
WHERE refclassid = 'pg_extension'::regclass
    AND refobjid = (SELECT oid FROM pg_extension WHERE extname = 'migrate')
    AND classid <> 'pg_extension'::regclass
    AND obj_description(objid, classid::regclass::name) IS NULL
    AND NOT (classid = 'pg_class'::regclass
        AND (SELECT relkind = 'S' FROM pg_class c WHERE c.oid = objid))
    AND NOT (classid = 'pg_type'::regclass
        AND (SELECT typrelid <> 0 AND relkind <> 'c' OR typelem <> 0
             FROM pg_type t LEFT JOIN pg_class c ON c.oid = typrelid
             WHERE t.oid = objid))
ORDER BY 1;

-- Looking at a database without any revision is no error ...
SELECT * FROM migrate_current();
SELECT * FROM migrate_heads();
SELECT * FROM migrate_branches();
SELECT * FROM migrate_history();
SELECT * FROM migrate_show('heads');
SELECT * FROM migrate_show();
SELECT * FROM migrate_status();
SELECT migrate_check_heads();
SELECT * FROM migrate_plan('upgrade', 'head');
SELECT count(*) FROM migrate_log();
SELECT * FROM migrate_export();
-- ... and changes nothing: neither the version table nor the environment
-- "default" is made by it
SELECT to_regclass('public.alembic_version');
SELECT count(*) FROM migrate.environment;

-- Nor is there anything to run.
SELECT migrate_upgrade('head');
SELECT migrate_upgrade('heads');
SELECT migrate_downgrade('base');
SELECT migrate_stamp('head');
SELECT migrate_upgrade('ae1027a6acf');
SELECT migrate_upgrade('+1');
SELECT migrate_downgrade('-1');
SELECT to_regclass('public.alembic_version');

-- The first revision makes the environment, the first upgrade the version
-- table, which belongs to whoever called and not to the extension.
SELECT migrate_revision('create a table', 'CREATE TABLE setup_table (i int);',
    'DROP TABLE setup_table;', rev_id => '001');
SELECT * FROM migrate.environment;
SELECT migrate_upgrade();
SELECT a.attname, format_type(a.atttypid, a.atttypmod), a.attnotnull, c.conname, c.contype
FROM pg_attribute a
    JOIN pg_constraint c ON c.conrelid = a.attrelid AND c.conkey = ARRAY[a.attnum]
WHERE a.attrelid = 'public.alembic_version'::regclass AND a.attnum > 0 AND c.contype = 'p';
SELECT * FROM alembic_version;

-- Without the extension its functions are gone, and what they made stays: the
-- tables of the scripts, and the version table.
DROP EXTENSION migrate;
SELECT to_regprocedure('migrate_current(text)') IS NULL AS function_is_gone;
SELECT to_regnamespace('migrate') IS NULL AS schema_is_gone;
SELECT * FROM alembic_version;
SELECT * FROM setup_table;

-- Made again, in the same session, it knows the version but not the revision
-- until that is loaded.
CREATE EXTENSION migrate;
SELECT current, heads, pending, up_to_date, unknown FROM migrate_status();
SELECT * FROM migrate_current();
SELECT migrate_revision('create a table', 'CREATE TABLE setup_table (i int);',
    'DROP TABLE setup_table;', rev_id => '001');
SELECT * FROM migrate_current();
SELECT migrate_upgrade();
SELECT migrate_downgrade('base');
SELECT * FROM alembic_version;
DROP TABLE alembic_version;
DROP EXTENSION migrate;

-- Another schema for the functions works as well, but they stay there then.
-- The tables always are in schema "migrate".
CREATE SCHEMA tools;
CREATE EXTENSION migrate SCHEMA tools;
SELECT tools.migrate_revision('empty', rev_id => '001');
SELECT tools.migrate_upgrade();
SELECT * FROM tools.migrate_current();
ALTER EXTENSION migrate SET SCHEMA public;
DROP EXTENSION migrate;
DROP SCHEMA tools;
DROP TABLE alembic_version;
CREATE EXTENSION migrate;
