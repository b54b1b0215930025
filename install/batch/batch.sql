-- ---------------------------------------------------------------------------
-- Statements that a deploy runs in batches
-- ---------------------------------------------------------------------------

CREATE FUNCTION migrate.batch_support(internal)
RETURNS internal
AS 'MODULE_PATHNAME', 'migrate_batch_support'
LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION migrate.batch_support(internal) IS
	'planner support of migrate_batch()';

CREATE FUNCTION @extschema@.migrate_batch(key "any")
RETURNS boolean
AS 'MODULE_PATHNAME', 'migrate_batch'
LANGUAGE C IMMUTABLE CALLED ON NULL INPUT PARALLEL SAFE
SUPPORT migrate.batch_support;
COMMENT ON FUNCTION @extschema@.migrate_batch("any") IS
	'true; in the WHERE clause of a statement that migrate_deploy() runs, the key along which to run it in batches';
