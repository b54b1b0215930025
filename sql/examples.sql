--
-- The example project: up, down to base, and up again
--
-- The server reads the files itself, from the source tree.
--
SET client_min_messages = warning;
DROP EXTENSION IF EXISTS migrate CASCADE;
DROP TABLE IF EXISTS alembic_version;
CREATE EXTENSION migrate;
RESET client_min_messages;

\getenv abs_srcdir PG_ABS_SRCDIR
\set versions :abs_srcdir '/examples/agent_platform/versions'
\set enterprise :abs_srcdir '/examples/agent_platform/enterprise'
CREATE SCHEMA agent_platform;
SELECT migrate_environment_create('agent_platform', version_table_schema => 'agent_platform',
    search_path => 'agent_platform');

-- What the scripts have made, in words that do not depend on how they got there.
CREATE VIEW made AS
SELECT pg_describe_object('pg_class'::regclass, c.oid, 0) AS object,
       CASE c.relkind WHEN 'v' THEN pg_get_viewdef(c.oid) WHEN 'i' THEN pg_get_indexdef(c.oid) ELSE relkind::text END AS definition
FROM pg_class c WHERE c.relnamespace = 'agent_platform'::regnamespace AND relname !~ '^alembic_version'
UNION ALL
SELECT format('column %s of %s', a.attname, c.relname),
       concat_ws(' ', a.attnum, format_type(a.atttypid, a.atttypmod), a.attnotnull, pg_get_expr(d.adbin, d.adrelid))
FROM pg_class c JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped
    LEFT JOIN pg_attrdef d ON d.adrelid = c.oid AND d.adnum = a.attnum
WHERE c.relnamespace = 'agent_platform'::regnamespace AND relname !~ '^alembic_version' AND relkind IN ('r', 'v')
UNION ALL
SELECT format('constraint %s on %s', conname, conrelid::regclass), pg_get_constraintdef(oid)
FROM pg_constraint WHERE connamespace = 'agent_platform'::regnamespace AND conname !~ '^alembic_version'
    AND contype <> 'n'
UNION ALL
SELECT format('trigger %s on %s', tgname, tgrelid::regclass), pg_get_triggerdef(t.oid)
FROM pg_trigger t JOIN pg_class c ON c.oid = t.tgrelid
WHERE c.relnamespace = 'agent_platform'::regnamespace AND NOT tgisinternal
UNION ALL
SELECT 'function ' || oid::regprocedure, pg_get_functiondef(oid)
FROM pg_proc WHERE pronamespace = 'agent_platform'::regnamespace
UNION ALL
SELECT 'enum ' || t.typname, (SELECT string_agg(enumlabel, ', ' ORDER BY enumsortorder) FROM pg_enum WHERE enumtypid = t.oid)
FROM pg_type t WHERE typnamespace = 'agent_platform'::regnamespace AND typtype = 'e';

-- The product
SELECT migrate_load_directory(:'versions', 'oss', 'agent_platform');
SELECT revision, down_revisions, branch_labels, message FROM migrate_history(environment => 'agent_platform');
SELECT migrate_upgrade(environment => 'agent_platform');
SELECT c.relname FROM pg_class c
WHERE relnamespace = 'agent_platform'::regnamespace AND relkind IN ('r', 'v')
ORDER BY relname COLLATE "C";
CREATE TABLE product AS SELECT * FROM made;

-- down to base, one revision after the other, and nothing is left
SELECT migrate_downgrade('base', environment => 'agent_platform');
SELECT * FROM made;
-- up again: the same as before
SET client_min_messages = warning;
SELECT migrate_upgrade(environment => 'agent_platform');
RESET client_min_messages;
(SELECT 'lost' AS difference, * FROM product EXCEPT SELECT 'lost', * FROM made)
UNION ALL
(SELECT 'new', * FROM made EXCEPT SELECT 'new', * FROM product);

-- The enterprise edition, loaded into the running database, is applied by one
-- upgrade, and taken away again.
SELECT migrate_load_directory(:'enterprise', 'enterprise', 'agent_platform');
SELECT revision, branch_labels, message FROM migrate_heads('agent_platform');
SELECT migrate_upgrade('heads', environment => 'agent_platform');
SELECT migrate_check_heads('agent_platform');
SELECT * FROM agent_platform.alembic_version ORDER BY 1;
SELECT object FROM (SELECT object FROM made EXCEPT SELECT object FROM product) added
WHERE object ~ '^(table|view|function)'
ORDER BY object COLLATE "C";
SELECT migrate_downgrade('enterprise@base', environment => 'agent_platform');
(SELECT 'lost' AS difference, * FROM product EXCEPT SELECT 'lost', * FROM made)
UNION ALL
(SELECT 'new', * FROM made EXCEPT SELECT 'new', * FROM product);

-- One revision at a time: up and down again leaves the schema as it was.  (A
-- merge has two ways down, and nothing to undo.)
SET client_min_messages = warning;
DO $$
DECLARE
    r record;
    before text;
BEGIN
    PERFORM migrate_downgrade('base', environment => 'agent_platform');
    FOR r IN SELECT p.revision, h.down_revisions
            FROM migrate_plan('upgrade', 'heads', '{}', 'agent_platform') p
                JOIN migrate_history(environment => 'agent_platform') h USING (revision)
            ORDER BY p.step
    LOOP
        SELECT md5(string_agg(object || definition, ' ' ORDER BY object, definition)) INTO before FROM made;
        PERFORM migrate_upgrade(r.revision, environment => 'agent_platform');
        IF cardinality(r.down_revisions) < 2 THEN
            PERFORM migrate_downgrade(r.revision || '@-1', environment => 'agent_platform');
            IF before IS DISTINCT FROM (SELECT md5(string_agg(object || definition, ' ' ORDER BY object, definition)) FROM made) THEN
                RAISE WARNING 'revision % leaves something behind', r.revision;
            END IF;
            PERFORM migrate_upgrade(r.revision, environment => 'agent_platform');
        END IF;
    END LOOP;
END $$;
RESET client_min_messages;
SELECT migrate_check_heads('agent_platform');

-- What is exported is what lies on the disk, package by package.
SELECT origin, count(*) AS files, bool_and(script = pg_read_file(directory || '/' || filename)) AS same,
       count(*) = (SELECT count(*) FROM pg_ls_dir(directory)) AS all_of_them
FROM (VALUES ('oss', :'versions'), ('enterprise', :'enterprise')) o (origin, directory)
    CROSS JOIN LATERAL migrate_export(NULL, origin, 'agent_platform')
GROUP BY origin, directory ORDER BY origin DESC;
-- to load it once more is nothing to do
SELECT count(*) FROM migrate_load_directory(:'versions', 'oss', 'agent_platform');
SELECT count(*) FROM migrate_load_directory(:'enterprise', 'enterprise', 'agent_platform');
SELECT up_to_date, changed FROM migrate_status('agent_platform');

SET client_min_messages = warning;
SELECT migrate_downgrade('base', environment => 'agent_platform');
DROP VIEW made;
DROP TABLE product;
DROP SCHEMA agent_platform CASCADE;
