-- ---------------------------------------------------------------------------
-- Writing revisions
-- ---------------------------------------------------------------------------

CREATE FUNCTION @extschema@.migrate_revision(
	message text DEFAULT NULL,
	upgrade text DEFAULT '',
	downgrade text DEFAULT NULL,
	head text[] DEFAULT '{head}',
	splice boolean DEFAULT false,
	branch_label text DEFAULT NULL,
	depends_on text[] DEFAULT NULL,
	rev_id text DEFAULT NULL,
	origin text DEFAULT NULL,
	description text DEFAULT NULL,
	transactional boolean DEFAULT true,
	create_date timestamp with time zone DEFAULT NULL,
	author text DEFAULT NULL,
	environment text DEFAULT NULL)
RETURNS text
AS 'MODULE_PATHNAME', 'migrate_revision'
LANGUAGE C VOLATILE PARALLEL UNSAFE;
COMMENT ON FUNCTION @extschema@.migrate_revision(text, text, text, text[], boolean, text, text[], text, text, text, boolean, timestamp with time zone, text, text) IS
	'add a revision and return its id';

CREATE FUNCTION @extschema@.migrate_merge(
	revisions text[] DEFAULT '{heads}',
	message text DEFAULT NULL,
	branch_label text DEFAULT NULL,
	rev_id text DEFAULT NULL,
	splice boolean DEFAULT false,
	origin text DEFAULT NULL,
	create_date timestamp with time zone DEFAULT NULL,
	author text DEFAULT NULL,
	environment text DEFAULT NULL)
RETURNS text
AS 'MODULE_PATHNAME', 'migrate_merge'
LANGUAGE C VOLATILE PARALLEL UNSAFE;
COMMENT ON FUNCTION @extschema@.migrate_merge(text[], text, text, text, boolean, text, timestamp with time zone, text, text) IS
	'add a revision that joins several into one head, and return its id';

CREATE FUNCTION @extschema@.migrate_load(
	script text,
	filename text DEFAULT NULL,
	origin text DEFAULT NULL,
	environment text DEFAULT NULL)
RETURNS text
AS 'MODULE_PATHNAME', 'migrate_load'
LANGUAGE C VOLATILE PARALLEL UNSAFE;
COMMENT ON FUNCTION @extschema@.migrate_load(text, text, text, text) IS
	'load the text of one revision file and return its revision id';

CREATE FUNCTION @extschema@.migrate_load_files(
	scripts text[],
	filenames text[] DEFAULT NULL,
	origin text DEFAULT NULL,
	environment text DEFAULT NULL)
RETURNS SETOF text
AS 'MODULE_PATHNAME', 'migrate_load_files'
LANGUAGE C VOLATILE PARALLEL UNSAFE;
COMMENT ON FUNCTION @extschema@.migrate_load_files(text[], text[], text, text) IS
	'load the texts of several revision files, in any order, all or none, and return their revision ids';

CREATE FUNCTION @extschema@.migrate_load_directory(
	path text,
	origin text DEFAULT NULL,
	environment text DEFAULT NULL)
RETURNS SETOF text
AS 'MODULE_PATHNAME', 'migrate_load_directory'
LANGUAGE C VOLATILE PARALLEL UNSAFE;
COMMENT ON FUNCTION @extschema@.migrate_load_directory(text, text, text) IS
	'load all *.sql files of a directory of the server, all or none, and return their revision ids';

CREATE FUNCTION @extschema@.migrate_export(
	range text DEFAULT NULL,
	origin text DEFAULT NULL,
	environment text DEFAULT NULL,
	OUT filename text,
	OUT script text)
RETURNS SETOF record
AS 'MODULE_PATHNAME', 'migrate_export'
LANGUAGE C STABLE PARALLEL UNSAFE;
COMMENT ON FUNCTION @extschema@.migrate_export(text, text, text) IS
	'the revision files of a range, byte for byte as they were loaded, oldest first';

CREATE FUNCTION @extschema@.migrate_edit(
	revision text,
	upgrade text DEFAULT NULL,
	downgrade text DEFAULT NULL,
	message text DEFAULT NULL,
	description text DEFAULT NULL,
	environment text DEFAULT NULL)
RETURNS text
AS 'MODULE_PATHNAME', 'migrate_edit'
LANGUAGE C VOLATILE PARALLEL UNSAFE;
COMMENT ON FUNCTION @extschema@.migrate_edit(text, text, text, text, text, text) IS
	'change a revision that is not applied, and return its id; what is NULL stays as it is';

CREATE FUNCTION @extschema@.migrate_remove(
	revision text,
	environment text DEFAULT NULL)
RETURNS text
AS 'MODULE_PATHNAME', 'migrate_remove'
LANGUAGE C VOLATILE PARALLEL UNSAFE;
COMMENT ON FUNCTION @extschema@.migrate_remove(text, text) IS
	'remove a revision that is not applied and that no other is based on, and return its id';
