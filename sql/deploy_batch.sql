--
-- Statements that a deploy runs in batches: those that call migrate_batch()
--
-- What the function is where no deploy is at work is in batch_function.sql.
-- What needs several sessions, or a crash, is in test/specs and test/t.
--
SET client_min_messages = warning;
DROP EXTENSION IF EXISTS migrate CASCADE;
DROP TABLE IF EXISTS alembic_version;
CREATE EXTENSION migrate;
RESET client_min_messages;

CREATE SCHEMA deploy_batch;
SET search_path = deploy_batch, public;

-- batches of one size, whatever the time that they take
SET migrate.batch_min_size = 10;
SET migrate.batch_max_size = 10;

CREATE TABLE batches (n serial, what text, rows bigint, transaction xid8 DEFAULT pg_current_xact_id());
CREATE FUNCTION note_batch() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
	EXECUTE format('INSERT INTO batches (what, rows) SELECT %L, count(*) FROM changed', TG_OP || ' ' || TG_TABLE_NAME);
	RETURN NULL;
END
$$;
CREATE VIEW half_done AS
SELECT revision, cardinality(statement_hashes) AS done, statements AS of, batch_cursor AS cursor, batch_rows AS rows,
	batch_count AS batches, batch_size AS size
FROM migrate.progress;
CREATE VIEW unfinished AS
SELECT revision, statement, statement_count AS of, phase, waiting_for, rows_done FROM migrate_progress();
CREATE VIEW logged AS
SELECT revision, direction, outcome, statements, failed_statement AS failed, failed_line AS line, sqlstate, error, error_detail
FROM migrate.log ORDER BY id;

CREATE TABLE episodes (id int PRIMARY KEY, podcast int NOT NULL, tags text[], n int DEFAULT 0);
INSERT INTO episodes SELECT i, i % 4, ARRAY['a'] FROM generate_series(1, 45) i;
CREATE TRIGGER note_update AFTER UPDATE ON episodes REFERENCING NEW TABLE AS changed
	FOR EACH STATEMENT EXECUTE FUNCTION note_batch();
CREATE TRIGGER note_delete AFTER DELETE ON episodes REFERENCING OLD TABLE AS changed
	FOR EACH STATEMENT EXECUTE FUNCTION note_batch();
CREATE TABLE archive (id int, tags text[]);
CREATE TRIGGER note_insert AFTER INSERT ON archive REFERENCING NEW TABLE AS changed
	FOR EACH STATEMENT EXECUTE FUNCTION note_batch();
CREATE TABLE steps (n serial, what text, transaction xid8 DEFAULT pg_current_xact_id());

-- ---------------------------------------------------------------------------
-- UPDATE, DELETE and INSERT ... SELECT, with other statements before, between
-- and behind, each of which is a transaction of its own
-- ---------------------------------------------------------------------------
SELECT migrate_revision('in batches', rev_id => '001', create_date => '2026-01-01',
	upgrade => $script$
INSERT INTO steps (what) VALUES ('before');
UPDATE episodes SET n = n + 1 WHERE migrate_batch(episodes.id);
INSERT INTO steps (what) VALUES ('between');
UPDATE episodes AS e SET n = n + 1 FROM generate_series(1, 3) g WHERE e.podcast = g AND g > 1 AND (migrate_batch(e.id));
WITH chosen AS (SELECT 1 AS podcast)
INSERT INTO archive SELECT id, tags FROM episodes JOIN chosen USING (podcast) WHERE migrate_batch(id) RETURNING id;
DELETE FROM episodes USING archive WHERE archive.id = episodes.id AND migrate_batch(episodes.id);
INSERT INTO steps (what) VALUES ('behind');
$script$,
	downgrade => $script$
INSERT INTO episodes SELECT id, 1, tags, 1 FROM archive;
DELETE FROM archive;
UPDATE episodes SET n = 0 WHERE migrate_batch((podcast, id));
$script$);
CALL migrate_deploy();
SELECT n, count(*) FROM episodes GROUP BY n ORDER BY n;
SELECT count(*), count(DISTINCT id) FROM archive;
SELECT what, rows, dense_rank() OVER (ORDER BY transaction::text::bigint) AS transaction FROM batches ORDER BY n;
SELECT what, transaction::text::bigint < (SELECT min(transaction::text::bigint) FROM batches b) AS before_all,
	transaction::text::bigint > (SELECT max(transaction::text::bigint) FROM batches b) AS behind_all
FROM steps ORDER BY n;
SELECT * FROM half_done;
SELECT * FROM logged;

-- the key need not be unique, nor is each batch of the same size
CALL migrate_rollback('base');
CREATE INDEX ON episodes (podcast, id);
CALL migrate_rollback('base');
SELECT n, count(*) FROM episodes GROUP BY n ORDER BY n;
CREATE INDEX ON episodes (podcast DESC);
TRUNCATE batches, steps;
SELECT migrate_edit('001', upgrade => 'UPDATE episodes SET n = n + 1 WHERE migrate_batch(podcast);');
CALL migrate_deploy();
SELECT what, rows FROM batches ORDER BY n;
CALL migrate_rollback('base');
-- no row, or as many as a batch has
TRUNCATE batches;
DELETE FROM episodes WHERE id > 20;
TRUNCATE batches;
CALL migrate_deploy();
SELECT what, rows FROM batches ORDER BY n;
CALL migrate_rollback('base');
DELETE FROM episodes;
TRUNCATE batches;
CALL migrate_deploy();
SELECT what, rows FROM batches ORDER BY n;
CALL migrate_rollback('base');

-- migrate_upgrade() runs the same as one statement
TRUNCATE batches;
INSERT INTO episodes SELECT i, i % 4 FROM generate_series(1, 45) i;
SELECT migrate_upgrade();
SELECT what, rows FROM batches ORDER BY n;
SELECT migrate_downgrade('base');
SELECT migrate_remove('001');

-- ---------------------------------------------------------------------------
-- Keys of all kinds: each row is met once, however its values are written
-- ---------------------------------------------------------------------------
CREATE TYPE mood AS ENUM ('sad', 'ok', 'happy');
CREATE DOMAIN positive AS int CHECK (value > 0);
CREATE TYPE pair AS (a int, b text);
-- a column, what is in it, and the index
CREATE TABLE keys (number int PRIMARY KEY, type text, value text, index text);
INSERT INTO keys VALUES
	(1, 'bigint', 'g', 'PRIMARY KEY (k)'),
	(2, 'uuid', 'md5(g::text)::uuid', 'PRIMARY KEY (k)'),
	(3, 'text COLLATE "C"', $$E'\\ ''"{},' || md5(g::text)$$, 'PRIMARY KEY (k)'),
	(4, 'text', 'md5(g::text)', 'CREATE INDEX ON %s (k text_pattern_ops)'),
	(5, 'text COLLATE "C"', $$chr(65 + g % 4) || chr(228)$$, 'CREATE INDEX ON %s (k COLLATE "POSIX" DESC)'),
	(6, 'char(40)', 'md5(g::text)', 'PRIMARY KEY (k)'),
	(7, 'name', 'md5(g::text)', 'PRIMARY KEY (k)'),
	(8, 'timestamptz', $$CASE g WHEN 1 THEN '-infinity' WHEN 2 THEN 'infinity' ELSE '2024-10-27 00:00+02'::timestamptz + g * interval '7 min 0.000001 s' END$$, 'PRIMARY KEY (k)'),
	(9, 'timestamp', $$'0044-03-15 BC'::timestamp + g * interval '400 days 0.000001 s'$$, 'PRIMARY KEY (k)'),
	(10, 'date', $$'2000-01-31'::date - g * 20000$$, 'PRIMARY KEY (k)'),
	(11, 'interval', 'make_interval(months => 20 - g, days => g, secs => g + 0.000001)', 'PRIMARY KEY (k)'),
	(12, 'numeric', $$CASE g WHEN 1 THEN 'NaN' ELSE g / 7.0 END$$, 'PRIMARY KEY (k)'),
	(13, 'float8', $$CASE g WHEN 1 THEN 'NaN' WHEN 2 THEN '-Infinity' ELSE g * 0.1 + 0.2 END$$, 'PRIMARY KEY (k)'),
	(14, 'float4', 'g * 0.1::float4', 'PRIMARY KEY (k)'),
	(15, 'bytea', $$decode(md5(g::text), 'hex') || '\x00'$$, 'PRIMARY KEY (k)'),
	(16, 'boolean', 'g % 3 = 0', 'CREATE INDEX ON %s (k)'),
	(17, 'mood', '(enum_range(NULL::mood))[1 + g % 3]', 'CREATE INDEX ON %s (k)'),
	(18, 'positive', 'g', 'PRIMARY KEY (k)'),
	(19, 'pair', $$ROW(g % 3, E'"\\ ' || g)::pair$$, 'PRIMARY KEY (k)'),
	(20, 'int[]', 'ARRAY[g % 3, NULL, g]', 'PRIMARY KEY (k)'),
	(21, 'text[]', $$ARRAY['a"b,{}', NULL, g::text]$$, 'PRIMARY KEY (k)'),
	(22, 'int4range', 'int4range(g % 5, g + 5)', 'PRIMARY KEY (k)'),
	(23, 'jsonb', $$jsonb_build_object('a', g)$$, 'PRIMARY KEY (k)'),
	(24, 'inet', $$'10.0.0.0'::inet + g$$, 'PRIMARY KEY (k)'),
	(25, 'bit(16)', 'g::bit(16)', 'PRIMARY KEY (k)'),
	(26, 'pg_lsn', $$('0/' || to_hex(g))::pg_lsn$$, 'PRIMARY KEY (k)'),
	(27, 'int, k2 uuid, k3 timestamptz', $$g % 3, md5((g / 5)::text)::uuid, '2024-01-01'::timestamptz + g * interval '1 s'$$, 'PRIMARY KEY (k, k2, k3)'),
	(28, 'int, k2 int', 'g % 3, g % 4', 'CREATE INDEX ON %s (k DESC, k2 DESC)'),
	(29, 'mood, k2 text COLLATE "C", k3 int', '(enum_range(NULL::mood))[1 + g % 3], md5((g / 2)::text), g', 'PRIMARY KEY (k, k2, k3)');
CREATE FUNCTION key_columns(number int, type text) RETURNS text IMMUTABLE LANGUAGE sql AS $$
	SELECT CASE WHEN type ~ 'k3' THEN '(k, k2, k3)' WHEN type ~ 'k2' THEN format('ROW(key_%s.k, k2)', number) ELSE 'k' END
$$;
SET client_min_messages = warning;
DO $$
DECLARE
	r record;
	name text;
BEGIN
	FOR r IN SELECT * FROM keys LOOP
		name := 'key_' || r.number;
		EXECUTE format('CREATE TABLE %s (k %s NOT NULL, n int DEFAULT 0 %s)', name, replace(r.type, ',', ' NOT NULL,'),
			CASE WHEN r.index ~ '^PRIMARY' THEN ', ' || r.index ELSE '' END);
		IF r.index !~ '^PRIMARY' THEN
			EXECUTE format(r.index, name);
		END IF;
		EXECUTE format('INSERT INTO %s SELECT %s FROM generate_series(1, 45) g ORDER BY g %% 7, g', name, r.value);
		EXECUTE format('CREATE TRIGGER note_update AFTER UPDATE ON %s REFERENCING NEW TABLE AS changed
			FOR EACH STATEMENT EXECUTE FUNCTION note_batch()', name);
	END LOOP;
END
$$;
RESET client_min_messages;
-- settings in which values are written, in the script and around it, which no
-- place in a table must depend on
SELECT migrate_revision('keys', rev_id => '002', create_date => '2026-01-01',
	upgrade => (SELECT $script$
SET DateStyle = 'German';
SET IntervalStyle = sql_standard;
SET extra_float_digits = -15;
SET bytea_output = escape;
SET TimeZone = 'Europe/Berlin';
$script$ || string_agg(format(E'UPDATE key_%s SET n = n + 1 WHERE n >= 0 AND migrate_batch(%s);\n',
			number, key_columns(number, type)), '' ORDER BY number) FROM keys),
	downgrade => (SELECT string_agg(format(E'DELETE FROM key_%s WHERE n = 1 AND migrate_batch(%s);\n',
			number, key_columns(number, type)), '' ORDER BY number) FROM keys));
TRUNCATE batches;
CALL migrate_deploy();
CREATE FUNCTION counts(name regclass) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
	result text;
BEGIN
	EXECUTE format('SELECT string_agg(rows || '' with '' || n, '', '' ORDER BY n) FROM (SELECT n, count(*) AS rows FROM %s GROUP BY n) g', name)
		INTO result;
	RETURN result;
END
$$;
SELECT number, type, counts('key_' || number) AS n,
	(SELECT array_agg(b.rows ORDER BY b.n) FROM batches b WHERE what = 'UPDATE key_' || number) AS batches
FROM keys ORDER BY number;
SET migrate.batch_min_size = 1;
SET migrate.batch_max_size = 1;
CALL migrate_rollback('base');
SET migrate.batch_min_size = 10;
SET migrate.batch_max_size = 10;
SELECT number, counts('key_' || number) FROM keys WHERE counts('key_' || number) IS NOT NULL;
SELECT migrate_remove('002');

-- tables with partitions and with children: one walk over all of them
CREATE TABLE parted (id int, region int, n int DEFAULT 0, PRIMARY KEY (id, region)) PARTITION BY LIST (region);
CREATE TABLE parted_0 PARTITION OF parted FOR VALUES IN (0);
CREATE TABLE parted_rest PARTITION OF parted DEFAULT PARTITION BY HASH (id);
CREATE TABLE parted_1 PARTITION OF parted_rest FOR VALUES WITH (MODULUS 2, REMAINDER 0);
CREATE TABLE parted_2 PARTITION OF parted_rest FOR VALUES WITH (MODULUS 2, REMAINDER 1);
INSERT INTO parted SELECT i, i % 3 FROM generate_series(1, 45) i;
CREATE TABLE parent (id int PRIMARY KEY, n int DEFAULT 0);
CREATE TABLE child (extra text, PRIMARY KEY (id)) INHERITS (parent);
INSERT INTO parent SELECT i FROM generate_series(1, 30) i;
INSERT INTO child SELECT i FROM generate_series(21, 45) i;
CREATE TRIGGER note_update AFTER UPDATE ON parted REFERENCING NEW TABLE AS changed
	FOR EACH STATEMENT EXECUTE FUNCTION note_batch();
CREATE TRIGGER note_update AFTER UPDATE ON parent REFERENCING NEW TABLE AS changed
	FOR EACH STATEMENT EXECUTE FUNCTION note_batch();
SELECT migrate_revision('parts', rev_id => '003', create_date => '2026-01-01',
	upgrade => 'UPDATE parted SET n = n + 1 WHERE migrate_batch((id, region));
UPDATE parted SET n = n + 10, region = region + 1 WHERE migrate_batch(id);
UPDATE parent SET n = n + 1 WHERE migrate_batch(id);
UPDATE ONLY parent SET n = n + 10 WHERE migrate_batch(id);',
	downgrade => 'DELETE FROM parted WHERE migrate_batch(id); DELETE FROM parent WHERE migrate_batch(id);');
TRUNCATE batches;
CALL migrate_deploy();
SELECT what, array_agg(rows ORDER BY n) FROM batches GROUP BY what ORDER BY min(n);
SELECT counts('parted') AS parted, counts('parent') AS parent, counts('child') AS child;
CALL migrate_rollback('base');
SELECT (SELECT count(*) FROM parted) AS parted, (SELECT count(*) FROM parent) AS parent;
SELECT migrate_remove('003');

-- Rules and triggers do what they do for the whole statement.  What a view or a
-- rule would insert into the table that is walked over is refused.
CREATE TABLE ruled (id int PRIMARY KEY, n int DEFAULT 0);
INSERT INTO ruled SELECT i FROM generate_series(1, 25) i;
CREATE TABLE ruled_log (id int);
CREATE RULE also AS ON UPDATE TO ruled DO ALSO INSERT INTO ruled_log VALUES (new.id);
CREATE FUNCTION add_100() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN new.n := new.n + 100; RETURN new; END';
CREATE TRIGGER add_100 BEFORE UPDATE ON ruled FOR EACH ROW EXECUTE FUNCTION add_100();
CREATE VIEW ruled_view AS SELECT * FROM ruled;
SELECT migrate_revision('rules', rev_id => '003', create_date => '2026-01-01',
	upgrade => 'UPDATE ruled SET n = n + 1 WHERE migrate_batch(id);
INSERT INTO ruled_view SELECT id + 100, 0 FROM ruled WHERE migrate_batch(id);', downgrade => '');
CALL migrate_deploy();
SELECT counts('ruled'), (SELECT count(*) FROM ruled_log) AS logged, (SELECT count(DISTINCT id) FROM ruled_log) AS ids;
SELECT migrate_stamp('base');
SELECT migrate_remove('003');

-- ---------------------------------------------------------------------------
-- A batch fails, and the walk goes on behind the last one that was committed
-- ---------------------------------------------------------------------------
CREATE TABLE walk (at timestamptz PRIMARY KEY, n int DEFAULT 0 CHECK (n < 5));
INSERT INTO walk SELECT '2024-10-26 20:00+00'::timestamptz + i * interval '10 min' FROM generate_series(1, 45) i;
UPDATE walk SET n = 4 WHERE at = '2024-10-27 00:10+00';
CREATE TRIGGER note_update AFTER UPDATE ON walk REFERENCING NEW TABLE AS changed
	FOR EACH STATEMENT EXECUTE FUNCTION note_batch();
TRUNCATE batches, steps;
SELECT migrate_revision('walk', rev_id => '004', create_date => '2026-01-01',
	upgrade => $$INSERT INTO steps (what) VALUES ('before');
UPDATE walk
	SET n = n + 1
	WHERE migrate_batch(at);
INSERT INTO steps (what) VALUES ('behind');$$,
	downgrade => '');
SET TimeZone = 'Australia/Lord_Howe';
SET DateStyle = 'German';
CALL migrate_deploy();
RESET TimeZone;
RESET DateStyle;
SELECT what, array_agg(rows ORDER BY n) FROM batches GROUP BY what;
SELECT what FROM steps ORDER BY n;
SELECT * FROM half_done;
SELECT * FROM unfinished;
SELECT revision FROM migrate_current();
SELECT * FROM logged OFFSET (SELECT count(*) - 1 FROM logged);
SELECT migrate_upgrade();
-- once more: the same, and nothing twice
CALL migrate_deploy();
SELECT counts('walk');
-- rows that come meanwhile are met where the walk has not been
INSERT INTO walk VALUES ('2024-10-01 00:00+00', -1), ('2024-12-01 00:00+00', -1);
UPDATE walk SET n = 0 WHERE n = 4;
-- the statement in hand may be mended, but has to walk on where it was
SELECT migrate_edit('004', upgrade => replace(upgrade, E'UPDATE walk\n', E'DELETE FROM walk WHERE n = 4;\nUPDATE walk\n')) FROM migrate_show('004');
SELECT migrate_edit('004', upgrade => $$INSERT INTO steps (what) VALUES ('before');$$);
-- ... also where somebody writes the table
SELECT upgrade AS walk FROM migrate_show('004') \gset
UPDATE migrate.revision SET upgrade = 'SELECT 1', loaded_checksum = migrate.checksum('SELECT 1', downgrade) WHERE revision = '004';
CALL migrate_deploy();
UPDATE migrate.revision SET upgrade = :'walk', loaded_checksum = migrate.checksum(:'walk', downgrade) WHERE revision = '004';
SELECT migrate_edit('004', upgrade => $$INSERT INTO steps (what) VALUES ('before');
UPDATE episodes SET n = n + 1 WHERE migrate_batch(id);$$);
CALL migrate_deploy();
SELECT migrate_edit('004', upgrade => $$INSERT INTO steps (what) VALUES ('before');
UPDATE walk AS w
	SET n = n + (SELECT max(1) FROM ruled)
	WHERE w.n < 4 AND migrate_batch((w.at));
INSERT INTO steps (what) VALUES ('behind');$$);
CALL migrate_deploy();
SELECT what, array_agg(rows ORDER BY n) FROM batches GROUP BY what;
SELECT counts('walk');
SELECT what FROM steps ORDER BY n;
SELECT * FROM half_done;
SELECT direction, outcome, statements, failed, line, sqlstate FROM logged OFFSET (SELECT count(*) - 5 FROM logged);
CALL migrate_rollback('base');

-- ---------------------------------------------------------------------------
-- A pause in the middle of it, which a trigger makes here; and what can be
-- seen of it from where it is
-- ---------------------------------------------------------------------------
CREATE ROLE regress_migrate_dba SUPERUSER;
CREATE TABLE seen (n serial, statement int, of int, phase text, rows_done bigint, rows_estimate bigint);
CREATE FUNCTION look_and_pause() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
	INSERT INTO seen (statement, of, phase, rows_done, rows_estimate)
	SELECT statement, statement_count, phase, rows_done, rows_estimate FROM migrate_progress();
	IF EXISTS (SELECT FROM changed WHERE n < 0) THEN
		INSERT INTO migrate.pause VALUES ('default', now(), 'regress_migrate_dba', 'enough for today');
	END IF;
	RETURN NULL;
END
$$;
CREATE TRIGGER look_and_pause AFTER UPDATE ON walk REFERENCING NEW TABLE AS changed
	FOR EACH STATEMENT EXECUTE FUNCTION look_and_pause();
UPDATE walk SET n = 0;
UPDATE walk SET n = -10 WHERE at = '2024-10-27 00:10+00';
DELETE FROM migrate.pause;
ANALYZE walk;
TRUNCATE batches, steps, seen;
SELECT migrate_edit('004', upgrade => 'UPDATE walk SET n = n + 1 WHERE migrate_batch(at); UPDATE walk SET n = n + 1 WHERE n < 0;');
CALL migrate_deploy();
SELECT statement, of, phase, rows_done, rows_estimate FROM seen ORDER BY n;
SELECT * FROM half_done;
SELECT * FROM unfinished;
CALL migrate_deploy();
SELECT migrate_resume();
SELECT * FROM unfinished;
-- another size, for what is left of it
SET migrate.batch_max_size = 25;
SET migrate.batch_min_size = 20;
DROP TRIGGER look_and_pause ON walk;
CALL migrate_deploy();
SET migrate.batch_min_size = 10;
SET migrate.batch_max_size = 10;
SELECT what, array_agg(rows ORDER BY n) FROM batches GROUP BY what;
SELECT counts('walk');
SELECT outcome, error FROM logged OFFSET (SELECT count(*) - 1 FROM logged);
CALL migrate_rollback('base');
SELECT migrate_remove('004');

-- ---------------------------------------------------------------------------
-- What the script has set; statements outside of transactions beside it; the
-- rights of the role that walks
-- ---------------------------------------------------------------------------
CREATE ROLE regress_deployer;
SELECT migrate_grant('regress_deployer', 'operator');
GRANT ALL ON alembic_version TO regress_deployer;
GRANT USAGE ON SCHEMA deploy_batch TO regress_deployer;
GRANT INSERT ON batches TO regress_deployer;
GRANT USAGE ON SEQUENCE batches_n_seq TO regress_deployer;
GRANT SELECT (id), UPDATE (n) ON episodes TO regress_deployer;
CREATE SCHEMA deploy_batch_2;
CREATE TABLE deploy_batch_2.walk (id int PRIMARY KEY, setting text);
INSERT INTO deploy_batch_2.walk SELECT i FROM generate_series(1, 15) i;
UPDATE episodes SET n = 0;
TRUNCATE batches;
SELECT migrate_revision('settings', rev_id => '005', create_date => '2026-01-01',
	upgrade => $$SET LOCAL work_mem = '77kB';
SET search_path = deploy_batch_2, public;
UPDATE walk SET setting = current_setting('work_mem') WHERE migrate_batch(walk.id);
RESET work_mem;
CREATE INDEX CONCURRENTLY walk_setting ON walk (setting);
SET search_path = deploy_batch, public;
SET ROLE regress_deployer;
UPDATE episodes SET n = 1 WHERE migrate_batch(id);
DELETE FROM episodes WHERE migrate_batch(id);$$,
	downgrade => '');
CALL migrate_deploy();
SELECT setting, count(*) FROM deploy_batch_2.walk GROUP BY 1;
SELECT what, array_agg(rows ORDER BY n) FROM batches GROUP BY what;
SELECT * FROM half_done;
SELECT * FROM logged OFFSET (SELECT count(*) - 1 FROM logged);
GRANT DELETE ON episodes TO regress_deployer;
-- rows that are hidden are an error, and not passed by
ALTER TABLE episodes ENABLE ROW LEVEL SECURITY;
CREATE POLICY even ON episodes USING (id % 2 = 0);
CALL migrate_deploy();
ALTER TABLE episodes DISABLE ROW LEVEL SECURITY;
CALL migrate_deploy();
SELECT count(*) FROM episodes;
CALL migrate_rollback('base');
SELECT migrate_remove('005');

-- ---------------------------------------------------------------------------
-- What cannot be run in batches: what the text shows, before anything is run
-- ---------------------------------------------------------------------------
CREATE TABLE a (id int PRIMARY KEY, n int, m int, u int UNIQUE, nn int NOT NULL DEFAULT 0,
	g int GENERATED ALWAYS AS (n * 2) STORED NOT NULL UNIQUE);
CREATE TABLE b (id int PRIMARY KEY, n int);
SELECT migrate_revision('refused', rev_id => '006', create_date => '2026-01-01', upgrade => '', downgrade => '');
CREATE PROCEDURE try(sql text) LANGUAGE plpgsql AS $$
BEGIN
	PERFORM migrate_edit('006', upgrade => sql);
	COMMIT;
	CALL migrate_deploy();
END
$$;
TRUNCATE steps;
CALL try($$INSERT INTO steps (what) VALUES ('refused');
-- a comment
SELECT FROM a WHERE migrate_batch(id);$$);
\echo :SQLSTATE
\set SHOW_CONTEXT never
CALL try('MERGE INTO a USING b ON a.id = b.id AND migrate_batch(a.id) WHEN MATCHED THEN DELETE;');
CALL try('CREATE TABLE made AS SELECT FROM a WHERE migrate_batch(id);');
CALL try('EXPLAIN UPDATE a SET n = 1 WHERE migrate_batch(id);');
CALL try('CREATE VIEW made AS SELECT 1 FROM a WHERE migrate_batch(id);');
CALL try('COPY (SELECT FROM a WHERE migrate_batch(id)) TO PROGRAM ''false'';');
CALL try('UPDATE a SET n = 1 WHERE migrate_batch(id) AND public.migrate_batch(u);');
\echo :SQLSTATE
CALL try('UPDATE a SET n = 1 WHERE migrate_batch(id, u);');
\echo :SQLSTATE
CALL try('UPDATE a SET n = 1 WHERE migrate_batch();');
CALL try('UPDATE a SET n = 1 WHERE NOT migrate_batch(id);');
\echo :SQLSTATE
CALL try('UPDATE a SET n = 1 WHERE n = 1 OR migrate_batch(id);');
CALL try('UPDATE a SET n = 1 WHERE migrate_batch(id) IS TRUE;');
CALL try('UPDATE a SET n = migrate_batch(id)::int;');
CALL try('UPDATE a SET n = 1 WHERE EXISTS (SELECT FROM b WHERE migrate_batch(b.id));');
CALL try('WITH some_b AS (SELECT * FROM b WHERE migrate_batch(id)) UPDATE a SET n = 1 FROM some_b;');
CALL try('INSERT INTO b VALUES (1, migrate_batch(1)::int);');
CALL try('INSERT INTO b DEFAULT VALUES RETURNING migrate_batch(id);');
CALL try('INSERT INTO b SELECT id FROM a WHERE migrate_batch(id) UNION SELECT 2;');
\echo :SQLSTATE
CALL try('INSERT INTO b SELECT DISTINCT id FROM a WHERE migrate_batch(id);');
CALL try('INSERT INTO b SELECT id FROM a WHERE migrate_batch(id) GROUP BY id;');
CALL try('INSERT INTO b SELECT id FROM a WHERE migrate_batch(id) LIMIT 1;');
CALL try('WITH gone AS (DELETE FROM b RETURNING id) UPDATE a SET n = 1 FROM gone WHERE migrate_batch(a.id);');
\echo :SQLSTATE
SELECT * FROM steps;
SELECT * FROM half_done;
SELECT count(*) FROM logged WHERE revision = '006';

-- ---------------------------------------------------------------------------
-- What only the catalog tells
-- ---------------------------------------------------------------------------
CREATE TABLE c (id int PRIMARY KEY, n int);
CREATE VIEW a_view AS SELECT * FROM a;
CREATE MATERIALIZED VIEW a_matview AS SELECT * FROM a;
CREATE FUNCTION migrate_batch(int, int DEFAULT 0) RETURNS boolean LANGUAGE sql AS 'SELECT true';
CREATE TABLE childless (id int PRIMARY KEY, n int);
CREATE TABLE its_child () INHERITS (childless);
CREATE TABLE twice (id int NOT NULL, n int);
INSERT INTO twice VALUES (1), (1);
CREATE UNIQUE INDEX CONCURRENTLY twice_id ON twice (id);
CREATE TABLE "Odd ""name" ("an id" int NOT NULL, b int NOT NULL, c int NOT NULL, d int NOT NULL, e int NOT NULL);
CREATE INDEX ON "Odd ""name" ("an id") WHERE b > 0;
CREATE INDEX ON "Odd ""name" USING hash (b);
CREATE INDEX ON "Odd ""name" ((c + 0));
CREATE INDEX ON "Odd ""name" (e DESC NULLS LAST);
CREATE INDEX ON "Odd ""name" (d, e DESC);
CREATE TABLE partless (id int NOT NULL) PARTITION BY RANGE (id);
CREATE TABLE partless_1 PARTITION OF partless FOR VALUES FROM (0) TO (10);
CREATE UNIQUE INDEX partless_id ON ONLY partless (id);

\set SHOW_CONTEXT errors
CALL try('
UPDATE a SET n = 1
	WHERE migrate_batch(id);');
\echo :SQLSTATE
\set SHOW_CONTEXT never
DROP FUNCTION migrate_batch(int, int);
-- the key
CALL try('UPDATE a SET n = 1 WHERE migrate_batch(id + 1);');
\echo :SQLSTATE
CALL try('UPDATE a SET n = 1 WHERE migrate_batch(1);');
CALL try('UPDATE a SET n = 1 WHERE migrate_batch(a);');
CALL try('UPDATE a SET n = 1 WHERE migrate_batch(ctid);');
CALL try('UPDATE a SET n = 1 WHERE migrate_batch(nosuch);');
CALL try('UPDATE a SET n = 1 FROM b WHERE migrate_batch((a.id, b.id));');
CALL try('UPDATE a SET n = 1 FROM b WHERE migrate_batch(b.id);');
CALL try('UPDATE a SET n = 1, id = id WHERE migrate_batch(id);');
CALL try('UPDATE a SET n = 1 WHERE migrate_batch(g);');
-- the table
CALL try('DELETE FROM a USING (SELECT * FROM b) s WHERE migrate_batch(s.id);');
\echo :SQLSTATE
CALL try('WITH w AS (SELECT * FROM b) DELETE FROM a USING w WHERE migrate_batch(w.id);');
CALL try('DELETE FROM a USING generate_series(1, 3) f WHERE migrate_batch(f);');
CALL try('INSERT INTO c SELECT id FROM a FULL JOIN b USING (id) WHERE migrate_batch(id);');
CALL try('UPDATE a_view SET n = 1 WHERE migrate_batch(id);');
CALL try('INSERT INTO b SELECT id FROM a_matview WHERE migrate_batch(id);');
CALL try('INSERT INTO b SELECT id FROM a TABLESAMPLE system (50) WHERE migrate_batch(id);');
CALL try('INSERT INTO c SELECT a.id FROM a LEFT JOIN b ON a.id = b.id WHERE migrate_batch(b.id);');
CALL try('INSERT INTO c SELECT a.id FROM b RIGHT JOIN a ON a.id = b.id WHERE migrate_batch(b.id);');
CALL try('INSERT INTO a (id) SELECT id + 1000 FROM a WHERE migrate_batch(id);');
CALL try('INSERT INTO partless SELECT id + 1000 FROM partless_1 WHERE migrate_batch(id);');
-- the query
CALL try('INSERT INTO b SELECT max(id) FROM a WHERE migrate_batch(id);');
CALL try('INSERT INTO b SELECT row_number() OVER () FROM a WHERE migrate_batch(id);');
-- NOT NULL and the index, with what to do about them
CALL try('UPDATE a SET n = 1 WHERE migrate_batch(u);');
\echo :SQLSTATE
CALL try('UPDATE a SET n = 1 WHERE migrate_batch((id, nn));');
CALL try('DELETE FROM twice WHERE migrate_batch(id);');
CALL try('DELETE FROM childless WHERE migrate_batch(id);');
CALL try('UPDATE partless SET id = 1 WHERE migrate_batch(id);');
CALL try('DELETE FROM partless WHERE migrate_batch(id);');
CALL try('DELETE FROM "Odd ""name" WHERE migrate_batch("an id");');
CALL try('DELETE FROM "Odd ""name" WHERE migrate_batch(b);');
CALL try('DELETE FROM "Odd ""name" WHERE migrate_batch(c);');
CALL try('DELETE FROM "Odd ""name" WHERE migrate_batch(e);');
CALL try('DELETE FROM "Odd ""name" WHERE migrate_batch((d, e));');
-- pasted
CALL try('UPDATE "Odd ""name" SET b = 1 WHERE migrate_batch(("an id", c));');
CREATE INDEX CONCURRENTLY ON deploy_batch."Odd ""name" ("an id", c);
CALL try('UPDATE "Odd ""name" SET b = 1 WHERE migrate_batch(("an id", c));');
CALL migrate_rollback('base');
DELETE FROM twice;
REINDEX INDEX CONCURRENTLY deploy_batch.twice_id;
CALL try('DELETE FROM twice WHERE migrate_batch(id);');
CALL migrate_rollback('base');
CREATE INDEX CONCURRENTLY ON deploy_batch.its_child (id);
CALL try('DELETE FROM childless WHERE migrate_batch(id);');
\set SHOW_CONTEXT errors
-- each of these is in the log
SELECT sqlstate, count(*) FROM logged WHERE revision = '006' AND outcome = 'failed' GROUP BY sqlstate ORDER BY sqlstate COLLATE "C";
SELECT * FROM half_done;

-- ---------------------------------------------------------------------------
SET client_min_messages = warning;
DROP EXTENSION migrate CASCADE;
DROP SCHEMA deploy_batch, deploy_batch_2 CASCADE;
RESET search_path;
DROP TABLE alembic_version;
DROP ROLE regress_deployer;
DROP ROLE regress_migrate_dba;
