--
-- Looking: what there is, what is applied, what would be done
--
SET client_min_messages = warning;
DROP EXTENSION IF EXISTS migrate CASCADE;
DROP TABLE IF EXISTS alembic_version;
CREATE EXTENSION migrate;
RESET client_min_messages;

SET timezone = 'UTC';
SET datestyle = 'ISO';

-- A trunk with a branch and its merge, and another history that depends on it.
SELECT count(*) FROM (VALUES
    (1, 'a1', '{base}', NULL, '{}', '2024-01-01'),
    (2, 'a2', '{a1}', NULL, '{}', '2024-01-02'),
    (3, 'b1', '{a1}', 'side', '{}', '2024-01-03'),
    (4, 'm1', '{a2,b1}', NULL, '{}', '2024-01-04'),
    (5, 'e1', '{base}', 'extra', '{a2}', '2024-01-05'),
    (6, 'e2', '{e1}', NULL, '{m1}', '2024-01-06')
) r (n, id, parents, label, dependencies, day)
CROSS JOIN LATERAL migrate_revision('revision ' || id, 'SELECT 1;', 'SELECT 2;',
    head => parents::text[], splice => true, branch_label => label,
    depends_on => dependencies::text[], rev_id => id, create_date => day::timestamptz);

-- Before anything is applied
SELECT * FROM migrate_current();
SELECT * FROM migrate_heads();
SELECT * FROM migrate_branches();
SELECT * FROM migrate_history();
SELECT * FROM migrate_status();
SELECT migrate_check_heads();

-- What an upgrade would do, and the version table after each step
SELECT * FROM migrate_plan('upgrade', 'heads');
SELECT * FROM migrate_plan('upgrade', 'm1', versions => '{a2}');
SELECT * FROM migrate_plan('downgrade', 'a1', versions => '{e2}');
SELECT * FROM migrate_plan('downgrade', 'base', versions => '{m1}');
SELECT * FROM migrate_plan('stamp', 'a1', versions => '{a2,b1,e1}');
SELECT * FROM migrate_plan('stamp', ARRAY['a2', 'b1'], versions => '{e1}');
SELECT * FROM migrate_plan('stamp', 'base', versions => '{a2,b1}');
SELECT * FROM migrate_plan('stamp', 'm1', versions => '{m1}');
-- and what it could not do
\set VERBOSITY terse
SELECT * FROM migrate_plan('upgrade', 'm1', versions => '{nowhere}');
SELECT * FROM migrate_plan('upgrade', 'm1', versions => '{a1,a2}');
SELECT * FROM migrate_plan('upgrade', 'm1', versions => '{a2,a2}');
\set VERBOSITY default
SELECT * FROM migrate_plan('upgrade', 'm1', versions => '{a2,NULL}');
SELECT * FROM migrate_plan('upgrade', ARRAY['a1', 'b1']);
SELECT * FROM migrate_plan('stamp', '{}'::text[]);
SELECT * FROM migrate_plan('install', 'm1');
SELECT * FROM migrate_plan(NULL, 'm1');
SELECT * FROM migrate_plan('upgrade', NULL::text);
-- It agrees with what is done.
BEGIN;
SELECT array_agg(step || ' ' || revision || ' ' || versions::text ORDER BY step) AS planned
FROM migrate_plan('upgrade', 'heads') \gset
SELECT migrate_upgrade('heads');
SELECT :'planned' = array_agg(row_number || ' ' || revision || ' ' || versions_after::text ORDER BY row_number)::text AS as_planned
FROM (SELECT row_number() OVER (ORDER BY id), * FROM migrate.log) l;
ROLLBACK;

-- Half-way
SELECT migrate_upgrade('b1');
SELECT migrate_upgrade('e1');
SELECT * FROM alembic_version ORDER BY 1;
-- a2 is a current revision too, but it has no row, because e1 depends on it
SELECT * FROM migrate_current();
SELECT * FROM migrate_status();
SELECT revision, is_head, is_branch_point, is_merge_point, is_current FROM migrate_history();
SELECT revision, is_current, is_applied, is_head, next_revisions, checksum = migrate.checksum(upgrade, downgrade) AS checksum
FROM migrate_history() h CROSS JOIN LATERAL (
    SELECT d.is_applied, d.next_revisions, d.checksum, d.upgrade, d.downgrade FROM migrate_show(h.revision) d) d;
\x on
SELECT * FROM migrate_show('b1');
\x off

-- At the heads
SELECT migrate_upgrade('heads');
SELECT * FROM alembic_version ORDER BY 1;
SELECT * FROM migrate_current();
SELECT * FROM migrate_heads();
SELECT * FROM migrate_status();
SELECT migrate_check_heads();
-- one revision behind
SELECT migrate_downgrade('extra@-1');
SELECT migrate_check_heads();

-- Looking needs no more than a read-only transaction, and no lock.
BEGIN READ ONLY;
SELECT revision FROM migrate_current();
SELECT count(*) FROM migrate_history(':current');
SELECT up_to_date FROM migrate_status();
SELECT revision FROM migrate_plan('upgrade', 'heads');
SELECT count(*) FROM migrate_log();
SELECT count(*) FROM migrate_export();
COMMIT;
BEGIN ISOLATION LEVEL SERIALIZABLE;
SELECT revision FROM migrate_current();
COMMIT;

DROP TABLE alembic_version;
