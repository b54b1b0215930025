/*-------------------------------------------------------------------------
 *
 * settings.h
 *	  What the scripts of an offline script set, and how it is undone.
 *
 * Copyright (c) 2026, the migrate authors
 *
 *-------------------------------------------------------------------------
 */
#ifndef MIGRATE_OFFLINE_SETTINGS_H
#define MIGRATE_OFFLINE_SETTINGS_H

#include "script/script.h"

/* in settings.c */
extern List *settings_of_script(const Script *script);
extern List *settings_union(List *names, List *more);
extern char *settings_save_sql(List *names);
extern char *settings_restore_sql(List *names);
extern char *settings_search_path_sql(const char *search_path, bool local);

#endif							/* MIGRATE_OFFLINE_SETTINGS_H */
