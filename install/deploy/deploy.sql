-- ---------------------------------------------------------------------------
-- Running them online: procedures that commit
-- ---------------------------------------------------------------------------

CREATE PROCEDURE @extschema@.migrate_deploy(
	target text DEFAULT 'head',
	lock_timeout interval DEFAULT '2 s',
	max_wait interval DEFAULT '10 min',
	tag text DEFAULT NULL,
	environment text DEFAULT NULL)
AS 'MODULE_PATHNAME', 'migrate_deploy'
LANGUAGE C;
COMMENT ON PROCEDURE @extschema@.migrate_deploy(text, interval, interval, text, text) IS
	'upgrade the database to a revision online: each revision in a transaction of its own, without blocking others';

CREATE PROCEDURE @extschema@.migrate_rollback(
	target text,
	lock_timeout interval DEFAULT '2 s',
	max_wait interval DEFAULT '10 min',
	tag text DEFAULT NULL,
	environment text DEFAULT NULL)
AS 'MODULE_PATHNAME', 'migrate_rollback'
LANGUAGE C;
COMMENT ON PROCEDURE @extschema@.migrate_rollback(text, interval, interval, text, text) IS
	'downgrade the database to a revision online: each revision in a transaction of its own, without blocking others';
