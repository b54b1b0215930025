--
-- Each revision brings what it is there for, and what is moved arrives.
--
--     psql -X -A -t -d some_database -f examples/agent_platform/test/revisions.sql
--
\ir include/begin.sql
SELECT no_plan();

-- Upgrade by one revision, which is a test by itself.
CREATE FUNCTION pg_temp.upgrade_to(revision text) RETURNS text
LANGUAGE sql AS $$
    SELECT results_eq(format('SELECT revision FROM migrate_upgrade(%L) revision', $1), ARRAY[$1],
                      format('upgrade to %s, %s', $1, (SELECT message FROM migrate_show($1))))
$$;

-- ---- organizations, teams and users ----

SELECT pg_temp.upgrade_to('4f1c2a9be073');
SELECT has_table('organizations');
SELECT has_pk('organizations');
SELECT col_is_unique('organizations', 'slug');
SELECT hasnt_table('teams', 'nothing of the next revision yet');
SELECT throws_ok($$ INSERT INTO organizations (name, slug) VALUES ('Acme', 'Not a slug') $$,
                 '23514', NULL, 'a slug that is none is refused');

SELECT pg_temp.upgrade_to('8d60b7e1c5f4');
SELECT has_table(t::name) FROM unnest('{teams,users,team_members}'::text[]) t;
SELECT has_column('users', 'name', 'users have a name');
SELECT has_index('users', 'users_organization_id_email_idx', 'email addresses are unique');
SELECT fk_ok('team_members', '{organization_id,user_id}'::name[], 'users', '{organization_id,id}'::name[]);

-- rows that the following revisions meet
INSERT INTO organizations (id, name, slug)
VALUES ('00000000-0000-0000-0000-00000000000a', 'Acme', 'acme');
INSERT INTO users (id, organization_id, email, name)
VALUES ('00000000-0000-0000-0000-00000000000b', '00000000-0000-0000-0000-00000000000a', 'Ada@example.com', 'Ada');
SELECT throws_ok(
    $$ INSERT INTO users (organization_id, email, name)
       VALUES ('00000000-0000-0000-0000-00000000000a', 'ada@EXAMPLE.com', 'Ada') $$,
    '23505', NULL, 'in any case');

-- ---- agents, keys, sessions, episodes ----

SELECT pg_temp.upgrade_to('b29e5d04a718');
SELECT has_table('agents');
SELECT hasnt_column('agents', 'operational_status', 'agents have no status yet');
INSERT INTO agents (id, organization_id, name, model)
VALUES ('00000000-0000-0000-0000-00000000000c', '00000000-0000-0000-0000-00000000000a', 'helper', 'small');

SELECT pg_temp.upgrade_to('e7a3180fc26d');
SELECT col_type_is('agents', 'operational_status', 'character varying(50)');
SELECT col_not_null('agents', 'operational_status');
SELECT col_default_is('agents', 'operational_status', 'active'::varchar);
SELECT is((SELECT operational_status FROM agents), 'active', 'also for agents that were there');

SELECT pg_temp.upgrade_to('1bc4f96d8e52');
SELECT col_type_is('api_keys', 'key_hash', 'bytea');
SELECT hasnt_column('api_keys', 'key', 'the key itself is not kept');

SELECT pg_temp.upgrade_to('90d7e2c53ab6');
SELECT enum_has_labels('session_status', '{active,completed,failed}'::name[]);
SELECT col_type_is('sessions', 'status', 'session_status');
INSERT INTO sessions (id, organization_id, agent_id)
VALUES ('00000000-0000-0000-0000-00000000000d', '00000000-0000-0000-0000-00000000000a', '00000000-0000-0000-0000-00000000000c');

SELECT pg_temp.upgrade_to('6ae85b1f470c');
SELECT index_is_type('episodes', 'episodes_tags_idx', 'gin');
SELECT index_is_type('episodes', 'episodes_metadata_idx', 'gin');
INSERT INTO episodes (organization_id, session_id, kind, content, metadata)
SELECT '00000000-0000-0000-0000-00000000000a', '00000000-0000-0000-0000-00000000000d', 'message', content, metadata::jsonb
FROM (VALUES ('important', '{"importance": 9, "lang": "en"}'), ('beyond the scale', '{"importance": 99}'),
             ('no number', '{"importance": "very"}'), ('none', '{"lang": "de"}')) v(content, metadata);

SELECT pg_temp.upgrade_to('c3f21d79e804');
SELECT has_trigger(t::name, 'set_updated_at') FROM unnest('{organizations,users,agents}'::text[]) t;
UPDATE agents SET updated_at = '2000-01-01', model = 'large';
SELECT is((SELECT updated_at FROM agents), now(), 'updated_at is kept by the trigger');

SELECT pg_temp.upgrade_to('27b90ae6d15f');
SELECT enum_has_labels('session_status', '{active,completed,failed,cancelled}'::name[]);

-- ---- the overview, a rename ----

SELECT pg_temp.upgrade_to('d5480cf3b9a1');
SELECT results_eq('SELECT name, sessions, active_sessions FROM agent_overview',
                  $$ VALUES ('helper', 1::bigint, 1::bigint) $$, 'the overview counts');

SELECT pg_temp.upgrade_to('73ea6f15c820');
SELECT hasnt_column('users', 'name', 'the column has its new name');
SELECT is((SELECT display_name FROM users), 'Ada', 'and its rows');

-- ---- two branches and their merge ----

SELECT pg_temp.upgrade_to('a0c97b4e3d86');
SELECT col_type_is('memory_facts', 'validity', 'tstzrange');
INSERT INTO memory_facts (organization_id, agent_id, subject, predicate, object)
VALUES ('00000000-0000-0000-0000-00000000000a', '00000000-0000-0000-0000-00000000000c', 'Ada', 'likes', 'tea');
SELECT throws_ok(
    $$ INSERT INTO memory_facts (organization_id, agent_id, subject, predicate, object)
       VALUES ('00000000-0000-0000-0000-00000000000a', '00000000-0000-0000-0000-00000000000c', 'Ada', 'likes', 'coffee') $$,
    '23505', NULL, 'one open fact at a time');
SELECT hasnt_table('tool_definitions', 'the other branch is not there yet');

SELECT set_eq($$ SELECT migrate_upgrade('f84b03c7ae19') $$, '{a0c97b4e3d86,f84b03c7ae19}'::text[],
              'upgrade to f84b03c7ae19, on the other branch');
SELECT results_eq('SELECT name FROM tool_definitions ORDER BY name', '{remember,search_memory}'::text[],
                  'the tools that come with the product');
SELECT has_table('playbook_steps');
SELECT pg_temp.upgrade_to('39d2e76a1fb5');

-- ---- a data migration, there and back ----

SELECT pg_temp.upgrade_to('ce0975b8f3d4');
SELECT results_eq('SELECT content, importance::int, metadata::text FROM episodes ORDER BY content COLLATE "C"',
    $$ VALUES ('beyond the scale', 10, '{}'),
              ('important', 9, '{"lang": "en"}'),
              ('no number', 5, '{"importance": "very"}'),
              ('none', 5, '{"lang": "de"}') $$,
    'the importance is a column now');
SELECT results_eq($$ SELECT migrate_downgrade('39d2e76a1fb5') $$, '{39d2e76a1fb5}'::text[], 'down');
SELECT results_eq('SELECT content, metadata::text FROM episodes ORDER BY content COLLATE "C"',
    $$ VALUES ('beyond the scale', '{"importance": 10}'),
              ('important', '{"lang": "en", "importance": 9}'),
              ('no number', '{"importance": "very"}'),
              ('none', '{"lang": "de"}') $$,
    'the importance is back where it was');
SELECT pg_temp.upgrade_to('ce0975b8f3d4');

-- ---- the audit log ----

SELECT pg_temp.upgrade_to('12f8c4ad6e97');
UPDATE agents SET model = 'medium';
SELECT results_eq('SELECT action, table_name, old_row ->> ''model'', new_row ->> ''model'' FROM audit_log',
                  $$ VALUES ('UPDATE', 'agents', 'large', 'medium') $$, 'changes are recorded');
SELECT throws_ok('DELETE FROM audit_log', '42501', NULL, 'and stay recorded');

SELECT pg_temp.upgrade_to('b76d10e9a4c3');
SELECT results_eq('SELECT episodes, facts FROM agent_overview', 'VALUES (4::bigint, 1::bigint)',
                  'the overview shows memory');

-- ---- the enterprise edition ----

SELECT set_eq($$ SELECT migrate_upgrade('heads') $$, '{b76d10e9a4c3,07fa6e8d92cb}'::text[],
              'the enterprise edition in one upgrade');
SELECT has_table(t::name) FROM unnest('{sso_connections,sso_identities,retention_policies,audit_exports}'::text[]) t;
SELECT has_view('audit_export_backlog');
SELECT lives_ok('CALL apply_retention_policies()', 'the retention job runs');
SELECT ok(migrate_check_heads(), 'the database is at the heads');

SELECT * FROM finish();
ROLLBACK;
