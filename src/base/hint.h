/*-------------------------------------------------------------------------
 *
 * hint.h
 *	  Hints that can be pasted, also in an environment other than "default".
 *
 * Copyright (c) 2026, the migrate authors
 *
 *-------------------------------------------------------------------------
 */
#ifndef MIGRATE_BASE_HINT_H
#define MIGRATE_BASE_HINT_H

/* in hint.c */
extern void hint_set_environment(const char *environment);
extern void hint_set_online(bool is_online);
extern int	hint_statement(const char *fmt,...) pg_attribute_printf(1, 2);
extern char *hint_in_environment(const char *hint);

#endif							/* MIGRATE_BASE_HINT_H */
