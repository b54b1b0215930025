--
-- Tenants: the rights of the application's roles
--
SET client_min_messages = warning;
DROP EXTENSION IF EXISTS migrate CASCADE;
DROP TABLE IF EXISTS alembic_version;
CREATE EXTENSION migrate;
RESET client_min_messages;
\a
CREATE ROLE regress_migrate_owner;
CREATE ROLE regress_migrate_app;
CREATE ROLE regress_migrate_group;
CREATE ROLE regress_migrate_super SUPERUSER;
CREATE ROLE regress_migrate_bypass BYPASSRLS;
CREATE ROLE regress_migrate_admin;
SELECT migrate_grant('regress_migrate_owner', 'operator');
CREATE SCHEMA saas AUTHORIZATION regress_migrate_owner;
CREATE SCHEMA more AUTHORIZATION regress_migrate_owner;
SET ROLE regress_migrate_owner;
SET search_path = saas, public;
CREATE TABLE orgs (id integer PRIMARY KEY);
CREATE TABLE docs (id serial PRIMARY KEY, tenant_id integer NOT NULL);
CREATE SEQUENCE numbers;
CREATE TABLE notes (id integer PRIMARY KEY GENERATED ALWAYS AS IDENTITY, n integer DEFAULT nextval('numbers'), tenant_id integer NOT NULL);
CREATE TABLE events (id integer, tenant_id integer NOT NULL) PARTITION BY LIST (id);
CREATE TABLE events_1 PARTITION OF events DEFAULT;
CREATE TABLE countries (code text);
CREATE TABLE secrets (word text);
CREATE TABLE more.docs (id integer PRIMARY KEY, tenant_id integer NOT NULL);
GRANT SELECT ON docs TO regress_migrate_app;
GRANT INSERT ON docs TO PUBLIC;
GRANT INSERT (id), UPDATE (tenant_id), REFERENCES (id) ON events TO regress_migrate_app;
GRANT SELECT (id) ON events TO regress_migrate_app WITH GRANT OPTION;
GRANT TRUNCATE ON notes TO regress_migrate_app;
SELECT * FROM migrate_tenant_setup('orgs', app_roles => '{regress_migrate_app}', admin_role => 'regress_migrate_admin');
SELECT count(*) FROM migrate_tenant_protect('docs') UNION ALL SELECT count(*) FROM migrate_tenant_protect('notes')
UNION ALL SELECT count(*) FROM migrate_tenant_protect('events') UNION ALL SELECT count(*) FROM migrate_tenant_protect('more.docs')
UNION ALL SELECT count(*) FROM migrate_tenant_exempt('countries', 'the same for all');
-- what the application's role has, and PUBLIC
CREATE FUNCTION rights() RETURNS SETOF text LANGUAGE sql STABLE AS $$
    SELECT concat_ws(' ', object, grantee::regrole, string_agg(privilege_type || CASE WHEN is_grantable THEN '*' ELSE '' END, ',' ORDER BY privilege_type))
    FROM (SELECT 'schema ' || nspname, nspacl FROM pg_namespace WHERE nspname IN ('saas', 'more')
        UNION ALL SELECT oid::regclass::text, relacl FROM pg_class
            WHERE relnamespace IN ('saas'::regnamespace, 'more'::regnamespace)
        UNION ALL SELECT concat_ws(' ', attrelid::regclass, attname), attacl FROM pg_attribute WHERE attrelid > 16383
        UNION ALL SELECT concat_ws(' ', 'default', defaclrole::regrole, defaclnamespace::regnamespace, defaclobjtype), defaclacl FROM pg_default_acl)
        AS o (object, acl), aclexplode(acl)
    WHERE grantee IN (0, 'regress_migrate_app'::regrole)
    GROUP BY object, grantee
    ORDER BY 1
$$;
CREATE TEMP TABLE before AS SELECT rights FROM rights();

-- A role that policies do not bind, or that can become one, gets nothing.
SELECT * FROM migrate_tenant_grant('regress_migrate_super', '{saas}');
SELECT * FROM migrate_tenant_grant('regress_migrate_bypass', '{saas}');
SELECT * FROM migrate_tenant_grant('regress_migrate_owner', '{saas}');
SELECT * FROM migrate_tenant_grant('regress_migrate_admin', '{saas}');
SELECT * FROM migrate_tenant_grant('public', '{saas}');
SELECT * FROM migrate_tenant_grant('regress_migrate_nobody', '{saas}');
SELECT * FROM migrate_tenant_grant(NULL, '{saas}');
SELECT * FROM migrate_tenant_grant('regress_migrate_app', '{}');
SELECT * FROM migrate_tenant_grant('regress_migrate_app', '{NULL}');
SELECT * FROM migrate_tenant_grant('regress_migrate_app', '{nowhere}');
RESET ROLE;
GRANT regress_migrate_group TO regress_migrate_app;
GRANT regress_migrate_bypass TO regress_migrate_group;
SET ROLE regress_migrate_owner;
SELECT * FROM migrate_tenant_grant('regress_migrate_app', '{saas}');
RESET ROLE;
REVOKE regress_migrate_bypass FROM regress_migrate_group;
GRANT regress_migrate_owner TO regress_migrate_group;
SET ROLE regress_migrate_owner;
SELECT * FROM migrate_tenant_grant('regress_migrate_app', '{saas}');
RESET ROLE;
REVOKE regress_migrate_owner FROM regress_migrate_group;
SET ROLE regress_migrate_owner;
-- one that no policy is for may have its rights, and will see nothing
SELECT count(*) FROM migrate_tenant_grant('regress_migrate_group', '{more}', dry_run => true);

-- DML on what is protected, and no more than is missing.
SELECT * FROM migrate_tenant_grant('regress_migrate_app', '{saas,more,saas}', dry_run => true);
SELECT rights FROM rights() EXCEPT SELECT * FROM before ORDER BY 1;
SELECT * FROM migrate_tenant_grant('regress_migrate_app', '{saas,more,saas}');
SELECT * FROM migrate_tenant_grant('regress_migrate_app', '{saas,more}');
SELECT rights FROM rights() EXCEPT SELECT * FROM before ORDER BY 1;
RESET ROLE;
SELECT role, schema, kind, relation, owner, model, privileges, granted_by FROM migrate.tenant_grant ORDER BY schema, kind, relation::text COLLATE "C";
SET ROLE regress_migrate_app;
BEGIN;
SET LOCAL migrate.tenant = 1;
INSERT INTO docs DEFAULT VALUES;
INSERT INTO notes DEFAULT VALUES;
SELECT * FROM docs;
ROLLBACK;
SET ROLE regress_migrate_owner;
-- not on a table whose policies somebody has switched off, nor in other schemas
ALTER TABLE docs DISABLE ROW LEVEL SECURITY;
SELECT * FROM migrate_tenant_grant('regress_migrate_group', '{saas}');
ALTER TABLE docs ENABLE ROW LEVEL SECURITY, NO FORCE ROW LEVEL SECURITY;
SELECT * FROM migrate_tenant_grant('regress_migrate_app', '{saas}', dry_run => true);
SELECT count(*) FROM migrate_tenant_protect('docs');
SELECT * FROM migrate_tenant_grant('regress_migrate_app', '{pg_catalog}');
SELECT * FROM migrate_tenant_grant('regress_migrate_app', '{saas,migrate}');
SELECT * FROM migrate_tenant_grant('regress_migrate_app', '{information_schema}');
-- a table that came to it since
SELECT count(*) FROM migrate_tenant_exempt('secrets', 'not any more');
SELECT * FROM migrate_tenant_grant('regress_migrate_app', '{saas}');
CREATE TABLE later (id integer);
SELECT has_table_privilege('regress_migrate_app', 'later', 'SELECT, INSERT') AS open;
DROP TABLE later;

-- What was granted is taken back, and nothing else.
REVOKE DELETE ON docs FROM regress_migrate_app;
DROP TABLE secrets;
SELECT * FROM migrate_tenant_revoke('regress_migrate_app', '{more}', dry_run => true);
SELECT * FROM migrate_tenant_revoke('regress_migrate_app', '{more}');
SELECT * FROM migrate_tenant_teardown();
SELECT * FROM migrate_tenant_revoke('regress_migrate_app');
SELECT * FROM migrate_tenant_revoke('regress_migrate_app');
SELECT * FROM migrate_tenant_revoke('public');
SELECT * FROM migrate_tenant_revoke('regress_migrate_nobody');
RESET ROLE;
SELECT count(*) FROM migrate.tenant_grant;
SELECT rights FROM rights() EXCEPT SELECT * FROM before ORDER BY 1;
SELECT rights FROM before EXCEPT SELECT * FROM rights() ORDER BY 1;
-- not by somebody who may not
CREATE ROLE regress_migrate_other;
SELECT migrate_grant('regress_migrate_other', 'operator');
GRANT USAGE ON SCHEMA saas TO regress_migrate_other;
SET ROLE regress_migrate_other;
SELECT * FROM migrate_tenant_grant('regress_migrate_app', '{saas}');
RESET ROLE;
GRANT USAGE ON SCHEMA saas TO regress_migrate_app;
SET ROLE regress_migrate_other;
SELECT * FROM migrate_tenant_grant('regress_migrate_app', '{saas}');
RESET ROLE;

-- What cannot be revoked stays on record.
CREATE SCHEMA empty AUTHORIZATION regress_migrate_owner;
SET ROLE regress_migrate_owner;
SELECT object, action FROM migrate_tenant_grant('regress_migrate_app', '{empty}');
GRANT USAGE ON SCHEMA empty TO regress_migrate_other;
SET ROLE regress_migrate_other;
SELECT * FROM migrate_tenant_revoke('regress_migrate_app');
RESET ROLE;
SELECT role, schema, kind, privileges FROM migrate.tenant_grant;
SELECT has_schema_privilege('regress_migrate_app', 'empty', 'USAGE');
-- what somebody else granted besides is none of it
GRANT USAGE ON SCHEMA empty TO regress_migrate_other WITH GRANT OPTION;
SET ROLE regress_migrate_other;
GRANT USAGE ON SCHEMA empty TO regress_migrate_app;
SET ROLE regress_migrate_owner;
SELECT object, action FROM migrate_tenant_revoke('regress_migrate_app');
SELECT has_schema_privilege('regress_migrate_app', 'empty', 'USAGE');
RESET ROLE;
-- also of a role that is gone
CREATE ROLE regress_migrate_gone;
SET client_min_messages = warning;
SELECT object, action FROM migrate_tenant_grant('regress_migrate_gone', '{empty}');
RESET client_min_messages;
REVOKE ALL ON SCHEMA empty FROM regress_migrate_gone;
DROP ROLE regress_migrate_gone;
SELECT object, action FROM migrate_tenant_revoke('regress_migrate_gone');
SELECT count(*) FROM migrate.tenant_grant;

SET client_min_messages = warning;
SELECT count(*) > 0 FROM migrate_tenant_teardown(cascade => true);
RESET search_path;
DROP SCHEMA empty;
DROP SCHEMA saas, more CASCADE;
DROP TABLE before;
DROP OWNED BY regress_migrate_owner, regress_migrate_other;
DROP ROLE regress_migrate_owner, regress_migrate_app, regress_migrate_group, regress_migrate_super, regress_migrate_bypass, regress_migrate_admin, regress_migrate_other;
