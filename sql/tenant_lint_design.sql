--
-- migrate_tenant_lint(): columns, keys, indexes and policies, and whether the
-- statement that mends a defect keeps what was right
--
SET client_min_messages = warning;
DROP EXTENSION IF EXISTS migrate CASCADE;
DROP SCHEMA IF EXISTS lint CASCADE;
CREATE EXTENSION migrate;
CREATE ROLE regress_tenant_owner;
CREATE ROLE regress_tenant_app;
CREATE ROLE regress_tenant_admin;
CREATE ROLE regress_tenant_other;
CREATE SCHEMA lint AUTHORIZATION regress_tenant_owner;
SET ROLE regress_tenant_owner;
CREATE TABLE lint.tenants (id uuid PRIMARY KEY, name text);
CREATE TABLE lint.docs (
    tenant_id uuid NOT NULL REFERENCES lint.tenants,
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    slug text,
    amount numeric,
    UNIQUE (tenant_id, id)
);
CREATE TABLE lint.labels (tenant_id uuid REFERENCES lint.tenants, id uuid PRIMARY KEY, name text);
CREATE INDEX ON lint.labels (tenant_id);
CREATE TABLE lint.countries (code text PRIMARY KEY);
CREATE TABLE lint.steps (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    doc_id bigint NOT NULL CONSTRAINT steps_doc REFERENCES lint.docs (id)
);
GRANT USAGE ON SCHEMA lint TO regress_tenant_app, regress_tenant_other, regress_tenant_admin;
GRANT SELECT, INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA lint TO regress_tenant_app, regress_tenant_admin;
RESET ROLE;
SELECT count(*) > 0 AS done FROM migrate_tenant_setup('lint.tenants',
    app_roles => '{regress_tenant_app}', admin_role => 'regress_tenant_admin');
SELECT count(*) > 0 AS done FROM migrate_tenant_protect('lint.tenants');
SELECT count(*) > 0 AS done FROM migrate_tenant_protect('lint.docs');
SELECT count(*) > 0 AS done FROM migrate_tenant_protect('lint.labels', 'shared');
SELECT count(*) > 0 AS done FROM migrate_tenant_protect('lint.steps', 'parent', via => 'steps_doc');
SELECT count(*) > 0 AS done FROM migrate_tenant_exempt('lint.countries', 'the same for all');
CREATE VIEW pg_temp.finding AS
SELECT * FROM migrate_tenant_lint() WHERE code NOT IN ('T019', 'T023');
-- Execute what mends the findings, those of a code or all.
CREATE FUNCTION pg_temp.mend(which text DEFAULT '%') RETURNS void LANGUAGE plpgsql AS $$
DECLARE
    statement text;
BEGIN
    FOR statement IN SELECT fix FROM pg_temp.finding WHERE code LIKE which LOOP
        EXECUTE statement;
    END LOOP;
END
$$;
\x
TABLE pg_temp.finding;

-- ---- T003, T004, T018 ----

-- without an expression a permissive policy lets nothing through
BEGIN;
DROP POLICY migrate_tenant ON lint.docs;
DROP POLICY migrate_tenant_floor ON lint.docs;
CREATE POLICY nothing ON lint.docs FOR SELECT TO regress_tenant_app;
CREATE POLICY none ON lint.docs FOR INSERT TO regress_tenant_app;
SELECT code, severity, object, problem FROM pg_temp.finding WHERE code <> 'T018';
ROLLBACK;
-- and a restrictive one restricts nothing
BEGIN;
DROP POLICY migrate_tenant_floor ON lint.docs;
CREATE POLICY nothing ON lint.docs AS RESTRICTIVE FOR SELECT;
CREATE POLICY open ON lint.docs FOR SELECT TO regress_tenant_app USING (true);
SELECT code, severity, object, problem FROM pg_temp.finding WHERE code <> 'T018';
ROLLBACK;
-- the floor of another role holds nothing up
BEGIN;
ALTER POLICY migrate_tenant_floor ON lint.docs TO regress_tenant_other;
CREATE POLICY open ON lint.docs FOR SELECT TO regress_tenant_app USING (true);
SELECT code, severity, object, problem FROM pg_temp.finding;
-- not even where both are asked about
SELECT code, severity, object, problem FROM migrate_tenant_lint(roles => '{regress_tenant_app,regress_tenant_other}')
WHERE code = 'T004';
ROLLBACK;
-- that of the role itself does, whose rights it has
BEGIN;
CREATE POLICY open ON lint.docs FOR SELECT TO regress_tenant_other USING (true);
SELECT code, severity, object, problem FROM pg_temp.finding;
CREATE POLICY floor ON lint.docs AS RESTRICTIVE FOR SELECT TO regress_tenant_other
    USING (tenant_id = migrate_tenant_current());
SELECT code, severity, object, problem FROM pg_temp.finding;
ROLLBACK;
-- without the floor the next policy opens the table
BEGIN;
DROP POLICY migrate_tenant_floor ON lint.docs;
TABLE pg_temp.finding;
SELECT pg_temp.mend();
TABLE pg_temp.finding;
ROLLBACK;
-- what hangs on a shared row is everybody's, though there is somebody it belongs to
BEGIN;
SET LOCAL ROLE regress_tenant_owner;
CREATE TABLE lint.uses (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    label_id uuid NOT NULL CONSTRAINT uses_label REFERENCES lint.labels (id)
);
RESET ROLE;
SELECT count(*) > 0 AS done FROM migrate_tenant_protect('lint.uses', 'parent', via => 'uses_label');
TABLE pg_temp.finding;
ALTER TABLE lint.uses ADD doc_id bigint CONSTRAINT uses_doc REFERENCES lint.docs (id);
TABLE pg_temp.finding;
ALTER TABLE lint.uses ALTER doc_id SET NOT NULL;
TABLE pg_temp.finding;
SELECT pg_temp.mend('T004');
TABLE pg_temp.finding;
ROLLBACK;
-- the same with a key that leads to the tenant itself
BEGIN;
SET LOCAL ROLE regress_tenant_owner;
CREATE TABLE lint.uses (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    label_id uuid NOT NULL CONSTRAINT uses_label REFERENCES lint.labels (id),
    customer uuid NOT NULL CONSTRAINT uses_customer REFERENCES lint.tenants
);
RESET ROLE;
SELECT count(*) > 0 AS done FROM migrate_tenant_protect('lint.uses', 'parent', via => 'uses_label');
TABLE pg_temp.finding;
SELECT pg_temp.mend('T004');
SELECT code, object FROM pg_temp.finding;
ROLLBACK;

-- ---- T007 ----

BEGIN;
ALTER TABLE lint.docs RENAME tenant_id TO customer;
TABLE pg_temp.finding;
SELECT pg_temp.mend();
TABLE pg_temp.finding;
ALTER TABLE lint.docs DROP tenant_id CASCADE;
SELECT * FROM pg_temp.finding WHERE code = 'T007';
ROLLBACK;

-- ---- T010 ----

-- a column that is only kept in the index does not make it the tenant's
BEGIN;
CREATE UNIQUE INDEX docs_slug ON lint.docs (slug COLLATE "C" text_pattern_ops DESC NULLS LAST) INCLUDE (tenant_id)
    WITH (fillfactor = 70) WHERE amount > 0;
ALTER TABLE lint.docs ADD CONSTRAINT docs_amount UNIQUE (amount) INCLUDE (tenant_id, id) DEFERRABLE;
CREATE UNIQUE INDEX labels_name ON lint.labels (name) INCLUDE (id) WHERE name > 'a';
TABLE pg_temp.finding;
SELECT pg_temp.mend();
TABLE pg_temp.finding;
SELECT pg_get_indexdef(indexrelid) FROM pg_index
WHERE indexrelid = ANY ('{lint.docs_slug,lint.docs_amount,lint.labels_name}'::regclass[]) ORDER BY 1;
ROLLBACK;
-- rows that exclude each other
BEGIN;
ALTER TABLE lint.docs ADD CONSTRAINT docs_slug EXCLUDE (slug WITH =) INCLUDE (amount) WHERE (amount > 0);
ALTER TABLE lint.docs ADD CONSTRAINT docs_both EXCLUDE (slug WITH =, tenant_id WITH =);
ALTER TABLE lint.docs ADD place point;
ALTER TABLE lint.docs ADD CONSTRAINT docs_place EXCLUDE USING gist (place WITH ~=);
TABLE pg_temp.finding;
SELECT pg_temp.mend();
SELECT code, object FROM pg_temp.finding;
SELECT pg_get_constraintdef(oid) FROM pg_constraint WHERE conname = 'docs_slug';
ROLLBACK;
-- an index of one partition, and that of the table above
BEGIN;
SET LOCAL ROLE regress_tenant_owner;
CREATE TABLE lint.events (tenant_id uuid NOT NULL REFERENCES lint.tenants, day date NOT NULL, n integer)
    PARTITION BY RANGE (day);
CREATE INDEX ON lint.events (tenant_id);
CREATE TABLE lint.events_all PARTITION OF lint.events FOR VALUES FROM (MINVALUE) TO (MAXVALUE);
RESET ROLE;
SELECT count(*) > 0 AS done FROM migrate_tenant_protect('lint.events');
CREATE UNIQUE INDEX events_all_n ON lint.events_all (n);
TABLE pg_temp.finding;
SELECT pg_temp.mend();
TABLE pg_temp.finding;
CREATE UNIQUE INDEX events_day ON lint.events (day);
TABLE pg_temp.finding;
SELECT pg_temp.mend();
TABLE pg_temp.finding;
ROLLBACK;
-- of the tenants themselves, if the application may try values
BEGIN;
CREATE UNIQUE INDEX tenants_name ON lint.tenants (name);
TABLE pg_temp.finding;
REVOKE INSERT ON lint.tenants FROM regress_tenant_app;
SELECT code, object FROM pg_temp.finding;
REVOKE UPDATE ON lint.tenants FROM regress_tenant_app;
TABLE pg_temp.finding;
ROLLBACK;

-- ---- T017 ----

-- what the planner knows already is folded
BEGIN;
CREATE FUNCTION lint.wrapper(text, boolean DEFAULT true) RETURNS uuid LANGUAGE sql IMMUTABLE
    AS 'SELECT nullif(current_setting($1, $2), $$$$)::uuid';
CREATE FUNCTION lint.same(uuid) RETURNS uuid LANGUAGE sql IMMUTABLE AS 'SELECT $1';
CREATE POLICY p1 ON lint.docs USING (tenant_id = lint.same(migrate_tenant_current()));
CREATE POLICY p2 ON lint.docs USING (lint.same(tenant_id) = migrate_tenant_current());
SELECT code, severity, object, problem FROM pg_temp.finding;
CREATE POLICY p3 ON lint.docs USING (tenant_id = lint.wrapper('migrate.' || lower('TENANT')));
SELECT code, severity, object, problem FROM pg_temp.finding WHERE object ~ 'wrapper';
ROLLBACK;
-- a comparison in a subquery is about another row
BEGIN;
CREATE POLICY p1 ON lint.docs USING (tenant_id = migrate_tenant_current()
    AND EXISTS (SELECT FROM lint.labels l WHERE l.tenant_id::text = migrate_tenant_current()::text));
TABLE pg_temp.finding;
ROLLBACK;
-- the rest of a policy is not thrown away
BEGIN;
CREATE POLICY p1 ON lint.docs USING (tenant_id = current_setting('migrate.tenant')::uuid AND amount > 0)
    WITH CHECK (tenant_id = current_setting('migrate.tenant')::uuid);
CREATE POLICY p2 ON lint.docs USING (slug = current_setting('app.slug') AND tenant_id = migrate_tenant_current());
CREATE POLICY p3 ON lint.docs USING (tenant_id = current_setting('migrate.tenant')::uuid);
CREATE POLICY p1 ON lint.labels FOR SELECT USING (tenant_id = current_setting('migrate.tenant')::uuid OR tenant_id IS NULL);
CREATE POLICY p1 ON lint.steps USING (id > current_setting('app.least')::bigint AND EXISTS (
    SELECT FROM lint.docs d WHERE d.id = doc_id));
SELECT code, object, problem, fix FROM pg_temp.finding WHERE code = 'T017';
SELECT pg_temp.mend('T017');
SELECT polname, pg_get_expr(polqual, polrelid) FROM pg_policy
WHERE polname ~ '^p' AND polrelid = 'lint.docs'::regclass ORDER BY 1;
ROLLBACK;

-- ---- T021 ----

BEGIN;
-- not to be warned of wal_level
SET LOCAL client_min_messages = error;
CREATE PUBLICATION regress_tenant_true FOR TABLE lint.docs WHERE (true);
CREATE PUBLICATION regress_tenant_other FOR TABLE lint.docs WHERE (id > 0 OR tenant_id = '00000000-0000-0000-0000-00000000000a');
CREATE PUBLICATION regress_tenant_one FOR TABLE lint.docs WHERE (tenant_id = '00000000-0000-0000-0000-00000000000a' AND id > 0);
CREATE PUBLICATION regress_tenant_two FOR TABLE lint.docs
    WHERE (tenant_id IN ('00000000-0000-0000-0000-00000000000a', '00000000-0000-0000-0000-00000000000b'));
TABLE pg_temp.finding;
SELECT pg_temp.mend();
TABLE pg_temp.finding;
ROLLBACK;

-- ---- T022 ----

BEGIN;
CREATE INDEX docs_slug ON lint.docs (lower(slug) COLLATE "C" text_pattern_ops DESC, amount) INCLUDE (id) WITH (fillfactor = 70);
TABLE pg_temp.finding;
SELECT pg_temp.mend();
SELECT pg_get_indexdef(indexrelid) FROM pg_index WHERE indrelid = 'lint.docs'::regclass AND indnkeyatts = 3;
ROLLBACK;

-- ---- T024 ----

-- rows belong to tenants by way of what nobody has decided about, in any schema
BEGIN;
CREATE SCHEMA elsewhere;
CREATE TABLE elsewhere.folders (id uuid PRIMARY KEY, doc_id bigint NOT NULL REFERENCES lint.docs (id));
CREATE TABLE elsewhere.files (id uuid PRIMARY KEY, folder_id uuid NOT NULL REFERENCES elsewhere.folders,
    before uuid REFERENCES elsewhere.files);
CREATE TABLE elsewhere.unrelated (id uuid PRIMARY KEY);
CREATE TABLE elsewhere.of_countries (id uuid PRIMARY KEY, country text REFERENCES lint.countries);
TABLE pg_temp.finding;
SELECT code, object FROM migrate_tenant_lint('{lint}') WHERE code = 'T024';
SELECT pg_temp.mend('T024');
SELECT * FROM pg_temp.finding WHERE code = 'T024';
ROLLBACK;

-- ---- T025 ----

-- The settings that a session begins with: of the role, of the database, of all.
BEGIN;
CREATE VIEW pg_temp.guard AS SELECT fix FROM pg_temp.finding WHERE code = 'T025';
TABLE pg_temp.guard;
DO $$ BEGIN EXECUTE format('ALTER DATABASE %I SET migrate.row_security_guard = f', current_database()); END $$;
TABLE pg_temp.guard;
ALTER ROLE regress_tenant_owner SET migrate.row_security_guard = on;
TABLE pg_temp.guard;
DO $$ BEGIN EXECUTE format('ALTER ROLE regress_tenant_owner IN DATABASE %I SET "Migrate.Row_Security_Guard" = no', current_database()); END $$;
SELECT replace(fix, quote_ident(current_database()), 'this') AS fix FROM pg_temp.guard;
SELECT pg_temp.mend('T025');
TABLE pg_temp.guard;
ROLLBACK;

-- ---- several models ----

-- a row of another model's table has another tenant
BEGIN;
SET LOCAL ROLE regress_tenant_owner;
CREATE TABLE lint.regions (id integer PRIMARY KEY);
CREATE TABLE lint.sites (region_id integer NOT NULL REFERENCES lint.regions, id integer, PRIMARY KEY (region_id, id));
RESET ROLE;
SELECT count(*) > 0 AS done FROM migrate_tenant_setup('lint.regions', column_name => 'region_id',
    app_roles => '{regress_tenant_app}', setting => 'app.region', policy_style => 'inline', model => 'regions');
SELECT count(*) > 0 AS done FROM migrate_tenant_protect('lint.regions', model => 'regions');
SELECT count(*) > 0 AS done FROM migrate_tenant_protect('lint.sites', model => 'regions');
TABLE pg_temp.finding;
DROP POLICY migrate_tenant ON lint.docs;
DROP POLICY migrate_tenant_floor ON lint.docs;
CREATE POLICY through ON lint.docs USING (EXISTS (SELECT FROM lint.regions r WHERE r.id = docs.id));
CREATE POLICY fine ON lint.sites USING (EXISTS (SELECT FROM lint.regions r WHERE r.id = region_id));
SELECT code, severity, object, problem FROM pg_temp.finding WHERE code <> 'T018';
ROLLBACK;

\x off
SET client_min_messages = warning;
DROP EXTENSION migrate CASCADE;
DROP SCHEMA lint CASCADE;
DROP ROLE regress_tenant_owner, regress_tenant_app, regress_tenant_admin, regress_tenant_other;
