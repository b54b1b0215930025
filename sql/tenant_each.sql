--
-- Running SQL for one tenant after the other
--
SET client_min_messages = warning;
DROP EXTENSION IF EXISTS migrate CASCADE;
CREATE EXTENSION migrate;
RESET client_min_messages;

CREATE ROLE regress_tenant_app;
CREATE ROLE regress_tenant_admin;
CREATE TABLE account (number integer PRIMARY KEY, name text);
INSERT INTO account SELECT n, 'account ' || n FROM generate_series(5, 1, -1) n;
CREATE TABLE report (tenant integer, value text);
GRANT SELECT ON account TO regress_tenant_app, regress_tenant_admin;
GRANT SELECT, INSERT, DELETE ON report TO regress_tenant_app, regress_tenant_admin;

-- Without a model it has to be told who the tenants are.
CALL migrate_tenant_each('SELECT 1');
CALL migrate_tenant_each('SELECT 1', 'SELECT 1', 'it''s');
CALL migrate_tenant_each('INSERT INTO report VALUES (migrate_tenant_require_int4(), migrate_tenant_current_text())',
    'SELECT number FROM account WHERE number < 3 ORDER BY number DESC');
TABLE report;
TRUNCATE report;

INSERT INTO migrate.tenant_model (model, root, key, column_name, app_roles, admin_role, setting,
    policy_style, tenant_type, role, created_at)
VALUES ('default', 'account', 'number', 'tenant_id', '{regress_tenant_app}', 'regress_tenant_admin',
    'migrate.tenant', 'function', 'integer', current_user, now());

-- Each tenant has a transaction of its own, and what is set ends with it.
CALL migrate_tenant_each($$
    INSERT INTO report VALUES (migrate_tenant_require_int4(), pg_current_xact_id()::text);
    SET application_name = 'changed';
    SET LOCAL work_mem = '77MB';
    SET ROLE regress_tenant_app;
    INSERT INTO report SELECT migrate_tenant_current_int4(),
        concat_ws(' ', current_user, current_setting('application_name') = 'changed', count(*)) FROM report;
$$);
SELECT tenant, value FROM report WHERE value !~ '^\d+$' ORDER BY tenant;
SELECT count(DISTINCT value) AS transactions FROM report WHERE value ~ '^\d+$';
SELECT current_setting('application_name') = 'changed' AS changed, current_setting('work_mem') AS work_mem,
       current_user = session_user AS same_user, migrate_tenant_current_text() AS tenant;
TRUNCATE report;

-- ... also where the session has a tenant
SET migrate.tenant = '4';
CALL migrate_tenant_each('INSERT INTO report VALUES (migrate_tenant_current_int4())', 'VALUES (1), (2)');
SELECT array_agg(tenant), migrate_tenant_current_int4() FROM report;
RESET migrate.tenant;
TRUNCATE report;

-- It stops at the first error; what was committed stays, and it can go on there.
CALL migrate_tenant_each('INSERT INTO report VALUES (6 / (3 - migrate_tenant_current_int4()))');
TABLE report;
SELECT migrate_tenant_current_text() AS tenant;
CALL migrate_tenant_each('INSERT INTO report VALUES (migrate_tenant_current_int4())',
    'SELECT number FROM account WHERE number > 3');
TABLE report;
TRUNCATE report;
-- a deferred constraint belongs to the tenant, too
ALTER TABLE report ADD CONSTRAINT one UNIQUE (value) DEFERRABLE INITIALLY DEFERRED;
CALL migrate_tenant_each('INSERT INTO report VALUES (migrate_tenant_current_int4(), ''same'')');
TABLE report;
TRUNCATE report;
ALTER TABLE report DROP CONSTRAINT one;

-- Who the tenants are
CALL migrate_tenant_each('SELECT 1', 'SELECT number FROM account WHERE number > 5');
CALL migrate_tenant_each('SELECT 1', 'SELECT number, name FROM account');
CALL migrate_tenant_each('SELECT 1', 'SELECT NULL::integer');
CALL migrate_tenant_each('SELECT 1', 'SELECT ''''');
CALL migrate_tenant_each('SELECT 1', 'SELECT name FROM account ORDER BY 1');
CALL migrate_tenant_each('SELECT 1', 'CREATE TABLE nothing ()');
CALL migrate_tenant_each('SELECT 1', 'SELECT number FROM accounts');
CALL migrate_tenant_each(NULL);
CALL migrate_tenant_each('SELECT 1', model => 'other');
CALL migrate_tenant_each('SELECT 1', model => repeat('long', 20)::name);

CALL migrate_tenant_each('SELECT 1', 'DELETE FROM report RETURNING tenant');
CALL migrate_tenant_each('SELECT 1', 'WITH gone AS (DELETE FROM account RETURNING number) SELECT number FROM gone');
CALL migrate_tenant_each('SELECT 1', 'SELECT 1; SELECT 2');
CALL migrate_tenant_each('SELECT 1', 'SHOW work_mem');
CALL migrate_tenant_each('SELECT 1', 'SELECT number INTO keys FROM account');
CALL migrate_tenant_each('SELECT 1', '');
SELECT count(*) FROM account;

-- What cannot be run for a tenant
CALL migrate_tenant_each('');
CALL migrate_tenant_each(E' \n\t', 'SELECT 1 WHERE false');
CALL migrate_tenant_each('-- nothing');
CALL migrate_tenant_each('SELECT 1; COMMIT');
CALL migrate_tenant_each('COPY report FROM STDIN');
CALL migrate_tenant_each('SELECT 1 FROM');
CALL migrate_tenant_each('CALL migrate_tenant_each(''SELECT 1'')');
CALL migrate_tenant_each('SELECT migrate_tenant_set(''2'')');

-- Where it cannot be called, and where it can
BEGIN;
CALL migrate_tenant_each('SELECT 1');
ROLLBACK;
SELECT 1 \; CALL migrate_tenant_each('SELECT 1');
CREATE FUNCTION in_function() RETURNS void LANGUAGE plpgsql AS $$
BEGIN
    CALL migrate_tenant_each('SELECT 1');
END
$$;
\set SHOW_CONTEXT never
SELECT in_function();
\set SHOW_CONTEXT errors
DO $$
BEGIN
    INSERT INTO report VALUES (0);
    CALL migrate_tenant_each('INSERT INTO report VALUES (migrate_tenant_current_int4())');
    INSERT INTO report VALUES (6);
END
$$;
SELECT array_agg(tenant ORDER BY tenant) FROM report;

-- It runs as the caller, who has to see all tenants: those who do not would
-- take doing nothing for a success.
ALTER TABLE account ENABLE ROW LEVEL SECURITY;
CREATE POLICY admin ON account TO regress_tenant_admin USING (true);
CREATE POLICY tenant ON account TO regress_tenant_app USING (number = migrate_tenant_current_int4());
SET ROLE regress_tenant_app;
DELETE FROM report;
CALL migrate_tenant_each('SELECT 1');
CALL migrate_tenant_each('INSERT INTO report SELECT number, current_user FROM account', 'VALUES (2), (4)');
TABLE report;
DELETE FROM report;
-- a query of its own is no way around that
CALL migrate_tenant_each('SELECT 1', 'SELECT number FROM account');
SHOW row_security;
SET ROLE regress_tenant_admin;
CALL migrate_tenant_each('INSERT INTO report VALUES (migrate_tenant_current_int4())', 'SELECT number FROM account WHERE number > 3');
SELECT array_agg(tenant ORDER BY tenant) FROM report;
DELETE FROM report;
CALL migrate_tenant_each('INSERT INTO report VALUES (migrate_tenant_current_int4())');
SELECT array_agg(tenant ORDER BY tenant) FROM report;
CALL migrate_tenant_each('DROP TABLE report');
RESET ROLE;
-- who is bound as the application, too, sees none
GRANT regress_tenant_app TO regress_tenant_admin;
SET ROLE regress_tenant_admin;
CALL migrate_tenant_each('SELECT 1');
CALL migrate_tenant_each('SELECT 1', 'SELECT number FROM account');
RESET ROLE;
REVOKE regress_tenant_app FROM regress_tenant_admin;
ALTER TABLE account FORCE ROW LEVEL SECURITY;
CREATE ROLE regress_tenant_owner;
GRANT INSERT ON report TO regress_tenant_owner;
ALTER TABLE account OWNER TO regress_tenant_owner;
SET ROLE regress_tenant_owner;
CALL migrate_tenant_each('SELECT 1');
RESET ROLE;

-- A model may have a configuration parameter of its own.
DELETE FROM report;
INSERT INTO migrate.tenant_model (model, root, key, column_name, app_roles, setting, policy_style,
    tenant_type, role, created_at)
VALUES ('by name', 'account', 'name', 'tenant', '{regress_tenant_app}', 'app.tenant', 'inline', 'text',
    current_user, now());
CALL migrate_tenant_each(
    'INSERT INTO report VALUES (NULL, current_setting(''app.tenant'') || coalesce(migrate_tenant_current_text(), ''''))',
    model => 'by name');
SELECT value FROM report ORDER BY value COLLATE "C";
SELECT current_setting('app.tenant') AS behind;

-- but none that means something else, and least of all with the rights of a superuser
UPDATE migrate.tenant_model SET setting = 'plpgsql.variable_conflict' WHERE model = 'by name';
CALL migrate_tenant_each('SELECT 1', 'VALUES (''use_column'')', 'by name');
UPDATE migrate.tenant_model SET setting = 'regress.by_name' WHERE model = 'by name';

DROP TABLE account;
CALL migrate_tenant_each('SELECT 1');

DROP TABLE report;
DROP FUNCTION in_function;
SET client_min_messages = warning;
DROP EXTENSION migrate CASCADE;
DROP OWNED BY regress_tenant_app, regress_tenant_admin, regress_tenant_owner;
DROP ROLE regress_tenant_app, regress_tenant_admin, regress_tenant_owner;
