--
-- Tenants: tables that become partitions, and that cease to be
--
SET client_min_messages = warning;
DROP EXTENSION IF EXISTS migrate CASCADE;
DROP TABLE IF EXISTS alembic_version;
CREATE EXTENSION migrate;
RESET client_min_messages;
\a
CREATE ROLE regress_migrate_app;
CREATE SCHEMA parts;
SET search_path = parts, public;
CREATE TABLE orgs (id integer PRIMARY KEY);
CREATE TABLE docs (id integer PRIMARY KEY, tenant_id integer NOT NULL REFERENCES orgs);
CREATE TABLE ev (id integer NOT NULL, tenant_id integer NOT NULL) PARTITION BY LIST (id);
CREATE TABLE ev1 PARTITION OF ev FOR VALUES IN (1);
CREATE TABLE ev2 PARTITION OF ev FOR VALUES IN (2);
CREATE TABLE ev3 PARTITION OF ev FOR VALUES IN (3, 4) PARTITION BY LIST (id);
CREATE TABLE a_part PARTITION OF ev3 FOR VALUES IN (3);
CREATE TABLE labels (id integer NOT NULL, tenant_id integer) PARTITION BY LIST (id);
CREATE TABLE labels1 PARTITION OF labels FOR VALUES IN (1);
CREATE TABLE steps (id integer NOT NULL, doc_id integer NOT NULL REFERENCES docs) PARTITION BY LIST (id);
CREATE TABLE steps1 PARTITION OF steps FOR VALUES IN (1);
CREATE TABLE people (id integer PRIMARY KEY, tenant_id integer NOT NULL);
CREATE TABLE staff () INHERITS (people);
CREATE VIEW known AS SELECT relation, mode, column_name, via, parent FROM migrate.tenant_table ORDER BY relation::text COLLATE "C";
CREATE VIEW closed AS SELECT relname, relrowsecurity AND relforcerowsecurity AS closed, (SELECT count(*) FROM pg_policy WHERE polrelid = c.oid) AS policies
    FROM pg_class c WHERE relnamespace = 'parts'::regnamespace AND relkind IN ('r', 'p') ORDER BY 1;
SELECT * FROM migrate_tenant_setup('orgs');
SET client_min_messages = warning;
SELECT count(*) > 0 FROM migrate_tenant_protect('docs') UNION ALL SELECT count(*) > 0 FROM migrate_tenant_protect('ev')
UNION ALL SELECT count(*) > 0 FROM migrate_tenant_protect('labels', 'shared') UNION ALL SELECT count(*) > 0 FROM migrate_tenant_protect('steps')
UNION ALL SELECT count(*) > 0 FROM migrate_tenant_protect('people');
RESET client_min_messages;

-- What was detached stays protected, and is a table of its own from then on.
ALTER TABLE ev DETACH PARTITION ev1;
ALTER TABLE ev DETACH PARTITION ev3;
ALTER TABLE labels DETACH PARTITION labels1;
ALTER TABLE steps DETACH PARTITION steps1;
ALTER TABLE staff NO INHERIT people;
SELECT relation, mode, column_name, via, missing, reason FROM migrate_tenant_plan('parts') WHERE relation::text ~ '[0-9]$|a_part|staff';
BEGIN;
SELECT object, action FROM migrate_tenant_protect('ev1');
SELECT object, action FROM migrate_tenant_protect('ev1');
SELECT object, action FROM migrate_tenant_protect('ev3');
SELECT object, action FROM migrate_tenant_protect('labels1');
SELECT object, action FROM migrate_tenant_protect('steps1');
SELECT object, action FROM migrate_tenant_protect('staff');
SELECT * FROM known;
ROLLBACK;
-- together, by their schema
BEGIN;
SELECT object, action FROM migrate_tenant_protect_schema('parts', exclude => '{orgs}') WHERE action !~ 'policy|create';
ROLLBACK;
-- and they follow the model
BEGIN;
SELECT count(*) > 0 FROM migrate_tenant_setup('orgs', app_roles => '{regress_migrate_app}');
SELECT tablename, roles FROM pg_policies WHERE policyname = 'migrate_tenant' AND tablename ~ '^(ev|a_part)' ORDER BY 1;
ROLLBACK;

-- To take the other one back leaves them as they are.
SELECT object, action FROM migrate_tenant_unprotect('ev');
SELECT object, action FROM migrate_tenant_unprotect('labels', dry_run => true);
SELECT object, action FROM migrate_tenant_unprotect('labels');
SELECT object, action FROM migrate_tenant_unprotect('steps');
SELECT object, action FROM migrate_tenant_unprotect('people');
SELECT * FROM known;
SELECT * FROM closed;
SELECT object, action FROM migrate_tenant_protect('ev1');
SELECT object, action FROM migrate_tenant_unprotect('ev1');
SELECT object, action FROM migrate_tenant_unprotect('a_part');
SELECT object, action FROM migrate_tenant_unprotect('ev3');
SELECT count(*) > 0 FROM migrate_tenant_unprotect('labels1') UNION ALL SELECT count(*) > 0 FROM migrate_tenant_unprotect('steps1')
UNION ALL SELECT count(*) > 0 FROM migrate_tenant_unprotect('staff');
SELECT * FROM closed WHERE closed OR policies > 0;
SELECT * FROM known;

-- One that is exempt is not let in.
SELECT count(*) > 0 FROM migrate_tenant_exempt('ev1', 'old');
SELECT count(*) > 0 FROM migrate_tenant_protect('ev');
SELECT object, action FROM migrate_tenant_guard('protect');
ALTER TABLE ev ATTACH PARTITION ev1 FOR VALUES IN (1);
-- with those below it
ALTER TABLE ev3 ATTACH PARTITION ev1 FOR VALUES IN (4);
ALTER TABLE ev ATTACH PARTITION ev3 FOR VALUES IN (3, 4);
-- without a guard it comes to light as soon as the table is protected again
ALTER TABLE ev3 DETACH PARTITION ev1;
ALTER EVENT TRIGGER migrate_tenant_guard DISABLE;
ALTER TABLE ev ATTACH PARTITION ev1 FOR VALUES IN (1);
ALTER EVENT TRIGGER migrate_tenant_guard ENABLE;
ALTER TABLE ev ADD COLUMN body text;
SELECT * FROM migrate_tenant_protect('ev');
SELECT relation, mode FROM migrate_tenant_plan('parts') WHERE relation IN ('ev'::regclass, 'ev1');
SELECT object, action FROM migrate_tenant_unexempt('ev1');
SELECT object, action FROM migrate_tenant_protect('ev');

SET client_min_messages = warning;
SELECT count(*) > 0 FROM migrate_tenant_teardown(cascade => true);
RESET search_path;
DROP SCHEMA parts CASCADE;
DROP ROLE regress_migrate_app;
