/*-------------------------------------------------------------------------
 *
 * error.h
 *	  The SQLSTATEs of this project.
 *
 * A caller that must tell a case apart finds a code of class MG; everything
 * else uses the server's own codes.  doc/reference.md lists both.
 *
 * Copyright (c) 2026, the migrate authors
 *
 *-------------------------------------------------------------------------
 */
#ifndef MIGRATE_BASE_ERROR_H
#define MIGRATE_BASE_ERROR_H

#define ERRCODE_MIGRATE_AMBIGUOUS_REVISION	MAKE_SQLSTATE('M','G','0','0','1')
#define ERRCODE_MIGRATE_MULTIPLE_HEADS		MAKE_SQLSTATE('M','G','0','0','2')
#define ERRCODE_MIGRATE_OVERLAPPING_REVISIONS MAKE_SQLSTATE('M','G','0','0','3')
#define ERRCODE_MIGRATE_NOT_UP_TO_DATE		MAKE_SQLSTATE('M','G','0','0','4')
#define ERRCODE_MIGRATE_REVISION_CHANGED	MAKE_SQLSTATE('M','G','0','0','5')
#define ERRCODE_MIGRATE_IRREVERSIBLE		MAKE_SQLSTATE('M','G','0','0','6')
#define ERRCODE_MIGRATE_INVALID_GRAPH		MAKE_SQLSTATE('M','G','0','0','7')
#define ERRCODE_MIGRATE_INVALID_WALK		MAKE_SQLSTATE('M','G','0','0','8')
#define ERRCODE_MIGRATE_VERSION_TABLE_CHANGED MAKE_SQLSTATE('M','G','0','0','9')
#define ERRCODE_MIGRATE_PAUSED				MAKE_SQLSTATE('M','G','0','1','0')
#define ERRCODE_MIGRATE_TENANT_LEAK			MAKE_SQLSTATE('M','G','0','1','1')

#endif							/* MIGRATE_BASE_ERROR_H */
