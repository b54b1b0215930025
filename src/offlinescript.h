/*-------------------------------------------------------------------------
 *
 * offlinescript.h
 *	  A revision's script as a part of an offline script.
 *
 * Copyright (c) 2026, the migrate authors
 *
 *-------------------------------------------------------------------------
 */
#ifndef MIGRATE_OFFLINESCRIPT_H
#define MIGRATE_OFFLINESCRIPT_H

#include "script.h"

/* in offlinescript.c */
extern char *offline_script_text(const Script *script);

#endif							/* MIGRATE_OFFLINESCRIPT_H */
