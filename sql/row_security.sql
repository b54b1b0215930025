--
-- Scripts and row level security: a migrator who owns the tables, is bound by
-- FORCE and bypasses nothing
--
SET client_min_messages = warning;
DROP EXTENSION IF EXISTS migrate CASCADE;
DROP TABLE IF EXISTS alembic_version;
CREATE EXTENSION migrate;
RESET client_min_messages;
\a
\set SHOW_CONTEXT never

CREATE ROLE regress_migrate_owner NOSUPERUSER NOBYPASSRLS;
CREATE ROLE regress_migrate_app;
SELECT migrate_grant('regress_migrate_owner', 'author');
SELECT migrate_grant('regress_migrate_owner', 'operator');
GRANT CREATE ON SCHEMA public TO regress_migrate_owner;
SET ROLE regress_migrate_owner;

CREATE TABLE orgs (id integer PRIMARY KEY);
CREATE TABLE docs (id integer PRIMARY KEY, tenant_id integer NOT NULL, title text);
CREATE TABLE kinds (id integer PRIMARY KEY);
INSERT INTO orgs VALUES (1), (2);
INSERT INTO docs VALUES (1, 1, ' one '), (2, 2, ' two ');
ALTER TABLE docs ADD COLUMN kind integer NOT NULL DEFAULT 7;
SELECT count(*) > 0 AS made FROM migrate_tenant_setup('orgs', app_roles => '{regress_migrate_app}');
SELECT count(*) > 0 AS made FROM migrate_tenant_protect('docs');
SELECT relname, relrowsecurity, relforcerowsecurity FROM pg_class WHERE relname = 'docs';

SELECT migrate_revision('trim titles', rev_id => 'trim',
	upgrade => 'UPDATE docs SET title = btrim(title)',
	downgrade => 'UPDATE docs SET title = '' '' || title || '' ''');
-- kind 7 does not exist
SELECT migrate_revision('refer to kinds', rev_id => 'kind',
	upgrade => 'ALTER TABLE docs ADD CONSTRAINT docs_kind_fkey FOREIGN KEY (kind) REFERENCES kinds',
	downgrade => 'ALTER TABLE docs DROP CONSTRAINT docs_kind_fkey');

-- What is there, seen by somebody who sees all
RESET ROLE;
CREATE VIEW all_docs AS SELECT id, tenant_id, quote_literal(title) AS title, kind FROM docs;
SET ROLE regress_migrate_owner;

-- ---- Without the guard: two holes, and a third ----

SET migrate.row_security_guard = off;

-- The backfill changes nothing, and the downgrade neither, and both succeed.
SELECT migrate_upgrade('trim');
RESET ROLE;
SELECT * FROM all_docs ORDER BY id;
SET ROLE regress_migrate_owner;
SELECT migrate_downgrade('base');

-- The foreign key is valid, over rows that violate it.
SELECT migrate_upgrade('kind');
SELECT convalidated FROM pg_constraint WHERE conname = 'docs_kind_fkey';
RESET ROLE;
SELECT count(*) AS orphans FROM docs WHERE NOT EXISTS (SELECT FROM kinds WHERE kinds.id = docs.kind);
SET ROLE regress_migrate_owner;
SELECT migrate_downgrade('base');

-- Where a policy lets the owner see the rows of a tenant, and one happens to be
-- set, those are changed, and no others.
RESET ROLE;
GRANT regress_migrate_app TO regress_migrate_owner;
SET ROLE regress_migrate_owner;
SET migrate.tenant = '1';
SELECT migrate_upgrade('trim');
RESET ROLE;
SELECT * FROM all_docs ORDER BY id;
SET ROLE regress_migrate_owner;
SELECT migrate_downgrade('base');
RESET migrate.tenant;

-- So it is in a deploy: in the session, in batches and at top level.
SELECT migrate_revision('in batches', rev_id => 'batches', head => '{kind}',
	upgrade => 'UPDATE docs SET title = btrim(title) WHERE migrate_batch(docs.id)',
	downgrade => 'SELECT 1');
SELECT migrate_load($$-- at top level
--
-- Revision ID: top
-- Revises: batches

-- migrate:upgrade transaction:no
UPDATE docs SET title = btrim(title);

-- migrate:downgrade
SELECT 1;
$$);
CALL migrate_deploy();
RESET ROLE;
SELECT * FROM all_docs ORDER BY id;
SELECT revision, direction, outcome, row_security_guard FROM migrate.log ORDER BY id;
TRUNCATE migrate.log;
SET ROLE regress_migrate_owner;
CALL migrate_rollback('base');

-- ---- With it: none of them ----

RESET migrate.row_security_guard;
SHOW migrate.row_security_guard;

SELECT migrate_upgrade('trim');
SET migrate.tenant = '1';
SELECT migrate_upgrade('trim');
SHOW migrate.tenant;
RESET migrate.tenant;
CALL migrate_deploy('trim');

SELECT migrate_stamp('trim');
SELECT migrate_downgrade('base');
CALL migrate_rollback('base');
SELECT migrate_upgrade('kind');
CALL migrate_deploy('kind');
SELECT count(*) AS foreign_keys FROM pg_constraint WHERE conname = 'docs_kind_fkey';

SELECT migrate_stamp('kind');
CALL migrate_deploy('batches');
SELECT migrate_stamp('batches');
CALL migrate_deploy('top');
SELECT revision FROM migrate_current();

RESET ROLE;
SELECT * FROM all_docs ORDER BY id;
SELECT revision, direction, outcome, sqlstate, row_security_guard FROM migrate.log ORDER BY id;

-- ---- Who bypasses row level security does all of it ----

DELETE FROM docs WHERE id = 2;
INSERT INTO kinds VALUES (7);
INSERT INTO docs VALUES (2, 2, ' two ', 7);
ALTER ROLE regress_migrate_owner BYPASSRLS;
SET ROLE regress_migrate_owner;
SELECT migrate_stamp('base');
SELECT migrate_upgrade('trim');
SELECT migrate_downgrade('base');
CALL migrate_deploy();
RESET ROLE;
SELECT * FROM all_docs ORDER BY id;
SELECT convalidated FROM pg_constraint WHERE conname = 'docs_kind_fkey';

-- ---- No tenant is set for a script, whichever setting holds it ----

CREATE TABLE customers (name text PRIMARY KEY);
CREATE TABLE seen (id integer GENERATED ALWAYS AS IDENTITY, tenant text, customer text);
GRANT ALL ON seen TO regress_migrate_owner;
SELECT count(*) > 0 AS made FROM migrate_tenant_setup('customers', key => 'name', model => 'customers',
	column_name => 'customer', setting => 'regress.customer', policy_style => 'inline');
SET ROLE regress_migrate_owner;
SELECT migrate_revision('look', rev_id => 'look',
	upgrade => 'INSERT INTO seen (tenant, customer)
		SELECT current_setting(''migrate.tenant''), current_setting(''regress.customer'', true)',
	downgrade => 'SELECT 1');
SELECT migrate_load($$-- at top level, too
--
-- Revision ID: look_top
-- Revises: look

-- migrate:upgrade transaction:no
INSERT INTO seen (tenant, customer) SELECT current_setting('migrate.tenant'), current_setting('regress.customer', true);

-- migrate:downgrade
SELECT 1;
$$);
SET migrate.tenant = '1';
SET regress.customer = 'Acme';
SELECT migrate_upgrade('look');
SELECT current_setting('migrate.tenant') AS tenant, current_setting('regress.customer') AS customer;
SELECT migrate_downgrade('-1');
CALL migrate_deploy();
SELECT current_setting('migrate.tenant') AS tenant, current_setting('regress.customer') AS customer;
SELECT migrate_downgrade('-2');
SELECT tenant, customer FROM seen ORDER BY id;

-- Ours is one even where no tenants are set up; others are none then.
RESET ROLE;
TRUNCATE seen;
SELECT count(*) > 0 AS taken FROM migrate_tenant_teardown('customers');
SELECT count(*) > 0 AS taken FROM migrate_tenant_teardown(cascade => true);
SET ROLE regress_migrate_owner;
CALL migrate_deploy();
SELECT tenant, customer FROM seen ORDER BY id;
RESET migrate.tenant;
RESET regress.customer;
RESET ROLE;

SET client_min_messages = warning;
DROP VIEW all_docs;
DROP TABLE docs, orgs, kinds, customers, seen, alembic_version;
DROP EXTENSION migrate CASCADE;
DROP OWNED BY regress_migrate_owner, regress_migrate_app;
DROP ROLE regress_migrate_owner, regress_migrate_app;
