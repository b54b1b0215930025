/*-------------------------------------------------------------------------
 *
 * pause.h
 *	  migrate_pause(), migrate_resume().
 *
 * Copyright (c) 2026, the migrate authors
 *
 *-------------------------------------------------------------------------
 */
#ifndef MIGRATE_DEPLOY_PAUSE_H
#define MIGRATE_DEPLOY_PAUSE_H

#include "catalog/records.h"

/* in pause.c */
extern void pause_refuse(const Environment *environment);

#endif							/* MIGRATE_DEPLOY_PAUSE_H */
