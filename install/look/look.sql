-- ---------------------------------------------------------------------------
-- Looking
-- ---------------------------------------------------------------------------

CREATE FUNCTION @extschema@.migrate_current(
	environment text DEFAULT NULL,
	OUT revision text,
	OUT down_revisions text[],
	OUT is_head boolean,
	OUT message text)
RETURNS SETOF record
AS 'MODULE_PATHNAME', 'migrate_current'
LANGUAGE C STABLE PARALLEL UNSAFE;
COMMENT ON FUNCTION @extschema@.migrate_current(text) IS
	'the revisions that the database is at';

CREATE FUNCTION @extschema@.migrate_heads(
	environment text DEFAULT NULL,
	OUT revision text,
	OUT down_revisions text[],
	OUT branch_labels text[],
	OUT message text,
	OUT is_effective_head boolean)
RETURNS SETOF record
AS 'MODULE_PATHNAME', 'migrate_heads'
LANGUAGE C STABLE PARALLEL UNSAFE;
COMMENT ON FUNCTION @extschema@.migrate_heads(text) IS
	'the revisions that none other revises';

CREATE FUNCTION @extschema@.migrate_branches(
	environment text DEFAULT NULL,
	OUT revision text,
	OUT next_revisions text[],
	OUT branch_labels text[],
	OUT message text)
RETURNS SETOF record
AS 'MODULE_PATHNAME', 'migrate_branches'
LANGUAGE C STABLE PARALLEL UNSAFE;
COMMENT ON FUNCTION @extschema@.migrate_branches(text) IS
	'the branch points: revisions that more than one other revises';

CREATE FUNCTION @extschema@.migrate_history(
	range text DEFAULT NULL,
	environment text DEFAULT NULL,
	OUT revision text,
	OUT down_revisions text[],
	OUT depends_on text[],
	OUT branch_labels text[],
	OUT message text,
	OUT is_head boolean,
	OUT is_branch_point boolean,
	OUT is_merge_point boolean,
	OUT is_current boolean,
	OUT create_date timestamp with time zone)
RETURNS SETOF record
AS 'MODULE_PATHNAME', 'migrate_history'
LANGUAGE C STABLE PARALLEL UNSAFE;
COMMENT ON FUNCTION @extschema@.migrate_history(text, text) IS
	'the revisions of a range, newest first';

CREATE FUNCTION @extschema@.migrate_show(
	revision text DEFAULT 'current',
	environment text DEFAULT NULL)
RETURNS SETOF migrate.revision_detail
AS 'MODULE_PATHNAME', 'migrate_show'
LANGUAGE C STABLE PARALLEL UNSAFE;
COMMENT ON FUNCTION @extschema@.migrate_show(text, text) IS
	'all that is known of one revision, or of several for a symbol like heads';

CREATE FUNCTION @extschema@.migrate_status(environment text DEFAULT NULL)
RETURNS migrate.status
AS 'MODULE_PATHNAME', 'migrate_status'
LANGUAGE C STABLE PARALLEL UNSAFE;
COMMENT ON FUNCTION @extschema@.migrate_status(text) IS
	'one row: what is current, what is pending, and what is wrong';

CREATE FUNCTION @extschema@.migrate_check_heads(environment text DEFAULT NULL)
RETURNS boolean
AS 'MODULE_PATHNAME', 'migrate_check_heads'
LANGUAGE C STABLE PARALLEL UNSAFE;
COMMENT ON FUNCTION @extschema@.migrate_check_heads(text) IS
	'true if every revision is applied, else an error: a gate for pipelines';

CREATE FUNCTION @extschema@.migrate_plan(
	command text,
	target text,
	versions text[] DEFAULT NULL,
	environment text DEFAULT NULL)
RETURNS SETOF migrate.plan_step
AS 'MODULE_PATHNAME', 'migrate_plan'
LANGUAGE C STABLE PARALLEL UNSAFE;
COMMENT ON FUNCTION @extschema@.migrate_plan(text, text, text[], text) IS
	'the steps that upgrade, downgrade or stamp would take, and the version table after each; nothing is run';

CREATE FUNCTION @extschema@.migrate_plan(
	command text,
	targets text[],
	versions text[] DEFAULT NULL,
	environment text DEFAULT NULL)
RETURNS SETOF migrate.plan_step
AS 'MODULE_PATHNAME', 'migrate_plan_targets'
LANGUAGE C STABLE PARALLEL UNSAFE;
COMMENT ON FUNCTION @extschema@.migrate_plan(text, text[], text[], text) IS
	'the steps that a stamp with several targets would take; nothing is run';

CREATE FUNCTION @extschema@.migrate_log(
	revision text DEFAULT NULL,
	max_rows integer DEFAULT 100,
	environment text DEFAULT NULL)
RETURNS SETOF migrate.log_entry
AS 'MODULE_PATHNAME', 'migrate_log'
LANGUAGE C STABLE PARALLEL UNSAFE;
COMMENT ON FUNCTION @extschema@.migrate_log(text, integer, text) IS
	'what was run, newest first';

CREATE FUNCTION @extschema@.migrate_graph(
	format text DEFAULT 'text',
	environment text DEFAULT NULL)
RETURNS SETOF text
AS 'MODULE_PATHNAME', 'migrate_graph'
LANGUAGE C STABLE PARALLEL UNSAFE;
COMMENT ON FUNCTION @extschema@.migrate_graph(text, text) IS
	'the revision graph, drawn as text, or as source for dot or mermaid';
