--
-- Tenants: columns and foreign keys that get another name
--
SET client_min_messages = warning;
DROP EXTENSION IF EXISTS migrate CASCADE;
DROP TABLE IF EXISTS alembic_version;
CREATE EXTENSION migrate;
RESET client_min_messages;
\a
CREATE SCHEMA saas;
SET search_path = saas, public;
CREATE TABLE orgs (id integer PRIMARY KEY);
CREATE TABLE docs (id integer PRIMARY KEY, tenant_id integer NOT NULL);
CREATE TABLE steps (id integer PRIMARY KEY, doc_id integer NOT NULL CONSTRAINT doc REFERENCES docs, other_id integer CONSTRAINT other REFERENCES docs);
CREATE TABLE parts (id integer PRIMARY KEY, step_id integer NOT NULL CONSTRAINT step REFERENCES steps);
CREATE TABLE ev (id integer NOT NULL, tenant_id integer NOT NULL) PARTITION BY LIST (id);
CREATE TABLE ev1 PARTITION OF ev FOR VALUES IN (1);
INSERT INTO orgs VALUES (1);
INSERT INTO docs VALUES (1, 1);
INSERT INTO steps VALUES (1, 1, 1);
INSERT INTO parts VALUES (1, 1);
CREATE VIEW state AS
    SELECT concat_ws(' ', attrelid::regclass, attname, attnotnull, pg_get_expr(adbin, adrelid)) AS what FROM pg_attribute a LEFT JOIN pg_attrdef ON adrelid = attrelid AND adnum = attnum
    WHERE attrelid IN (SELECT oid FROM pg_class WHERE relnamespace = 'saas'::regnamespace AND relkind IN ('r', 'p')) AND attnum > 0 AND NOT attisdropped
    UNION ALL SELECT concat_ws(' ', conrelid::regclass, conname, pg_get_constraintdef(oid)) FROM pg_constraint WHERE connamespace = 'saas'::regnamespace
    UNION ALL SELECT indexrelid::regclass::text FROM pg_index WHERE indrelid IN (SELECT oid FROM pg_class WHERE relnamespace = 'saas'::regnamespace)
    UNION ALL SELECT concat_ws(' ', polrelid::regclass, polname) FROM pg_policy
    UNION ALL SELECT concat_ws(' ', oid::regclass, relrowsecurity, relforcerowsecurity) FROM pg_class WHERE relnamespace = 'saas'::regnamespace AND relrowsecurity;
CREATE TEMP TABLE before AS SELECT what FROM state;
CREATE VIEW known AS
    SELECT 'table' AS kind, relation, column_name, via FROM migrate.tenant_table
    UNION ALL SELECT 'column', relation, column_name, via FROM migrate.tenant_column
    UNION ALL SELECT 'link', relation, NULL, constraint_name FROM migrate.tenant_link
    ORDER BY 1, 2, 4;
SELECT * FROM migrate_tenant_setup('orgs');
SET client_min_messages = warning;
SELECT count(*) > 0 FROM migrate_tenant_add_column('steps', 'doc') UNION ALL SELECT count(*) > 0 FROM migrate_tenant_link('doc', 'steps')
UNION ALL SELECT count(*) > 0 FROM migrate_tenant_link('other', 'steps') UNION ALL SELECT count(*) > 0 FROM migrate_tenant_protect_schema('saas')
UNION ALL SELECT count(*) > 0 FROM migrate_tenant_guard('protect');
RESET client_min_messages;
SELECT * FROM known;

-- What is called something else is still what it was.
ALTER TABLE docs RENAME tenant_id TO org_id;
ALTER TABLE steps RENAME tenant_id TO org_id;
ALTER TABLE ev RENAME tenant_id TO org_id;
ALTER TABLE parts RENAME CONSTRAINT step TO its_step;
ALTER TABLE steps RENAME CONSTRAINT doc TO passing;
ALTER TABLE steps RENAME CONSTRAINT other TO doc;
ALTER TABLE steps RENAME CONSTRAINT passing TO its_doc;
SELECT relation, mode, column_name, via, missing FROM migrate_tenant_plan('saas') WHERE mode <> 'root';
SELECT object, action FROM migrate_tenant_protect('ev', dry_run => true);
CREATE TABLE ev2 PARTITION OF ev FOR VALUES IN (2);
SELECT relation, mode, column_name FROM migrate.tenant_table WHERE relation = 'ev2'::regclass;
CALL migrate_tenant_backfill('steps');
-- a call notes it, and has nothing else to do
SELECT object, action FROM migrate_tenant_protect('docs');
SELECT object, action FROM migrate_tenant_protect('parts');
SELECT object, action FROM migrate_tenant_add_column('steps');
SELECT * FROM known;
SELECT object, action FROM migrate_tenant_protect('docs');

-- An inverse finds everything.
SELECT * FROM migrate_tenant_unlink('other', 'steps');
SELECT object, action FROM migrate_tenant_unlink('its_doc', 'steps');
SELECT object, action FROM migrate_tenant_unlink('doc', 'steps');
SELECT object, action FROM migrate_tenant_unprotect_schema('saas') WHERE object ~ 'column|index|table' AND action !~ 'security';
SELECT object, action FROM migrate_tenant_drop_column('steps');
SELECT * FROM known;
DROP TABLE ev2;
ALTER TABLE docs RENAME org_id TO tenant_id;
ALTER TABLE ev RENAME org_id TO tenant_id;
ALTER TABLE parts RENAME CONSTRAINT its_step TO step;
ALTER TABLE steps RENAME CONSTRAINT doc TO other;
ALTER TABLE steps RENAME CONSTRAINT its_doc TO doc;
SELECT what FROM state EXCEPT SELECT * FROM before;
SELECT what FROM before EXCEPT SELECT what FROM state;

-- Renamed after all calls, and taken back together.
SET client_min_messages = warning;
SELECT count(*) > 0 FROM migrate_tenant_add_column('steps', 'doc') UNION ALL SELECT count(*) > 0 FROM migrate_tenant_link('doc', 'steps')
UNION ALL SELECT count(*) > 0 FROM migrate_tenant_protect_schema('saas');
RESET client_min_messages;
ALTER TABLE docs RENAME tenant_id TO org_id;
ALTER TABLE steps RENAME tenant_id TO org_id;
ALTER TABLE steps RENAME CONSTRAINT doc TO its_doc;
BEGIN;
SELECT count(*) > 0 FROM migrate_tenant_teardown(cascade => true, dry_run => true);
SELECT count(*) > 0 FROM migrate_tenant_teardown(cascade => true);
ALTER TABLE docs RENAME org_id TO tenant_id;
ALTER TABLE steps RENAME CONSTRAINT its_doc TO doc;
SELECT what FROM state EXCEPT SELECT * FROM before;
SELECT what FROM before EXCEPT SELECT what FROM state;
ROLLBACK;

-- After a dump was restored a number and an OID are somebody else's: names count,
-- and the next call takes them anew.
ALTER TABLE docs RENAME org_id TO tenant_id;
ALTER TABLE steps RENAME org_id TO tenant_id;
ALTER TABLE steps RENAME CONSTRAINT its_doc TO doc;
UPDATE migrate.tenant_table SET relation_oid = 1, column_number = 1, via_oid = (SELECT oid FROM pg_constraint WHERE conname = 'other');
UPDATE migrate.tenant_column SET relation_oid = 1, column_number = 1, via_oid = (SELECT oid FROM pg_constraint WHERE conname = 'other');
UPDATE migrate.tenant_link SET relation_oid = 1, constraint_oid = (SELECT oid FROM pg_constraint WHERE conname = 'other');
SELECT relation, mode, column_name, missing FROM migrate_tenant_plan('saas') WHERE column_name IS NOT NULL;
SELECT object, action FROM migrate_tenant_protect('docs');
SELECT * FROM known;
SELECT count(*) FROM migrate.tenant_table t WHERE relation_oid <> relation OR column_name <> (SELECT attname FROM pg_attribute WHERE attrelid = relation AND attnum = column_number);
ALTER TABLE docs RENAME tenant_id TO org_id;
SELECT relation, column_name FROM migrate_tenant_plan('saas') WHERE relation = 'docs'::regclass;

-- A column that is gone is gone, and not another one.
SELECT count(*) > 0 FROM migrate_tenant_unlink('doc', 'steps');
SELECT count(*) > 0 FROM migrate_tenant_unprotect_schema('saas');
ALTER TABLE steps DROP COLUMN tenant_id;
SELECT * FROM migrate_tenant_drop_column('steps');

SET client_min_messages = warning;
SELECT count(*) > 0 FROM migrate_tenant_teardown(cascade => true);
RESET search_path;
DROP SCHEMA saas CASCADE;
DROP TABLE before;
