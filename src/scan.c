/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A page is found by the key of the last row before it, never by counting, so that each costs the
 * same.  Two pools take turns, one page each.  Where texts have no limit, the database is asked
 * first how long they are, for what it gives back is in memory as a whole.
 */
#include "scan.h"

#include <apr_strings.h>

#include "sql.h"

#define PAGE_ROWS       500
#define PAGE_CHARACTERS (1 << 20)

typedef struct scanner_t {
    db_t *db;
    const table_t *table;
    const selection_t *selection;
    const salon_rows_t *before; /* NULL: from the beginning */
} scanner_t;

/* ---- The statement ---- */

static void compare_add(sql_text_t *text, const scanner_t *scanner, int place, const char *sign)
{
    int index = scanner->table->key[place], last = scanner->before->count - 1;
    const column_t *column = &scanner->table->columns[index];
    sql_text_add_plain(text, column->name);
    sql_text_add_plain(text, sign);
    if (column->text) sql_text_add(text, "%s", salon_rows_text(scanner->before, last, index));
    else sql_text_add(text, "%ld", (long)salon_rows_integer(scanner->before, last, index));
}

/* (a > 1 OR (a = 1 AND (b > 2 OR (b = 2 AND c > 3)))); the condition on the first column alone is
 * for engines that look no further when they choose an index. */
static void behind_add(sql_text_t *text, const scanner_t *scanner)
{
    int last = scanner->table->key_count - 1;
    compare_add(text, scanner, 0, " >= ");
    sql_text_add_plain(text, " AND ");
    for (int i = 0; i < last; i++) {
        sql_text_add_plain(text, "(");
        compare_add(text, scanner, i, " > ");
        sql_text_add_plain(text, " OR (");
        compare_add(text, scanner, i, " = ");
        sql_text_add_plain(text, " AND ");
    }
    compare_add(text, scanner, last, " > ");
    for (int i = 0; i < last; i++) sql_text_add_plain(text, "))");
}

static void selection_add(sql_text_t *text, const selection_t *selection)
{
    for (int i = 0; i < selection->column_count; i++) {
        sql_text_add_plain(text, i == 0 ? "(" : " OR ");
        sql_text_add_plain(text, selection->columns[i]);
        sql_text_add(text, " = %ld", (long)selection->value);
    }
    sql_text_add_plain(text, ")");
    if (selection->condition == NULL) return;
    sql_text_add_plain(text, " AND ");
    sql_text_add_plain(text, selection->condition);
}

/* From FROM on: the next rows, so many. */
static void rows_add(sql_text_t *text, const scanner_t *scanner, int most)
{
    const table_t *table = scanner->table;
    bool some = scanner->selection->column_count > 0;
    sql_text_add_plain(text, " FROM ");
    sql_text_add_plain(text, table->name);
    if (some || scanner->before != NULL) sql_text_add_plain(text, " WHERE ");
    if (some) selection_add(text, scanner->selection);
    if (some && scanner->before != NULL) sql_text_add_plain(text, " AND ");
    if (scanner->before != NULL) behind_add(text, scanner);
    for (int i = 0; i < table->key_count; i++) {
        sql_text_add_plain(text, i == 0 ? " ORDER BY " : ", ");
        sql_text_add_plain(text, table->columns[table->key[i]].name);
    }
    sql_text_add(text, " LIMIT %d", most);
}

/* ---- Pages ---- */

static bool is_unlimited(const column_t *column)
{
    return column->text && column->most == 0;
}

/* The characters in the unlimited texts of the next rows; 0 where there are no such columns. */
static db_status_t page_length(const scanner_t *scanner, apr_pool_t *pool, int most,
                               apr_int64_t *length_r)
{
    sql_text_t *text = sql_text_make(pool, db_engine(scanner->db), true);
    salon_rows_t rows;
    bool any = false;
    sql_text_add_plain(text, "SELECT SUM(n) AS n FROM (SELECT ");
    for (int i = 0; i < scanner->table->column_count; i++) {
        if (!is_unlimited(&scanner->table->columns[i])) continue;
        sql_text_add_plain(text, any ? " + COALESCE(LENGTH(" : "COALESCE(LENGTH(");
        sql_text_add_plain(text, scanner->table->columns[i].name);
        sql_text_add_plain(text, "), 0)");
        any = true;
    }
    sql_text_add_plain(text, " AS n");
    rows_add(text, scanner, most);
    sql_text_add_plain(text, ") AS page");
    *length_r = 0;
    db_status_t status = any ? db_run(scanner->db, pool, sql_text_string(text), &rows) : DB_OK;
    if (any && status == DB_OK) *length_r = salon_rows_integer(&rows, 0, 0);
    return status;
}

static db_status_t page_read(const scanner_t *scanner, apr_pool_t *pool, salon_rows_t *page_r)
{
    int most = PAGE_ROWS;
    apr_int64_t length;
    db_status_t status = page_length(scanner, pool, most, &length);
    while (status == DB_OK && length > PAGE_CHARACTERS && most > 1) {
        most = (most + 3) / 4;
        status = page_length(scanner, pool, most, &length);
    }
    if (status != DB_OK) return status;
    sql_text_t *text = sql_text_make(pool, db_engine(scanner->db), true);
    for (int i = 0; i < scanner->table->column_count; i++) {
        sql_text_add_plain(text, i == 0 ? "SELECT " : ", ");
        sql_text_add_plain(text, scanner->table->columns[i].name);
    }
    rows_add(text, scanner, most);
    return db_run(scanner->db, pool, sql_text_string(text), page_r);
}

static const char *pages_take(scanner_t *scanner, apr_pool_t *pools[2], scan_row_t *take,
                              void *baton)
{
    salon_rows_t pages[2];
    for (int turn = 0;; turn = 1 - turn) {
        salon_rows_t *page = &pages[turn];
        apr_pool_clear(pools[turn]);
        if (page_read(scanner, pools[turn], page) != DB_OK) return "it cannot be read; see the log";
        if (page->count == 0) return NULL;
        for (int i = 0; i < page->count; i++) {
            const char *wrong = take(baton, scanner->table, page, i);
            if (wrong != NULL) return wrong;
        }
        scanner->before = page;
    }
}

const char *scan_table(db_t *db, apr_pool_t *pool, const table_t *table,
                       const selection_t *selection, scan_row_t *take, void *baton)
{
    scanner_t scanner = { .db = db, .table = table, .selection = selection };
    apr_pool_t *pools[2];
    for (int i = 0; i < 2; i++) apr_pool_create(&pools[i], pool);
    const char *wrong = pages_take(&scanner, pools, take, baton);
    for (int i = 0; i < 2; i++) apr_pool_destroy(pools[i]);
    return wrong != NULL ? apr_psprintf(pool, "table %s: %s", table->name, wrong) : NULL;
}
