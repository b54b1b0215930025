/*-------------------------------------------------------------------------
 *
 * lint.h
 *	  What the expression of a policy says about tenants.
 *
 * Copyright (c) 2026, the migrate authors
 *
 *-------------------------------------------------------------------------
 */
#ifndef MIGRATE_TENANT_LINT_LINT_H
#define MIGRATE_TENANT_LINT_LINT_H

#include "nodes/nodes.h"
#include "nodes/pg_list.h"
#include "nodes/primnodes.h"
#include "utils/array.h"

/*
 * What a term of a policy compares the tenant column with, from the weakest
 * to the strongest: of several terms that must all hold the strongest counts,
 * and of several of which one must hold the weakest.
 */
typedef enum TenantBind
{
	TENANT_BIND_NOTHING,		/* it does not look at the column */
	TENANT_BIND_CONSTANT,
	TENANT_BIND_FALLBACK,		/* the tenant, or something else */
	TENANT_BIND_SETTING,		/* a setting that is not the model's */
	TENANT_BIND_USER,			/* current_user and the like */
	TENANT_BIND_OPAQUE,			/* what can't be looked into */
	TENANT_BIND_PARENT,			/* a row of a protected table, by its key */
	TENANT_BIND_TENANT
} TenantBind;

/*
 * What was found out about a term once.  An answer may need those for the
 * terms below, each of them several times: not to remember them would take
 * time that doubles with every level.
 */
typedef struct TenantAnswer
{
	const Node *node;
	int			rtindex;		/* what is asked, see tenantlint_recall() */
	bool		is_known;
	bool		holds;
} TenantAnswer;

/* The table that a policy is of, and what binds it */
typedef struct TenantRule
{
	Oid			relation;
	AttrNumber	column;			/* the tenant column; 0: it has none */
	const char *setting;		/* of the model */
	ArrayType  *functions;		/* those that return the tenant, as oid[] */
	ArrayType  *protected;		/* the tables of the registry, as oid[] */
	ArrayType  *shared;			/* those of which all tenants see some rows */
	List	  **answers;		/* of TenantAnswer */
} TenantRule;

/* What an expression comes to */
typedef struct TenantBinding
{
	TenantBind	bind;
	bool		is_inline;		/* the tenant is read from the setting */
	bool		allows_null;	/* rows without a tenant pass too, or those
								 * that hang on one */
	bool		is_exact;		/* there is nothing else in it */
	Node	   *weakest;		/* the term that decides */
} TenantBinding;

/* in lint.c */
extern bool tenantlint_has_finding(const char *code, const char *object);

/* in bind.c */
extern void tenantlint_bind(const TenantRule *rule, Node *expression,
							TenantBinding *binding);
extern void tenantlint_bind_equality(const TenantRule *rule, Node *left,
									 Node *right, TenantBinding *result);

/* in not.c */
extern void tenantlint_bind_not(const TenantRule *rule, Node *arg, Node *whole,
								TenantBinding *result);
extern void tenantlint_bind_test(const TenantRule *rule, BooleanTest *test,
								 TenantBinding *result);
extern bool tenantlint_is_about(const TenantRule *rule, Node *node);

/* in term.c */
extern bool tenantlint_is_always_true(Node *expression);
extern bool tenantlint_is_never_true(Node *node);
extern Node *tenantlint_strip(Node *node);
extern bool tenantlint_is_lossless(FuncExpr *call);
extern bool tenantlint_is_equality(Node *node, Node **left, Node **right);
extern bool tenantlint_means_equal(Oid opno, Oid collation, Node *left,
								   Node *right);
extern bool tenantlint_is_column(const TenantRule *rule, Node *node);
extern bool tenantlint_is_null_test(const TenantRule *rule, Node *node,
									NullTestType type);
extern bool tenantlint_mentions_column(const TenantRule *rule, Node *node);
extern bool tenantlint_could_bind(const TenantRule *rule, Node *node);
extern TenantAnswer *tenantlint_recall(const TenantRule *rule,
									   const Node *node, int rtindex);

/* in sublink.c */
extern bool tenantlint_holds_without_rows(Node *node);

/* in context.c */
extern TenantBind tenantlint_context(const TenantRule *rule, Node *node,
									 bool *is_inline);
extern const char *tenantlint_setting_name(Node *node);
extern bool tenantlint_is_user(Node *node);
extern bool tenantlint_mentions_tenant(const TenantRule *rule, Node *node);
extern bool tenantlint_in_array(const ArrayType *array, Oid oid);

/* in gone.c */
extern bool tenantlint_is_gone(Oid relation, Node *expression);
extern char *tenantlint_deparse(Oid relation, Node *node);

/* in parent.c */
extern bool tenantlint_through_parent(const TenantRule *rule,
									  SubLink *sublink, Node *operand,
									  bool *allows_shared);

#endif							/* MIGRATE_TENANT_LINT_LINT_H */
