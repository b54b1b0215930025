-- ---------------------------------------------------------------------------
-- The SQL that would be run
-- ---------------------------------------------------------------------------

CREATE FUNCTION @extschema@.migrate_upgrade_sql(
	range text DEFAULT 'head',
	environment text DEFAULT NULL)
RETURNS SETOF text
AS 'MODULE_PATHNAME', 'migrate_upgrade_sql'
LANGUAGE C STABLE PARALLEL UNSAFE;
COMMENT ON FUNCTION @extschema@.migrate_upgrade_sql(text, text) IS
	'the SQL of an upgrade, for psql; from the current revisions unless a range from:to is given';

CREATE FUNCTION @extschema@.migrate_downgrade_sql(
	range text,
	environment text DEFAULT NULL)
RETURNS SETOF text
AS 'MODULE_PATHNAME', 'migrate_downgrade_sql'
LANGUAGE C STABLE PARALLEL UNSAFE;
COMMENT ON FUNCTION @extschema@.migrate_downgrade_sql(text, text) IS
	'the SQL of a downgrade, for psql; from the current revisions unless a range from:to is given';

CREATE FUNCTION @extschema@.migrate_stamp_sql(
	range text DEFAULT 'head',
	environment text DEFAULT NULL)
RETURNS SETOF text
AS 'MODULE_PATHNAME', 'migrate_stamp_sql'
LANGUAGE C STABLE PARALLEL UNSAFE;
COMMENT ON FUNCTION @extschema@.migrate_stamp_sql(text, text) IS
	'the SQL of a stamp, for psql; from the current revisions unless a range from:to is given';
