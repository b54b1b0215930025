/*-------------------------------------------------------------------------
 *
 * migrate.c
 *	  What makes a loadable module of the rest.
 *
 * Copyright (c) 2026, the migrate authors
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "compat.h"
#include "fmgr.h"

MIGRATE_MODULE_MAGIC;
