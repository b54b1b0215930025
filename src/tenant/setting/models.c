/*-------------------------------------------------------------------------
 *
 * models.c
 *	  The models that migrate_tenant_setup() made: what a tenant is.
 *
 * Copyright (c) 2026, the migrate authors
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "access/genam.h"
#include "access/htup_details.h"
#include "access/table.h"
#include "base/textlist.h"
#include "catalog/bookkeeping.h"
#include "catalog/namespace.h"
#include "catalog/pg_class.h"
#include "catalog/pg_type.h"
#include "catalog/records.h"
#include "catalog/tables.h"
#include "catalog/tablescan.h"
#include "tenant/setting/setting.h"
#include "utils/builtins.h"
#include "utils/lsyscache.h"
#include "utils/rel.h"

static List *read_types(Relation relation, const char *setting);
static AttrNumber column_of_type(Relation relation, const char *name,
								 Oid type);

/*
 * Read a model, in the current memory context.
 *
 * If there is none of this name, returns NULL if that is all right, else
 * raises an error.
 */
TenantModel *
catalog_tenant_model(const char *name, bool missing_ok)
{
	static SPIPlanPtr plan = NULL;
	MemoryContext caller = CurrentMemoryContext;
	Bookkeeping scope;
	Oid			argtypes[] = {NAMEOID};
	Datum		values[1];
	NameData	name_data;
	TenantModel *model = palloc(sizeof(TenantModel));
	HeapTuple	tuple;
	TupleDesc	desc;
	MemoryContext spi_context;
	bool		isnull;

	/* a parameter of type name has the size of one */
	namestrcpy(&name_data, name);
	values[0] = NameGetDatum(&name_data);

	bookkeeping_begin_as_owner(&scope, catalog_owner());
	bookkeeping_prepare(&plan,
						"SELECT CAST(root AS pg_catalog.oid), CAST(key AS pg_catalog.text),"
						" CAST(admin_role AS pg_catalog.text), setting,"
						" CAST(app_roles AS pg_catalog.text[])"
						" FROM " TABLE_TENANT_MODEL
						" WHERE model OPERATOR(pg_catalog.=) $1",
						1, argtypes);
	bookkeeping_execute(plan, values, NULL, SPI_OK_SELECT);
	if (SPI_processed == 0 && missing_ok)
	{
		bookkeeping_end(&scope);
		return NULL;
	}
	if (SPI_processed == 0)
		catalog_tenant_missing(name);

	tuple = SPI_tuptable->vals[0];
	desc = SPI_tuptable->tupdesc;
	spi_context = MemoryContextSwitchTo(caller);
	model->name = pstrdup(name);
	model->root = DatumGetObjectId(SPI_getbinval(tuple, desc, 1, &isnull));
	model->key = bookkeeping_string(tuple, desc, 2);
	model->admin_role = bookkeeping_string(tuple, desc, 3);
	model->setting = bookkeeping_string(tuple, desc, 4);
	model->app_roles = textlist_from_array(SPI_getbinval(tuple, desc, 5, &isnull),
										   "app_roles");
	MemoryContextSwitchTo(spi_context);

	bookkeeping_end(&scope);
	return model;
}

/*
 * Raise the error that there is no model of this name.
 */
void
catalog_tenant_missing(const char *name)
{
	ereport(ERROR,
			(errcode(ERRCODE_UNDEFINED_OBJECT),
			 errmsg("tenant model \"%s\" does not exist", name),
			 errhint("Say what a tenant is: SELECT * FROM migrate_tenant_setup('...'%s);  with the table of which a row is a tenant.",
					 strcmp(name, "default") == 0 ? "" :
					 psprintf(", model => %s", quote_literal_cstr(name)))));
}

/*
 * The types of the tenants of all models that use a configuration parameter:
 * a List of OIDs in the current memory context.
 *
 * This is for the place where the parameter is set.  There need not be a
 * snapshot yet, and none may be taken for the transaction, which could not
 * change its isolation level afterwards; nor may anything be executed.  So
 * the table is read like a catalog, and if it is not there, nothing is found.
 */
List *
catalog_tenant_types(const char *setting)
{
	Oid			namespace_oid = get_namespace_oid(TABLES_SCHEMA, true);
	Oid			relid;
	Relation	relation;
	List	   *types = NIL;

	if (!OidIsValid(namespace_oid))
		return NIL;
	relid = get_relname_relid(RELNAME_TENANT_MODEL, namespace_oid);
	if (!OidIsValid(relid))
		return NIL;
	relation = try_table_open(relid, AccessShareLock);
	if (relation == NULL)
		return NIL;
	if (relation->rd_rel->relkind == RELKIND_RELATION)
		types = read_types(relation, setting);
	table_close(relation, AccessShareLock);
	return types;
}

/*
 * Read the types from the open table.  Somebody may have made another table
 * of that name in a database without the extension.
 */
static List *
read_types(Relation relation, const char *setting)
{
	TupleDesc	desc = RelationGetDescr(relation);
	AttrNumber	setting_column = column_of_type(relation, "setting", TEXTOID);
	AttrNumber	type_column = column_of_type(relation, "tenant_type", REGTYPEOID);
	List	   *types = NIL;
	SysScanDesc scan;
	HeapTuple	tuple;

	if (setting_column == InvalidAttrNumber || type_column == InvalidAttrNumber)
		return NIL;
	scan = systable_beginscan(relation, InvalidOid, false, NULL, 0, NULL);
	while (HeapTupleIsValid(tuple = systable_getnext(scan)))
	{
		bool		no_setting;
		bool		no_type;
		Datum		used = heap_getattr(tuple, setting_column, desc, &no_setting);
		Datum		type = heap_getattr(tuple, type_column, desc, &no_type);

		/* names of parameters are the same in upper case */
		if (!no_setting && !no_type &&
			pg_strcasecmp(TextDatumGetCString(used), setting) == 0)
			types = list_append_unique_oid(types, DatumGetObjectId(type));
	}
	systable_endscan(scan);
	return types;
}

/*
 * The names (char *) of the configuration parameters that hold tenants, in the
 * current memory context; one that several models share comes once for each.
 */
List *
catalog_tenant_settings(void)
{
	TableScan	scan;
	List	   *result = NIL;

	tablescan_begin(&scan, catalog_relation(RELNAME_TENANT_MODEL));
	while (tablescan_next(&scan, TENANT_MODEL_SETTING))
		result = lappend(result, tablescan_text(&scan, TENANT_MODEL_SETTING));
	tablescan_end(&scan);
	return result;
}

/*
 * The number of a column if it has this type, or InvalidAttrNumber.
 */
static AttrNumber
column_of_type(Relation relation, const char *name, Oid type)
{
	AttrNumber	column = get_attnum(RelationGetRelid(relation), name);

	if (column <= 0 ||
		TupleDescAttr(RelationGetDescr(relation), column - 1)->atttypid != type)
		return InvalidAttrNumber;
	return column;
}
