--
-- Large scripts and long histories
--
SET client_min_messages = warning;
DROP EXTENSION IF EXISTS migrate CASCADE;
DROP TABLE IF EXISTS alembic_version;
CREATE EXTENSION migrate;
RESET client_min_messages;

SET client_min_messages = warning;

-- a script of 10 megabytes
SELECT migrate_revision('large', 'CREATE TABLE large (n int, t text);' || E'\n'
    || string_agg(format(E'INSERT INTO large VALUES (%s, ''%s'');\n', n, repeat('x', 1000)), '' ORDER BY n),
    'DROP TABLE large;', rev_id => 'large')
FROM generate_series(1, 10000) n;
SELECT length(upgrade) > 10000000 AS is_large FROM migrate_show('large');
SELECT migrate_upgrade();
SELECT count(*), sum(length(t)) FROM large;
SELECT migrate_downgrade('base');
SELECT migrate_remove('large');

-- 10,000 revisions, loaded in a row, last one first
SELECT count(*) FROM migrate_load_files(ARRAY(
    SELECT format(E'-- revision %1$s\n-- Revision ID: r%1$s\n-- Revises: %2$s\n-- migrate:upgrade\n-- migrate:downgrade\n',
        n, CASE WHEN n > 1 THEN 'r' || n - 1 END)
    FROM generate_series(10000, 1, -1) n));
SELECT pending FROM migrate_status();
SELECT count(*), min(step), max(step) FROM migrate_plan('upgrade', 'head');
SELECT migrate_upgrade('r5000');
SELECT migrate_upgrade('+1');
SELECT migrate_upgrade();
SELECT migrate_downgrade('-1000');
SELECT migrate_downgrade('base');
SELECT count(*) FROM migrate_log(max_rows => NULL);
DROP TABLE alembic_version;
