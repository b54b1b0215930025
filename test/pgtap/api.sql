--
-- The public API: every function with its arguments, result, volatility,
-- rights and comment, and every table.  What is not on the lists below is an
-- error, so that nothing becomes public by accident.
--
\set QUIET on
SET client_min_messages = warning;
BEGIN;
CREATE EXTENSION IF NOT EXISTS pgtap;
CREATE EXTENSION IF NOT EXISTS migrate;

-- level: the level of migrate_grant() that opens it: viewer (and so operator
-- and author), operator, author; owner: none
CREATE TEMPORARY TABLE api (
    name text,
    arguments text,
    result text,
    volatility "char",
    level text,
    PRIMARY KEY (name, arguments)
);
INSERT INTO api VALUES
    -- author
    ('migrate_revision',
     'message text DEFAULT NULL::text, upgrade text DEFAULT ''''::text, downgrade text DEFAULT NULL::text, head text[] DEFAULT ''{head}''::text[], splice boolean DEFAULT false, branch_label text DEFAULT NULL::text, depends_on text[] DEFAULT NULL::text[], rev_id text DEFAULT NULL::text, origin text DEFAULT NULL::text, description text DEFAULT NULL::text, transactional boolean DEFAULT true, create_date timestamp with time zone DEFAULT NULL::timestamp with time zone, author text DEFAULT NULL::text, environment text DEFAULT NULL::text',
     'text', 'v', 'author'),
    ('migrate_merge',
     'revisions text[] DEFAULT ''{heads}''::text[], message text DEFAULT NULL::text, branch_label text DEFAULT NULL::text, rev_id text DEFAULT NULL::text, splice boolean DEFAULT false, origin text DEFAULT NULL::text, create_date timestamp with time zone DEFAULT NULL::timestamp with time zone, author text DEFAULT NULL::text, environment text DEFAULT NULL::text',
     'text', 'v', 'author'),
    ('migrate_load',
     'script text, filename text DEFAULT NULL::text, origin text DEFAULT NULL::text, environment text DEFAULT NULL::text',
     'text', 'v', 'author'),
    ('migrate_load_files',
     'scripts text[], filenames text[] DEFAULT NULL::text[], origin text DEFAULT NULL::text, environment text DEFAULT NULL::text',
     'SETOF text', 'v', 'author'),
    ('migrate_load_directory',
     'path text, origin text DEFAULT NULL::text, environment text DEFAULT NULL::text',
     'SETOF text', 'v', 'author'),
    ('migrate_edit',
     'revision text, upgrade text DEFAULT NULL::text, downgrade text DEFAULT NULL::text, message text DEFAULT NULL::text, description text DEFAULT NULL::text, environment text DEFAULT NULL::text',
     'text', 'v', 'author'),
    ('migrate_remove',
     'revision text, environment text DEFAULT NULL::text',
     'text', 'v', 'author'),
    ('migrate_environment_create',
     'name text, version_table text DEFAULT ''alembic_version''::text, version_table_schema text DEFAULT ''public''::text, search_path text DEFAULT NULL::text, id_style text DEFAULT ''random''::text, file_template text DEFAULT ''%(rev)s_%(slug)s''::text, truncate_slug_length integer DEFAULT 40, timezone text DEFAULT ''UTC''::text',
     'text', 'v', 'author'),
    ('migrate_environment_alter',
     'name text, version_table text DEFAULT NULL::text, version_table_schema text DEFAULT NULL::text, search_path text DEFAULT NULL::text, id_style text DEFAULT NULL::text, file_template text DEFAULT NULL::text, truncate_slug_length integer DEFAULT NULL::integer, timezone text DEFAULT NULL::text',
     'text', 'v', 'author'),
    ('migrate_environment_drop',
     'name text',
     'text', 'v', 'author'),
    -- run
    ('migrate_upgrade',
     'target text DEFAULT ''head''::text, tag text DEFAULT NULL::text, environment text DEFAULT NULL::text',
     'SETOF text', 'v', 'operator'),
    ('migrate_downgrade',
     'target text, tag text DEFAULT NULL::text, environment text DEFAULT NULL::text',
     'SETOF text', 'v', 'operator'),
    ('migrate_stamp',
     'target text DEFAULT ''head''::text, purge boolean DEFAULT false, tag text DEFAULT NULL::text, environment text DEFAULT NULL::text',
     'SETOF text', 'v', 'operator'),
    ('migrate_stamp',
     'targets text[], purge boolean DEFAULT false, tag text DEFAULT NULL::text, environment text DEFAULT NULL::text',
     'SETOF text', 'v', 'operator'),
    -- look
    ('migrate_current',
     'environment text DEFAULT NULL::text, OUT revision text, OUT down_revisions text[], OUT is_head boolean, OUT message text',
     'SETOF record', 's', 'viewer'),
    ('migrate_heads',
     'environment text DEFAULT NULL::text, OUT revision text, OUT down_revisions text[], OUT branch_labels text[], OUT message text, OUT is_effective_head boolean',
     'SETOF record', 's', 'viewer'),
    ('migrate_branches',
     'environment text DEFAULT NULL::text, OUT revision text, OUT next_revisions text[], OUT branch_labels text[], OUT message text',
     'SETOF record', 's', 'viewer'),
    ('migrate_history',
     'range text DEFAULT NULL::text, environment text DEFAULT NULL::text, OUT revision text, OUT down_revisions text[], OUT depends_on text[], OUT branch_labels text[], OUT message text, OUT is_head boolean, OUT is_branch_point boolean, OUT is_merge_point boolean, OUT is_current boolean, OUT create_date timestamp with time zone',
     'SETOF record', 's', 'viewer'),
    ('migrate_show',
     'revision text DEFAULT ''current''::text, environment text DEFAULT NULL::text',
     'SETOF migrate.revision_detail', 's', 'viewer'),
    ('migrate_status',
     'environment text DEFAULT NULL::text',
     'migrate.status', 's', 'viewer'),
    ('migrate_check_heads',
     'environment text DEFAULT NULL::text',
     'boolean', 's', 'viewer'),
    ('migrate_plan',
     'command text, target text, versions text[] DEFAULT NULL::text[], environment text DEFAULT NULL::text',
     'SETOF migrate.plan_step', 's', 'viewer'),
    ('migrate_plan',
     'command text, targets text[], versions text[] DEFAULT NULL::text[], environment text DEFAULT NULL::text',
     'SETOF migrate.plan_step', 's', 'viewer'),
    ('migrate_log',
     'revision text DEFAULT NULL::text, max_rows integer DEFAULT 100, environment text DEFAULT NULL::text',
     'SETOF migrate.log_entry', 's', 'viewer'),
    ('migrate_graph',
     'format text DEFAULT ''text''::text, environment text DEFAULT NULL::text',
     'SETOF text', 's', 'viewer'),
    ('migrate_export',
     'range text DEFAULT NULL::text, origin text DEFAULT NULL::text, environment text DEFAULT NULL::text, OUT filename text, OUT script text',
     'SETOF record', 's', 'viewer'),
    ('migrate_upgrade_sql',
     'range text DEFAULT ''head''::text, environment text DEFAULT NULL::text',
     'SETOF text', 's', 'viewer'),
    ('migrate_downgrade_sql',
     'range text, environment text DEFAULT NULL::text',
     'SETOF text', 's', 'viewer'),
    ('migrate_stamp_sql',
     'range text DEFAULT ''head''::text, environment text DEFAULT NULL::text',
     'SETOF text', 's', 'viewer'),
    -- rights
    ('migrate_grant', 'role name, level text', 'void', 'v', 'owner'),
    ('migrate_revoke', 'role name, level text DEFAULT NULL::text', 'void', 'v', 'owner');

-- what the extension has
CREATE TEMPORARY VIEW found AS
SELECT p.oid, p.oid::regprocedure::text AS signature, n.nspname AS schema,
       p.proname::text AS name, pg_get_function_arguments(p.oid) AS arguments,
       pg_get_function_result(p.oid) AS result, p.provolatile, p.proparallel,
       p.proisstrict, p.prosecdef, p.proconfig, p.proacl, p.proowner, l.lanname
FROM pg_proc p
    JOIN pg_namespace n ON n.oid = p.pronamespace
    JOIN pg_language l ON l.oid = p.prolang
    JOIN pg_depend d ON d.classid = 'pg_proc'::regclass AND d.objid = p.oid AND d.deptype = 'e'
    JOIN pg_extension e ON d.refclassid = 'pg_extension'::regclass AND d.refobjid = e.oid
WHERE e.extname = 'migrate';

CREATE ROLE pgtap_viewer;
CREATE ROLE pgtap_operator;
CREATE ROLE pgtap_author;
CREATE ROLE pgtap_nobody;
SELECT migrate_grant('pgtap_viewer', 'viewer') \g /dev/null
SELECT migrate_grant('pgtap_operator', 'operator') \g /dev/null
SELECT migrate_grant('pgtap_author', 'author') \g /dev/null

SELECT plan((7 * (SELECT count(*) FROM api)
    + 2 * (SELECT count(*) FROM found) + 37)::int);

-- ---- functions ----

SELECT is_empty(
    $$ SELECT name, arguments FROM found WHERE schema = 'public'
       EXCEPT SELECT name, arguments FROM api $$,
    'no function is public that is not on the list');

SELECT ok(f.oid IS NOT NULL, format('%s(%s) exists', a.name, a.arguments))
FROM api a LEFT JOIN found f USING (name, arguments)
ORDER BY name, arguments;
SELECT is(f.result, a.result, format('%s returns %s', f.signature, a.result))
FROM api a LEFT JOIN found f USING (name, arguments)
ORDER BY name, arguments;
SELECT is(f.provolatile, a.volatility,
          format('%s is %s', f.signature, CASE a.volatility WHEN 'v' THEN 'volatile' ELSE 'stable' END))
FROM api a LEFT JOIN found f USING (name, arguments)
ORDER BY name, arguments;
-- NULL has a meaning, or an error of its own
SELECT ok(NOT f.proisstrict, format('%s is not strict', f.signature))
FROM api a LEFT JOIN found f USING (name, arguments)
ORDER BY name, arguments;

-- each level opens what is on its list, and no more
SELECT is(has_function_privilege('pgtap_' || l.level, f.oid, 'EXECUTE'),
          a.level = ANY (ARRAY['viewer', l.level]),
          format('%s: %s for level %s', f.signature,
                 CASE WHEN a.level = ANY (ARRAY['viewer', l.level]) THEN 'open' ELSE 'closed' END,
                 l.level))
FROM api a LEFT JOIN found f USING (name, arguments),
    unnest('{viewer,operator,author}'::text[]) l(level)
ORDER BY name, arguments, l.level;

-- also those that are for the extension's own use
SELECT is((SELECT count(*) FROM aclexplode(coalesce(f.proacl, acldefault('f', f.proowner))) WHERE grantee = 0),
          0::bigint, format('%s: closed for PUBLIC', f.signature))
FROM found f ORDER BY f.signature COLLATE "C";
SELECT ok(obj_description(f.oid, 'pg_proc') <> '', format('%s has a comment', f.signature))
FROM found f ORDER BY f.signature COLLATE "C";

SELECT is_empty(
    $$ SELECT signature FROM found WHERE schema = 'public' AND proparallel <> 'u' $$,
    'no public function may run in a parallel worker');
SELECT is_empty(
    $$ SELECT signature FROM found WHERE prosecdef $$,
    'no function is SECURITY DEFINER');
SELECT is_empty(
    $$ SELECT signature FROM found WHERE lanname <> 'c'
       AND proconfig IS DISTINCT FROM '{"search_path=pg_catalog, pg_temp"}'::text[] $$,
    'every function that is written in SQL has a search path of its own');
SELECT is_empty(
    $$ SELECT signature FROM found WHERE schema NOT IN ('public', 'migrate') $$,
    'functions are nowhere else');
SELECT set_eq(
    $$ SELECT name FROM found WHERE schema = 'migrate' $$,
    ARRAY['checksum', 'check_level', 'functions_of_level'],
    'the functions for the extension''s own use');
SELECT is_empty(
    $$ SELECT name FROM found
       WHERE schema = 'public' AND name NOT IN ('migrate_grant', 'migrate_revoke')
         AND name !~ '^migrate_environment_'
         AND arguments !~ 'environment text DEFAULT NULL::text(, OUT .*)?$' $$,
    'every function takes the environment as its last argument');

-- ---- tables ----

SELECT tables_are('migrate', '{environment,revision,revision_edge,log}'::name[]);
SELECT ok(obj_description(c.oid, 'pg_class') <> '', format('table %s has a comment', c.relname))
FROM pg_class c
WHERE relnamespace = 'migrate'::regnamespace AND relkind = 'r'
ORDER BY relname COLLATE "C";
SELECT set_eq(
    $$ SELECT unnest(extconfig)::regclass::text FROM pg_extension WHERE extname = 'migrate' $$,
    $$ SELECT c.oid::regclass::text FROM pg_class c
       WHERE relnamespace = 'migrate'::regnamespace AND relkind IN ('r', 'S') $$,
    'all tables and sequences are dumped');
SELECT is((SELECT extcondition FROM pg_extension WHERE extname = 'migrate'),
          array_fill(''::text, ARRAY[(SELECT cardinality(extconfig) FROM pg_extension WHERE extname = 'migrate')]),
          'with all their rows');
SELECT is_empty(
    $$ SELECT conname FROM pg_constraint
       WHERE connamespace = 'migrate'::regnamespace AND contype = 'f' AND conrelid = confrelid $$,
    'no table refers to itself, which restoring INSERTs could not obey');
SELECT is_empty(
    $$ SELECT relname FROM pg_class c, aclexplode(relacl)
       WHERE relnamespace = 'migrate'::regnamespace AND grantee = 0 $$,
    'no table is open for PUBLIC');
SELECT table_privs_are('migrate'::name, t, 'pgtap_viewer'::name, '{SELECT}'::name[])
FROM unnest('{environment,log,revision,revision_edge}'::name[]) t;
SELECT table_privs_are('migrate'::name, t, 'pgtap_operator'::name, '{SELECT}'::name[])
FROM unnest('{environment,log,revision,revision_edge}'::name[]) t;
SELECT table_privs_are('migrate'::name, t, 'pgtap_author'::name, '{SELECT}'::name[])
FROM unnest('{environment,log,revision,revision_edge}'::name[]) t;
SELECT schema_privs_are('migrate', 'pgtap_viewer', '{USAGE}'::name[]);
SELECT schema_privs_are('migrate', 'pgtap_nobody', '{}'::name[]);

-- the columns of the rows that functions return
SELECT is((SELECT string_agg(attname, ',' ORDER BY attnum) FROM pg_attribute
           WHERE attrelid = t.type::regclass AND attnum > 0),
          t.columns, format('the columns of %s', t.type))
FROM (VALUES
    ('migrate.plan_step', 'step,action,revision,message,versions'),
    ('migrate.revision_detail', 'revision,down_revisions,depends_on,branch_labels,message,description,upgrade,downgrade,upgrade_transactional,downgrade_transactional,is_head,is_branch_point,is_merge_point,is_current,is_applied,next_revisions,origin,filename,author,create_date,checksum'),
    ('migrate.status', 'environment,current,heads,pending,up_to_date,version_table,changed,unknown'),
    ('migrate.log', 'id,environment,revision,direction,versions_before,versions_after,started_at,duration,role,session_role,application_name,client_address,outcome,statements,failed_statement,failed_line,sqlstate,error,checksum,search_path,deploy_id,tag'))
    AS t(type, columns);
SELECT is_empty(
    $$ SELECT t.oid::regtype FROM pg_type t JOIN pg_class c ON c.oid = t.typrelid
       WHERE t.typnamespace = 'migrate'::regnamespace AND c.relkind = 'c'
         AND obj_description(t.oid, 'pg_type') IS NULL $$,
    'every type has a comment');

-- ---- the extension ----

SELECT is((SELECT extrelocatable FROM pg_extension WHERE extname = 'migrate'), false,
          'the extension is not relocatable');
SELECT is((SELECT obj_description(oid, 'pg_extension') FROM pg_extension WHERE extname = 'migrate') <> '',
          true, 'it has a comment');

SELECT * FROM finish();
ROLLBACK;
