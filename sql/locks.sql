--
-- migrate_locks(): the locks it foresees are those that are taken
--
SET client_min_messages = error;
DROP EXTENSION IF EXISTS migrate CASCADE;
DROP TABLE IF EXISTS alembic_version;
CREATE EXTENSION migrate;

CREATE SCHEMA regress_locks;
SET search_path = regress_locks, public;

-- a bit of everything that a lock can spread to
CREATE TABLE other (id int PRIMARY KEY, name text);
CREATE TABLE t (
    id serial PRIMARY KEY,
    a int CONSTRAINT t_a_check CHECK (a > 0),
    b text,
    o int CONSTRAINT t_o_fkey REFERENCES other);
CREATE INDEX t_b_idx ON t (b);
CREATE UNIQUE INDEX t_a_key ON t (a);
CREATE STATISTICS t_stat ON a, o FROM t;
CREATE FUNCTION trg() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NEW; END';
CREATE TRIGGER t_trg BEFORE INSERT ON t FOR EACH ROW EXECUTE FUNCTION trg();
CREATE RULE t_rule AS ON DELETE TO t DO ALSO NOTHING;
CREATE POLICY t_pol ON t;
CREATE TABLE ref (
    id int GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    t int CONSTRAINT ref_t_fkey REFERENCES t,
    x text);
CREATE TABLE refref (id int PRIMARY KEY, r int REFERENCES ref);
CREATE TABLE selfref (id int PRIMARY KEY, up int CONSTRAINT selfref_up_fkey REFERENCES selfref);
CREATE TABLE alone (id int PRIMARY KEY, b text);
CREATE VIEW v AS SELECT id, a, b FROM t;
CREATE VIEW vv AS SELECT id FROM v;
CREATE MATERIALIZED VIEW mv AS SELECT id, b FROM t;
CREATE UNIQUE INDEX mv_id_idx ON mv (id);
CREATE SEQUENCE seq;
CREATE TABLE dflt (id int DEFAULT nextval('seq'));
-- partitioned, with partitions of a partition and a default partition
CREATE TABLE part (id int NOT NULL, o int CONSTRAINT part_o_fkey REFERENCES other, b text,
    CONSTRAINT part_pkey PRIMARY KEY (id)) PARTITION BY RANGE (id);
CREATE TABLE part1 PARTITION OF part FOR VALUES FROM (0) TO (10);
CREATE TABLE part2 PARTITION OF part FOR VALUES FROM (10) TO (20) PARTITION BY RANGE (id);
CREATE TABLE part2a PARTITION OF part2 FOR VALUES FROM (10) TO (15);
CREATE TABLE partd PARTITION OF part DEFAULT;
CREATE INDEX part_b_idx ON part (b);
CREATE TRIGGER part_trg AFTER INSERT ON part FOR EACH ROW EXECUTE FUNCTION trg();
CREATE TABLE refpart (id int PRIMARY KEY, p int CONSTRAINT refpart_p_fkey REFERENCES part);
CREATE TABLE loose (id int NOT NULL, o int, b text);
CREATE TABLE keyless (id int NOT NULL) PARTITION BY RANGE (id);
CREATE TABLE keyless1 PARTITION OF keyless FOR VALUES FROM (0) TO (10);
CREATE TABLE plain (id int, k int, b text, i int GENERATED ALWAYS AS IDENTITY)
    PARTITION BY RANGE (id);
CREATE TABLE plain1 PARTITION OF plain FOR VALUES FROM (0) TO (10);
CREATE TABLE plaind PARTITION OF plain DEFAULT;
CREATE TABLE plainloose (id int, k int, b text, i int NOT NULL);
CREATE INDEX plain1_b_idx ON plain1 (b);
CREATE INDEX plain_b_idx ON ONLY plain (b);
-- partitioned, with a foreign key to what is partitioned
CREATE TABLE keys (id int PRIMARY KEY);
CREATE TABLE fkp (id int NOT NULL, k int CONSTRAINT fkp_k_fkey REFERENCES keys,
    p int CONSTRAINT fkp_p_fkey REFERENCES part) PARTITION BY RANGE (id);
CREATE TABLE fkp1 PARTITION OF fkp FOR VALUES FROM (0) TO (10);
CREATE TABLE fkploose (id int NOT NULL, k int REFERENCES keys, p int REFERENCES part);
-- inherited
CREATE TABLE par (id int, a int CONSTRAINT par_a_check CHECK (a > 0), b text, c int NOT NULL);
CREATE TABLE child (d int) INHERITS (par);
CREATE TABLE grandchild (e int) INHERITS (child);
ALTER TABLE par ADD CONSTRAINT par_valid CHECK (a > -5) NOT VALID;
CREATE TABLE orphan (id int, a int, b text, c int NOT NULL,
    CONSTRAINT par_a_check CHECK (a > 0), CONSTRAINT par_valid CHECK (a > -5));
-- types, functions, a schema of their own
CREATE DOMAIN dom AS int;
CREATE DOMAIN subdom AS dom;
CREATE TABLE domt (d dom, e subdom);
CREATE TYPE enm AS ENUM ('a', 'b');
CREATE TABLE enmt (e enm, f int);
CREATE FUNCTION fn() RETURNS int LANGUAGE sql IMMUTABLE AS 'SELECT 1';
CREATE TABLE fnt (id int DEFAULT fn(), CHECK (id > fn()));
CREATE PUBLICATION regress_locks FOR TABLE other;
CREATE SCHEMA regress_locks_too;
CREATE TABLE regress_locks_too.far (id int PRIMARY KEY);
CREATE VIEW farview AS SELECT * FROM regress_locks_too.far;
CREATE TABLE near (id int REFERENCES regress_locks_too.far);

-- Run a script, look at the locks that it holds, and take everything back.
-- What migrate_locks() said before has to cover every lock that keeps others
-- from more than reading and writing, and must not name a stronger one than
-- was taken.  An index is covered by its table.
CREATE TABLE public.lock_modes (mode text PRIMARY KEY, conflicts int[]);
INSERT INTO public.lock_modes VALUES
    ('AccessShareLock', '{8}'), ('RowShareLock', '{7,8}'), ('RowExclusiveLock', '{5,6,7,8}'),
    ('ShareUpdateExclusiveLock', '{4,5,6,7,8}'), ('ShareLock', '{3,4,6,7,8}'),
    ('ShareRowExclusiveLock', '{3,4,5,6,7,8}'), ('ExclusiveLock', '{2,3,4,5,6,7,8}'),
    ('AccessExclusiveLock', '{1,2,3,4,5,6,7,8}');
CREATE FUNCTION public.covers(stronger text, weaker text) RETURNS boolean LANGUAGE sql STABLE AS $$
    SELECT s.conflicts @> w.conflicts FROM public.lock_modes s, public.lock_modes w
    WHERE s.mode = stronger AND w.mode = weaker
$$;
CREATE TABLE public.lock_relations AS
    SELECT c.oid AS relation, c.relname::text AS name, i.indrelid AS table_of_index
    FROM pg_class c LEFT JOIN pg_index i ON i.indexrelid = c.oid
    WHERE c.relnamespace::regnamespace::text LIKE 'regress_locks%';
SELECT migrate_revision('a script', 'SELECT 1;', 'SELECT 2;', rev_id => 'c');
CREATE FUNCTION public.check_locks(script text) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
    foreseen text;
    missed text;
    not_taken text;
BEGIN
    PERFORM migrate_edit('c', upgrade => script);
    CREATE TEMP TABLE f AS
        SELECT r.relation, r.name, replace(l.mode, 'Lock', '') AS short, l.mode
        FROM migrate_locks('c') l JOIN public.lock_relations r ON r.relation = l.relation;
    SELECT string_agg(name || ' ' || short, ', ' ORDER BY name COLLATE "C", short) INTO foreseen FROM f;
    BEGIN
        EXECUTE script;
        CREATE TEMP TABLE k AS
            SELECT r.relation, r.name, r.table_of_index, l.mode
            FROM pg_locks l JOIN public.lock_relations r ON r.relation = l.relation
            WHERE l.pid = pg_backend_pid();
        SELECT string_agg(name || ' ' || mode, ', ' ORDER BY name COLLATE "C", mode) INTO missed
        FROM k
        WHERE (public.covers(mode, 'ShareUpdateExclusiveLock') OR public.covers(mode, 'ShareLock'))
        AND NOT EXISTS (SELECT FROM f WHERE f.relation = k.relation AND public.covers(f.mode, k.mode))
        AND NOT EXISTS (SELECT FROM f WHERE f.relation = k.table_of_index AND public.covers(f.mode, k.mode));
        SELECT string_agg(name || ' ' || mode, ', ' ORDER BY name COLLATE "C", mode) INTO not_taken
        FROM f
        WHERE NOT EXISTS (SELECT FROM k WHERE f.relation = k.relation AND public.covers(k.mode, f.mode));
        RAISE EXCEPTION 'take it back' USING ERRCODE = 'XX999';
    EXCEPTION
        WHEN SQLSTATE 'XX999' THEN NULL;
        WHEN OTHERS THEN missed := 'ERROR: ' || sqlerrm;
    END;
    DROP TABLE f;
    RETURN concat_ws(' ', script, '->', foreseen, '  MISSED: ' || missed, '  NOT TAKEN: ' || not_taken);
END $$;

\pset tuples_only on
\pset format unaligned

-- ALTER TABLE
SELECT public.check_locks(script) FROM (VALUES
    ('ALTER TABLE alone ADD COLUMN z int'),
    ('ALTER TABLE t ADD COLUMN z int REFERENCES alone'),
    ('ALTER TABLE t ADD COLUMN z serial'),
    ('ALTER TABLE par ADD COLUMN z int'),
    ('ALTER TABLE par ADD COLUMN z int UNIQUE REFERENCES alone'),
    ('ALTER TABLE par ADD COLUMN IF NOT EXISTS a int'),
    ('ALTER TABLE plain ADD COLUMN z int REFERENCES alone'),
    ('ALTER TABLE alone DROP COLUMN b'),
    ('ALTER TABLE t DROP COLUMN o'),
    ('ALTER TABLE t DROP COLUMN b CASCADE'),
    ('ALTER TABLE t DROP COLUMN id CASCADE'),
    ('ALTER TABLE t DROP COLUMN IF EXISTS nowhere'),
    ('ALTER TABLE part DROP COLUMN o'),
    ('ALTER TABLE refpart DROP COLUMN p'),
    ('ALTER TABLE par DROP COLUMN b'),
    ('ALTER TABLE ONLY par DROP COLUMN b'),
    ('ALTER TABLE par ALTER a SET DEFAULT 1'),
    ('ALTER TABLE ONLY par ALTER a SET DEFAULT 1'),
    ('ALTER TABLE par ALTER a SET NOT NULL'),
    ('ALTER TABLE par ALTER c DROP NOT NULL'),
    ('ALTER TABLE par ALTER a SET STATISTICS 10'),
    ('ALTER TABLE par ALTER a SET (n_distinct = 1)'),
    ('ALTER TABLE par ALTER b SET STORAGE plain'),
    ('ALTER TABLE par ALTER b SET COMPRESSION pglz'),
    ('ALTER TABLE alone ALTER b TYPE varchar(10)'),
    ('ALTER TABLE par ALTER a TYPE bigint'),
    ('ALTER TABLE other ALTER id TYPE bigint'),
    ('ALTER TABLE ref ALTER t TYPE bigint'),
    ('ALTER TABLE ref ALTER id TYPE bigint'),
    ('ALTER TABLE refpart ALTER p TYPE bigint'),
    ('ALTER TABLE ref ALTER id SET GENERATED BY DEFAULT'),
    ('ALTER TABLE ref ALTER id DROP IDENTITY'),
    ('ALTER TABLE alone ALTER id ADD GENERATED ALWAYS AS IDENTITY'),
    ('ALTER TABLE par ADD CHECK (a > 1)'),
    ('ALTER TABLE par ADD CHECK (a > 1) NOT VALID'),
    ('ALTER TABLE part ADD CHECK (id > -1)'),
    ('ALTER TABLE par ADD PRIMARY KEY (id)'),
    ('ALTER TABLE plain ADD PRIMARY KEY (id)'),
    ('ALTER TABLE t ADD UNIQUE USING INDEX t_a_key'),
    ('ALTER TABLE t ADD EXCLUDE (a WITH =)'),
    ('ALTER TABLE ref ADD FOREIGN KEY (id) REFERENCES other'),
    ('ALTER TABLE ref ADD FOREIGN KEY (id) REFERENCES other NOT VALID'),
    ('ALTER TABLE ref ADD FOREIGN KEY (id) REFERENCES part'),
    ('ALTER TABLE plain ADD FOREIGN KEY (k) REFERENCES alone'),
    ('ALTER TABLE plain ADD FOREIGN KEY (k) REFERENCES part'),
    ('ALTER TABLE selfref ADD FOREIGN KEY (up) REFERENCES selfref'),
    ('ALTER TABLE t DROP CONSTRAINT t_a_check'),
    ('ALTER TABLE t DROP CONSTRAINT t_o_fkey'),
    ('ALTER TABLE t DROP CONSTRAINT t_pkey CASCADE'),
    ('ALTER TABLE t DROP CONSTRAINT IF EXISTS nowhere'),
    ('ALTER TABLE selfref DROP CONSTRAINT selfref_up_fkey'),
    ('ALTER TABLE par DROP CONSTRAINT par_a_check'),
    ('ALTER TABLE ONLY par DROP CONSTRAINT par_a_check'),
    ('ALTER TABLE part DROP CONSTRAINT part_o_fkey'),
    ('ALTER TABLE refpart DROP CONSTRAINT refpart_p_fkey'),
    ('ALTER TABLE fkp DROP CONSTRAINT fkp_p_fkey'),
    ('ALTER TABLE part DROP CONSTRAINT part_pkey CASCADE'),
    ('ALTER TABLE ref ALTER CONSTRAINT ref_t_fkey DEFERRABLE'),
    ('ALTER TABLE part ALTER CONSTRAINT part_o_fkey DEFERRABLE'),
    ('ALTER TABLE refpart ALTER CONSTRAINT refpart_p_fkey DEFERRABLE'),
    ('ALTER TABLE ref VALIDATE CONSTRAINT ref_t_fkey'),
    ('ALTER TABLE par VALIDATE CONSTRAINT par_a_check'),
    ('ALTER TABLE par VALIDATE CONSTRAINT par_valid'),
    ('ALTER TABLE t OWNER TO pg_monitor'),
    ('ALTER TABLE t OWNER TO CURRENT_USER'),
    ('ALTER TABLE par OWNER TO pg_monitor'),
    ('ALTER TABLE t SET (fillfactor = 50)'),
    ('ALTER TABLE t SET (user_catalog_table)'),
    ('ALTER TABLE alone SET UNLOGGED'),
    ('ALTER TABLE alone SET ACCESS METHOD heap'),
    ('ALTER TABLE t SET TABLESPACE pg_default'),
    ('ALTER TABLE t CLUSTER ON t_pkey'),
    ('ALTER TABLE t REPLICA IDENTITY FULL'),
    ('ALTER TABLE t ENABLE ROW LEVEL SECURITY'),
    ('ALTER TABLE t DISABLE RULE t_rule'),
    ('ALTER TABLE t DISABLE TRIGGER t_trg'),
    ('ALTER TABLE par DISABLE TRIGGER ALL'),
    ('ALTER TABLE part DISABLE TRIGGER ALL'),
    ('ALTER TABLE part DISABLE TRIGGER USER'),
    ('ALTER TABLE part ENABLE ALWAYS TRIGGER part_trg'),
    ('ALTER TABLE ONLY part DISABLE TRIGGER part_trg'),
    ('ALTER TABLE plain DISABLE TRIGGER ALL'),
    ('ALTER TABLE orphan INHERIT par'),
    ('ALTER TABLE child NO INHERIT par'),
    ('ALTER TABLE part ATTACH PARTITION loose FOR VALUES FROM (30) TO (40)'),
    ('ALTER TABLE plain ATTACH PARTITION plainloose FOR VALUES FROM (30) TO (40)'),
    ('ALTER TABLE part DETACH PARTITION part1'),
    ('ALTER TABLE part DETACH PARTITION part2'),
    ('ALTER TABLE part DETACH PARTITION partd'),
    ('ALTER TABLE plain DETACH PARTITION plain1'),
    ('ALTER TABLE fkp DETACH PARTITION fkp1'),
    ('ALTER TABLE fkp ATTACH PARTITION fkploose FOR VALUES FROM (30) TO (40)'),
    ('ALTER TABLE alone ADD COLUMN z int, ALTER b SET STATISTICS 10, ADD FOREIGN KEY (id) REFERENCES other')
) AS s (script);

-- what else can be altered with its words
SELECT public.check_locks(script) FROM (VALUES
    ('ALTER INDEX t_b_idx SET (fillfactor = 50)'),
    ('ALTER INDEX t_b_idx SET TABLESPACE pg_default'),
    ('ALTER INDEX plain_b_idx ATTACH PARTITION plain1_b_idx'),
    ('ALTER INDEX t_b_idx DEPENDS ON EXTENSION plpgsql'),
    ('ALTER VIEW v SET (security_barrier)'),
    ('ALTER VIEW v ALTER a SET DEFAULT 1'),
    ('ALTER MATERIALIZED VIEW mv CLUSTER ON mv_id_idx'),
    ('ALTER MATERIALIZED VIEW mv DEPENDS ON EXTENSION plpgsql'),
    ('ALTER SEQUENCE seq OWNER TO pg_monitor'),
    ('ALTER SEQUENCE seq RESTART'),
    ('ALTER SEQUENCE seq OWNED BY other.id'),
    ('ALTER DOMAIN dom ADD CHECK (VALUE > 0)'),
    ('ALTER DOMAIN dom ADD CHECK (VALUE > 0) NOT VALID'),
    ('ALTER DOMAIN subdom SET NOT NULL'),
    ('ALTER DOMAIN dom SET DEFAULT 1'),
    ('ALTER POLICY t_pol ON t USING (true)'),
    ('ALTER EXTENSION plpgsql ADD TABLE alone'),
    ('ALTER PUBLICATION regress_locks ADD TABLE t, par, part'),
    ('ALTER PUBLICATION regress_locks DROP TABLE other')
) AS s (script);

-- RENAME and SET SCHEMA
SELECT public.check_locks(script) FROM (VALUES
    ('ALTER TABLE t RENAME TO z'),
    ('ALTER TABLE par RENAME TO z'),
    ('ALTER TABLE t_b_idx RENAME TO z'),
    ('ALTER INDEX t_b_idx RENAME TO z'),
    ('ALTER INDEX t RENAME TO z'),
    ('ALTER VIEW v RENAME TO z'),
    ('ALTER MATERIALIZED VIEW mv RENAME TO z'),
    ('ALTER SEQUENCE seq RENAME TO z'),
    ('ALTER TABLE par RENAME b TO z'),
    ('ALTER VIEW v RENAME a TO z'),
    ('ALTER TABLE t RENAME CONSTRAINT t_pkey TO z'),
    ('ALTER TABLE par RENAME CONSTRAINT par_a_check TO z'),
    ('ALTER TABLE part RENAME CONSTRAINT part_o_fkey TO z'),
    ('ALTER TRIGGER t_trg ON t RENAME TO z'),
    ('ALTER TRIGGER part_trg ON part RENAME TO z'),
    ('ALTER RULE t_rule ON t RENAME TO z'),
    ('ALTER POLICY t_pol ON t RENAME TO z'),
    ('ALTER TABLE t SET SCHEMA regress_locks_too'),
    ('ALTER TABLE par SET SCHEMA regress_locks_too'),
    ('ALTER SEQUENCE seq SET SCHEMA regress_locks_too'),
    ('ALTER VIEW v SET SCHEMA regress_locks_too'),
    ('ALTER MATERIALIZED VIEW mv SET SCHEMA regress_locks_too')
) AS s (script);

-- CREATE
SELECT public.check_locks(script) FROM (VALUES
    ('CREATE TABLE z (i int)'),
    ('CREATE TABLE z (i int REFERENCES other)'),
    ('CREATE TABLE z (i int, FOREIGN KEY (i) REFERENCES part)'),
    ('CREATE TABLE z (i int PRIMARY KEY REFERENCES z)'),
    ('CREATE TABLE z PARTITION OF part FOR VALUES FROM (40) TO (50)'),
    ('CREATE TABLE z PARTITION OF part2 FOR VALUES FROM (15) TO (20)'),
    ('CREATE TABLE z PARTITION OF fkp FOR VALUES FROM (40) TO (50)'),
    ('CREATE TABLE z PARTITION OF plain (CHECK (id > 0)) FOR VALUES FROM (40) TO (50)'),
    ('CREATE TABLE z () INHERITS (par)'),
    ('CREATE TABLE z (LIKE t INCLUDING ALL)'),
    ('CREATE TABLE IF NOT EXISTS t (i int REFERENCES other)'),
    ('CREATE TABLE z AS SELECT * FROM t'),
    ('CREATE SCHEMA regress_locks_z CREATE TABLE z (i int REFERENCES regress_locks.other)'),
    ('CREATE INDEX ON t (a)'),
    ('CREATE INDEX IF NOT EXISTS t_b_idx ON t (b)'),
    ('CREATE INDEX ON par (a)'),
    ('CREATE INDEX ON part (o)'),
    ('CREATE INDEX ON ONLY part (o)'),
    ('CREATE VIEW z AS SELECT * FROM t'),
    ('CREATE OR REPLACE VIEW z AS SELECT * FROM t'),
    ('CREATE OR REPLACE VIEW v AS SELECT id, a, b, o FROM t'),
    ('CREATE STATISTICS z ON a, id FROM t'),
    ('CREATE TRIGGER z BEFORE INSERT ON t FOR EACH ROW EXECUTE FUNCTION trg()'),
    ('CREATE TRIGGER z BEFORE INSERT ON par FOR EACH ROW EXECUTE FUNCTION trg()'),
    ('CREATE TRIGGER z AFTER INSERT ON part FOR EACH ROW EXECUTE FUNCTION trg()'),
    ('CREATE TRIGGER z AFTER INSERT ON part FOR EACH STATEMENT EXECUTE FUNCTION trg()'),
    ('CREATE TRIGGER z INSTEAD OF INSERT ON v FOR EACH ROW EXECUTE FUNCTION trg()'),
    ('CREATE CONSTRAINT TRIGGER z AFTER INSERT ON t FROM other FOR EACH ROW EXECUTE FUNCTION trg()'),
    ('CREATE RULE z AS ON INSERT TO t DO ALSO NOTHING'),
    ('CREATE POLICY z ON t'),
    ('CREATE PUBLICATION regress_locks_z FOR TABLE t, part'),
    ('CREATE PUBLICATION regress_locks_z FOR TABLE par'),
    ('CREATE PUBLICATION regress_locks_z FOR TABLE ONLY par'),
    ('CREATE PUBLICATION regress_locks_z FOR TABLES IN SCHEMA regress_locks')
) AS s (script);

-- DROP, with what goes along
SELECT public.check_locks(script) FROM (VALUES
    ('DROP TABLE alone'),
    ('DROP TABLE refref'),
    ('DROP TABLE ref, refref'),
    ('DROP TABLE t CASCADE'),
    ('DROP TABLE other CASCADE'),
    ('DROP TABLE selfref'),
    ('DROP TABLE plain'),
    ('DROP TABLE plain1'),
    ('DROP TABLE plaind'),
    ('DROP TABLE part CASCADE'),
    ('DROP TABLE refpart'),
    ('DROP TABLE fkp'),
    ('DROP TABLE fkp1'),
    ('DROP TABLE par CASCADE'),
    ('DROP TABLE grandchild'),
    ('DROP TABLE IF EXISTS nowhere, alone'),
    ('DROP INDEX t_b_idx'),
    ('DROP INDEX part_b_idx'),
    ('DROP INDEX plain_b_idx'),
    ('DROP INDEX mv_id_idx'),
    ('DROP VIEW vv'),
    ('DROP VIEW v CASCADE'),
    ('DROP MATERIALIZED VIEW mv'),
    ('DROP SEQUENCE seq CASCADE'),
    ('DROP SEQUENCE t_id_seq CASCADE'),
    ('DROP TRIGGER t_trg ON t'),
    ('DROP TRIGGER part_trg ON part'),
    ('DROP TRIGGER IF EXISTS nowhere ON t'),
    ('DROP RULE t_rule ON t'),
    ('DROP POLICY t_pol ON t'),
    ('DROP STATISTICS t_stat'),
    ('DROP FUNCTION fn() CASCADE'),
    ('DROP FUNCTION trg CASCADE'),
    ('DROP TYPE enm CASCADE'),
    ('DROP DOMAIN dom CASCADE'),
    ('DROP SCHEMA regress_locks_too CASCADE'),
    ('DROP PUBLICATION regress_locks')
) AS s (script);

-- the rest
SELECT public.check_locks(script) FROM (VALUES
    ('TRUNCATE alone'),
    ('TRUNCATE t CASCADE'),
    ('TRUNCATE t RESTART IDENTITY CASCADE'),
    ('TRUNCATE ref, refref RESTART IDENTITY'),
    ('TRUNCATE other CASCADE'),
    ('TRUNCATE par'),
    ('TRUNCATE ONLY par'),
    ('TRUNCATE plain'),
    ('TRUNCATE part CASCADE'),
    ('LOCK TABLE t'),
    ('LOCK TABLE t, other IN SHARE MODE'),
    ('LOCK TABLE par IN SHARE ROW EXCLUSIVE MODE'),
    ('LOCK TABLE ONLY par IN EXCLUSIVE MODE'),
    ('LOCK TABLE part IN SHARE UPDATE EXCLUSIVE MODE'),
    ('CLUSTER t USING t_pkey'),
    ('CLUSTER mv USING mv_id_idx'),
    ('REINDEX TABLE t'),
    ('REINDEX TABLE mv'),
    ('REINDEX INDEX t_b_idx'),
    ('ANALYZE t, alone (id)'),
    ('ANALYZE part'),
    ('REFRESH MATERIALIZED VIEW mv'),
    ('REFRESH MATERIALIZED VIEW CONCURRENTLY mv'),
    ('COMMENT ON TABLE t IS ''z'''),
    ('COMMENT ON COLUMN t.a IS ''z'''),
    ('COMMENT ON INDEX t_b_idx IS ''z'''),
    ('COMMENT ON VIEW v IS ''z'''),
    ('COMMENT ON COLUMN v.a IS ''z'''),
    ('COMMENT ON MATERIALIZED VIEW mv IS ''z'''),
    ('COMMENT ON SEQUENCE seq IS ''z'''),
    ('COMMENT ON CONSTRAINT t_a_check ON t IS ''z'''),
    ('COMMENT ON TRIGGER t_trg ON t IS ''z'''),
    ('COMMENT ON FUNCTION fn() IS ''z'''),
    ('INSERT INTO alone VALUES (1)'),
    ('INSERT INTO alone VALUES (1) ON CONFLICT DO NOTHING'),
    ('INSERT INTO part VALUES (1)'),
    ('UPDATE alone SET b = 1'),
    ('UPDATE part SET b = 1'),
    ('UPDATE v SET b = 1'),
    ('DELETE FROM par'),
    ('DELETE FROM ONLY par'),
    ('MERGE INTO alone USING other ON alone.id = other.id WHEN MATCHED THEN DELETE'),
    ('WITH x AS (DELETE FROM alone RETURNING id) SELECT * FROM x'),
    ('WITH x AS (DELETE FROM alone RETURNING id) INSERT INTO enmt (f) SELECT id FROM x'),
    ('COPY alone FROM ''/dev/null'''),
    ('SELECT * FROM t'),
    ('SELECT * FROM t FOR UPDATE'),
    ('GRANT SELECT ON t TO pg_monitor'),
    ('CREATE FUNCTION z() RETURNS int LANGUAGE sql AS ''SELECT 1''')
) AS s (script);

-- what is not the same in all versions
SELECT script, CASE WHEN public.check_locks(script) ~ 'MISSED|NOT TAKEN' THEN public.check_locks(script) ELSE 'agrees' END
FROM (VALUES
    ('ALTER TABLE par ADD CHECK (a > 1) NO INHERIT'),
    ('ALTER TABLE par ADD UNIQUE (id)'),
    ('ALTER TABLE par ADD FOREIGN KEY (id) REFERENCES other'),
    ('ALTER TABLE part ADD UNIQUE (id)'),
    ('ALTER TABLE keyless ADD PRIMARY KEY (id)'),
    ('ALTER TABLE keyless ADD UNIQUE (id)'),
    ('ALTER TABLE plain ALTER i SET GENERATED BY DEFAULT'),
    ('ALTER TABLE plain ALTER i DROP IDENTITY'),
    ('ANALYZE par')
) AS s (script);

-- The whole of a script: the strongest lock of each relation, two if none of
-- them is the stronger.  What the script makes itself is not there yet, and
-- may hide what is there.
SELECT public.check_locks(script) FROM (VALUES
    ('ALTER TABLE t ADD COLUMN z int; CREATE INDEX ON t (z); UPDATE other SET name = id; ANALYZE t'),
    ('ANALYZE alone; CREATE INDEX ON alone (b); INSERT INTO alone VALUES (1)'),
    ('CREATE INDEX ON alone (b); UPDATE alone SET b = 1'),
    ('CREATE TABLE far (i int PRIMARY KEY); ALTER TABLE far ADD j int; CREATE TABLE z (i int REFERENCES far)'),
    ('CREATE TABLE z (i int); ALTER TABLE z RENAME TO far; ALTER TABLE far ADD j int'),
    ('CREATE TABLE far AS SELECT 1 AS i; CREATE INDEX z ON far (i); ALTER INDEX z RENAME TO zz'),
    ('CREATE TABLE IF NOT EXISTS alone (i int); ALTER TABLE alone ADD j int'),
    ('CREATE TABLE IF NOT EXISTS alone AS SELECT 1 AS i; ALTER TABLE alone ADD j int'),
    ('CREATE VIEW farview2 AS SELECT 1 AS i; CREATE OR REPLACE VIEW farview2 AS SELECT 2 AS i; DROP VIEW farview2'),
    ('CREATE TEMP TABLE alone (i int); ALTER TABLE alone ADD j int'),
    ('DROP TABLE alone; CREATE TABLE alone (i int); ALTER TABLE alone ADD j int'),
    ('DO ''BEGIN PERFORM 1; END''; LOCK TABLE alone'),
    ('')
) AS s (script), LATERAL set_config('search_path', 'regress_locks, regress_locks_too, public', true);

-- Behind a change of the search path or the role, names may mean something
-- else, and so nothing is foreseen.
CREATE FUNCTION public.foreseen(script text) RETURNS text LANGUAGE sql AS $$
    SELECT migrate_edit('c', upgrade => script);
    SELECT concat_ws(' ', script, '->', string_agg(relation || ' ' || mode, ', ' ORDER BY relation::text COLLATE "C", mode))
    FROM migrate_locks('c');
$$;
SELECT public.foreseen(script || '; LOCK TABLE t') FROM (VALUES
    ('SET search_path = public'),
    ('SET LOCAL search_path = public'),
    ('SET "SEARCH_PATH" TO DEFAULT'),
    ('RESET search_path'),
    ('RESET ALL'),
    ('SET SCHEMA ''public'''),
    ('SET ROLE pg_monitor'),
    ('RESET ROLE'),
    ('SET SESSION AUTHORIZATION DEFAULT'),
    ('SELECT pg_catalog.set_config(''search_path'', '''', false)'),
    ('SET work_mem = ''1MB'''),
    ('SELECT set_config(''work_mem'', ''1MB'', false)'),
    ('SET TRANSACTION ISOLATION LEVEL READ COMMITTED')
) AS s (script);

-- What cannot be found or run is no error here, and neither catalogs nor
-- temporary tables are of interest.
CREATE TEMP TABLE temporary (i int);
SELECT public.foreseen(script) FROM (VALUES
    ('ALTER TABLE nowhere ADD z int; DROP TABLE nowhere.t, other_database.regress_locks.t, a.b.c.d CASCADE'),
    ('ALTER TABLE t DROP COLUMN nowhere, DROP CONSTRAINT nowhere, ALTER nowhere TYPE int, ALTER nowhere DROP IDENTITY, VALIDATE CONSTRAINT nowhere, DISABLE TRIGGER nowhere'),
    ('ALTER TABLE t OWNER TO PUBLIC; ALTER TABLE t OWNER TO nobody_of_that_name'),
    ('ALTER TABLE part ATTACH PARTITION nowhere DEFAULT; ALTER TABLE part DETACH PARTITION nowhere'),
    ('ALTER TABLE t RENAME CONSTRAINT nowhere TO z; ALTER TRIGGER nowhere ON t RENAME TO z'),
    ('CREATE TABLE z (i int REFERENCES nowhere); CREATE TABLE nowhere.z PARTITION OF nowhere DEFAULT'),
    ('CREATE OR REPLACE VIEW nowhere.v AS SELECT 1; CREATE TEMP TABLE nowhere.t (i int); CREATE INDEX ON nowhere (i)'),
    ('DROP TRIGGER nowhere ON nowhere; DROP POLICY nowhere ON t; DROP RULE nowhere ON nowhere.t; DROP STATISTICS nowhere.s'),
    ('DROP FUNCTION nowhere, nowhere.f(int), fn(nowhere) CASCADE; DROP TYPE nowhere, nowhere.t, varchar(10), t[] CASCADE'),
    ('DROP SCHEMA nowhere CASCADE; DROP EXTENSION nowhere; DROP DOMAIN nowhere CASCADE; DROP CAST (int AS nowhere)'),
    ('ALTER DOMAIN nowhere SET NOT NULL; ALTER DOMAIN nowhere.d SET NOT NULL; ALTER DOMAIN enm SET NOT NULL'),
    ('COMMENT ON TABLE nowhere IS NULL; COMMENT ON COLUMN z IS NULL; COMMENT ON COLUMN a.b.c.d.e IS NULL'),
    ('TRUNCATE nowhere CASCADE; LOCK TABLE nowhere; REINDEX TABLE nowhere; REINDEX INDEX t; REINDEX TABLE part; CLUSTER nowhere'),
    ('ALTER TABLE pg_class ADD z int; DROP TABLE pg_proc CASCADE; UPDATE information_schema.sql_features SET comments = 1'),
    ('ALTER TABLE temporary ADD z int; TRUNCATE temporary; DROP TABLE pg_temp.temporary; DROP TABLE pg_temp.nowhere'),
    ('CREATE INDEX CONCURRENTLY ON t (a); DROP INDEX CONCURRENTLY t_b_idx; REINDEX TABLE CONCURRENTLY t'),
    ('VACUUM t; CLUSTER; REINDEX SCHEMA regress_locks; ALTER TABLE part DETACH PARTITION part1 CONCURRENTLY'),
    ('ANALYZE; ANALYZE (skip_locked) t; COPY t TO ''/dev/null''')
) AS s (script);
-- a name of three parts is looked up if the first is this database
SELECT public.foreseen(format('ALTER TABLE %I.regress_locks.alone ADD z int; DROP TABLE %I.regress_locks.enmt', current_database(), current_database())) ~ ' -> alone AccessExclusiveLock, enmt AccessExclusiveLock$';

-- No lock is taken for it, and nothing is written.
\pset tuples_only off
\pset format aligned
SELECT migrate_edit('c', upgrade => 'ALTER TABLE par ADD z int; DROP TABLE t CASCADE;', downgrade => 'ALTER TABLE ONLY other ADD y int REFERENCES alone;');
BEGIN READ ONLY;
SELECT * FROM migrate_locks('c') ORDER BY relation::text COLLATE "C";
SELECT * FROM migrate_locks('c', 'downgrade') ORDER BY relation::text COLLATE "C";
SELECT count(*) FROM pg_locks l JOIN public.lock_relations r ON r.relation = l.relation
WHERE l.pid = pg_backend_pid();
COMMIT;
SELECT * FROM migrate_locks('c', 'stamp');
SELECT * FROM migrate_locks('head', 'downgrade', 'default') ORDER BY relation::text COLLATE "C";

-- the search path of the environment
SELECT migrate_environment_create('elsewhere', version_table => 'elsewhere_version', search_path => 'regress_locks_too');
SELECT migrate_revision('elsewhere', 'ALTER TABLE far ADD z int; ALTER TABLE t ADD z int;', 'ALTER TABLE regress_locks.t DROP z;', rev_id => 'e', environment => 'elsewhere');
SELECT * FROM migrate_locks('e', environment => 'elsewhere');
SELECT * FROM migrate_locks('e', 'downgrade', 'elsewhere');
SHOW search_path;

-- what is none
SELECT migrate_locks(NULL);
SELECT migrate_locks('c', NULL);
SELECT migrate_locks('nowhere');
SELECT migrate_locks('base');
SELECT migrate_locks('c', 'sideways');
SELECT migrate_locks('c', environment => 'nowhere');
SELECT migrate_revision('irreversible', 'SELECT 1;', rev_id => 'i');
SELECT migrate_locks('i', 'downgrade');

-- Who may take a lock ahead of the script: who owns the relation or its schema,
-- and who has a right that takes it.
CREATE ROLE regress_locks_owner;
CREATE ROLE regress_locks_schema;
CREATE ROLE regress_locks_member IN ROLE regress_locks_owner;
CREATE ROLE regress_locks_truncate;
CREATE ROLE regress_locks_insert;
CREATE ROLE regress_locks_update_column;
CREATE ROLE regress_locks_references;
CREATE ROLE regress_locks_references_column;
CREATE ROLE regress_locks_trigger;
CREATE ROLE regress_locks_select;
CREATE ROLE regress_locks_outside;
SELECT migrate_edit('c', upgrade => 'CREATE INDEX i ON regress_locks_too.shared (id); UPDATE regress_locks_too.shared SET id = 1;
    LOCK TABLE regress_locks_too.hard; CREATE TABLE z (i int REFERENCES regress_locks_too.referenced);
    INSERT INTO regress_locks_too.written VALUES (1); ALTER INDEX regress_locks_too.indexed_idx RENAME TO z;');
CREATE TABLE regress_locks_too.shared (id int);
CREATE TABLE regress_locks_too.hard (id int);
CREATE TABLE regress_locks_too.referenced (id int PRIMARY KEY);
CREATE TABLE regress_locks_too.written (id int);
CREATE TABLE regress_locks_too.indexed (id int);
CREATE INDEX indexed_idx ON regress_locks_too.indexed (id);
ALTER TABLE regress_locks_too.shared OWNER TO regress_locks_owner;
ALTER TABLE regress_locks_too.hard OWNER TO regress_locks_owner;
ALTER TABLE regress_locks_too.referenced OWNER TO regress_locks_owner;
ALTER TABLE regress_locks_too.written OWNER TO regress_locks_owner;
ALTER TABLE regress_locks_too.indexed OWNER TO regress_locks_owner;
ALTER SCHEMA regress_locks_too OWNER TO regress_locks_schema;
GRANT USAGE ON SCHEMA regress_locks_too TO regress_locks_owner, regress_locks_truncate, regress_locks_insert, regress_locks_update_column,
    regress_locks_references, regress_locks_references_column, regress_locks_trigger, regress_locks_select;
GRANT TRUNCATE ON ALL TABLES IN SCHEMA regress_locks_too TO regress_locks_truncate;
GRANT INSERT ON ALL TABLES IN SCHEMA regress_locks_too TO regress_locks_insert;
GRANT UPDATE (id) ON regress_locks_too.shared, regress_locks_too.hard, regress_locks_too.referenced, regress_locks_too.written TO regress_locks_update_column;
GRANT REFERENCES ON ALL TABLES IN SCHEMA regress_locks_too TO regress_locks_references;
GRANT REFERENCES (id) ON regress_locks_too.shared, regress_locks_too.hard, regress_locks_too.referenced, regress_locks_too.written TO regress_locks_references_column;
GRANT TRIGGER ON ALL TABLES IN SCHEMA regress_locks_too TO regress_locks_trigger;
GRANT SELECT ON ALL TABLES IN SCHEMA regress_locks_too TO regress_locks_select;
SELECT count(migrate_grant(rolname, 'viewer')) FROM pg_roles WHERE rolname LIKE 'regress\_locks\_%';
CREATE FUNCTION public.permitted() RETURNS TABLE (role name, permitted text) LANGUAGE plpgsql AS $$
BEGIN
    FOR role IN SELECT rolname FROM pg_roles WHERE rolname LIKE 'regress\_locks\_%' ORDER BY rolname COLLATE "C" LOOP
        EXECUTE format('SET LOCAL ROLE %I', role);
        SELECT string_agg(replace(relation::text, 'regress_locks_too.', '') || ' ' || replace(mode, 'Lock', ''), ', '
            ORDER BY relation::text COLLATE "C", mode) INTO permitted.permitted
        FROM public.migrate_locks('c') l WHERE l.permitted;
        RESET ROLE;
        RETURN NEXT;
    END LOOP;
END $$;
SELECT * FROM public.permitted();
-- whoever may not look into the schema finds nothing there
SET ROLE regress_locks_outside;
SELECT * FROM public.migrate_locks('c');
RESET ROLE;

DROP SCHEMA regress_locks, regress_locks_too CASCADE;
DROP PUBLICATION regress_locks;
DROP FUNCTION public.check_locks, public.covers, public.foreseen, public.permitted;
DROP TABLE public.lock_modes, public.lock_relations;
RESET search_path;
DROP EXTENSION migrate;
DROP ROLE regress_locks_owner, regress_locks_schema, regress_locks_member, regress_locks_truncate, regress_locks_insert, regress_locks_update_column,
    regress_locks_references, regress_locks_references_column, regress_locks_trigger, regress_locks_select, regress_locks_outside;
