--
-- Rights: what PUBLIC, a viewer, an operator and an author may do
--
SET client_min_messages = warning;
DROP EXTENSION IF EXISTS migrate CASCADE;
DROP TABLE IF EXISTS alembic_version;
CREATE EXTENSION migrate;
RESET client_min_messages;

CREATE ROLE regress_migrate_nobody;
CREATE ROLE regress_migrate_viewer;
CREATE ROLE regress_migrate_operator;
CREATE ROLE regress_migrate_author;
CREATE ROLE regress_migrate_member IN ROLE regress_migrate_operator;
GRANT CREATE ON SCHEMA public TO regress_migrate_operator;

-- the functions that a role may execute and not everybody, those of one kind
-- in one line
CREATE FUNCTION may_execute(role name) RETURNS TABLE (kind text, functions text)
LANGUAGE sql AS $$
    SELECT CASE WHEN p.provolatile <> 'v' THEN 'look'
                WHEN p.proname IN ('migrate_upgrade', 'migrate_downgrade', 'migrate_stamp',
                                   'migrate_deploy', 'migrate_rollback', 'migrate_pause', 'migrate_resume') THEN 'run'
                WHEN p.proname IN ('migrate_grant', 'migrate_revoke') THEN 'grant'
                ELSE 'write' END,
           string_agg(DISTINCT p.proname, ' ' ORDER BY p.proname)
    FROM pg_proc p
        JOIN pg_depend d ON d.classid = 'pg_proc'::regclass AND d.objid = p.oid AND d.deptype = 'e'
        JOIN pg_extension e ON d.refclassid = 'pg_extension'::regclass AND d.refobjid = e.oid
    WHERE e.extname = 'migrate' AND has_function_privilege($1, p.oid, 'EXECUTE')
        AND NOT has_function_privilege('public', p.oid, 'EXECUTE')
    GROUP BY 1
    ORDER BY 1
$$;
-- the tables that a role may read or change
CREATE FUNCTION may_touch(role name) RETURNS TABLE (relation regclass, privileges text)
LANGUAGE sql AS $$
    SELECT c.oid::regclass, string_agg(p, ' ' ORDER BY p)
    FROM pg_class c, unnest('{SELECT,INSERT,UPDATE,DELETE,TRUNCATE,REFERENCES,TRIGGER}'::text[]) p
    WHERE c.relnamespace = 'migrate'::regnamespace AND c.relkind = 'r'
        AND has_table_privilege($1, c.oid, p) AND has_schema_privilege($1, 'migrate', 'USAGE')
    GROUP BY c.oid
    ORDER BY c.relname COLLATE "C"
$$;

SELECT migrate_revision('create agents', 'CREATE TABLE agents (id int);', 'DROP TABLE agents;', rev_id => '001');
SELECT migrate_revision('create teams', 'CREATE TABLE teams (id int);', 'DROP TABLE teams;', rev_id => '002');

-- PUBLIC may do nothing but ask for its tenant and say what a script would.
SELECT p.oid::regprocedure AS function
FROM pg_proc p JOIN pg_depend d ON d.classid = 'pg_proc'::regclass AND d.objid = p.oid AND d.deptype = 'e'
    JOIN pg_extension e ON d.refclassid = 'pg_extension'::regclass AND d.refobjid = e.oid
WHERE e.extname = 'migrate' AND has_function_privilege('public', p.oid, 'EXECUTE')
ORDER BY p.proname COLLATE "C";
SELECT * FROM may_execute('regress_migrate_nobody');
SELECT * FROM may_touch('regress_migrate_nobody');
SET ROLE regress_migrate_nobody;
SELECT migrate_upgrade();
SELECT migrate_status();
SELECT migrate_revision('create users');
SELECT migrate_grant('regress_migrate_nobody', 'author');
SELECT migrate.checksum('', '');
SELECT count(*) FROM migrate.revision;
RESET ROLE;

-- The levels open what they are for, and no more.
SELECT migrate_grant('regress_migrate_viewer', 'viewer');
SELECT * FROM may_execute('regress_migrate_viewer');
SELECT * FROM may_touch('regress_migrate_viewer');
SELECT migrate_grant('regress_migrate_operator', 'operator');
SELECT * FROM may_execute('regress_migrate_operator');
SELECT * FROM may_touch('regress_migrate_operator');
SELECT migrate_grant('regress_migrate_author', 'author');
SELECT * FROM may_execute('regress_migrate_author');
SELECT * FROM may_touch('regress_migrate_author');
SELECT * FROM may_execute('regress_migrate_nobody');

-- An operator runs revisions without being a superuser, and owns what they
-- make, the version table as well.
SET ROLE regress_migrate_operator;
SELECT migrate_upgrade('001');
SELECT relname, pg_get_userbyid(relowner) AS owner FROM pg_class
WHERE relname IN ('agents', 'alembic_version') ORDER BY 1;
SELECT revision, role, session_role = session_user AS same_session FROM migrate.log;
SELECT current, pending FROM migrate_status();
-- but does not write revisions, nor touches the tables behind the functions
SELECT migrate_revision('create users');
SELECT migrate_edit('002', message => 'make teams');
SELECT migrate_load('');
SELECT migrate_environment_create('own');
UPDATE migrate.revision SET upgrade = 'DROP TABLE agents';
DELETE FROM migrate.log;
SELECT nextval('migrate.log_id_seq');
SELECT migrate_grant('regress_migrate_operator', 'author');
RESET ROLE;

-- The version table is used with the rights of the one who calls; what the
-- hint says is the cure.
SET ROLE regress_migrate_viewer;
SELECT revision FROM migrate_current();
SET ROLE regress_migrate_operator;
GRANT SELECT ON public.alembic_version TO regress_migrate_viewer, regress_migrate_author;
RESET ROLE;

-- A viewer sees all of it, and changes nothing.
SET ROLE regress_migrate_viewer;
SELECT revision FROM migrate_current();
SELECT current, pending FROM migrate_status();
SELECT revision, is_current FROM migrate_history();
SELECT step, revision FROM migrate_plan('upgrade', 'head');
SELECT revision, role FROM migrate_log();
SELECT revision, message FROM migrate_show('002');
SELECT migrate_check_heads();
SELECT filename FROM migrate_export();
SELECT revision, message FROM migrate.revision ORDER BY load_order;
SELECT migrate_upgrade();
SELECT migrate_downgrade('base');
SELECT migrate_stamp('head');
SELECT migrate_remove('002');
RESET ROLE;

-- An author writes revisions and runs none.
SET ROLE regress_migrate_author;
SELECT migrate_revision('create users', 'CREATE TABLE users (id int);', 'DROP TABLE users;', rev_id => '003');
SELECT migrate_edit('003', message => 'make users');
SELECT migrate_merge('{003}', 'nothing to merge', rev_id => '004');
SELECT migrate_remove('004');
SELECT current, heads, pending FROM migrate_status();
SELECT migrate_edit('001', message => 'make agents');
SELECT migrate_upgrade();
SELECT migrate_stamp('head');
INSERT INTO migrate.revision_edge VALUES ('default', '001', 'down', 1, '003');
RESET ROLE;

-- A member of the operator's role is an operator.
SET ROLE regress_migrate_member;
SELECT migrate_upgrade('002');
RESET ROLE;

-- Scripts run as the caller: what the caller may not do, no revision does, and
-- nothing of it remains.
SELECT migrate_edit('003', upgrade => 'CREATE TABLE users (id int); ALTER TABLE migrate.log RENAME TO lost;');
SET ROLE regress_migrate_operator;
SELECT migrate_upgrade();
RESET ROLE;
SELECT to_regclass('users'), current FROM migrate_status();
-- what a script makes of its role ends with it, before the version table is
-- written
GRANT regress_migrate_nobody TO regress_migrate_operator;
GRANT CREATE ON SCHEMA public TO regress_migrate_nobody;
SELECT migrate_edit('003', upgrade => 'SET ROLE regress_migrate_nobody; CREATE TABLE users (id int);');
SET ROLE regress_migrate_operator;
SELECT migrate_upgrade();
SELECT current_user;
RESET ROLE;
SELECT pg_get_userbyid(relowner) AS owner FROM pg_class WHERE relname = 'users';
SELECT revision, role FROM migrate_log(max_rows => 1);

-- Inside a SECURITY DEFINER function the caller is its owner, and the server
-- does not let a script change that.
CREATE FUNCTION deploy() RETURNS SETOF text LANGUAGE sql SECURITY DEFINER
SET search_path = public, pg_temp
AS $$ SELECT migrate_upgrade() $$;
ALTER FUNCTION deploy() OWNER TO regress_migrate_operator;
GRANT EXECUTE ON FUNCTION deploy() TO regress_migrate_nobody;
SELECT migrate_revision('become somebody else', 'RESET ROLE;', '', rev_id => '005');
SET ROLE regress_migrate_nobody;
SELECT deploy();
RESET ROLE;
SELECT migrate_edit('005', upgrade => 'SET SESSION AUTHORIZATION DEFAULT;');
SET ROLE regress_migrate_nobody;
SELECT deploy();
RESET ROLE;
SELECT migrate_edit('005', upgrade => 'CREATE TABLE made (by_role name DEFAULT current_user); INSERT INTO made DEFAULT VALUES;');
SET ROLE regress_migrate_nobody;
SELECT deploy();
RESET ROLE;
SELECT by_role, pg_get_userbyid(relowner) AS owner FROM made, pg_class WHERE relname = 'made';
SELECT revision, role FROM migrate_log(max_rows => 1);

-- The version table is its owner's, triggers and all.  They run as the one who
-- calls, and never as the owner of the extension.
CREATE TABLE seen (by_role name, what text);
GRANT INSERT ON seen TO PUBLIC;
SET ROLE regress_migrate_operator;
CREATE FUNCTION spy() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO public.seen VALUES (current_user, TG_OP);
    BEGIN
        UPDATE migrate.revision SET upgrade = 'DROP TABLE agents';
        INSERT INTO public.seen VALUES (current_user, 'changed the revisions');
    EXCEPTION WHEN insufficient_privilege THEN
        NULL;
    END;
    RETURN coalesce(NEW, OLD);
END
$$;
CREATE TRIGGER spy BEFORE INSERT OR UPDATE OR DELETE ON alembic_version
    FOR EACH ROW EXECUTE FUNCTION spy();
SELECT migrate_downgrade('002');
SELECT migrate_stamp('base');
SELECT migrate_stamp('002');
RESET ROLE;
TABLE seen;
-- a trigger that keeps the row from being written is noticed
SET ROLE regress_migrate_operator;
CREATE OR REPLACE FUNCTION spy() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RETURN NULL; END $$;
\set VERBOSITY terse
SELECT migrate_upgrade('003');
SELECT migrate_stamp('base');
DO $$
BEGIN
    PERFORM migrate_stamp('base', purge => true);
    RAISE NOTICE 'done, at %', (SELECT current FROM migrate_status());
EXCEPTION WHEN OTHERS THEN
    RAISE NOTICE 'refused with %', SQLSTATE;
END
$$;
\set VERBOSITY default
DROP TRIGGER spy ON alembic_version;
DROP FUNCTION spy();
RESET ROLE;
SELECT current FROM migrate_status();

-- Another operator, who owns neither the tables nor the version table, is told
-- so by the server.
CREATE ROLE regress_migrate_second;
SELECT migrate_grant('regress_migrate_second', 'operator');
SET ROLE regress_migrate_second;
SELECT migrate_downgrade('-1');
RESET ROLE;

-- Taking back: running or writing alone leaves the right to look.
SELECT migrate_revoke('regress_migrate_second', 'operator');
SELECT kind FROM may_execute('regress_migrate_second');
SELECT migrate_grant('regress_migrate_second', 'author');
SELECT migrate_grant('regress_migrate_second', 'operator');
SELECT migrate_revoke('regress_migrate_second', 'operator');
SELECT kind FROM may_execute('regress_migrate_second');
SELECT migrate_revoke('regress_migrate_second', 'author');
SELECT kind FROM may_execute('regress_migrate_second');
SELECT migrate_grant('regress_migrate_second', 'author');
SELECT migrate_revoke('regress_migrate_second', 'viewer');
SELECT kind FROM may_execute('regress_migrate_second');
SELECT * FROM may_touch('regress_migrate_second');
SELECT migrate_grant('regress_migrate_second', 'operator');
SELECT migrate_revoke('regress_migrate_second');
SELECT kind FROM may_execute('regress_migrate_second');
SELECT * FROM may_touch('regress_migrate_second');
-- twice is once
SELECT migrate_revoke('regress_migrate_second');
SELECT migrate_grant('regress_migrate_second', 'viewer');
SELECT migrate_grant('regress_migrate_second', 'viewer');
-- nothing of it keeps a role from being dropped, once it is taken back
\set VERBOSITY terse
DROP ROLE regress_migrate_second;
\set VERBOSITY default
SELECT migrate_revoke('regress_migrate_second');
DROP ROLE regress_migrate_second;

-- Names that need quotes, and what is wrong.
CREATE ROLE "regress_migrate ""quoted"" name";
SELECT migrate_grant('regress_migrate "quoted" name', 'author');
SELECT kind FROM may_execute('regress_migrate "quoted" name');
SELECT migrate_revoke('regress_migrate "quoted" name');
SELECT kind FROM may_execute('regress_migrate "quoted" name');
DROP ROLE "regress_migrate ""quoted"" name";
\set SHOW_CONTEXT never
SELECT migrate_grant('regress_migrate_viewer', 'owner');
SELECT migrate_grant('regress_migrate_viewer', NULL);
SELECT migrate_grant(NULL, 'viewer');
SELECT migrate_grant('regress_migrate_missing', 'viewer');
SELECT migrate_revoke('regress_migrate_viewer', 'owner');
SELECT migrate_revoke(NULL);
\set SHOW_CONTEXT errors

DROP FUNCTION deploy, may_execute, may_touch;
DROP TABLE seen, made, agents, teams, alembic_version;
SET client_min_messages = warning;
DROP EXTENSION migrate;
DROP OWNED BY regress_migrate_nobody, regress_migrate_viewer, regress_migrate_operator, regress_migrate_author, regress_migrate_member;
DROP ROLE regress_migrate_nobody, regress_migrate_viewer, regress_migrate_operator, regress_migrate_author, regress_migrate_member;
