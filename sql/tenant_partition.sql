--
-- Tenants: partitions and children
--
SET client_min_messages = warning;
DROP EXTENSION IF EXISTS migrate CASCADE;
DROP TABLE IF EXISTS alembic_version;
CREATE EXTENSION migrate;
RESET client_min_messages;
\a
CREATE ROLE regress_migrate_app;
CREATE SCHEMA parts;

CREATE TABLE orgs (id integer PRIMARY KEY);
CREATE TABLE events (id integer, tenant_id integer NOT NULL REFERENCES orgs, day date, body text, PRIMARY KEY (id, day)) PARTITION BY RANGE (day);
CREATE TABLE parts.events_1 PARTITION OF events FOR VALUES FROM ('2024-01-01') TO ('2024-02-01') PARTITION BY LIST (id);
CREATE TABLE parts.events_1_1 PARTITION OF parts.events_1 FOR VALUES IN (1);
CREATE TABLE parts.events_1_2 PARTITION OF parts.events_1 DEFAULT;
CREATE TABLE parts.events_2 (day date NOT NULL, body text, tenant_id integer NOT NULL DEFAULT 7, id integer NOT NULL);
ALTER TABLE parts.events_2 ENABLE ROW LEVEL SECURITY;
CREATE POLICY migrate_tenant ON parts.events_2 USING (day > '2000-01-01');
ALTER TABLE events ATTACH PARTITION parts.events_2 FOR VALUES FROM ('2024-02-01') TO ('2024-03-01');
CREATE TABLE marks (id integer PRIMARY KEY, event_id integer NOT NULL, day date NOT NULL, FOREIGN KEY (event_id, day) REFERENCES events) PARTITION BY HASH (id);
CREATE TABLE marks_0 PARTITION OF marks FOR VALUES WITH (MODULUS 2, REMAINDER 0);
CREATE TABLE marks_1 PARTITION OF marks FOR VALUES WITH (MODULUS 2, REMAINDER 1);
CREATE TABLE people (id integer PRIMARY KEY, tenant_id integer NOT NULL, name text);
CREATE TABLE staff (room text) INHERITS (people);
CREATE TABLE bosses (title text, PRIMARY KEY (id)) INHERITS (staff);
CREATE TEMP TABLE visitors () INHERITS (people);

SELECT * FROM migrate_tenant_setup('orgs', app_roles => '{regress_migrate_app}');
SELECT relation, mode, missing, reason FROM migrate_tenant_plan('public');
SELECT relation, mode, missing, reason FROM migrate_tenant_plan('parts');
CREATE FUNCTION state() RETURNS SETOF text LANGUAGE sql STABLE AS $$
    SELECT concat_ws(' ', c.oid::regclass, c.relrowsecurity, c.relforcerowsecurity,
        (SELECT string_agg(concat_ws(' ', polname, pg_get_expr(polqual, polrelid)), '; ' ORDER BY polname) FROM pg_policy WHERE polrelid = c.oid),
        (SELECT string_agg(pg_get_expr(adbin, adrelid), '; ') FROM pg_attrdef WHERE adrelid = c.oid),
        (SELECT string_agg(indexrelid::regclass::text, ', ' ORDER BY indexrelid::regclass::text) FROM pg_index WHERE indrelid = c.oid))
    FROM pg_class c WHERE relkind IN ('r', 'p') AND relnamespace IN ('public'::regnamespace, 'parts'::regnamespace) AND relname <> 'orgs'
    ORDER BY 1
$$;
CREATE TEMP TABLE before AS SELECT state FROM state();
SELECT * FROM before;

-- A partition is protected with its table.
SELECT * FROM migrate_tenant_protect('parts.events_1_1');
SELECT * FROM migrate_tenant_exempt('parts.events_1_1', 'why not');
SELECT * FROM migrate_tenant_add_column('parts.events_1_1');
SELECT * FROM migrate_tenant_protect('events');
SELECT * FROM migrate_tenant_protect('events');
SELECT count(*) FROM migrate_tenant_protect('marks', dry_run => true);
SELECT object, action FROM migrate_tenant_protect('marks');
SELECT polrelid::regclass, pg_get_expr(polqual, polrelid) FROM pg_policy WHERE polname = 'migrate_tenant' AND polrelid::regclass::text LIKE 'marks%' ORDER BY 1;
-- so is a child, for which there are an index and a default of its own
SELECT * FROM migrate_tenant_protect('people');
SELECT relation, mode, column_name, parent, before FROM migrate.tenant_table ORDER BY relation::text COLLATE "C";
SELECT * FROM state();
SELECT relation, mode, missing FROM migrate_tenant_plan('public') UNION ALL SELECT relation, mode, missing FROM migrate_tenant_plan('parts');

-- It holds for whoever touches them directly.
INSERT INTO orgs VALUES (1), (2);
INSERT INTO events VALUES (1, 1, '2024-01-01', 'of 1'), (2, 2, '2024-01-01', 'of 2'), (3, 2, '2024-02-01', 'of 2');
INSERT INTO marks VALUES (1, 1, '2024-01-01'), (2, 2, '2024-01-01'), (3, 1, '2024-01-01');
INSERT INTO bosses (id, tenant_id, name) VALUES (1, 1, 'Ann'), (2, 2, 'Bob');
GRANT USAGE ON SCHEMA parts TO regress_migrate_app;
GRANT SELECT, INSERT ON ALL TABLES IN SCHEMA public, parts TO regress_migrate_app;
SET ROLE regress_migrate_app;
BEGIN;
SET LOCAL migrate.tenant = 1;
SELECT body FROM events;
SELECT body FROM parts.events_1_2;
SELECT body FROM parts.events_2;
SELECT id FROM marks ORDER BY 1;
SELECT (SELECT count(*) FROM marks_0) + (SELECT count(*) FROM marks_1) AS marks;
SELECT name FROM people;
SELECT name FROM bosses;
INSERT INTO parts.events_2 (id, day) VALUES (4, '2024-02-02');
ROLLBACK;
BEGIN;
SET LOCAL migrate.tenant = 1;
INSERT INTO staff (id) VALUES (4);
INSERT INTO staff (id, tenant_id) VALUES (4, 2);
ROLLBACK;
RESET ROLE;

-- Later ones are covered by another call.
CREATE TABLE parts.events_3 PARTITION OF events FOR VALUES FROM ('2024-03-01') TO ('2024-04-01');
CREATE TABLE guests () INHERITS (people);
SELECT relation, mode, missing FROM migrate_tenant_plan('parts') WHERE missing <> '{}';
SELECT relation, mode, missing FROM migrate_tenant_plan('public') WHERE missing <> '{}';
SELECT object, action FROM migrate_tenant_protect('events');
SELECT object, action FROM migrate_tenant_protect('guests');
-- one that is detached stays protected, and can be taken back by itself then
SELECT * FROM migrate_tenant_unprotect('parts.events_3');
ALTER TABLE events DETACH PARTITION parts.events_3;
SELECT object, action FROM migrate_tenant_unprotect('parts.events_3');
-- one with a default of its own is as it was
SELECT object, action FROM migrate_tenant_unprotect('events');
SELECT object, action FROM migrate_tenant_unprotect('marks');
SELECT object, action FROM migrate_tenant_unprotect('events');
SELECT object, action FROM migrate_tenant_unprotect('people');
DROP TABLE parts.events_3, guests;
SELECT state FROM state() EXCEPT SELECT * FROM before;
SELECT state FROM before EXCEPT SELECT * FROM state();

-- A child may be a table of tenants in its own right, and a foreign table is left.
CREATE FOREIGN DATA WRAPPER regress_migrate;
CREATE SERVER regress_migrate FOREIGN DATA WRAPPER regress_migrate;
CREATE FOREIGN TABLE far_people () INHERITS (people) SERVER regress_migrate;
SELECT object, action FROM migrate_tenant_protect('staff');
SELECT object, action FROM migrate_tenant_protect('people');
SELECT relation, mode, parent FROM migrate.tenant_table ORDER BY relation::text COLLATE "C";
SELECT object, action FROM migrate_tenant_unprotect('staff');
SELECT relation, mode, parent FROM migrate.tenant_table ORDER BY relation::text COLLATE "C";
SELECT object, action FROM migrate_tenant_unprotect('people');
DROP FOREIGN DATA WRAPPER regress_migrate CASCADE;
-- the whole schema, children after their tables
SET client_min_messages = warning;
SELECT count(*) FROM migrate_tenant_protect_schema('public');
RESET client_min_messages;
SELECT relation, mode, parent FROM migrate.tenant_table ORDER BY relation::text COLLATE "C";
SELECT * FROM migrate_tenant_protect_schema('public');
SELECT * FROM migrate_tenant_protect_schema('parts');
SELECT count(*) FROM migrate_tenant_unprotect_schema('public');
SELECT * FROM migrate.tenant_table;
SELECT state FROM state() EXCEPT SELECT * FROM before;

-- A tenant column for a partitioned table, and a foreign key.
SELECT count(*) FROM migrate_tenant_add_column('marks', dry_run => true);
SELECT * FROM migrate_tenant_add_column('marks');
SELECT tableoid::regclass, * FROM marks ORDER BY id;
ALTER TABLE marks ADD CONSTRAINT same FOREIGN KEY (id) REFERENCES marks;
SELECT * FROM migrate_tenant_link('same', 'marks_0');
SELECT * FROM migrate_tenant_link('same', 'marks');
SELECT * FROM migrate_tenant_link('marks_event_id_day_fkey', 'marks');
SELECT relation, missing FROM migrate_tenant_plan('public') WHERE relation = 'marks'::regclass;
SELECT conname, conrelid::regclass, convalidated, pg_get_constraintdef(oid) FROM pg_constraint WHERE conrelid::regclass::text LIKE 'marks%' AND contype = 'f' AND confrelid::regclass::text IN ('marks', 'events') ORDER BY conrelid::regclass::text COLLATE "C", conname;
SELECT * FROM migrate_tenant_unlink('marks_event_id_day_fkey', 'marks');
SELECT * FROM migrate_tenant_unlink('same', 'marks');
ALTER TABLE marks DROP CONSTRAINT same;
SELECT * FROM migrate_tenant_drop_column('marks');
SELECT state FROM state() EXCEPT SELECT * FROM before;
SELECT object, action FROM migrate_tenant_add_column('marks', step => 'column');
CALL migrate_tenant_backfill('marks', 1);
SELECT * FROM migrate_tenant_drop_column('marks');
-- by way of an inherited table
CREATE TABLE badges (id integer PRIMARY KEY, person_id integer NOT NULL REFERENCES people);
CREATE TABLE gold_badges () INHERITS (badges);
INSERT INTO people VALUES (9, 2, 'Eve');
INSERT INTO badges VALUES (1, 9);
INSERT INTO gold_badges VALUES (2, 9);
SELECT object, action FROM migrate_tenant_add_column('badges', step => 'column');
CALL migrate_tenant_backfill('badges');
SELECT tableoid::regclass, * FROM badges ORDER BY id;
SELECT object, action FROM migrate_tenant_add_column('badges');
SELECT object, action FROM migrate_tenant_drop_column('badges');

-- A partition of somebody else's is not changed in passing.
CREATE ROLE regress_migrate_owner;
SELECT migrate_grant('regress_migrate_owner', 'operator');
CREATE TABLE theirs (id integer, tenant_id integer NOT NULL) PARTITION BY LIST (id);
CREATE TABLE theirs_1 PARTITION OF theirs FOR VALUES IN (1);
CREATE POLICY migrate_tenant ON theirs_1 USING (id = 1);
SELECT count(*) > 0 AS protected FROM migrate_tenant_protect('theirs');
ALTER TABLE theirs OWNER TO regress_migrate_owner;
CREATE ROLE regress_migrate_other;
ALTER TABLE theirs_1 OWNER TO regress_migrate_other;
ALTER TABLE theirs_1 DISABLE ROW LEVEL SECURITY, NO FORCE ROW LEVEL SECURITY;
DROP POLICY migrate_tenant ON theirs_1;
DROP POLICY migrate_tenant_floor ON theirs_1;
SET ROLE regress_migrate_owner;
SELECT * FROM migrate_tenant_unprotect('theirs');
RESET ROLE;
SELECT relation FROM migrate.tenant_table WHERE relation::text LIKE 'theirs%' ORDER BY relation::text;

SET client_min_messages = warning;
SELECT object, action FROM migrate_tenant_teardown(cascade => true);
DROP TABLE theirs;
DROP OWNED BY regress_migrate_owner;
DROP ROLE regress_migrate_owner, regress_migrate_other;
DROP SCHEMA parts CASCADE;
DROP TABLE orgs, events, marks, people, badges CASCADE;
DROP FUNCTION state;
DROP TABLE before;
DROP ROLE regress_migrate_app;
