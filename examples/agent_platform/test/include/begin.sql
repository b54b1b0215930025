--
-- What every test of the project begins with: the extensions, the revision
-- files, and schema_objects(), which tells what is in the schema.  The
-- transaction is rolled back at the end, so that nothing remains.
--
-- The server reads the files.  Their folder is that of the project below the
-- current directory, unless psql is given another: -v project=/path
--
\set QUIET on
\set ON_ERROR_STOP on
\if :{?project}
\else
\set project `pwd`/examples/agent_platform
\endif

SET client_min_messages = warning;
BEGIN;
CREATE EXTENSION IF NOT EXISTS pgtap;
CREATE EXTENSION IF NOT EXISTS migrate;

\set versions :project/versions
\set enterprise :project/enterprise
SELECT migrate_load_directory(:'versions', 'oss') \g /dev/null
SELECT migrate_load_directory(:'enterprise', 'enterprise') \g /dev/null

-- All objects of a schema with their definitions, in words that do not change
-- when an object is dropped and made again: no OIDs, no column numbers.
-- Objects of extensions and the version table are left out.
CREATE FUNCTION pg_temp.schema_objects(schema name DEFAULT 'public')
RETURNS TABLE (object text, definition text)
LANGUAGE sql STABLE
AS $$
    WITH own AS (
        SELECT objid, classid FROM pg_depend WHERE deptype = 'e'
    ), relation AS (
        SELECT c.* FROM pg_class c
        WHERE c.relnamespace = schema_objects.schema::regnamespace
            AND c.relname <> 'alembic_version'
            AND c.relkind IN ('r', 'p', 'v', 'm', 'S', 'f')
            AND c.oid NOT IN (SELECT objid FROM own WHERE classid = 'pg_class'::regclass)
    ), routine AS (
        SELECT p.* FROM pg_proc p
        WHERE p.pronamespace = schema_objects.schema::regnamespace
            AND p.oid NOT IN (SELECT objid FROM own WHERE classid = 'pg_proc'::regclass)
    ), type AS (
        SELECT t.* FROM pg_type t
        WHERE t.typnamespace = schema_objects.schema::regnamespace AND t.typtype IN ('e', 'd', 'r')
            AND t.oid NOT IN (SELECT objid FROM own WHERE classid = 'pg_type'::regclass)
    )
    SELECT format('relation %s', relname),
           concat_ws(' ', relkind, relpersistence, reloptions, relrowsecurity, relforcerowsecurity,
                     relacl, obj_description(oid, 'pg_class'))
    FROM relation
    UNION ALL
    SELECT format('column %s.%s', r.relname, a.attname),
           concat_ws(' ', format_type(a.atttypid, a.atttypmod), a.attnotnull, a.attidentity,
                     a.attgenerated, a.attcollation::regcollation, a.attacl,
                     pg_get_expr(d.adbin, d.adrelid), col_description(r.oid, a.attnum),
                     'number ' || (SELECT count(*) FROM pg_attribute b
                                   WHERE b.attrelid = a.attrelid AND NOT b.attisdropped
                                       AND b.attnum BETWEEN 1 AND a.attnum))
    FROM relation r
        JOIN pg_attribute a ON a.attrelid = r.oid AND a.attnum > 0 AND NOT a.attisdropped
        LEFT JOIN pg_attrdef d ON d.adrelid = a.attrelid AND d.adnum = a.attnum
    WHERE r.relkind <> 'S'
    UNION ALL
    SELECT format('constraint %s on %s', c.conname, r.relname),
           concat_ws(' ', pg_get_constraintdef(c.oid), c.convalidated,
                     obj_description(c.oid, 'pg_constraint'))
    FROM relation r JOIN pg_constraint c ON c.conrelid = r.oid
    UNION ALL
    SELECT format('index %s on %s', i.indexrelid::regclass, r.relname),
           concat_ws(' ', pg_get_indexdef(i.indexrelid), i.indisvalid,
                     obj_description(i.indexrelid, 'pg_class'))
    FROM relation r JOIN pg_index i ON i.indrelid = r.oid
    UNION ALL
    SELECT format('trigger %s on %s', t.tgname, r.relname),
           concat_ws(' ', pg_get_triggerdef(t.oid), t.tgenabled,
                     obj_description(t.oid, 'pg_trigger'))
    FROM relation r JOIN pg_trigger t ON t.tgrelid = r.oid AND NOT t.tgisinternal
    UNION ALL
    SELECT format('policy %s on %s', p.policyname, p.tablename),
           concat_ws(' ', p.permissive, p.roles, p.cmd, p.qual, p.with_check)
    FROM pg_policies p WHERE p.schemaname = schema_objects.schema
    UNION ALL
    SELECT format('view %s', relname), pg_get_viewdef(oid)
    FROM relation WHERE relkind IN ('v', 'm')
    UNION ALL
    SELECT format('sequence %s', r.relname),
           concat_ws(' ', s.seqtypid::regtype, s.seqstart, s.seqincrement, s.seqmin, s.seqmax,
                     s.seqcache, s.seqcycle)
    FROM relation r JOIN pg_sequence s ON s.seqrelid = r.oid
    UNION ALL
    SELECT format('routine %s', oid::regprocedure),
           concat_ws(' ', pg_get_functiondef(oid), proacl, obj_description(oid, 'pg_proc'))
    FROM routine WHERE prokind <> 'a'
    UNION ALL
    SELECT format('type %s', t.typname),
           concat_ws(' ', t.typtype, t.typnotnull, t.typdefault, t.typacl,
                     obj_description(t.oid, 'pg_type'),
                     (SELECT array_agg(enumlabel ORDER BY enumsortorder) FROM pg_enum
                      WHERE enumtypid = t.oid),
                     (SELECT array_agg(pg_get_constraintdef(c.oid) ORDER BY conname)
                      FROM pg_constraint c WHERE contypid = t.oid))
    FROM type t
$$;
