--
-- Plans on partitioned tables that hold the tenant: none is ever used for
-- another one
--
SET client_min_messages = warning;
DROP EXTENSION IF EXISTS migrate CASCADE;
CREATE EXTENSION migrate;
RESET client_min_messages;

CREATE ROLE regress_tenant_app;
-- tenant n has n events
CREATE TABLE event (tenant_id integer NOT NULL DEFAULT migrate_tenant_current_int4(), n integer NOT NULL,
    PRIMARY KEY (tenant_id, n)) PARTITION BY HASH (tenant_id);
DO $$
BEGIN
    FOR i IN 0..7 LOOP
        EXECUTE format('CREATE TABLE event_%s PARTITION OF event FOR VALUES WITH (MODULUS 8, REMAINDER %s)', i, i);
    END LOOP;
END
$$;
INSERT INTO event SELECT t, n FROM generate_series(1, 9) t, generate_series(1, t) n;
CREATE TABLE plain AS SELECT * FROM event;
GRANT SELECT, INSERT ON event, plain TO regress_tenant_app;
CREATE POLICY tenant ON event TO regress_tenant_app USING (tenant_id = migrate_tenant_current_int4());
CREATE POLICY tenant_floor ON event AS RESTRICTIVE TO regress_tenant_app
    USING (tenant_id = migrate_tenant_current_int4());
CREATE POLICY tenant ON plain TO regress_tenant_app USING (tenant_id = migrate_tenant_current_int4());
ALTER TABLE event ENABLE ROW LEVEL SECURITY;
ALTER TABLE plain ENABLE ROW LEVEL SECURITY;
ANALYZE event, plain;

-- what a plan compares the tenant with, and how many partitions it has
CREATE FUNCTION plan_of(query text, OUT compared text, OUT partitions integer)
LANGUAGE plpgsql AS $$
DECLARE
    line text;
BEGIN
    partitions := 0;
    FOR line IN EXECUTE 'EXPLAIN (COSTS OFF) ' || query LOOP
        compared := coalesce(compared, substring(line FROM 'tenant_id = (\w+)'),
            substring(line FROM 'One-Time Filter: .*'));
        partitions := partitions + (line ~ 'Scan.* on event')::integer
            + coalesce(substring(line FROM 'Subplans Removed: (\d+)')::integer, 0);
    END LOOP;
END
$$;
CREATE FUNCTION seen(OUT tenants text, OUT events bigint) LANGUAGE plpgsql VOLATILE AS $$
BEGIN
    SELECT string_agg(DISTINCT tenant_id::text, ','), count(*) INTO tenants, events FROM event;
END
$$;
CREATE FUNCTION seen_by_sql(OUT tenants text, OUT events bigint) LANGUAGE sql VOLATILE AS $$
    SELECT string_agg(DISTINCT tenant_id::text, ','), count(*) FROM event;
$$;
CREATE FUNCTION seen_by_stable_sql(OUT tenants text, OUT events bigint) LANGUAGE sql STABLE AS $$
    SELECT string_agg(DISTINCT tenant_id::text, ','), count(*) FROM event;
$$;
-- one expression, whose plan is kept, for each tenant in turn
CREATE FUNCTION seen_by_each(fold boolean) RETURNS TABLE (tenant integer, seen text)
LANGUAGE plpgsql VOLATILE AS $$
BEGIN
    PERFORM set_config('migrate.tenant_fold', fold::text, true);
    FOREACH tenant IN ARRAY '{1,2,3}'::integer[] LOOP
        PERFORM migrate_tenant_set(tenant::text, swap => true);
        seen := concat_ws(' ', seen(), seen_by_sql(), seen_by_stable_sql(),
            (SELECT string_agg(DISTINCT e.tenant_id::text, ',') FROM event e),
            (SELECT string_agg(DISTINCT p.tenant_id::text, ',') FROM plain p));
        RETURN NEXT;
    END LOOP;
END
$$;

SET ROLE regress_tenant_app;
SET migrate.tenant = '3';

-- Off by default; on, other partitions do not enter the plan.
SELECT * FROM plan_of('SELECT * FROM event');
SET migrate.tenant_fold = on;
SELECT * FROM plan_of('SELECT * FROM event');
SELECT * FROM plan_of('SELECT * FROM event WHERE n = 1');
SELECT * FROM plan_of('SELECT count(*) FROM event e JOIN plain p USING (tenant_id, n)');
-- Other tables have nothing to gain.
SELECT * FROM plan_of('SELECT * FROM plain');
-- No tenant is folded as well, and one of another type is not.
RESET migrate.tenant;
SELECT * FROM plan_of('SELECT * FROM event');
SELECT * FROM event;
SET migrate.tenant = 'garbage';
SELECT * FROM event;
RESET migrate.tenant;

-- ---- prepared statements ----

SET plan_cache_mode = force_generic_plan;
PREPARE seen AS SELECT string_agg(DISTINCT tenant_id::text, ',') AS tenants, count(*) AS events FROM event;
PREPARE seen_from(integer) AS
    SELECT string_agg(DISTINCT tenant_id::text, ',') AS tenants, count(*) AS events FROM event WHERE n >= $1;
PREPARE added(integer) AS INSERT INTO event (n) VALUES ($1) RETURNING *;

EXECUTE seen;
SET migrate.tenant = '3';
EXECUTE seen;
EXECUTE seen_from (2);
SELECT * FROM plan_of('EXECUTE seen');
SET migrate.tenant = '4';
EXECUTE seen;
EXECUTE seen_from (2);
RESET migrate.tenant;
EXECUTE seen;
EXECUTE seen_from (2);

-- writing
BEGIN;
SELECT migrate_tenant_set('3');
EXECUTE added (100);
SELECT migrate_tenant_set('4', swap => true);
EXECUTE added (100);
SELECT migrate_tenant_clear();
EXECUTE added (101);
ROLLBACK;

-- SET LOCAL, undone by each end of a transaction and a part of it
SET migrate.tenant = '5';
EXECUTE seen;
BEGIN;
SET LOCAL migrate.tenant = '6';
EXECUTE seen;
SAVEPOINT s;
SET LOCAL migrate.tenant = '7';
EXECUTE seen;
ROLLBACK TO s;
EXECUTE seen;
SAVEPOINT s;
SET LOCAL migrate.tenant = '8';
EXECUTE seen;
RELEASE s;
EXECUTE seen;
COMMIT;
EXECUTE seen;
BEGIN;
SET LOCAL migrate.tenant = '6';
EXECUTE seen;
SELECT 1 / 0;
ROLLBACK;
EXECUTE seen;
RESET migrate.tenant;
EXECUTE seen;
BEGIN;
SELECT migrate_tenant_set('6');
EXECUTE seen;
COMMIT;
EXECUTE seen;
SET migrate.tenant = '6';
EXECUTE seen;
RESET ALL;
SET ROLE regress_tenant_app;
SET plan_cache_mode = force_generic_plan;
EXECUTE seen;

-- while folding is switched on and off
SET migrate.tenant = '3';
SET migrate.tenant_fold = on;
EXECUTE seen;
SELECT * FROM plan_of('EXECUTE seen');
SET migrate.tenant_fold = off;
SELECT * FROM plan_of('EXECUTE seen');
EXECUTE seen;
SET migrate.tenant = '4';
EXECUTE seen;
SET migrate.tenant_fold = on;
SELECT * FROM plan_of('EXECUTE seen');
EXECUTE seen;
BEGIN;
SET LOCAL migrate.tenant_fold = off;
EXECUTE seen;
SET LOCAL migrate.tenant = '5';
EXECUTE seen;
ROLLBACK;
EXECUTE seen;
SELECT * FROM plan_of('EXECUTE seen');
BEGIN;
SET LOCAL migrate.tenant_fold = off;
SET LOCAL migrate.tenant = '5';
EXECUTE seen;
COMMIT;
EXECUTE seen;
SELECT * FROM plan_of('EXECUTE seen');
RESET migrate.tenant;
SET migrate.tenant_fold = off;
EXECUTE seen;
SET migrate.tenant_fold = on;

-- as long as the server decides between plans itself
RESET plan_cache_mode;
DO $$
DECLARE
    result record;
BEGIN
    FOR i IN 1..30 LOOP
        PERFORM migrate_tenant_set((i % 4 + 1)::text, swap => true);
        EXECUTE 'EXECUTE seen_from (1)' INTO result;
        IF result.tenants <> (i % 4 + 1)::text OR result.events <> i % 4 + 1 THEN
            RAISE EXCEPTION 'tenant % sees %', i % 4 + 1, result;
        END IF;
    END LOOP;
END
$$;

-- ---- functions ----

SELECT * FROM seen_by_each(true);
SELECT * FROM seen_by_each(false);
SELECT * FROM seen_by_each(true);
SELECT migrate_tenant_current();
SELECT * FROM seen(), seen_by_sql(), seen_by_stable_sql();
-- within one query
SELECT t, set_config('migrate.tenant', t, true) AS set, seen(), seen_by_sql(), seen_by_stable_sql()
FROM (VALUES ('1'), ('2'), (''), ('3')) AS v (t);
-- by a trigger
RESET ROLE;
CREATE TABLE log (tenants text, events bigint);
GRANT SELECT, INSERT ON log TO regress_tenant_app;
CREATE FUNCTION log_trigger() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    SELECT string_agg(DISTINCT tenant_id::text, ','), count(*) INTO NEW.tenants, NEW.events FROM event;
    RETURN NEW;
END
$$;
CREATE TRIGGER log BEFORE INSERT ON log FOR EACH ROW EXECUTE FUNCTION log_trigger();
-- by a domain and a default, whose expressions are kept elsewhere
CREATE FUNCTION tenant_of(integer) RETURNS integer LANGUAGE sql STABLE
    AS 'SELECT migrate_tenant_current_int4()';
CREATE DOMAIN own_tenant AS integer CHECK (VALUE = tenant_of(VALUE));
SET ROLE regress_tenant_app;
BEGIN;
SELECT migrate_tenant_set('1');
INSERT INTO log DEFAULT VALUES RETURNING *;
SELECT 1::own_tenant, tenant_id::own_tenant FROM event;
SELECT migrate_tenant_set('2', swap => true);
INSERT INTO log DEFAULT VALUES RETURNING *;
SELECT DISTINCT 2::own_tenant, tenant_id::own_tenant FROM event;
SELECT migrate_tenant_clear();
INSERT INTO log DEFAULT VALUES RETURNING *;
ROLLBACK;

-- ---- open queries ----

-- A cursor of one tenant yields nothing for another ...
BEGIN;
SELECT migrate_tenant_set('3');
DECLARE c CURSOR FOR SELECT * FROM event;
FETCH 1 FROM c;
SELECT migrate_tenant_set('4', swap => true);
EXECUTE seen;
SELECT migrate_tenant_set('3', swap => true);
FETCH 1 FROM c;
SELECT migrate_tenant_set('4', swap => true);
FETCH 1 FROM c;
ROLLBACK;
-- ... or for none ...
BEGIN;
SELECT migrate_tenant_set('3');
DECLARE c CURSOR FOR SELECT * FROM event;
FETCH 1 FROM c;
SELECT migrate_tenant_clear();
FETCH 1 FROM c;
ROLLBACK;
-- ... not even if it is read for the first time, ...
BEGIN;
SELECT migrate_tenant_set('3');
DECLARE c CURSOR FOR SELECT * FROM event;
SELECT migrate_tenant_set('4', swap => true);
FETCH 1 FROM c;
ROLLBACK;
-- ... or for when the transaction has ended,
BEGIN;
SELECT migrate_tenant_set('3');
DECLARE c CURSOR WITH HOLD FOR SELECT * FROM event;
SELECT migrate_tenant_set('4', swap => true);
COMMIT;
-- and neither does a loop.
BEGIN;
DO $$
DECLARE
    e record;
BEGIN
    PERFORM migrate_tenant_set('9');
    PERFORM set_config('cursor_tuple_fraction', '1', true);
    FOR e IN SELECT a.tenant_id FROM event a, event b LOOP
        RAISE NOTICE 'event of %', e.tenant_id;
        PERFORM migrate_tenant_set('8', swap => true);
    END LOOP;
END
$$;
ROLLBACK;

-- ---- what is not of the query ----

-- A CHECK holds for whoever wrote a row, and proves nothing about the rows of
-- others, whatever else the query asks for.
RESET ROLE;
CREATE FUNCTION own(integer) RETURNS boolean LANGUAGE sql STABLE AS 'SELECT $1 = migrate_tenant_current_int4()';
CREATE TABLE checked (tenant_id integer NOT NULL CHECK (tenant_id = migrate_tenant_current_int4()),
    n integer NOT NULL CHECK (tenant_id <> 0 AND own(tenant_id))) PARTITION BY LIST (n);
CREATE TABLE checked_1 PARTITION OF checked FOR VALUES IN (1);
CREATE TABLE checked_2 PARTITION OF checked FOR VALUES IN (2);
CREATE TABLE child (LIKE checked INCLUDING CONSTRAINTS) INHERITS (plain);
SET migrate.tenant = '1';
INSERT INTO checked VALUES (1, 1), (1, 2);
INSERT INTO child VALUES (1, 1), (1, 2);
SET migrate.tenant = '2';
INSERT INTO checked VALUES (2, 1), (2, 2);
INSERT INTO child VALUES (2, 1), (2, 2);
SET migrate.tenant = '1';
SELECT (SELECT count(*) FROM checked WHERE tenant_id = 2) AS partitions,
    (SELECT count(*) FROM ONLY child c, event e WHERE c.tenant_id = 2 AND e.tenant_id = 2 AND e.n = 1) AS children;
SELECT count(*), min(migrate_tenant_current_int4()) AS tenant FROM checked
WHERE tenant_id = 2 AND n <> -migrate_tenant_current_int4();
SELECT count(*) FROM checked c JOIN event e USING (tenant_id) WHERE tenant_id = 2 AND e.n = migrate_tenant_current_int4();
EXPLAIN (COSTS OFF) SELECT * FROM checked WHERE tenant_id = 2;
EXPLAIN (COSTS OFF) SELECT * FROM checked WHERE n = migrate_tenant_current_int4();
SET constraint_exclusion = on;
SELECT count(*) FROM checked WHERE tenant_id = 2;
RESET constraint_exclusion;
PREPARE changed(integer) AS UPDATE checked SET n = n WHERE tenant_id = $1;
BEGIN;
SET LOCAL migrate.tenant = '2';
UPDATE checked SET n = 3 - n WHERE tenant_id = 2 RETURNING tenant_id, n;
SET LOCAL migrate.tenant = '1';
DELETE FROM checked WHERE tenant_id = 2 AND n = 1 RETURNING *;
MERGE INTO checked USING (VALUES (2)) v (n) ON tenant_id = v.n WHEN MATCHED THEN DELETE;
SELECT count(*) FROM checked;
ROLLBACK;
-- an UPDATE of the rows of another one comes to the CHECK
UPDATE checked SET n = n WHERE tenant_id = 2;
EXECUTE changed (2);
RESET migrate.tenant;
DROP TABLE checked, child;
DROP FUNCTION own;
SET ROLE regress_tenant_app;

-- ---- workers ----

RESET ROLE;
INSERT INTO event SELECT t, n FROM generate_series(8, 9) t, generate_series(t + 1, 3000 + t) n;
ANALYZE event;
SET ROLE regress_tenant_app;
SET parallel_setup_cost = 0;
SET parallel_tuple_cost = 0;
SET min_parallel_table_scan_size = 0;
SET min_parallel_index_scan_size = 0;
SET enable_indexonlyscan = off;
SET enable_bitmapscan = off;
SET enable_indexscan = off;
SET max_parallel_workers_per_gather = 2;
SET parallel_leader_participation = off;
PREPARE counted AS SELECT count(*), min(tenant_id), max(tenant_id) FROM event;
SET migrate.tenant = '8';
EXPLAIN (COSTS OFF) EXECUTE counted;
EXECUTE counted;
SET migrate.tenant = '9';
EXECUTE counted;
RESET migrate.tenant;
EXECUTE counted;
RESET ROLE;

DROP TABLE event, plain, log;
DROP DOMAIN own_tenant;
DROP FUNCTION plan_of, seen, seen_by_sql, seen_by_stable_sql, seen_by_each, log_trigger, tenant_of;
DEALLOCATE ALL;
SET client_min_messages = warning;
DROP EXTENSION migrate CASCADE;
DROP OWNED BY regress_tenant_app;
DROP ROLE regress_tenant_app;
