--
-- The example project online: its product, and the revisions in online/ on top
-- of it, deployed with rows in the tables, taken back and deployed again
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
\set online :abs_srcdir '/examples/agent_platform/online'
CREATE SCHEMA agent_platform;
SELECT migrate_environment_create('agent_platform', version_table_schema => 'agent_platform',
    search_path => 'agent_platform, public');

-- What the scripts have made, in words that do not depend on how they got
-- there, as in examples.sql; and whether it is valid.
CREATE VIEW made AS
SELECT pg_describe_object('pg_class'::regclass, c.oid, 0) AS object,
       CASE c.relkind WHEN 'v' THEN pg_get_viewdef(c.oid)
           WHEN 'i' THEN (SELECT concat_ws(' ', pg_get_indexdef(c.oid), indisvalid) FROM pg_index WHERE indexrelid = c.oid)
           ELSE relkind::text END AS definition
FROM pg_class c WHERE c.relnamespace = 'agent_platform'::regnamespace AND relname !~ '^alembic_version'
UNION ALL
SELECT format('column %s of %s', a.attname, c.relname),
       concat_ws(' ', format_type(a.atttypid, a.atttypmod), a.attnotnull, pg_get_expr(d.adbin, d.adrelid))
FROM pg_class c JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped
    LEFT JOIN pg_attrdef d ON d.adrelid = c.oid AND d.adnum = a.attnum
WHERE c.relnamespace = 'agent_platform'::regnamespace AND relname !~ '^alembic_version' AND relkind IN ('r', 'v')
UNION ALL
SELECT format('constraint %s on %s', conname, conrelid::regclass), concat_ws(' ', pg_get_constraintdef(oid), convalidated)
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

-- The product, by a deploy: the same as by migrate_upgrade()
SELECT count(*) FROM migrate_load_directory(:'versions', 'oss', 'agent_platform');
SET client_min_messages = warning;
SELECT migrate_upgrade(environment => 'agent_platform');
CREATE TABLE upgraded AS SELECT * FROM made;
SELECT migrate_downgrade('base', environment => 'agent_platform');
RESET client_min_messages;
CALL migrate_deploy(environment => 'agent_platform');
CREATE TABLE product AS SELECT * FROM made;
(SELECT 'lost' AS difference, * FROM upgraded EXCEPT SELECT 'lost', * FROM product)
UNION ALL
(SELECT 'new', * FROM product EXCEPT SELECT 'new', * FROM upgraded);

-- Rows, some of which are past their time
INSERT INTO agent_platform.organizations (id, name, slug)
SELECT md5('organization' || i)::uuid, 'Organization ' || i, 'organization-' || i FROM generate_series(1, 2) i;
INSERT INTO agent_platform.agents (id, organization_id, name, model)
SELECT md5('agent' || i)::uuid, md5('organization' || i)::uuid, 'Agent ' || i, 'model' FROM generate_series(1, 2) i;
INSERT INTO agent_platform.sessions (id, organization_id, agent_id, status, started_at, ended_at)
SELECT md5('session' || i)::uuid, md5('organization' || 1 + i % 2)::uuid, md5('agent' || 1 + i % 2)::uuid, 'completed',
    now() - i * interval '1 year', now() - i * interval '1 year' + interval '1 hour'
FROM generate_series(0, 3) i;
INSERT INTO agent_platform.episodes (id, organization_id, session_id, kind, content)
SELECT md5('episode' || i)::uuid, md5('organization' || 1 + i % 2)::uuid, md5('session' || i % 4)::uuid,
    (ARRAY['message', 'tool_call', 'observation'])[1 + i % 3], repeat('x', i)
FROM generate_series(1, 120) i;

-- The online revisions
SELECT migrate_load_directory(:'online', 'online', 'agent_platform');
SELECT revision, branch_labels, message FROM migrate_heads('agent_platform');
SELECT revision, upgrade_transactional, downgrade_transactional FROM migrate_show('96d3f7a1c24b', 'agent_platform');
SELECT migrate_upgrade('heads', environment => 'agent_platform');
SET migrate.batch_min_size = 50;
SET migrate.batch_max_size = 50;
CALL migrate_deploy('a86f20d4b7c5', environment => 'agent_platform');
-- 120 rows in batches of 50
SELECT count(*) AS rows, count(*) FILTER (WHERE content_length = length(content)) AS filled, count(DISTINCT xmin::text) AS transactions
FROM agent_platform.episodes;
CALL migrate_deploy('heads', environment => 'agent_platform', tag => 'online');
SELECT migrate_check_heads('agent_platform');
-- new rows are filled by themselves
INSERT INTO agent_platform.episodes (organization_id, session_id, kind, content)
VALUES (md5('organization1')::uuid, md5('session0')::uuid, 'message', 'new') RETURNING content_length;
SELECT ended_at < now() - interval '2 years' AS long_ended, kind, count(*)
FROM agent_platform.episodes JOIN agent_platform.sessions ON sessions.id = session_id
GROUP BY 1, 2 ORDER BY 1, 2;
CREATE TABLE online AS SELECT * FROM made;
SELECT object FROM (SELECT object FROM online EXCEPT SELECT object FROM product) added ORDER BY object COLLATE "C";
SELECT index_name, indisvalid FROM pg_index, LATERAL (SELECT indexrelid::regclass::text AS index_name) n
WHERE index_name ~ 'episodes_(occurred_at|content_length)_idx' ORDER BY 1;
SELECT revision, statements, tag FROM migrate_log(max_rows => 6, environment => 'agent_platform');

-- back, down to the product, and forth: the same as before
CALL migrate_rollback('online@base', environment => 'agent_platform');
(SELECT 'lost' AS difference, * FROM product EXCEPT SELECT 'lost', * FROM made)
UNION ALL
(SELECT 'new', * FROM made EXCEPT SELECT 'new', * FROM product);
SELECT revision FROM migrate_current('agent_platform');
SELECT count(*) FROM agent_platform.episodes;
CALL migrate_deploy('heads', environment => 'agent_platform');
(SELECT 'lost' AS difference, * FROM online EXCEPT SELECT 'lost', * FROM made)
UNION ALL
(SELECT 'new', * FROM made EXCEPT SELECT 'new', * FROM online);
SELECT count(*) AS rows, count(*) FILTER (WHERE content_length = length(content)) AS filled FROM agent_platform.episodes;
SELECT revision, outcome FROM migrate_log(max_rows => 1, environment => 'agent_platform');
SELECT * FROM migrate.progress;

-- One revision at a time: forth and back again leaves the schema as it was.
-- (What e20b84c6d91f has validated stays valid, and goes with the revision
-- before.)
SET client_min_messages = warning;
CALL migrate_rollback('online@base', environment => 'agent_platform');
DO $$
DECLARE
    r record;
    before text;
BEGIN
    FOR r IN SELECT revision FROM migrate_plan('upgrade', 'heads', environment => 'agent_platform') ORDER BY step LOOP
        SELECT md5(string_agg(object || definition, ' ' ORDER BY object, definition)) INTO before FROM made;
        CALL migrate_deploy(r.revision, environment => 'agent_platform');
        CALL migrate_rollback(r.revision || '@-1', environment => 'agent_platform');
        IF r.revision <> 'e20b84c6d91f' AND before IS DISTINCT FROM
            (SELECT md5(string_agg(object || definition, ' ' ORDER BY object, definition)) FROM made)
        THEN
            RAISE WARNING 'revision % leaves something behind', r.revision;
        END IF;
        CALL migrate_deploy(r.revision, environment => 'agent_platform');
    END LOOP;
END $$;
RESET client_min_messages;
SELECT migrate_check_heads('agent_platform');
SELECT count(*) FROM agent_platform.episodes;

-- What is exported is what lies on the disk.
SELECT count(*) AS files, bool_and(script = pg_read_file(:'online' || '/' || filename)) AS same,
       count(*) = (SELECT count(*) FROM pg_ls_dir(:'online')) AS all_of_them
FROM migrate_export(NULL, 'online', 'agent_platform');

-- all the way back
SET client_min_messages = warning;
CALL migrate_rollback('base', environment => 'agent_platform');
SELECT * FROM made;
DROP EXTENSION migrate CASCADE;
DROP VIEW made;
DROP TABLE upgraded, product, online;
DROP SCHEMA agent_platform CASCADE;
