-- ---------------------------------------------------------------------------
-- Running them
-- ---------------------------------------------------------------------------

CREATE FUNCTION @extschema@.migrate_upgrade(
	target text DEFAULT 'head',
	tag text DEFAULT NULL,
	environment text DEFAULT NULL)
RETURNS SETOF text
AS 'MODULE_PATHNAME', 'migrate_upgrade'
LANGUAGE C VOLATILE PARALLEL UNSAFE;
COMMENT ON FUNCTION @extschema@.migrate_upgrade(text, text, text) IS
	'upgrade the database to a revision, in the caller''s transaction, and return the current revisions';

CREATE FUNCTION @extschema@.migrate_downgrade(
	target text,
	tag text DEFAULT NULL,
	environment text DEFAULT NULL)
RETURNS SETOF text
AS 'MODULE_PATHNAME', 'migrate_downgrade'
LANGUAGE C VOLATILE PARALLEL UNSAFE;
COMMENT ON FUNCTION @extschema@.migrate_downgrade(text, text, text) IS
	'downgrade the database to a revision, in the caller''s transaction, and return the current revisions';

CREATE FUNCTION @extschema@.migrate_stamp(
	target text DEFAULT 'head',
	purge boolean DEFAULT false,
	tag text DEFAULT NULL,
	environment text DEFAULT NULL)
RETURNS SETOF text
AS 'MODULE_PATHNAME', 'migrate_stamp'
LANGUAGE C VOLATILE PARALLEL UNSAFE;
COMMENT ON FUNCTION @extschema@.migrate_stamp(text, boolean, text, text) IS
	'write a revision into the version table without running anything, and return the current revisions';

CREATE FUNCTION @extschema@.migrate_stamp(
	targets text[],
	purge boolean DEFAULT false,
	tag text DEFAULT NULL,
	environment text DEFAULT NULL)
RETURNS SETOF text
AS 'MODULE_PATHNAME', 'migrate_stamp_targets'
LANGUAGE C VOLATILE PARALLEL UNSAFE;
COMMENT ON FUNCTION @extschema@.migrate_stamp(text[], boolean, text, text) IS
	'write several revisions into the version table without running anything, and return the current revisions';
