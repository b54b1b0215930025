/*-------------------------------------------------------------------------
 *
 * look.c
 *	  Whose rows a view shows, and what can be done to it.
 *
 * A view is looked at, and not read.
 *
 * Copyright (c) 2026, the migrate authors
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "access/relation.h"
#include "catalog/pg_class.h"
#include "miscadmin.h"
#include "rewrite/prs2lock.h"
#include "rewrite/rewriteHandler.h"
#include "tenant/selftest/view.h"
#include "utils/builtins.h"
#include "utils/lsyscache.h"
#include "utils/rel.h"

static const SelftestTable *table_of_column(const SelftestScene *scene,
											Oid relid, AttrNumber *attnum);
static Query *view_query(Relation relation);

/*
 * Find the columns that hold a tenant, and the table to take tenants from:
 * that of such a column, if possible one of which rows were found.  Any other
 * will do only where there is no such column.
 */
void
selftest_look_at_view(void *arg)
{
	SelftestViewTrial *trial = arg;
	Relation	relation = relation_open(trial->view->relid, AccessShareLock);
	MemoryContext spi_context = MemoryContextSwitchTo(trial->context);
	ListCell   *lc;

	for (AttrNumber attnum = 1; attnum <= RelationGetNumberOfAttributes(relation); attnum++)
	{
		AttrNumber	origin = attnum;
		const SelftestTable *table = table_of_column(trial->scene,
													 trial->view->relid, &origin);
		SelftestViewColumn *column;

		if (table == NULL)
			continue;
		column = palloc(sizeof(SelftestViewColumn));
		column->name = pstrdup(NameStr(TupleDescAttr(RelationGetDescr(relation),
													 attnum - 1)->attname));
		column->table = table;
		column->origin = get_attname(table->relid, origin, false);
		trial->origins = lappend(trial->origins, column);

		if (table->column == NULL || strcmp(table->column, column->origin) != 0)
			continue;
		trial->columns = lappend(trial->columns,
								 psprintf("t.%s", quote_identifier(column->name)));
		if (table->problem == NULL &&
			(trial->base == NULL || trial->base->other_row == NULL))
			trial->base = table;
	}
	foreach(lc, trial->view->bases)
	{
		const SelftestTable *table = lfirst(lc);

		if (trial->columns == NIL && table->problem == NULL &&
			(trial->base == NULL || trial->base->other_row == NULL))
			trial->base = table;
		trial->has_rule |= table->has_rule;
	}
	for (int i = 0; relation->rd_rules != NULL && i < relation->rd_rules->numLocks; i++)
		trial->has_rule |= relation->rd_rules->rules[i]->event != CMD_SELECT;
	trial->has_trigger = relation->trigdesc != NULL &&
		relation->trigdesc->trig_insert_instead_row;
	if (relation->rd_rel->relkind == RELKIND_VIEW)
		trial->events = relation_is_updatable(trial->view->relid, NIL, false, NULL);
	MemoryContextSwitchTo(spi_context);
	relation_close(relation, AccessShareLock);
}

/*
 * The table whose column a column of a table or view is, and which one it is
 * there; NULL if it is none, or the table is not one that is tried.
 */
static const SelftestTable *
table_of_column(const SelftestScene *scene, Oid relid, AttrNumber *attnum)
{
	const SelftestTable *result = selftest_find_table(scene, relid);
	char		relkind = get_rel_relkind(relid);
	Relation	relation;
	Query	   *query;
	ListCell   *lc;

	if (result != NULL)
		return result;
	if (relkind != RELKIND_VIEW && relkind != RELKIND_MATVIEW)
		return NULL;

	check_stack_depth();
	relation = relation_open(relid, AccessShareLock);
	query = view_query(relation);
	if (query != NULL)
	{
		foreach(lc, query->targetList)
		{
			TargetEntry *entry = lfirst(lc);

			if (!entry->resjunk && entry->resno == *attnum &&
				OidIsValid(entry->resorigtbl) && entry->resorigcol > 0 &&
				entry->resorigtbl != relid)
			{
				*attnum = entry->resorigcol;
				result = table_of_column(scene, entry->resorigtbl, attnum);
				break;
			}
		}
	}
	relation_close(relation, AccessShareLock);
	return result;
}

/*
 * What a view or a materialized view is made of.
 */
static Query *
view_query(Relation relation)
{
	if (relation->rd_rules == NULL)
		return NULL;
	for (int i = 0; i < relation->rd_rules->numLocks; i++)
	{
		RewriteRule *rule = relation->rd_rules->rules[i];

		if (rule->event == CMD_SELECT && list_length(rule->actions) == 1)
			return linitial_node(Query, rule->actions);
	}
	return NULL;
}
