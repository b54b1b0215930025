--
-- Environments: revision graphs with version tables of their own
--
SET client_min_messages = warning;
DROP EXTENSION IF EXISTS migrate CASCADE;
DROP TABLE IF EXISTS alembic_version;
CREATE EXTENSION migrate;
RESET client_min_messages;

-- The environment "default" needs no making.  Another has a version table of
-- its own, here in a schema of its own, where its scripts make their tables.
CREATE SCHEMA billing;
SELECT migrate_environment_create('billing', version_table => 'versions',
    version_table_schema => 'billing', search_path => 'billing');
SELECT migrate_revision('create accounts', 'CREATE TABLE accounts (id int);',
    'DROP TABLE accounts;', rev_id => '001');
SELECT migrate_revision('create accounts', 'CREATE TABLE accounts (id int, balance numeric);',
    'DROP TABLE accounts;', rev_id => '001', environment => 'billing');
SELECT migrate_revision('create invoices', 'CREATE TABLE invoices (account int);',
    'DROP TABLE invoices;', rev_id => '002', environment => 'billing');

-- The same ids, and neither knows of the other.
SELECT migrate_upgrade();
SELECT migrate_upgrade(environment => 'billing');
SELECT c.oid::regclass FROM pg_class c
WHERE relname IN ('accounts', 'invoices', 'alembic_version', 'versions') AND relkind = 'r'
ORDER BY c.oid::regclass::text COLLATE "C";
SELECT * FROM migrate_status();
SELECT * FROM migrate_status('billing');
SELECT * FROM migrate_current('billing');
SELECT environment, revision, direction, search_path FROM migrate.log ORDER BY id;

-- The search path is that of the scripts only: the caller's stays, and what is
-- not in it is not found by them.
SHOW search_path;
SELECT migrate_revision('not found', 'CREATE VIEW v AS SELECT * FROM alembic_version;', environment => 'billing', rev_id => '003');
SELECT migrate_upgrade(environment => 'billing');
SELECT migrate_remove('003', environment => 'billing');
-- an empty one is not the same as none
SELECT migrate_environment_alter('billing', search_path => '');
SELECT migrate_revision('unqualified', 'CREATE TABLE nowhere (i int);', environment => 'billing', rev_id => '003');
SELECT migrate_upgrade(environment => 'billing');
SELECT migrate_environment_alter('billing', search_path => '"$user", billing , "Odd Name",public');
SELECT search_path FROM migrate.environment WHERE name = 'billing';
SELECT migrate_environment_alter('billing', search_path => 'billing,,public');
SELECT migrate_remove('003', environment => 'billing');

-- Settings that were not named stay; all are checked.
SELECT migrate_environment_alter('billing', id_style => 'sequence', truncate_slug_length => 20);
SELECT * FROM migrate.environment ORDER BY name;
SELECT migrate_environment_alter('billing', version_table => '');

-- The version table of a database that is at a revision is not exchanged:
-- nothing would seem to be applied.
SELECT migrate_environment_alter('billing', version_table => 'billing_version');
\set VERBOSITY terse
SELECT migrate_environment_alter('billing', version_table_schema => 'public');
\set VERBOSITY default
-- Renamed by hand first, it goes.
ALTER TABLE billing.versions RENAME TO billing_version;
SELECT migrate_environment_alter('billing', version_table => 'billing_version');
SELECT revision FROM migrate_current('billing');
-- "default" can be altered as well, also before it has a row.
SELECT migrate_environment_alter('default', id_style => 'sequence');
SELECT migrate_revision('the next number');

-- Two environments never share a version table, nor a name.
DO $$
BEGIN
    PERFORM migrate_environment_create('second', version_table => 'alembic_version');
EXCEPTION WHEN unique_violation OR duplicate_object THEN
    RAISE NOTICE 'refused';
END $$;
SELECT migrate_environment_create('billing');
SELECT migrate_environment_create('');
SELECT migrate_environment_create(NULL);
SELECT migrate_environment_create('second', version_table => 'second', id_style => 'roman');
SELECT migrate_environment_create('second', version_table => 'second', search_path => 'a b');

-- A schema that is not there is an error at the first use, not before.
SELECT migrate_environment_create('elsewhere', version_table_schema => 'elsewhere');
SELECT revision FROM migrate_current('elsewhere');
SELECT migrate_revision('first', downgrade => '', environment => 'elsewhere', rev_id => '1');
SELECT migrate_upgrade(environment => 'elsewhere');
CREATE SCHEMA elsewhere;
SELECT migrate_upgrade(environment => 'elsewhere');

-- Dropped can be what holds no revision; the log stays.
SELECT migrate_environment_drop('elsewhere');
SELECT migrate_downgrade('base', environment => 'elsewhere');
SELECT migrate_remove('1', environment => 'elsewhere');
SELECT migrate_environment_drop('elsewhere');
SELECT direction, revision FROM migrate.log WHERE environment = 'elsewhere' ORDER BY id;
SELECT migrate_environment_drop('elsewhere');
SELECT migrate_upgrade(environment => 'elsewhere');
SELECT * FROM migrate_status('elsewhere');
SELECT * FROM migrate_log(environment => 'elsewhere');
-- A name that nobody gave is the default, the empty one is no name.
SELECT environment FROM migrate_status(NULL);
SELECT environment FROM migrate_status('');

SELECT migrate_downgrade('base', environment => 'billing');
SELECT migrate_downgrade('base');
DROP TABLE alembic_version, billing.billing_version, elsewhere.alembic_version;
DROP SCHEMA billing, elsewhere;
