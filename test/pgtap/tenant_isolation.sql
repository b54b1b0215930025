--
-- Do the tenants of a database see nothing of each other?
--
-- A suite to copy: put your own schema and two tenants with rows in the place
-- of the example, and keep the rest.  Everything is rolled back at the end.
--
\set QUIET on
\set ON_ERROR_STOP on
SET client_min_messages = warning;
BEGIN;
CREATE EXTENSION IF NOT EXISTS pgtap;
CREATE EXTENSION IF NOT EXISTS migrate;

-- ---- the example: replace it ----

CREATE ROLE pgtap_owner;
CREATE ROLE pgtap_app;
CREATE SCHEMA shop AUTHORIZATION pgtap_owner;
SET LOCAL ROLE pgtap_owner;
CREATE TABLE shop.tenants (id uuid PRIMARY KEY, name text NOT NULL);
CREATE TABLE shop.customers (
    tenant_id uuid NOT NULL REFERENCES shop.tenants,
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    email text NOT NULL,
    UNIQUE (tenant_id, id),
    UNIQUE (tenant_id, email)
);
CREATE TABLE shop.orders (
    tenant_id uuid NOT NULL REFERENCES shop.tenants,
    id bigint GENERATED ALWAYS AS IDENTITY,
    customer_id bigint NOT NULL,
    placed_on date NOT NULL,
    PRIMARY KEY (tenant_id, id, placed_on),
    CONSTRAINT orders_customer FOREIGN KEY (tenant_id, customer_id) REFERENCES shop.customers (tenant_id, id)
) PARTITION BY RANGE (placed_on);
CREATE TABLE shop.orders_2024 PARTITION OF shop.orders FOR VALUES FROM ('2024-01-01') TO ('2025-01-01');
CREATE TABLE shop.orders_2025 PARTITION OF shop.orders FOR VALUES FROM ('2025-01-01') TO ('2026-01-01');
-- rows without a tenant are everybody's
CREATE TABLE shop.products (
    tenant_id uuid REFERENCES shop.tenants,
    id uuid PRIMARY KEY,
    name text NOT NULL
);
CREATE TABLE shop.countries (code text PRIMARY KEY);
CREATE VIEW shop.open_orders WITH (security_invoker = true) AS SELECT * FROM shop.orders;
GRANT USAGE ON SCHEMA shop TO pgtap_app;
GRANT SELECT, INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA shop TO pgtap_app;
RESET ROLE;

SELECT migrate_tenant_setup('shop.tenants', app_roles => '{pgtap_app}') \g /dev/null
SELECT migrate_tenant_protect(t)
FROM unnest('{shop.tenants,shop.customers,shop.orders}'::regclass[]) t \g /dev/null
SELECT migrate_tenant_protect('shop.products', 'shared') \g /dev/null
SELECT migrate_tenant_exempt('shop.countries', 'the same for all tenants') \g /dev/null

INSERT INTO shop.tenants VALUES
    ('00000000-0000-0000-0000-00000000000a', 'Abel'),
    ('00000000-0000-0000-0000-00000000000b', 'Bee');
INSERT INTO shop.customers (tenant_id, email) SELECT id, 'info@example.com' FROM shop.tenants;
INSERT INTO shop.orders (tenant_id, customer_id, placed_on)
SELECT tenant_id, id, day FROM shop.customers, unnest('{2024-05-01,2025-05-01}'::date[]) day;
INSERT INTO shop.products
SELECT id, gen_random_uuid(), name FROM shop.tenants UNION ALL SELECT NULL, gen_random_uuid(), 'of all';

-- ---- the suite: keep it ----

\set app pgtap_app
\set tenant '\'00000000-0000-0000-0000-00000000000a\''
\set other '\'00000000-0000-0000-0000-00000000000b\''

SELECT plan((SELECT 3 + 2 * count(*) FROM migrate.tenant_table WHERE mode <> 'exempt')::int + 9);

-- what the catalogs tell; the server's own version is not the schema's fault
SELECT is_empty(
    $$ SELECT code, severity, object, problem FROM migrate_tenant_lint()
       WHERE severity <> 'info' AND code <> 'T023' $$,
    'nothing in the schema is in the way of isolation');

-- what trying tells
SELECT is_empty(
    $$ SELECT "table", probe, detail FROM migrate_tenant_selftest() WHERE result = 'LEAK' $$,
    'no tenant gets at rows of another');
SELECT is_empty(
    $$ SELECT "table", probe, detail FROM migrate_tenant_selftest() WHERE result = 'inconclusive' $$,
    'and everything could be tried');
SELECT isnt_empty(
    format($$ SELECT FROM migrate_tenant_selftest(tables => ARRAY[%L::regclass]) WHERE result = 'ok' $$, t.relation),
    format('%s was tried', t.relation))
FROM migrate.tenant_table t WHERE t.mode <> 'exempt' ORDER BY t.relation::text COLLATE "C";

-- without a tenant there is nothing, but what all tenants share
SELECT migrate_tenant_clear() \g /dev/null
SET LOCAL ROLE :app;
SELECT is_empty(
    format('SELECT FROM %s WHERE %I IS NOT NULL', t.name, t.column_name),
    format('without a tenant %s shows none''s rows', t.name))
FROM (VALUES ('shop.tenants', 'id'), ('shop.customers', 'tenant_id'), ('shop.orders', 'tenant_id'),
    ('shop.orders_2024', 'tenant_id'), ('shop.orders_2025', 'tenant_id'), ('shop.products', 'tenant_id'))
    t (name, column_name);

-- with one there is what belongs to it
SELECT migrate_tenant_set(:tenant) \g /dev/null
SELECT results_eq('SELECT name FROM shop.tenants', ARRAY['Abel'], 'a tenant sees itself');
SELECT results_eq('SELECT count(*) FROM shop.orders', ARRAY[2::bigint], 'its own orders');
SELECT results_eq('SELECT count(*) FROM shop.open_orders', ARRAY[2::bigint], 'and the same through a view');
SELECT set_eq('SELECT name FROM shop.products', ARRAY['Abel', 'of all'], 'its products and those of all');
SELECT throws_ok(
    format('INSERT INTO shop.customers (tenant_id, email) VALUES (%L, %L)', :other, 'x@example.com'),
    '42501', NULL, 'it makes no row for another tenant');
SELECT throws_ok(
    format('UPDATE shop.customers SET tenant_id = %L', :other),
    '42501', NULL, 'it gives none away');
SELECT throws_ok(
    'INSERT INTO shop.products VALUES (NULL, gen_random_uuid(), ''x'')',
    '42501', NULL, 'it makes none that all see');
SELECT is_empty(
    'UPDATE shop.products SET name = ''x'' WHERE tenant_id IS NULL RETURNING 1',
    'it changes none that all see');
SELECT lives_ok(
    'INSERT INTO shop.customers (email) VALUES (''new@example.com'')',
    'its own rows need not even name it');
RESET ROLE;

SELECT * FROM finish();
ROLLBACK;
