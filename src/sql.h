/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The one place that makes SQL text.  libdbi has no bound parameters, and its SQLite driver parses
 * the text of every statement that returns rows (user text in a literal can hang it or smash its
 * stack), and alters 0x1A when it quotes; so values are quoted here: in statements that return rows
 * text becomes CAST(x'..' AS TEXT) on SQLite, elsewhere each engine's own quoting.
 */
#ifndef SQL_H
#define SQL_H

#include <stdarg.h>

#include <apr_pools.h>

#include "engine.h"

/* Does it give back rows: is it a SELECT, or another that asks? */
bool sql_returns_rows(const char *statement);

/* See salon_sql for the directives.  A format that is not understood, or has a quote in it, is a
 * bug of ours and ends the process.  Returns text in the pool. */
const char *sql_format(apr_pool_t *pool, const engine_t *engine, const char *format, ...)
    __attribute__((format(printf, 3, 4)));
const char *sql_vformat(apr_pool_t *pool, const engine_t *engine, const char *format, va_list args)
    __attribute__((format(printf, 3, 0)));

/* A statement that grows: "INSERT ... VALUES " and then rows, or the members of an IN list. */
typedef struct sql_text_t sql_text_t;
sql_text_t *sql_text_make(apr_pool_t *pool, const engine_t *engine, bool returns_rows);
void sql_text_add(sql_text_t *text, const char *format, ...) __attribute__((format(printf, 2, 3)));
/* Adds text that is SQL already: a name, or a condition of ours. */
void sql_text_add_plain(sql_text_t *text, const char *plain);
apr_size_t sql_text_length(const sql_text_t *text);
/* What there is; it may grow on, which ends the life of this string. */
const char *sql_text_string(sql_text_t *text);

#endif
