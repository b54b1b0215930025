--
-- Tenants: giving a table a tenant column, in one go and step by step
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
SET ROLE regress_migrate_owner;
SET search_path = saas, public;
CREATE TABLE orgs (id varchar(20) PRIMARY KEY, name text UNIQUE NOT NULL);
CREATE TABLE docs (id serial PRIMARY KEY, org varchar(20) NOT NULL REFERENCES orgs, UNIQUE (org, id));
CREATE TABLE steps (id serial PRIMARY KEY, doc_id integer NOT NULL REFERENCES docs, body text);
CREATE TABLE parts (step_id integer NOT NULL REFERENCES steps, body text);
CREATE TABLE names (id serial PRIMARY KEY, org_name text REFERENCES orgs (name));
CREATE TABLE pairs (id serial PRIMARY KEY, org varchar(20), doc_id integer, FOREIGN KEY (org, doc_id) REFERENCES docs (org, id));
INSERT INTO orgs VALUES ('a', 'A'), ('b', 'B');
INSERT INTO docs (org) VALUES ('a'), ('b'), ('b');
INSERT INTO steps (doc_id) SELECT 1 + i % 3 FROM generate_series(1, 1000) i;
INSERT INTO parts SELECT i FROM generate_series(1, 1000) i;
INSERT INTO names (org_name) VALUES ('A'), ('B');
INSERT INTO pairs (org, doc_id) VALUES ('a', 1), ('b', 2);
SELECT * FROM migrate_tenant_setup('orgs');

-- What cannot be done is refused.
SELECT * FROM migrate_tenant_add_column('docs');
SELECT * FROM migrate_tenant_add_column('parts');
SELECT * FROM migrate_tenant_add_column('parts', 'steps_doc_id_fkey');
SELECT * FROM migrate_tenant_add_column('steps', step => 'half');
SELECT * FROM migrate_tenant_add_column('steps', step => 'index');
SELECT * FROM migrate_tenant_add_column('orgs');
SELECT * FROM migrate_tenant_drop_column('steps');
CALL migrate_tenant_backfill('steps');
CALL migrate_tenant_backfill('steps', 0);
CALL migrate_tenant_backfill(NULL);

-- All steps at once: the tenant stands under a name of its own in docs.
SELECT object, action FROM migrate_tenant_protect('docs');
SELECT object, action FROM migrate_tenant_protect('orgs');
SELECT * FROM migrate_tenant_add_column('steps', dry_run => true);
SELECT * FROM migrate_tenant_add_column('steps');
SELECT * FROM migrate_tenant_add_column('steps');
SELECT * FROM migrate_tenant_add_column('steps', dry_run => true);
SELECT * FROM migrate_tenant_add_column('steps', 'other');
SELECT * FROM migrate_tenant_add_column('steps', column_name => 'other');
SELECT tenant_id, count(*) FROM steps GROUP BY 1 ORDER BY 1;
SELECT relforcerowsecurity FROM pg_class WHERE oid = 'docs'::regclass;
\d steps
-- to the root by another column; the tenant in the foreign key itself
SELECT * FROM migrate_tenant_add_column('names', column_name => 'owner');
SELECT * FROM names;
SELECT * FROM migrate_tenant_add_column('pairs');
SELECT * FROM pairs;
RESET ROLE;
SELECT relation, model, column_name, via, parent, made, role FROM migrate.tenant_column ORDER BY relation::text COLLATE "C";
SET ROLE regress_migrate_owner;

-- One after the other, each taken back by itself.
SELECT * FROM migrate_tenant_add_column('parts', step => 'column');
SELECT * FROM migrate_tenant_add_column('parts', step => 'column');
SELECT * FROM migrate_tenant_add_column('parts', step => 'check');
INSERT INTO parts VALUES (1);
SET migrate.tenant = 'b';
INSERT INTO parts VALUES (1);
RESET migrate.tenant;
-- no row is filled, and nothing is lost, while rows of the parent are not seen
SELECT object, action FROM migrate_tenant_protect('steps');
CALL migrate_tenant_backfill('parts');
SELECT object, action FROM migrate_tenant_unprotect('steps');
CALL migrate_tenant_backfill('parts', 300);
CALL migrate_tenant_backfill('parts', 300);
SELECT count(*), count(*) FILTER (WHERE p.tenant_id = s.tenant_id) FROM parts p JOIN steps s ON s.id = p.step_id;
BEGIN;
CALL migrate_tenant_backfill('parts');
ROLLBACK;
DO $$ BEGIN CALL migrate_tenant_backfill('saas.parts'); END $$;
CREATE FUNCTION fill() RETURNS void LANGUAGE plpgsql AS $$ BEGIN CALL migrate_tenant_backfill('saas.parts'); END $$;
SELECT fill();
SELECT * FROM migrate_tenant_add_column('parts', step => 'not_null');
SELECT * FROM migrate_tenant_add_column('parts', step => 'check');
SELECT * FROM migrate_tenant_add_column('parts', step => 'index');
SELECT * FROM migrate_tenant_drop_column('parts', 'half');
SELECT * FROM migrate_tenant_drop_column('parts', 'index', dry_run => true);
SELECT * FROM migrate_tenant_drop_column('parts', 'index');
SELECT * FROM migrate_tenant_drop_column('parts', 'not_null');
SELECT * FROM migrate_tenant_drop_column('parts', 'not_null');
SELECT * FROM migrate_tenant_drop_column('parts', 'check');
SELECT * FROM migrate_tenant_drop_column('parts', 'backfill');
SELECT * FROM migrate_tenant_drop_column('parts', 'column');
SELECT * FROM migrate_tenant_drop_column('parts');
\d parts

-- Rows that have no tenant.
SELECT * FROM migrate_tenant_drop_column('names');
INSERT INTO names (org_name) VALUES (NULL), (NULL);
SELECT * FROM migrate_tenant_add_column('names');
SELECT object, action FROM migrate_tenant_add_column('names', step => 'column');
CALL migrate_tenant_backfill('names');
SELECT * FROM migrate_tenant_add_column('names', step => 'not_null');
RESET ROLE;
CALL migrate_tenant_backfill('names');
SET ROLE regress_migrate_owner;
SELECT * FROM names ORDER BY id;
DELETE FROM names WHERE org_name IS NULL;
SELECT object, action FROM migrate_tenant_add_column('names', step => 'not_null');
SELECT object, action FROM migrate_tenant_add_column('names', step => 'backfill');

-- Triggers fire, and find what they find in the session's search path.
CREATE TABLE seen (n bigint);
CREATE FUNCTION note() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO seen SELECT count(*) FROM new_rows;
    RETURN NULL;
END $$;
CREATE TRIGGER note AFTER UPDATE ON names REFERENCING NEW TABLE AS new_rows FOR EACH STATEMENT EXECUTE FUNCTION note();
SELECT object, action FROM migrate_tenant_drop_column('names');
SELECT object, action FROM migrate_tenant_add_column('names');
SELECT * FROM seen;
DROP TRIGGER note ON names;

-- A trigger may keep the column as it is, sooner or later; that never ends
-- well, and ends.
SELECT object, action FROM migrate_tenant_drop_column('names');
SELECT object, action FROM migrate_tenant_add_column('names', step => 'column');
CREATE FUNCTION keep() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF TG_ARGV[0] = 'before' THEN
        NEW.tenant_id := OLD.tenant_id;
    ELSIF TG_ARGV[0] = 'out' THEN
        RETURN NULL;
    ELSIF NEW.tenant_id IS NOT NULL THEN
        UPDATE saas.names SET tenant_id = NULL WHERE id = NEW.id;
    END IF;
    RETURN NEW;
END $$;
CREATE TRIGGER keep BEFORE UPDATE ON names FOR EACH ROW EXECUTE FUNCTION keep('before');
RESET ROLE;
SET statement_timeout = '20s';
CALL migrate_tenant_backfill('names');
SELECT * FROM migrate_tenant_add_column('names', step => 'backfill');
DROP TRIGGER keep ON names;
CREATE TRIGGER keep BEFORE UPDATE ON names FOR EACH ROW EXECUTE FUNCTION keep('out');
CALL migrate_tenant_backfill('names');
DROP TRIGGER keep ON names;
CREATE TRIGGER keep AFTER UPDATE ON names FOR EACH ROW EXECUTE FUNCTION keep('after');
CALL migrate_tenant_backfill('names');
CALL migrate_tenant_backfill('names', 1);
DROP TRIGGER keep ON names;
-- one for some rows only, and the others are filled
CREATE TRIGGER keep BEFORE UPDATE ON names FOR EACH ROW WHEN (OLD.org_name = 'B') EXECUTE FUNCTION keep('before');
CALL migrate_tenant_backfill('names', 1);
SELECT org_name, tenant_id FROM names ORDER BY org_name;
DROP TRIGGER keep ON names;
DROP FUNCTION keep;
RESET statement_timeout;
CALL migrate_tenant_backfill('names');
SET ROLE regress_migrate_owner;
SELECT object, action FROM migrate_tenant_add_column('names', step => 'not_null');

-- A column that was there is left there, and what was made of it taken back.
SELECT object, action FROM migrate_tenant_drop_column('names');
ALTER TABLE names ADD COLUMN tenant_id text;
CREATE INDEX mine ON names (tenant_id);
SELECT * FROM migrate_tenant_add_column('names');
SELECT * FROM migrate_tenant_drop_column('names');
\d names
ALTER TABLE names DROP COLUMN tenant_id, ADD COLUMN tenant_id integer;
SELECT * FROM migrate_tenant_add_column('names');
ALTER TABLE names DROP COLUMN tenant_id;

-- A column that is in use stays.
SELECT object, action FROM migrate_tenant_protect('steps');
SELECT * FROM migrate_tenant_drop_column('steps');
-- in all of its parts
SELECT * FROM migrate_tenant_drop_column('steps', 'not_null');
SELECT * FROM migrate_tenant_drop_column('steps', 'index', dry_run => true);
SELECT * FROM migrate_tenant_drop_column('steps', 'check');
SELECT * FROM migrate_tenant_drop_column('steps', 'backfill');
SELECT object, action FROM migrate_tenant_link('steps_doc_id_fkey', 'steps');
SELECT object, action FROM migrate_tenant_unprotect('steps');
SELECT * FROM migrate_tenant_drop_column('steps');
SELECT object, action FROM migrate_tenant_unlink('steps_doc_id_fkey', 'steps');
SELECT * FROM migrate_tenant_drop_column('steps', dry_run => true);
SELECT * FROM migrate_tenant_drop_column('steps');
SELECT count(*) FROM migrate_tenant_add_column('steps', step => 'column');
ALTER TABLE steps DROP COLUMN tenant_id;
SELECT * FROM migrate_tenant_drop_column('steps');

-- In a revision the procedure is run by itself, if that is what is asked for.
SELECT count(*) FROM migrate_tenant_add_column('steps', step => 'column');
RESET ROLE;
SELECT migrate_revision('fill', rev_id => 'f1', create_date => '2026-01-01',
    upgrade => $$CALL migrate_tenant_backfill('saas.steps')$$, downgrade => '');
\set VERBOSITY terse
CALL migrate_deploy('f1');
\set VERBOSITY default
SELECT migrate_remove('f1');
SELECT migrate_revision('fill', rev_id => 'f2', create_date => '2026-01-01', transactional => false,
    upgrade => $$CALL migrate_tenant_backfill('saas.steps')$$, downgrade => '');
CALL migrate_deploy('f2');
SELECT count(*) FROM steps WHERE tenant_id IS NULL;
SELECT migrate_stamp('base');
SELECT migrate_remove('f2');
SET ROLE regress_migrate_owner;

SELECT object, action FROM migrate_tenant_teardown(cascade => true);
RESET ROLE;
RESET search_path;
SET client_min_messages = warning;
DROP SCHEMA saas CASCADE;
DROP OWNED BY regress_migrate_owner;
DROP ROLE regress_migrate_owner;
