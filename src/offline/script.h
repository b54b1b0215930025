/*-------------------------------------------------------------------------
 *
 * script.h
 *	  A revision's script as a part of an offline script.
 *
 * Copyright (c) 2026, the migrate authors
 *
 *-------------------------------------------------------------------------
 */
#ifndef MIGRATE_OFFLINE_SCRIPT_H
#define MIGRATE_OFFLINE_SCRIPT_H

#include "script/script.h"

/* in script.c */
extern char *offline_script_text(const Script *script);

#endif							/* MIGRATE_OFFLINE_SCRIPT_H */
