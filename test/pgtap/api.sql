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

-- Functions, each under the name of the file in install/ that makes it.
--
-- level: the level of migrate_grant() that opens it: viewer (and so operator
-- and author), operator, author; everybody: open to PUBLIC; owner: none
CREATE TEMPORARY TABLE api (
    name text,
    arguments text,
    result text,                    -- NULL for a procedure
    volatility "char",
    level text,
    parallel "char" DEFAULT 'u',
    kind "char" DEFAULT 'f',
    PRIMARY KEY (name, arguments)
);
INSERT INTO api (name, arguments, result, volatility, level) VALUES
    -- author.sql
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
    ('migrate_export',
     'range text DEFAULT NULL::text, origin text DEFAULT NULL::text, environment text DEFAULT NULL::text, OUT filename text, OUT script text',
     'SETOF record', 's', 'viewer'),
    ('migrate_edit',
     'revision text, upgrade text DEFAULT NULL::text, downgrade text DEFAULT NULL::text, message text DEFAULT NULL::text, description text DEFAULT NULL::text, environment text DEFAULT NULL::text',
     'text', 'v', 'author'),
    ('migrate_remove',
     'revision text, environment text DEFAULT NULL::text',
     'text', 'v', 'author'),
    -- environment.sql
    ('migrate_environment_create',
     'name text, version_table text DEFAULT ''alembic_version''::text, version_table_schema text DEFAULT ''public''::text, search_path text DEFAULT NULL::text, id_style text DEFAULT ''random''::text, file_template text DEFAULT ''%(rev)s_%(slug)s''::text, truncate_slug_length integer DEFAULT 40, timezone text DEFAULT ''UTC''::text',
     'text', 'v', 'author'),
    ('migrate_environment_alter',
     'name text, version_table text DEFAULT NULL::text, version_table_schema text DEFAULT NULL::text, search_path text DEFAULT NULL::text, id_style text DEFAULT NULL::text, file_template text DEFAULT NULL::text, truncate_slug_length integer DEFAULT NULL::integer, timezone text DEFAULT NULL::text',
     'text', 'v', 'author'),
    ('migrate_environment_drop',
     'name text',
     'text', 'v', 'author'),
    -- run.sql
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
    -- look.sql
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
    -- offline.sql
    ('migrate_upgrade_sql',
     'range text DEFAULT ''head''::text, environment text DEFAULT NULL::text',
     'SETOF text', 's', 'viewer'),
    ('migrate_downgrade_sql',
     'range text, environment text DEFAULT NULL::text',
     'SETOF text', 's', 'viewer'),
    ('migrate_stamp_sql',
     'range text DEFAULT ''head''::text, environment text DEFAULT NULL::text',
     'SETOF text', 's', 'viewer'),
    -- progress.sql
    ('migrate_progress',
     'environment text DEFAULT NULL::text, OUT environment text, OUT deploy_id uuid, OUT pid integer, OUT role name, OUT direction text, OUT target text, OUT revision text, OUT revision_number integer, OUT revision_count integer, OUT statement integer, OUT statement_count integer, OUT command text, OUT phase text, OUT waiting_for text, OUT rows_done bigint, OUT rows_estimate bigint, OUT rows_per_second double precision, OUT elapsed interval, OUT statement_elapsed interval, OUT remaining interval, OUT blocks_done bigint, OUT blocks_total bigint, OUT worker_pid integer, OUT started_at timestamp with time zone, OUT updated_at timestamp with time zone',
     'SETOF record', 's', 'viewer'),
    ('migrate_pause',
     'reason text DEFAULT NULL::text, environment text DEFAULT NULL::text',
     'boolean', 'v', 'operator'),
    ('migrate_resume',
     'environment text DEFAULT NULL::text',
     'boolean', 'v', 'operator'),
    -- locks.sql
    ('migrate_locks',
     'revision text, direction text DEFAULT ''upgrade''::text, environment text DEFAULT NULL::text, OUT relation regclass, OUT mode text, OUT permitted boolean',
     'SETOF record', 's', 'viewer'),
    -- tenant_context.sql
    ('migrate_tenant_set', 'tenant text, swap boolean DEFAULT false', 'void', 'v', 'everybody'),
    ('migrate_tenant_set', 'tenant bigint, swap boolean DEFAULT false', 'void', 'v', 'everybody'),
    ('migrate_tenant_set', 'tenant uuid, swap boolean DEFAULT false', 'void', 'v', 'everybody'),
    ('migrate_tenant_clear', '', 'void', 'v', 'everybody'),
    -- tenant_setup.sql
    ('migrate_tenant_setup',
     'root regclass, key name DEFAULT ''id''::name, column_name name DEFAULT ''tenant_id''::name, app_roles name[] DEFAULT ''{public}''::name[], admin_role name DEFAULT NULL::name, setting text DEFAULT ''migrate.tenant''::text, policy_style text DEFAULT ''function''::text, model name DEFAULT ''default''::name, dry_run boolean DEFAULT false',
     'TABLE(object text, action text, sql text)', 'v', 'operator'),
    ('migrate_tenant_teardown',
     'model name DEFAULT ''default''::name, cascade boolean DEFAULT false, dry_run boolean DEFAULT false',
     'TABLE(object text, action text, sql text)', 'v', 'operator'),
    ('migrate_tenant_plan',
     'schema regnamespace, discover text DEFAULT ''both''::text, model name DEFAULT ''default''::name',
     'TABLE(relation regclass, mode text, column_name name, path text, missing text[], via name, reason text)', 's', 'viewer'),
    ('migrate_tenant_protect',
     'tbl regclass, mode text DEFAULT ''auto''::text, column_name name DEFAULT NULL::name, via name DEFAULT NULL::name, model name DEFAULT ''default''::name, dry_run boolean DEFAULT false',
     'TABLE(object text, action text, sql text)', 'v', 'operator'),
    ('migrate_tenant_unprotect',
     'tbl regclass, dry_run boolean DEFAULT false',
     'TABLE(object text, action text, sql text)', 'v', 'operator'),
    ('migrate_tenant_protect_schema',
     'schema regnamespace, exclude regclass[] DEFAULT ''{}''::regclass[], model name DEFAULT ''default''::name, dry_run boolean DEFAULT false',
     'TABLE(object text, action text, sql text)', 'v', 'operator'),
    ('migrate_tenant_unprotect_schema',
     'schema regnamespace, dry_run boolean DEFAULT false',
     'TABLE(object text, action text, sql text)', 'v', 'operator'),
    ('migrate_tenant_exempt',
     'tbl regclass, reason text, model name DEFAULT ''default''::name, dry_run boolean DEFAULT false',
     'TABLE(object text, action text, sql text)', 'v', 'operator'),
    ('migrate_tenant_unexempt',
     'tbl regclass, dry_run boolean DEFAULT false',
     'TABLE(object text, action text, sql text)', 'v', 'operator'),
    ('migrate_tenant_add_column',
     'tbl regclass, via name DEFAULT NULL::name, step text DEFAULT ''all''::text, column_name name DEFAULT NULL::name, model name DEFAULT ''default''::name, dry_run boolean DEFAULT false',
     'TABLE(object text, action text, sql text)', 'v', 'operator'),
    ('migrate_tenant_drop_column',
     'tbl regclass, step text DEFAULT ''all''::text, dry_run boolean DEFAULT false',
     'TABLE(object text, action text, sql text)', 'v', 'operator'),
    ('migrate_tenant_link',
     'constraint_name name, tbl regclass, model name DEFAULT ''default''::name, dry_run boolean DEFAULT false',
     'TABLE(object text, action text, sql text)', 'v', 'operator'),
    ('migrate_tenant_unlink',
     'constraint_name name, tbl regclass, dry_run boolean DEFAULT false',
     'TABLE(object text, action text, sql text)', 'v', 'operator'),
    ('migrate_tenant_grant',
     'role name, schemas regnamespace[], model name DEFAULT ''default''::name, dry_run boolean DEFAULT false',
     'TABLE(object text, action text, sql text)', 'v', 'operator'),
    ('migrate_tenant_revoke',
     'role name, schemas regnamespace[] DEFAULT NULL::regnamespace[], model name DEFAULT ''default''::name, dry_run boolean DEFAULT false',
     'TABLE(object text, action text, sql text)', 'v', 'operator'),
    ('migrate_tenant_guard',
     'mode text, model name DEFAULT ''default''::name, dry_run boolean DEFAULT false',
     'TABLE(object text, action text, sql text)', 'v', 'operator'),
    ('migrate_tenant_guard_trigger', '', 'event_trigger', 'v', 'owner'),
    -- tenant_lint.sql
    ('migrate_tenant_lint',
     'schemas text[] DEFAULT NULL::text[], roles name[] DEFAULT NULL::name[]',
     'SETOF migrate.tenant_finding', 's', 'viewer'),
    ('migrate_tenant_check', 'fail_on text DEFAULT ''error''::text', 'boolean', 's', 'viewer'),
    ('migrate_tenant_waive',
     'code text, object text, reason text, until date DEFAULT NULL::date',
     'void', 'v', 'operator'),
    ('migrate_tenant_unwaive', 'code text, object text', 'void', 'v', 'operator'),
    -- tenant_selftest.sql
    ('migrate_tenant_selftest',
     'role name DEFAULT NULL::name, tables regclass[] DEFAULT NULL::regclass[], OUT "table" regclass, OUT probe text, OUT result text, OUT detail text, OUT tested_role name',
     'SETOF record', 'v', 'operator'),
    -- rights.sql
    ('migrate_grant', 'role name, level text', 'void', 'v', 'owner'),
    ('migrate_revoke', 'role name, level text DEFAULT NULL::text', 'void', 'v', 'owner');

-- what policies and scripts call for each row: in parallel workers, too
INSERT INTO api (name, arguments, result, volatility, level, parallel) VALUES
    -- batch.sql
    ('migrate_batch', 'key "any"', 'boolean', 'i', 'everybody', 's'),
    -- tenant_context.sql
    ('migrate_tenant_current', '', 'uuid', 's', 'everybody', 's'),
    ('migrate_tenant_current_int8', '', 'bigint', 's', 'everybody', 's'),
    ('migrate_tenant_current_int4', '', 'integer', 's', 'everybody', 's'),
    ('migrate_tenant_current_text', '', 'text', 's', 'everybody', 's'),
    ('migrate_tenant_require', '', 'uuid', 's', 'everybody', 's'),
    ('migrate_tenant_require_int8', '', 'bigint', 's', 'everybody', 's'),
    ('migrate_tenant_require_int4', '', 'integer', 's', 'everybody', 's'),
    ('migrate_tenant_require_text', '', 'text', 's', 'everybody', 's');

-- procedures, which commit
INSERT INTO api (name, arguments, volatility, level, kind) VALUES
    -- deploy.sql
    ('migrate_deploy',
     'IN target text DEFAULT ''head''::text, IN lock_timeout interval DEFAULT ''00:00:02''::interval, IN max_wait interval DEFAULT ''00:10:00''::interval, IN tag text DEFAULT NULL::text, IN environment text DEFAULT NULL::text',
     'v', 'operator', 'p'),
    ('migrate_rollback',
     'IN target text, IN lock_timeout interval DEFAULT ''00:00:02''::interval, IN max_wait interval DEFAULT ''00:10:00''::interval, IN tag text DEFAULT NULL::text, IN environment text DEFAULT NULL::text',
     'v', 'operator', 'p'),
    -- tenant_context.sql
    ('migrate_tenant_each',
     'IN sql text, IN tenants text DEFAULT NULL::text, IN model name DEFAULT ''default''::name',
     'v', 'everybody', 'p'),
    -- tenant_setup.sql
    ('migrate_tenant_backfill', 'IN tbl regclass, IN batch integer DEFAULT 10000', 'v', 'operator', 'p');

-- those that are about no environment, and take none as their last argument
CREATE TEMPORARY VIEW about_no_environment AS
SELECT * FROM api
WHERE name ~ '^migrate_(environment|tenant)_' OR name IN ('migrate_batch', 'migrate_grant', 'migrate_revoke');

-- The functions in schema "migrate", which are for the extension's own use.
CREATE TEMPORARY TABLE internal (name text PRIMARY KEY);
INSERT INTO internal VALUES
    -- batch.sql
    ('batch_support'),
    -- rights.sql
    ('check_level'),
    ('functions_of_level'),
    -- tables.sql
    ('checksum'),
    -- tenant_context.sql
    ('tenant_support'),
    -- tenant_lint*.sql
    ('tenant_binding'),
    ('tenant_expression_remarks'),
    ('tenant_lint_acting'),
    ('tenant_lint_call'),
    ('tenant_lint_children'),
    ('tenant_lint_definers'),
    ('tenant_lint_expressions'),
    ('tenant_lint_findings'),
    ('tenant_lint_found'),
    ('tenant_lint_functions'),
    ('tenant_lint_index'),
    ('tenant_lint_keys'),
    ('tenant_lint_models'),
    ('tenant_lint_policies'),
    ('tenant_lint_policing'),
    ('tenant_lint_published'),
    ('tenant_lint_reach'),
    ('tenant_lint_readers'),
    ('tenant_lint_revoke'),
    ('tenant_lint_rights'),
    ('tenant_lint_roles'),
    ('tenant_lint_schemas'),
    ('tenant_lint_security'),
    ('tenant_lint_server'),
    ('tenant_lint_tables'),
    ('tenant_lint_tenant'),
    ('tenant_lint_views'),
    -- tenant_selftest.sql
    ('tenant_selftest_references'),
    ('tenant_selftest_tables'),
    ('tenant_selftest_views'),
    ('tenant_selftest_waiver');

-- Tables.  condition: which rows are dumped; NULL: all
CREATE TEMPORARY TABLE tables (
    name text PRIMARY KEY,
    columns text,
    readable boolean,               -- by all levels
    condition text
);
INSERT INTO tables (name, columns, readable) VALUES
    -- tables.sql
    ('environment', 'name,version_table_schema,version_table,search_path,id_style,file_template,truncate_slug_length,timezone', true),
    ('revision', 'environment,revision,load_order,create_date,message,branch_labels,origin,loaded_checksum,checksum,description,upgrade,upgrade_transactional,downgrade,downgrade_transactional,author,filename,header,separator', true),
    ('revision_edge', 'environment,revision,kind,position,parent', true),
    ('log', 'id,environment,revision,direction,versions_before,versions_after,started_at,duration,role,session_role,application_name,client_address,outcome,statements,failed_statement,failed_line,sqlstate,error,error_detail,checksum,search_path,row_security_guard,deploy_id,tag', true),
    ('progress', 'environment,revision,direction,deploy_id,started_at,updated_at,statements,statement_hashes,is_begun,batch_cursor,batch_rows,batch_count,batch_size,batch_hash', true),
    ('pause', 'environment,paused_at,role,reason', true),
    -- tenant_tables.sql
    ('tenant_model', 'model,root,key,column_name,app_roles,admin_role,setting,policy_style,tenant_type,guard,role,created_at', false),
    ('tenant_schema', 'schema,schema_oid,model,role,created_at', false),
    ('tenant_table', 'relation,model,mode,column_name,via,parent,reason,before,made,role,created_at,relation_oid,column_number,via_oid', false),
    ('tenant_column', 'relation,model,column_name,via,parent,made,role,created_at,relation_oid,column_number,via_oid', false),
    ('tenant_link', 'relation,constraint_name,model,parent,before,made,role,created_at,relation_oid,constraint_oid', false),
    ('tenant_grant', 'role,schema,kind,relation,owner,schema_oid,model,privileges,granted_by,created_at', false),
    ('tenant_waiver', 'code,object,reason,until,role,created_at', false);
UPDATE tables
SET condition = 'WHERE EXISTS (SELECT FROM pg_catalog.pg_class c WHERE c.oid OPERATOR(pg_catalog.=) relation)'
WHERE name IN ('tenant_table', 'tenant_column', 'tenant_link');
UPDATE tables
SET condition = condition || ' AND EXISTS (SELECT FROM pg_catalog.pg_class c WHERE c.oid OPERATOR(pg_catalog.=) parent)'
WHERE name IN ('tenant_column', 'tenant_link');
UPDATE tables
SET condition = condition || ' AND (parent IS NULL OR EXISTS (SELECT FROM pg_catalog.pg_class c WHERE c.oid OPERATOR(pg_catalog.=) parent))'
WHERE name = 'tenant_table';
UPDATE tables
SET condition = 'WHERE EXISTS (SELECT FROM pg_catalog.pg_class c WHERE c.oid OPERATOR(pg_catalog.=) root)'
WHERE name = 'tenant_model';
UPDATE tables
SET condition = 'WHERE relation OPERATOR(pg_catalog.=) 0 OR EXISTS (SELECT FROM pg_catalog.pg_class c WHERE c.oid OPERATOR(pg_catalog.=) relation)'
WHERE name = 'tenant_grant';

-- Row types
CREATE TEMPORARY TABLE types (name text PRIMARY KEY, columns text);
INSERT INTO types VALUES
    ('plan_step', 'step,action,revision,message,versions'),
    ('revision_detail', 'revision,down_revisions,depends_on,branch_labels,message,description,upgrade,downgrade,upgrade_transactional,downgrade_transactional,is_head,is_branch_point,is_merge_point,is_current,is_applied,next_revisions,origin,filename,author,create_date,checksum'),
    ('status', 'environment,current,heads,pending,up_to_date,version_table,changed,unknown'),
    ('tenant_finding', 'code,severity,object,problem,fix'),
    ('tenant_lint_policy', 'policy,name,relid,model,kind,is_permissive,roles,commands,is_check,has_check,bind,is_inline,allows_null,is_exact,gap'),
    ('tenant_lint_table', 'relid,name,relkind,is_partition,is_in_scope,owner,is_enabled,is_forced,model,mode,kind,registered,column_name,attnum,not_null,via,parent,top,is_shared'),
    -- as the table
    ('log_entry', (SELECT columns FROM tables WHERE name = 'log'));

-- what the extension has
CREATE TEMPORARY VIEW found AS
SELECT p.oid, p.oid::regprocedure::text AS signature, n.nspname AS schema,
       p.proname::text AS name, pg_get_function_arguments(p.oid) AS arguments,
       pg_get_function_result(p.oid) AS result, p.provolatile, p.proparallel, p.prokind,
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

SELECT plan((10 * (SELECT count(*) FROM api)
    + 2 * (SELECT count(*) FROM found)
    + 6 * (SELECT count(*) FROM tables)
    + (SELECT count(*) FROM types) + 23)::int);

-- ---- functions ----

SELECT is_empty(
    $$ SELECT name, arguments FROM found WHERE schema = 'public'
       EXCEPT SELECT name, arguments FROM api $$,
    'no function is public that is not on the list');

SELECT ok(f.oid IS NOT NULL, format('%s(%s) exists', a.name, a.arguments))
FROM api a LEFT JOIN found f USING (name, arguments)
ORDER BY name, arguments;
SELECT is(f.prokind, a.kind,
          format('%s is a %s', f.signature, CASE a.kind WHEN 'p' THEN 'procedure' ELSE 'function' END))
FROM api a LEFT JOIN found f USING (name, arguments)
ORDER BY name, arguments;
SELECT is(f.result, a.result, format('%s returns %s', f.signature, coalesce(a.result, 'nothing')))
FROM api a LEFT JOIN found f USING (name, arguments)
ORDER BY name, arguments;
SELECT is(f.provolatile, a.volatility,
          format('%s is %s', f.signature,
                 CASE a.volatility WHEN 'v' THEN 'volatile' WHEN 's' THEN 'stable' ELSE 'immutable' END))
FROM api a LEFT JOIN found f USING (name, arguments)
ORDER BY name, arguments;
SELECT is(f.proparallel, a.parallel,
          format('%s is parallel %s', f.signature,
                 CASE a.parallel WHEN 's' THEN 'safe' WHEN 'r' THEN 'restricted' ELSE 'unsafe' END))
FROM api a LEFT JOIN found f USING (name, arguments)
ORDER BY name, arguments;
-- NULL has a meaning, or an error of its own
SELECT ok(NOT f.proisstrict, format('%s is not strict', f.signature))
FROM api a LEFT JOIN found f USING (name, arguments)
ORDER BY name, arguments;

-- each level opens what is on its list, and no more
SELECT is(has_function_privilege('pgtap_' || l.level, f.oid, 'EXECUTE'),
          a.level = ANY (l.opens),
          format('%s: %s for %s', f.signature, CASE WHEN a.level = ANY (l.opens) THEN 'open' ELSE 'closed' END, l.level))
FROM api a LEFT JOIN found f USING (name, arguments),
    (VALUES ('nobody', '{everybody}'::text[]), ('viewer', '{everybody,viewer}'),
        ('operator', '{everybody,viewer,operator}'), ('author', '{everybody,viewer,author}')) l(level, opens)
ORDER BY name, arguments, l.level;
SELECT set_eq(
    format('SELECT f FROM migrate.functions_of_level(%L) f', l.level),
    format($$ SELECT f.oid::regprocedure FROM api JOIN found f USING (name, arguments) WHERE level = ANY (%L) $$, l.opens),
    format('what migrate.functions_of_level(%L) lists', l.level))
FROM (VALUES ('everybody', '{everybody}'), ('viewer', '{viewer}'), ('operator', '{viewer,operator}'),
             ('author', '{viewer,author}')) l(level, opens);

-- also those that are for the extension's own use
SELECT is((SELECT count(*) > 0 FROM aclexplode(coalesce(f.proacl, acldefault('f', f.proowner))) WHERE grantee = 0),
          coalesce(f.schema = 'public' AND a.level = 'everybody', false),
          format('%s: %s for PUBLIC', f.signature, CASE WHEN a.level = 'everybody' THEN 'open' ELSE 'closed' END))
FROM found f LEFT JOIN api a USING (name, arguments) ORDER BY f.signature COLLATE "C";
SELECT ok(obj_description(f.oid, 'pg_proc') <> '', format('%s has a comment', f.signature))
FROM found f ORDER BY f.signature COLLATE "C";

SELECT is_empty(
    $$ SELECT signature FROM found WHERE prosecdef $$,
    'no function is SECURITY DEFINER');
SELECT is_empty(
    $$ SELECT signature FROM found WHERE lanname <> 'c'
       AND proconfig IS DISTINCT FROM '{"search_path=pg_catalog, pg_temp"}'::text[] $$,
    'every function that is written in SQL has a search path of its own');
SELECT is_empty(
    $$ SELECT signature FROM found WHERE prokind = 'p' AND (lanname <> 'c' OR proconfig IS NOT NULL) $$,
    'no procedure has a SET clause, with which it could not commit');
SELECT is_empty(
    $$ SELECT signature FROM found WHERE schema NOT IN ('public', 'migrate') $$,
    'functions are nowhere else');
SELECT set_eq(
    $$ SELECT name FROM found WHERE schema = 'migrate' $$,
    $$ SELECT name FROM internal $$,
    'the functions for the extension''s own use');
SELECT is_empty(
    $$ SELECT signature FROM found
       WHERE schema = 'public' AND arguments !~ '(^|IN |, )environment text DEFAULT NULL::text(, OUT .*)?$'
         AND NOT EXISTS (SELECT FROM about_no_environment n WHERE n.name = found.name) $$,
    'every other function takes the environment as its last argument');
SELECT is_empty(
    $$ SELECT name FROM about_no_environment WHERE arguments ~ 'environment text' $$,
    'those that are about none do not');

-- ---- tables ----

SELECT set_eq(
    $$ SELECT relname::text FROM pg_class WHERE relnamespace = 'migrate'::regnamespace AND relkind IN ('r', 'p') $$,
    $$ SELECT name FROM tables $$,
    'the tables');
SELECT is((SELECT string_agg(attname, ',' ORDER BY attnum) FROM pg_attribute
           WHERE attrelid = ('migrate.' || name)::regclass AND attnum > 0 AND NOT attisdropped),
          columns, format('the columns of table %s', name))
FROM tables ORDER BY name COLLATE "C";
SELECT ok(obj_description(('migrate.' || name)::regclass, 'pg_class') <> '', format('table %s has a comment', name))
FROM tables ORDER BY name COLLATE "C";
SELECT table_privs_are('migrate'::name, t.name::name, ('pgtap_' || level)::name,
                       CASE WHEN readable AND level <> 'nobody' THEN '{SELECT}'::name[] ELSE '{}' END)
FROM tables t, unnest('{nobody,viewer,operator,author}'::text[]) level
ORDER BY t.name COLLATE "C", level;
SELECT is_empty(
    $$ SELECT relname FROM pg_class c, aclexplode(relacl)
       WHERE relnamespace = 'migrate'::regnamespace AND grantee = 0 $$,
    'no table is open for PUBLIC');
SELECT schema_privs_are('migrate', 'pgtap_viewer', '{USAGE}'::name[]);
SELECT schema_privs_are('migrate', 'pgtap_nobody', '{}'::name[]);

SELECT set_eq(
    $$ SELECT unnest(extconfig)::regclass::text FROM pg_extension WHERE extname = 'migrate' $$,
    $$ SELECT c.oid::regclass::text FROM pg_class c
       WHERE relnamespace = 'migrate'::regnamespace AND relkind IN ('r', 'S') $$,
    'all tables and sequences are dumped');
SELECT set_eq(
    $$ SELECT extconfig[i]::regclass::text, extcondition[i]
       FROM pg_extension, generate_subscripts(extconfig, 1) i
       WHERE extname = 'migrate' AND extcondition[i] <> '' $$,
    $$ SELECT 'migrate.' || name, condition FROM tables WHERE condition IS NOT NULL $$,
    'with all their rows, but for those about tables that are gone');
SELECT is_empty(
    $$ SELECT conname FROM pg_constraint
       WHERE connamespace = 'migrate'::regnamespace AND contype = 'f' AND conrelid = confrelid $$,
    'no table refers to itself, which restoring INSERTs could not obey');

-- ---- types ----

SELECT set_eq(
    $$ SELECT relname::text FROM pg_class WHERE relnamespace = 'migrate'::regnamespace AND relkind = 'c' $$,
    $$ SELECT name FROM types $$,
    'the row types');
SELECT is((SELECT string_agg(attname, ',' ORDER BY attnum) FROM pg_attribute
           WHERE attrelid = ('migrate.' || name)::regclass AND attnum > 0 AND NOT attisdropped),
          columns, format('the columns of type %s', name))
FROM types ORDER BY name COLLATE "C";
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
