--
-- Tenants: new tables in guarded schemas
--
SET client_min_messages = warning;
DROP EXTENSION IF EXISTS migrate CASCADE;
DROP TABLE IF EXISTS alembic_version;
CREATE EXTENSION migrate;
RESET client_min_messages;
\a
CREATE ROLE regress_migrate_owner;
SELECT migrate_grant('regress_migrate_owner', 'operator');
CREATE SCHEMA saas AUTHORIZATION regress_migrate_owner;
CREATE SCHEMA other AUTHORIZATION regress_migrate_owner;
CREATE TABLE saas.orgs (id integer PRIMARY KEY);
CREATE TABLE saas.docs (id integer PRIMARY KEY, tenant_id integer NOT NULL);
CREATE TABLE saas.old (id integer);
CREATE TABLE saas.events (id integer, tenant_id integer NOT NULL, PRIMARY KEY (id)) PARTITION BY LIST (id);
ALTER TABLE saas.orgs OWNER TO regress_migrate_owner;
ALTER TABLE saas.docs OWNER TO regress_migrate_owner;
ALTER TABLE saas.events OWNER TO regress_migrate_owner;
CREATE VIEW known AS SELECT relation, mode, column_name, parent, made -> 'by_schema' AS by_schema FROM migrate.tenant_table ORDER BY relation::text COLLATE "C";
GRANT SELECT ON known TO PUBLIC;
SELECT * FROM migrate_tenant_setup('saas.orgs');
SELECT count(*) FROM migrate_tenant_protect_schema('saas', exclude => '{saas.old}');
SELECT * FROM migrate_tenant_guard('always');
SELECT * FROM migrate_tenant_guard(NULL);
SELECT migrate_tenant_guard_trigger();
-- it is for the superuser to make an event trigger, and asked for
SET ROLE regress_migrate_owner;
SELECT * FROM migrate_tenant_guard('protect');
RESET ROLE;
SELECT count(*) FROM pg_event_trigger;
SELECT * FROM migrate_tenant_guard('protect', dry_run => true);
SELECT * FROM migrate_tenant_guard('protect');
SELECT * FROM migrate_tenant_guard('protect');
SELECT evtname, evtevent, evttags, evtfoid::regproc FROM pg_event_trigger;
-- one that was switched off, or is not ours
ALTER EVENT TRIGGER migrate_tenant_guard DISABLE;
SELECT * FROM migrate_tenant_guard('protect', dry_run => true);
SELECT * FROM migrate_tenant_guard('protect');
ALTER EVENT TRIGGER migrate_tenant_guard ENABLE REPLICA;
SELECT * FROM migrate_tenant_guard('protect');
ALTER EVENT TRIGGER migrate_tenant_guard ENABLE ALWAYS;
SELECT * FROM migrate_tenant_guard('protect');
SELECT evtenabled FROM pg_event_trigger;
BEGIN;
DROP EVENT TRIGGER migrate_tenant_guard;
CREATE FUNCTION nothing() RETURNS event_trigger LANGUAGE plpgsql AS $$ BEGIN END $$;
CREATE EVENT TRIGGER migrate_tenant_guard ON ddl_command_end EXECUTE FUNCTION nothing();
SELECT * FROM migrate_tenant_guard('off');
SAVEPOINT s;
SELECT * FROM migrate_tenant_guard('refuse');
ROLLBACK;

-- A new table is protected at once, whoever makes it and however.
SET ROLE regress_migrate_owner;
CREATE TABLE saas.notes (id integer PRIMARY KEY, tenant_id integer NOT NULL);
CREATE TABLE saas.steps (id integer PRIMARY KEY, doc_id integer NOT NULL REFERENCES saas.docs);
CREATE TABLE saas.copies (LIKE saas.docs INCLUDING ALL);
CREATE TABLE other.moved (id integer PRIMARY KEY, tenant_id integer NOT NULL);
ALTER TABLE other.moved SET SCHEMA saas;
CREATE TABLE saas.children () INHERITS (saas.docs);
CREATE TABLE other.born () INHERITS (saas.docs);
SELECT * FROM known;
RESET ROLE;
-- a partition with its table, in any schema, made or attached, with all below it
CREATE TABLE other.events_1 PARTITION OF saas.events FOR VALUES IN (1);
CREATE TABLE other.events_2 (id integer NOT NULL, tenant_id integer NOT NULL) PARTITION BY LIST (id);
CREATE TABLE other.events_2_2 PARTITION OF other.events_2 FOR VALUES IN (2);
ALTER TABLE saas.events ATTACH PARTITION other.events_2 FOR VALUES IN (2, 3);
CREATE TABLE other.events_2_3 PARTITION OF other.events_2 FOR VALUES IN (3);
SELECT * FROM known WHERE mode = 'partition';
SELECT relname, relrowsecurity, relforcerowsecurity FROM pg_class WHERE relname LIKE 'events_2%' AND relkind IN ('r', 'p') ORDER BY 1;

-- What is not clear is refused at the end of the transaction, if nobody said.
CREATE TABLE saas.plain (id integer);
CREATE TABLE saas.nullable (tenant_id integer);
CREATE TABLE saas.ctas AS SELECT 1 AS id;
SELECT 1 AS id INTO saas.into_table;
CREATE TABLE saas.parts (id integer) PARTITION BY LIST (id);
ALTER TABLE other.events_1 SET SCHEMA saas;
BEGIN;
CREATE TABLE saas.plain (id integer);
SELECT * FROM migrate_tenant_exempt('saas.plain', 'nothing to see');
CREATE TABLE saas.nullable (tenant_id integer);
SELECT count(*) FROM migrate_tenant_protect('saas.nullable', 'shared');
-- a column that comes second
CREATE TABLE saas.second (id integer);
ALTER TABLE saas.second ADD COLUMN tenant_id integer NOT NULL;
-- one that is gone by then
CREATE TABLE saas.gone (id integer);
DROP TABLE saas.gone;
SAVEPOINT s;
CREATE TABLE saas.gone (id integer);
ROLLBACK TO s;
SAVEPOINT s;
CREATE TABLE other.back (id integer);
ALTER TABLE other.back SET SCHEMA saas;
ALTER TABLE saas.back SET SCHEMA other;
-- one whose foreign key leads nowhere as yet
CREATE TABLE saas.early (id integer PRIMARY KEY, late_id integer NOT NULL);
CREATE TABLE saas.late (id integer PRIMARY KEY, tenant_id integer NOT NULL);
ALTER TABLE saas.early ADD FOREIGN KEY (late_id) REFERENCES saas.late;
-- partitions before it is said what their table is
CREATE TABLE saas.parts (id integer, tenant integer NOT NULL) PARTITION BY LIST (id);
CREATE TABLE saas.parts_1 PARTITION OF saas.parts DEFAULT;
SELECT count(*) FROM migrate_tenant_protect('saas.parts', column_name => 'tenant');
CREATE TABLE saas.free (id integer) PARTITION BY LIST (id);
CREATE TABLE saas.free_1 PARTITION OF saas.free DEFAULT;
SELECT count(*) FROM migrate_tenant_exempt('saas.free', 'free');
COMMIT;
SELECT * FROM known WHERE relation::text ~ 'plain|nullable|second|gone|back|early|late|parts|free';
-- a partition of what is exempt needs no word
CREATE TABLE saas.free_2 PARTITION OF saas.free FOR VALUES IN (2);
-- in a revision, too
SELECT migrate_revision('make a table', 'CREATE TABLE saas.revised (id integer);', 'DROP TABLE saas.revised;', rev_id => '001');
SELECT migrate_upgrade();
SELECT migrate_edit('001', upgrade => 'CREATE TABLE saas.revised (id integer); SELECT migrate_tenant_exempt(''saas.revised'', ''why'');',
    downgrade => 'SELECT migrate_tenant_unexempt(''saas.revised''); DROP TABLE saas.revised;');
SELECT migrate_upgrade();
SELECT migrate_downgrade('base');
DROP TABLE alembic_version;
-- and the version table
SELECT migrate_environment_create('saas', 'version', 'saas');
SELECT migrate_revision('nothing', '', '', rev_id => '001', environment => 'saas');
SELECT migrate_stamp('001', environment => 'saas');
SELECT relation, mode, reason FROM migrate.tenant_table WHERE relation = 'saas.version'::regclass;
DROP TABLE saas.version;

-- Not temporary tables, other schemas, nor what an extension makes.
CREATE TEMP TABLE passing (id integer);
CREATE TABLE other.plain (id integer);
DROP TABLE passing;
-- nor a table that was left out
ALTER TABLE saas.old ADD COLUMN name text;
ALTER TABLE saas.old RENAME TO older;
CREATE VIEW saas.seen AS SELECT 1 AS id;
CREATE MATERIALIZED VIEW saas.kept AS SELECT 1 AS id;

-- Refused until somebody has said what it is.
SELECT * FROM migrate_tenant_guard('refuse');
CREATE TABLE saas.clear (id integer PRIMARY KEY, tenant_id integer NOT NULL);
BEGIN;
CREATE TABLE saas.clear (id integer PRIMARY KEY, tenant_id integer NOT NULL);
SELECT count(*) FROM migrate_tenant_protect('saas.clear');
CREATE TABLE saas.events_4 PARTITION OF saas.events FOR VALUES IN (4);
COMMIT;
BEGIN;
CREATE TABLE saas.prepared (id integer PRIMARY KEY);
PREPARE TRANSACTION 'regress_migrate';
SELECT * FROM known WHERE relation::text ~ 'clear|events_4';
-- a schema that has another name now is still guarded
ALTER SCHEMA saas RENAME TO renamed;
CREATE TABLE renamed.plainer (id integer);
ALTER SCHEMA renamed RENAME TO saas;

-- Nobody manages or guards the schema of another one, nor lets go of its tables.
CREATE ROLE regress_migrate_other;
SELECT migrate_grant('regress_migrate_other', 'operator');
GRANT CREATE, USAGE ON SCHEMA saas, other TO regress_migrate_other;
SET ROLE regress_migrate_other;
CREATE TABLE other.mine (id integer PRIMARY KEY);
SELECT object, action FROM migrate_tenant_setup('other.mine', model => 'mine');
SELECT * FROM migrate_tenant_protect_schema('other', model => 'mine');
SELECT * FROM migrate_tenant_protect_schema('other', model => 'mine', dry_run => true);
SELECT * FROM migrate_tenant_unprotect_schema('saas');
RESET ROLE;
-- the owner of the schema may give it away, but then it is the owner's guard
CREATE TABLE other.yours (id integer);
ALTER TABLE other.yours OWNER TO regress_migrate_owner;
SET ROLE regress_migrate_owner;
SELECT object, action FROM migrate_tenant_exempt('other.yours', 'nobody''s', model => 'mine');
SELECT object, action FROM migrate_tenant_protect_schema('other', '{other.plain,other.mine,other.back,other.born}', 'mine') WHERE action = 'register';
SET ROLE regress_migrate_other;
SELECT * FROM migrate_tenant_guard('refuse', 'mine');
SELECT * FROM migrate_tenant_teardown('mine', cascade => true);
RESET ROLE;
SELECT relation, mode, reason FROM migrate.tenant_table WHERE model = 'mine';
SELECT count(*) > 0 FROM migrate_tenant_teardown('mine', cascade => true);
DROP TABLE other.mine, other.yours;
DROP OWNED BY regress_migrate_other;
DROP ROLE regress_migrate_other;

-- Another model is another matter; the trigger goes with the last guard.
CREATE TABLE other.tenants (id integer PRIMARY KEY);
SELECT * FROM migrate_tenant_setup('other.tenants', model => 'second');
SELECT * FROM migrate_tenant_protect_schema('saas', model => 'second');
SELECT object, action FROM migrate_tenant_guard('protect', 'second');
SELECT object, action FROM migrate_tenant_guard('off');
CREATE TABLE saas.plainer (id integer);
SELECT object, action FROM migrate_tenant_guard('off', 'second');
SELECT object, action FROM migrate_tenant_guard('off', 'second');
SELECT count(*) FROM pg_event_trigger;

SET client_min_messages = warning;
SELECT object, action FROM migrate_tenant_guard('protect', 'second');
SELECT object, action FROM migrate_tenant_teardown('second', cascade => true);
SELECT count(*) > 0 FROM migrate_tenant_teardown(cascade => true);
DROP SCHEMA saas, other CASCADE;
DROP VIEW known;
DROP OWNED BY regress_migrate_owner;
DROP ROLE regress_migrate_owner;
