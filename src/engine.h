/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What differs between the databases: one constant each.
 */
#ifndef ENGINE_H
#define ENGINE_H

#include <stdbool.h>

#include <apr_pools.h>

typedef enum {
    DB_OK,
    DB_DUPLICATE, /* a unique key exists already */
    DB_RETRY,     /* deadlock, serialisation failure, busy: the same again may succeed */
    DB_LOST,      /* no connection */
    DB_FULL,      /* the disk is full, an I/O error, too slow: may be better later */
    DB_FAILED     /* the statement is wrong */
} db_status_t;

/* An option of libdbi for a connection: text, or, when that is NULL, a number. */
typedef struct engine_option_t {
    const char *name; /* NULL ends the table */
    const char *text;
    int number;
} engine_option_t;

typedef struct engine_t {
    const char *driver;            /* libdbi's name */
    bool embedded;                 /* the database is a file of ours, no server */
    bool transactional_ddl;
    bool values_table;             /* knows (VALUES (1, 2), (3, 4)) AS v, and UPDATE ... FROM v */
    bool reads_json;               /* reads rows from a JSON text in less time than from VALUES */
    const char *begin;             /* of a writing transaction */
    const char *commit;
    const char *rollback;
    const char *on_idle;           /* after writes, when nothing waits; NULL: nothing to do */
    const char *claim;             /* a SELECT: is 1 when nobody else has claimed it, and we do */
    const char *release;           /* a SELECT, too; both NULL of an embedded one */
    const char *check;             /* a SELECT: is "ok" when the database is whole; or NULL */
    const char *no_limit;          /* lets statements of the session take long; NULL: they may */
    const char *limit;             /* and no longer */
    /* What lets a session, and a transaction without a statement, take as long as they like; and
     * what then begins a transaction that sees the database as it is now.  NULL-terminated. */
    const char *const *unlimited;
    const char *const *snapshot;
    /* A SELECT, between which a table's name stands as a literal: t a column's name, t2 its type, n
     * its place in the primary key, from 1; 0: not in it; n2 is not 0 when it cannot be NULL.  In
     * the order of the columns. */
    const char *columns_head, *columns_tail;
    const char *has_versions;      /* a SELECT: is 1 when schema_versions is there; or NULL */
    const char *table_suffix;      /* after the closing parenthesis of CREATE TABLE */
    const char *text_type;         /* of a column that is declared as TEXT */
    const engine_option_t *options;
    const char *const *on_connect; /* statements; NULL-terminated */

    /* Writes the text as a literal to *at, and moves *at behind it: at most 2 bytes per byte, and
     * ENGINE_QUOTE_MAX more. */
    void (*quote)(const char *text, apr_size_t length, bool returns_rows, char **at);
    /* Makes a statement that returns rows harmless to the driver; NULL: each one is.  Returns NULL
     * when it cannot. */
    const char *(*disarm)(apr_pool_t *pool, const char *statement);
    db_status_t (*status)(int error, const char *message);
} engine_t;

#define ENGINE_QUOTE_MAX 24

/* sqlite3, pgsql, mysql; NULL: unknown. */
const engine_t *engine_find(const char *driver);

#endif
