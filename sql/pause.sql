--
-- Pauses, and what is shown of deploys while none is running
--
SET client_min_messages = warning;
DROP EXTENSION IF EXISTS migrate CASCADE;
DROP TABLE IF EXISTS alembic_version;
CREATE EXTENSION migrate;
RESET client_min_messages;
-- whose name stands in results
CREATE ROLE regress_migrate_dba SUPERUSER;
SET ROLE regress_migrate_dba;
CREATE VIEW progress AS
SELECT environment, direction, revision, statement, statement_count AS of, phase, waiting_for, rows_done
FROM migrate_progress();

SELECT migrate_environment_create('billing', version_table => 'billing_version');

-- One environment, with a reason, which stays that of the first.
SELECT migrate_pause('until the release is out', 'billing');
SELECT migrate_pause('me too', environment => 'billing');
SELECT environment, paused_at BETWEEN now() - interval '1 hour' AND now() AS paused_at, role, reason FROM migrate.pause;
SELECT phase FROM migrate_progress('billing');
SELECT phase FROM migrate_progress('default');
-- "default" needs no row, and a pause no reason
SELECT migrate_pause();
SELECT environment, phase, waiting_for FROM progress;
SELECT migrate_resume();
SELECT migrate_resume();
SELECT migrate_resume('billing');
SELECT * FROM progress;

-- A pause is a row like any other: it is there when it is committed.
BEGIN;
SELECT migrate_pause();
ROLLBACK;
SELECT * FROM progress;

-- an environment where the reason belongs, and one that does not exist
SELECT migrate_pause('billing');
SELECT migrate_pause(environment => 'shipping');
SELECT migrate_resume('shipping');
SELECT * FROM migrate_progress('shipping');
SELECT * FROM progress;

-- What a deploy has left is shown as the next one will find it: the statement
-- that it goes on with, and the rows that it has done in batches.
INSERT INTO migrate.progress (environment, revision, direction, deploy_id, started_at, updated_at,
    statements, statement_hashes, batch_cursor, batch_rows)
VALUES ('default', '001', 'upgrade', '00000000-0000-0000-0000-000000000001', '2026-01-01 00:00+00', '2026-01-02 00:00+00',
        3, '{}', NULL, 0),
    ('default', '002', 'upgrade', '00000000-0000-0000-0000-000000000002', '2026-01-02 00:00+00', '2026-01-02 00:00+00',
        3, '{a}', '{17}', 5000),
    ('billing', '003', 'downgrade', '00000000-0000-0000-0000-000000000003', '2026-01-03 00:00+00', '2026-01-03 00:00+00',
        3, '{a,b,c}', NULL, 0);
SELECT * FROM progress;
SELECT migrate_pause('look at 003 first', 'billing');
SELECT * FROM progress;
SET timezone = 'UTC';
\x
SELECT * FROM migrate_progress() OFFSET 2;
\x
RESET timezone;
SELECT migrate_resume('billing');
TRUNCATE migrate.progress;

-- Looking writes nothing; pausing does.
BEGIN READ ONLY;
SELECT * FROM progress;
SELECT migrate_pause();
ROLLBACK;
BEGIN READ ONLY;
SELECT migrate_resume();
ROLLBACK;
BEGIN ISOLATION LEVEL SERIALIZABLE;
SELECT * FROM progress;
SELECT migrate_pause();
ROLLBACK;
-- nor can a revision pause its own deploy
SELECT migrate_revision('pauses', 'SELECT migrate_pause();', rev_id => '001');
SELECT migrate_upgrade();

-- Who looks sees it, and who runs may pause.
CREATE ROLE regress_migrate_pause_viewer;
CREATE ROLE regress_migrate_pause_operator;
SELECT migrate_grant('regress_migrate_pause_viewer', 'viewer');
SELECT migrate_grant('regress_migrate_pause_operator', 'operator');
SET ROLE regress_migrate_pause_viewer;
SELECT count(*) FROM migrate_progress();
SELECT migrate_pause();
SELECT migrate_resume();
SET ROLE regress_migrate_pause_operator;
SELECT migrate_pause('for the operator');
SELECT phase, waiting_for FROM migrate_progress();
SELECT migrate_resume();
SET ROLE regress_migrate_dba;
SELECT migrate_revoke('regress_migrate_pause_viewer');
SELECT migrate_revoke('regress_migrate_pause_operator');
DROP ROLE regress_migrate_pause_viewer;
DROP ROLE regress_migrate_pause_operator;

-- No trigger gets the rights of the owner.
CREATE FUNCTION evil() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NEW; END';
CREATE TRIGGER evil BEFORE INSERT ON migrate.pause FOR EACH ROW EXECUTE FUNCTION evil();
SELECT migrate_pause();
DROP TRIGGER evil ON migrate.pause;

DROP FUNCTION evil();
DROP VIEW progress;
RESET ROLE;
DROP ROLE regress_migrate_dba;
