--
-- migrate_batch() where no deploy is at work
--
SET client_min_messages = warning;
DROP EXTENSION IF EXISTS migrate CASCADE;
DROP TABLE IF EXISTS alembic_version;
CREATE EXTENSION migrate;
RESET client_min_messages;

CREATE SCHEMA batch_function;
SET search_path = batch_function, public;

-- true for whatever key
SELECT migrate_batch(1), migrate_batch(NULL), migrate_batch(NULL::uuid), migrate_batch('text'),
       migrate_batch((1, 'a')), migrate_batch(ROW(NULL, NULL)), migrate_batch(ARRAY[1, 2]);
CREATE TABLE episodes (id bigint PRIMARY KEY, podcast integer, tags text[], n integer DEFAULT 0);
INSERT INTO episodes SELECT i, i % 2 FROM generate_series(1, 10) i;
SELECT count(*) FROM episodes e WHERE migrate_batch(e);
SELECT count(*) FROM episodes WHERE NOT migrate_batch(id);
SELECT migrate_batch();
SELECT migrate_batch(1, 2);

SELECT provolatile, proparallel, proisstrict, prosupport <> 0 AS supported,
       has_function_privilege('public', oid, 'EXECUTE') AS everybody
FROM pg_proc WHERE proname = 'migrate_batch';

-- the planner takes it for what it is, whatever the key costs
CREATE FUNCTION expensive(i bigint) RETURNS bigint LANGUAGE plpgsql AS $$
BEGIN
	RAISE EXCEPTION 'was called';
END $$;
SET enable_indexscan = off;
SET enable_bitmapscan = off;
EXPLAIN (COSTS OFF) UPDATE episodes SET tags = '{}' WHERE tags IS NULL AND migrate_batch(episodes.id);
EXPLAIN (COSTS OFF) UPDATE episodes SET tags = '{}' WHERE migrate_batch((podcast, id));
EXPLAIN (COSTS OFF) SELECT FROM episodes WHERE migrate_batch(expensive(id));
EXPLAIN (COSTS OFF) SELECT FROM episodes WHERE id = 1 OR migrate_batch(id);
PREPARE statement(bigint) AS SELECT FROM episodes WHERE podcast = 1 AND migrate_batch($1);
SET plan_cache_mode = force_generic_plan;
EXPLAIN (COSTS OFF) EXECUTE statement(1);
RESET plan_cache_mode;
RESET enable_indexscan;
RESET enable_bitmapscan;

-- a function in PL/pgSQL calls it without a planner's help
DO $$
DECLARE
	key bigint;
BEGIN
	ASSERT migrate_batch(key);
	ASSERT (SELECT migrate_batch(k) FROM (VALUES (1)) v (k) ORDER BY random() LIMIT 1);
END $$;

-- A script with a marked statement is run as a whole by migrate_upgrade().
SELECT migrate_revision('fill tags', rev_id => 'batch1',
	upgrade => $script$
UPDATE episodes SET tags = '{}', n = n + 1 WHERE tags IS NULL AND migrate_batch(episodes.id);
UPDATE episodes SET n = n + 1 WHERE migrate_batch((podcast, id)) AND podcast = 1;
$script$,
	downgrade => 'DELETE FROM episodes WHERE migrate_batch(id);');
SELECT migrate_upgrade();
SELECT tags, podcast, n, count(*) FROM episodes GROUP BY 1, 2, 3 ORDER BY 3;
SELECT migrate_downgrade('base');
SELECT count(*) FROM episodes;

-- the settings of deploys
SELECT name, setting, unit, context, min_val FROM pg_settings
WHERE name ~ '^migrate\.(batch|max)_' ORDER BY name COLLATE "C";
SET migrate.batch_min_size = 0;
SET migrate.batch_pause = '1 min';
SHOW migrate.batch_pause;
RESET migrate.batch_pause;

SELECT migrate_remove('batch1');
DROP FUNCTION expensive;
DROP TABLE episodes, alembic_version;
DROP SCHEMA batch_function;
RESET search_path;
