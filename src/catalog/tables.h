/*-------------------------------------------------------------------------
 *
 * tables.h
 *	  The names of the extension's own tables: they stand nowhere else in C.
 *
 * Copyright (c) 2026, the migrate authors
 *
 *-------------------------------------------------------------------------
 */
#ifndef MIGRATE_CATALOG_TABLES_H
#define MIGRATE_CATALOG_TABLES_H

#define TABLES_SCHEMA "migrate"

/* the tables by their names within the schema ... */
#define RELNAME_ENVIRONMENT "environment"
#define RELNAME_REVISION "revision"
#define RELNAME_REVISION_EDGE "revision_edge"
#define RELNAME_LOG "log"
#define RELNAME_PROGRESS "progress"
#define RELNAME_PAUSE "pause"

/* ... and the columns of those that are scanned without SPI, in their order */
enum EnvironmentColumn
{
	ENVIRONMENT_NAME = 1,
	ENVIRONMENT_VERSION_TABLE_SCHEMA,
	ENVIRONMENT_VERSION_TABLE,
	ENVIRONMENT_SEARCH_PATH,
	ENVIRONMENT_ID_STYLE,
	ENVIRONMENT_FILE_TEMPLATE,
	ENVIRONMENT_TRUNCATE_SLUG_LENGTH,
	ENVIRONMENT_TIMEZONE
};

enum RevisionColumn
{
	REVISION_ENVIRONMENT = 1,
	REVISION_REVISION,
	REVISION_LOAD_ORDER,
	REVISION_CREATE_DATE,
	REVISION_MESSAGE,
	REVISION_BRANCH_LABELS,
	REVISION_ORIGIN,
	REVISION_LOADED_CHECKSUM,
	REVISION_CHECKSUM,			/* the last that the graph needs */
	REVISION_DESCRIPTION,
	REVISION_UPGRADE,
	REVISION_UPGRADE_TRANSACTIONAL,
	REVISION_DOWNGRADE,
	REVISION_DOWNGRADE_TRANSACTIONAL,
	REVISION_AUTHOR,
	REVISION_FILENAME,
	REVISION_HEADER,
	REVISION_SEPARATOR
};

enum RevisionEdgeColumn
{
	REVISION_EDGE_ENVIRONMENT = 1,
	REVISION_EDGE_REVISION,
	REVISION_EDGE_KIND,
	REVISION_EDGE_POSITION,
	REVISION_EDGE_PARENT
};

enum ProgressColumn
{
	PROGRESS_ENVIRONMENT = 1,
	PROGRESS_REVISION,
	PROGRESS_DIRECTION,
	PROGRESS_DEPLOY_ID,
	PROGRESS_STARTED_AT,
	PROGRESS_UPDATED_AT,
	PROGRESS_STATEMENTS,
	PROGRESS_STATEMENT_HASHES,
	PROGRESS_IS_BEGUN,
	PROGRESS_BATCH_CURSOR,
	PROGRESS_BATCH_ROWS,
	PROGRESS_BATCH_COUNT,
	PROGRESS_BATCH_SIZE,
	PROGRESS_BATCH_HASH
};

enum PauseColumn
{
	PAUSE_ENVIRONMENT = 1,
	PAUSE_PAUSED_AT,
	PAUSE_ROLE,
	PAUSE_REASON
};

enum TenantModelColumn
{
	TENANT_MODEL_MODEL = 1,
	TENANT_MODEL_ROOT,
	TENANT_MODEL_KEY,
	TENANT_MODEL_COLUMN_NAME,
	TENANT_MODEL_APP_ROLES,
	TENANT_MODEL_ADMIN_ROLE,
	TENANT_MODEL_SETTING
};

#define TABLE_ENVIRONMENT "migrate.environment"
#define TABLE_REVISION "migrate.revision"
#define TABLE_REVISION_EDGE "migrate.revision_edge"
#define TABLE_LOG "migrate.log"
#define TABLE_PROGRESS "migrate.progress"
#define TABLE_PAUSE "migrate.pause"

#define FUNCTION_CHECKSUM "migrate.checksum"
#define FUNCTION_TENANT_LINT_FINDINGS "migrate.tenant_lint_findings"
#define FUNCTION_TENANT_LINT_FOUND "migrate.tenant_lint_found"
#define FUNCTION_TENANT_SELFTEST_TABLES "migrate.tenant_selftest_tables"
#define FUNCTION_TENANT_SELFTEST_REFERENCES "migrate.tenant_selftest_references"
#define FUNCTION_TENANT_SELFTEST_VIEWS "migrate.tenant_selftest_views"

#define RELNAME_TENANT_MODEL "tenant_model"
#define RELNAME_TENANT_SCHEMA "tenant_schema"
#define RELNAME_TENANT_TABLE "tenant_table"
#define RELNAME_TENANT_COLUMN "tenant_column"
#define RELNAME_TENANT_LINK "tenant_link"
#define RELNAME_TENANT_GRANT "tenant_grant"
#define RELNAME_TENANT_WAIVER "tenant_waiver"

#define TABLE_TENANT_MODEL "migrate.tenant_model"
#define TABLE_TENANT_SCHEMA "migrate.tenant_schema"
#define TABLE_TENANT_TABLE "migrate.tenant_table"
#define TABLE_TENANT_COLUMN "migrate.tenant_column"
#define TABLE_TENANT_LINK "migrate.tenant_link"
#define TABLE_TENANT_GRANT "migrate.tenant_grant"
#define TABLE_TENANT_WAIVER "migrate.tenant_waiver"

#endif							/* MIGRATE_CATALOG_TABLES_H */
