--
-- For whom a session works: setting the tenant, and reading it in policies
--
SET client_min_messages = warning;
DROP EXTENSION IF EXISTS migrate CASCADE;
CREATE EXTENSION migrate;
RESET client_min_messages;

CREATE ROLE regress_tenant_app;
CREATE TABLE note (tenant_id uuid NOT NULL DEFAULT migrate_tenant_current(), body text);
INSERT INTO note VALUES
    ('11111111-1111-1111-1111-111111111111', 'one'),
    ('22222222-2222-2222-2222-222222222222', 'two'),
    ('22222222-2222-2222-2222-222222222222', 'two again');
GRANT SELECT, INSERT, UPDATE ON note TO regress_tenant_app;
CREATE POLICY tenant ON note TO regress_tenant_app USING (tenant_id = migrate_tenant_current());
CREATE POLICY tenant_floor ON note AS RESTRICTIVE TO regress_tenant_app
    USING (tenant_id = migrate_tenant_current());
ALTER TABLE note ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY;

-- what all the functions say; the text is no uuid, say, where it raises
CREATE FUNCTION all_forms(OUT as_uuid text, OUT as_int8 text, OUT as_int4 text, OUT as_text text)
LANGUAGE plpgsql AS $$
BEGIN
    BEGIN as_uuid := migrate_tenant_current(); EXCEPTION WHEN invalid_text_representation THEN as_uuid := 'error'; END;
    BEGIN as_int8 := migrate_tenant_current_int8(); EXCEPTION WHEN invalid_text_representation THEN as_int8 := 'error'; END;
    BEGIN as_int4 := migrate_tenant_current_int4(); EXCEPTION WHEN invalid_text_representation THEN as_int4 := 'error'; END;
    as_text := migrate_tenant_current_text();
END
$$;
CREATE FUNCTION forms_of(tenant text) RETURNS TABLE (as_uuid text, as_int8 text, as_int4 text, as_text text)
LANGUAGE plpgsql AS $$
BEGIN
    PERFORM set_config('migrate.tenant', tenant, true);
    RETURN QUERY SELECT * FROM all_forms();
END
$$;

-- Everybody may call them.
SELECT p.proname, p.prokind, p.provolatile, p.proparallel, p.proleakproof, p.prosecdef,
       has_function_privilege('regress_tenant_app', p.oid, 'EXECUTE') AS open
FROM pg_proc p
    JOIN pg_depend d ON d.classid = 'pg_proc'::regclass AND d.objid = p.oid AND d.deptype = 'e'
WHERE p.proname ~ '^migrate_tenant_(current|require|set$|clear|each)'
ORDER BY p.proname COLLATE "C";
SHOW migrate.tenant;
SHOW migrate.tenant_fold;

-- Without a tenant there is no row, and none can be written.
SELECT * FROM all_forms();
SET ROLE regress_tenant_app;
SELECT * FROM note;
INSERT INTO note (body) VALUES ('nobody''s');
INSERT INTO note VALUES ('11111111-1111-1111-1111-111111111111', 'not mine');
UPDATE note SET body = 'overwritten';
RESET ROLE;

-- The forms that a tenant can have
SELECT * FROM unnest(ARRAY[
        '', '11111111-1111-1111-1111-111111111111', '{A0EEBC99-9c0b-4ef8-bb6d-6bb9bd380a11}',
        'a0ee-bc99-9c0b-4ef8-bb6d-6bb9-bd38-0a11', 'a0eebc999c0b4ef8bb6d6bb9bd380a11',
        '12345678901234567890123456789012', '0', '-42', '+42', '007', '2147483647', '2147483648',
        '9223372036854775807', '9223372036854775808', '-9223372036854775808', '1.5', '42 ', ' 42',
        '4 2', '-', '0x2a', 'acme', 'Ærø',
        '{11111111-1111-1111-1111-111111111111', '11111111-1111-1111-1111-111111111111}',
        '11111111-1111-1111-1111-11111111111', '11111111-1111-1111-1111-1111111111111',
        '11111111-1111-1111-1111-11111111111g', '11111111--1111-1111-1111-111111111111', '{}'
    ]) AS tenant, forms_of(tenant);

-- An error says what to do.
BEGIN;
SELECT migrate_tenant_set('acme');
SELECT migrate_tenant_current_text();
SAVEPOINT s;
SELECT migrate_tenant_current();
ROLLBACK TO s;
SELECT migrate_tenant_current_int8();
ROLLBACK TO s;
SET ROLE regress_tenant_app;
SELECT * FROM note;
ROLLBACK;

-- ---- until the end of the transaction ----

SET ROLE regress_tenant_app;
BEGIN;
SELECT migrate_tenant_set('11111111-1111-1111-1111-111111111111');
SELECT * FROM note;
INSERT INTO note (body) VALUES ('one again') RETURNING *;
SAVEPOINT s;
INSERT INTO note VALUES ('22222222-2222-2222-2222-222222222222', 'not mine');
ROLLBACK TO s;
UPDATE note SET tenant_id = '22222222-2222-2222-2222-222222222222';
ROLLBACK TO s;
SELECT migrate_tenant_require();
COMMIT;
SELECT * FROM note;
SELECT migrate_tenant_require();
SELECT current_setting('migrate.tenant') AS setting;

-- what was set is taken back with what it was set in
BEGIN;
SELECT migrate_tenant_set('22222222-2222-2222-2222-222222222222');
SAVEPOINT s;
SELECT migrate_tenant_clear();
SELECT count(*) FROM note;
SELECT migrate_tenant_set('11111111-1111-1111-1111-111111111111', swap => true);
SELECT count(*), min(body) FROM note;
ROLLBACK TO s;
SELECT count(*), min(body) FROM note;
ROLLBACK;
SELECT count(*) FROM note;

-- A value of the session comes back behind the transaction.
SET migrate.tenant = '22222222-2222-2222-2222-222222222222';
SELECT count(*) FROM note;
BEGIN;
SELECT migrate_tenant_clear();
SELECT count(*) FROM note;
COMMIT;
SELECT count(*) FROM note;
RESET migrate.tenant;
SELECT count(*) FROM note;
SET migrate.tenant = '22222222-2222-2222-2222-222222222222';
RESET ALL;
SELECT count(*) FROM note;
SET migrate.tenant = '22222222-2222-2222-2222-222222222222';
DISCARD ALL;
SET ROLE regress_tenant_app;
SELECT count(*) FROM note;

-- for the time of a function
CREATE FUNCTION pg_temp.second() RETURNS TABLE (body text) LANGUAGE sql VOLATILE
SET migrate.tenant = '22222222-2222-2222-2222-222222222222' AS 'SELECT body FROM note';
BEGIN;
SELECT migrate_tenant_set('11111111-1111-1111-1111-111111111111');
SELECT * FROM pg_temp.second();
SELECT body FROM note;
COMMIT;

-- ---- where it can be set ----

-- Outside of a transaction block it would be lost at once ...
SELECT migrate_tenant_set('11111111-1111-1111-1111-111111111111');
SELECT migrate_tenant_clear();
PREPARE lost AS SELECT migrate_tenant_set($1);
EXECUTE lost ('11111111-1111-1111-1111-111111111111');
-- ... but not in a string of statements, or in a function
SELECT migrate_tenant_set('11111111-1111-1111-1111-111111111111') \; SELECT body FROM note;
DO $$
BEGIN
    PERFORM migrate_tenant_set('22222222-2222-2222-2222-222222222222');
    RAISE NOTICE '%', (SELECT count(*) FROM note);
END
$$;
CREATE FUNCTION pg_temp.body_of(tenant text) RETURNS SETOF text LANGUAGE sql VOLATILE AS $$
    SELECT migrate_tenant_set(tenant);
    SELECT body FROM note;
$$;
SELECT pg_temp.body_of('22222222-2222-2222-2222-222222222222');
CREATE PROCEDURE pg_temp.steps() LANGUAGE plpgsql AS $$
BEGIN
    PERFORM migrate_tenant_set('11111111-1111-1111-1111-111111111111');
    RAISE NOTICE '%', migrate_tenant_current();
    COMMIT;
    RAISE NOTICE '%', migrate_tenant_current();
    PERFORM migrate_tenant_set('22222222-2222-2222-2222-222222222222');
    RAISE NOTICE '%', migrate_tenant_current();
END
$$;
CALL pg_temp.steps();

-- One tenant to a transaction, unless it is said to be meant
BEGIN;
SELECT migrate_tenant_set('11111111-1111-1111-1111-111111111111');
SELECT migrate_tenant_set('11111111-1111-1111-1111-111111111111');
SELECT migrate_tenant_set('{11111111111111111111111111111111}');
SAVEPOINT s;
SELECT migrate_tenant_set('22222222-2222-2222-2222-222222222222');
ROLLBACK TO s;
SELECT migrate_tenant_set('22222222-2222-2222-2222-222222222222', NULL);
ROLLBACK TO s;
SELECT migrate_tenant_set('22222222-2222-2222-2222-222222222222', true);
SELECT body FROM note;
COMMIT;
-- whatever it was set with
BEGIN;
SET LOCAL migrate.tenant = '11111111-1111-1111-1111-111111111111';
SELECT migrate_tenant_set('22222222-2222-2222-2222-222222222222');
ROLLBACK;
-- that of the session was not set here
SET migrate.tenant = '11111111-1111-1111-1111-111111111111';
BEGIN;
SELECT migrate_tenant_set('22222222-2222-2222-2222-222222222222');
SELECT body FROM note;
COMMIT;
RESET migrate.tenant;
-- what is rolled back does not count
BEGIN;
SAVEPOINT s;
SELECT migrate_tenant_set('11111111-1111-1111-1111-111111111111');
ROLLBACK TO s;
SELECT migrate_tenant_set('22222222-2222-2222-2222-222222222222');
ROLLBACK;

BEGIN;
SELECT migrate_tenant_set('');
ROLLBACK;
BEGIN;
SELECT migrate_tenant_set(NULL);
ROLLBACK;
SELECT migrate_tenant_require_int8();
SELECT migrate_tenant_require_int4();
SELECT migrate_tenant_require_text();
BEGIN;
SELECT migrate_tenant_set('42');
SELECT migrate_tenant_require_int8(), migrate_tenant_require_int4(), migrate_tenant_require_text();
ROLLBACK;
-- the key as what it is, and whatever else stands for it
BEGIN;
SELECT migrate_tenant_set(42);
SELECT migrate_tenant_set(42::smallint), migrate_tenant_set(42::bigint), migrate_tenant_set('42'), migrate_tenant_set('42'::varchar);
SELECT migrate_tenant_set(43);
ROLLBACK;
BEGIN;
SELECT migrate_tenant_set(-9223372036854775808, swap => true), migrate_tenant_current_int8();
SELECT migrate_tenant_set('A0EEBC99-9C0B-4EF8-BB6D-6BB9BD380A11'::uuid, true), migrate_tenant_current();
SELECT migrate_tenant_set('{a0eebc999c0b4ef8bb6d6bb9bd380a11}');
SELECT migrate_tenant_set(tenant => 'acme', swap => true), migrate_tenant_current_text();
PREPARE set_untyped AS SELECT migrate_tenant_set($1, true);
SELECT parameter_types FROM pg_prepared_statements WHERE name = 'set_untyped';
EXECUTE set_untyped ('acme');
DEALLOCATE set_untyped;
SELECT migrate_tenant_set(NULL::bigint);
ROLLBACK;
BEGIN;
SELECT migrate_tenant_set(NULL::uuid);
ROLLBACK;
SELECT migrate_tenant_set(1);
SELECT migrate_tenant_set(1.5);
RESET ROLE;

-- ---- what a tenant can be is known once there is a model ----

CREATE TABLE account (id uuid PRIMARY KEY);
INSERT INTO migrate.tenant_model (model, root, key, column_name, app_roles, setting, policy_style,
    tenant_type, role, created_at)
VALUES ('default', 'account', 'id', 'tenant_id', '{public}', 'migrate.tenant', 'function', 'uuid',
    current_user, now());
SET migrate.tenant = 'garbage';
SET migrate.tenant = '42';
SET migrate.tenant = '11111111-1111-1111-1111-11111111111';
SELECT set_config('migrate.tenant', 'garbage', false);
BEGIN;
SELECT migrate_tenant_set('garbage');
ROLLBACK;
SHOW migrate.tenant;
SET migrate.tenant = '';
SET migrate.tenant = '11111111-1111-1111-1111-111111111111';
RESET migrate.tenant;
-- as the first in a transaction, nothing is read that would fix its snapshot
BEGIN;
SET LOCAL migrate.tenant = '11111111-1111-1111-1111-111111111111';
SET TRANSACTION ISOLATION LEVEL SERIALIZABLE;
SELECT migrate_tenant_current();
COMMIT;
-- of several models, one is enough; those with another parameter do not count
INSERT INTO migrate.tenant_model (model, root, key, column_name, app_roles, setting, policy_style,
    tenant_type, role, created_at)
VALUES ('second', 'account', 'id', 'tenant_id', '{public}', 'Migrate.Tenant', 'function', 'bigint',
        current_user, now()),
    ('third', 'account', 'id', 'tenant_id', '{public}', 'app.tenant', 'inline', 'text',
        current_user, now());
SET migrate.tenant = '42';
SET migrate.tenant = 'garbage';
SELECT * FROM all_forms();
-- What is set before the library is loaded is a text as any other; it is then
-- refused where it is read.
\c -
SET migrate.tenant = 'garbage';
SET ROLE regress_tenant_app;
SELECT * FROM note;
SET migrate.tenant = 'more garbage';
SHOW migrate.tenant;
RESET ROLE;
\c -
SET migrate.tenant = '11111111-1111-1111-1111-111111111111';
BEGIN;
SET LOCAL migrate.tenant = '22222222-2222-2222-2222-222222222222';
SET LOCAL ROLE regress_tenant_app;
SELECT body FROM note;
COMMIT;
SELECT migrate_tenant_current();
RESET migrate.tenant;
SELECT migrate_tenant_current();
DELETE FROM migrate.tenant_model;

-- ---- plans, workers, and what a query holds ----

GRANT CREATE ON SCHEMA public TO regress_tenant_app;
SET ROLE regress_tenant_app;
EXPLAIN (COSTS OFF) SELECT * FROM note;
-- a plan that is kept follows the tenant
SET plan_cache_mode = force_generic_plan;
PREPARE bodies AS SELECT body FROM note;
EXECUTE bodies;
SET migrate.tenant = '11111111-1111-1111-1111-111111111111';
EXECUTE bodies;
SET migrate.tenant = '22222222-2222-2222-2222-222222222222';
EXECUTE bodies;
RESET migrate.tenant;
EXECUTE bodies;
DEALLOCATE bodies;
-- workers have the tenant of their leader, which here does nothing itself
CREATE TABLE many (tenant_id integer, n integer);
INSERT INTO many SELECT n % 3, n FROM generate_series(1, 3000) n;
ALTER TABLE many ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY;
CREATE POLICY tenant ON many USING (tenant_id = migrate_tenant_current_int4());
ANALYZE many;
SET parallel_setup_cost = 0;
SET parallel_tuple_cost = 0;
SET min_parallel_table_scan_size = 0;
SET max_parallel_workers_per_gather = 2;
SET parallel_leader_participation = off;
SET migrate.tenant = '1';
EXPLAIN (COSTS OFF) SELECT count(*) FROM many;
SELECT count(*), min(tenant_id), max(tenant_id) FROM many;
BEGIN;
SELECT migrate_tenant_set('2');
SELECT count(*), min(tenant_id), max(tenant_id) FROM many;
SELECT migrate_tenant_clear();
SELECT count(*) FROM many;
COMMIT;
SET migrate.tenant = 'garbage';
SELECT count(*) FROM many;
RESET migrate.tenant;
SELECT count(*) FROM many;
DROP TABLE many;
RESET ROLE;
REVOKE CREATE ON SCHEMA public FROM regress_tenant_app;

-- What a query got stays what it was, though the tenant changes within it.
SELECT migrate_tenant_current() AS before, migrate_tenant_current_text() AS text_before,
       set_config('migrate.tenant', '22222222-2222-2222-2222-222222222222', true) AS changed,
       migrate_tenant_current() AS behind
FROM set_config('migrate.tenant', '11111111-1111-1111-1111-111111111111', true);
CREATE FUNCTION changing(tenant text) RETURNS uuid LANGUAGE plpgsql AS $$
BEGIN
    PERFORM set_config('migrate.tenant', tenant, true);
    RETURN migrate_tenant_current();
END
$$;
SELECT array_agg(changing(t)) FROM (VALUES
    ('11111111-1111-1111-1111-111111111111'), ('22222222-2222-2222-2222-222222222222'),
    ('33333333-3333-3333-3333-333333333333'), (''), ('11111111-1111-1111-1111-111111111111')) AS v (t);
DO $$
DECLARE
    kept uuid[];
    text_kept text[];
BEGIN
    FOR i IN 1..9 LOOP
        PERFORM migrate_tenant_set(repeat(i::text, 32), swap => true);
        kept := kept || migrate_tenant_current();
        text_kept := text_kept || left(migrate_tenant_current_text(), 2);
    END LOOP;
    RAISE NOTICE '% %', kept, text_kept;
END
$$;

DROP TABLE note, account;
DROP FUNCTION all_forms, forms_of, changing;
SET client_min_messages = warning;
DROP EXTENSION migrate CASCADE;
DROP OWNED BY regress_tenant_app;
DROP ROLE regress_tenant_app;
