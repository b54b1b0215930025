--
-- The log: one row for each step, written with it
--
SET client_min_messages = warning;
DROP EXTENSION IF EXISTS migrate CASCADE;
DROP TABLE IF EXISTS alembic_version;
CREATE EXTENSION migrate;
RESET client_min_messages;

CREATE VIEW log AS
SELECT environment, revision, direction, versions_before AS before, versions_after AS after,
       outcome, statements, l.checksum = migrate.checksum(r.upgrade, r.downgrade) AS checksum, l.search_path, tag
FROM migrate.log l LEFT JOIN migrate.revision r USING (environment, revision)
ORDER BY id;
SELECT migrate_revision('one', 'CREATE TABLE one (); COMMENT ON TABLE one IS ''1'';', 'DROP TABLE one;', rev_id => '001');
SELECT migrate_revision('two', 'SELECT 1; SELECT 2; SELECT 3;', '', rev_id => '002');
SELECT migrate_revision('fails', 'SELECT 1 / 0;', '', rev_id => '003');

SELECT migrate_upgrade('002', tag => 'release 1');
SELECT migrate_downgrade('-1', tag => 'oops');
SELECT migrate_stamp('002');
-- nothing to do is not logged, nor is what failed and so did not happen
SELECT migrate_upgrade('002', tag => 'nothing');
SELECT migrate_upgrade('003', tag => 'fails');
SELECT migrate_stamp('base', tag => 'start again');
SELECT * FROM log;

-- who, with what, from where, when and how long
SET application_name = 'regress deploy';
CREATE ROLE regress_migrate_log SUPERUSER;
SET ROLE regress_migrate_log;
DROP TABLE one;
SELECT migrate_upgrade('001');
RESET ROLE;
RESET application_name;
SELECT role, session_role = session_user AS session_role, application_name, client_address IS NOT DISTINCT FROM inet_client_addr() AS client_address,
       started_at BETWEEN now() - interval '1 hour' AND clock_timestamp() AS started_at, duration BETWEEN '0' AND interval '1 hour' AS duration,
       failed_statement, failed_line, sqlstate, error, deploy_id
FROM migrate.log ORDER BY id DESC LIMIT 1;

-- migrate_log() shows the newest first: all, the last few, of one revision.
SELECT revision, direction, tag FROM migrate_log();
SELECT revision, direction, tag FROM migrate_log(max_rows => 2);
SELECT revision, direction, tag FROM migrate_log('002');
SELECT revision, direction, tag FROM migrate_log('002', 1);
SELECT revision, direction, tag FROM migrate_log('nowhere');
SELECT revision, direction, tag FROM migrate_log(max_rows => 0);
SELECT count(*) FROM migrate_log(max_rows => NULL);
SELECT count(*) FROM migrate_log(max_rows => -1);

-- A log row is written with the step it is about: both or none.
SELECT count(*) AS log FROM migrate.log \gset
BEGIN;
SELECT migrate_upgrade('002');
SELECT count(*) - :log AS more FROM migrate.log;
ROLLBACK;
SELECT count(*) - :log AS more FROM migrate.log;

-- A revision that is gone stays in the log.
SELECT migrate_downgrade('base');
SELECT migrate_remove('003');
SELECT migrate_remove('002');
SELECT count(*) FROM migrate_log('002');

DROP VIEW log;
DROP TABLE alembic_version;
DROP ROLE regress_migrate_log;
