/* SPDX-License-Identifier: Apache-2.0 */
/*
 * MariaDB as its Connector/C has it at its best: prepared statements whose parameters are bound as
 * arrays, so that a transaction is four round trips, whatever the number of rows.
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <mysql.h>

#include "bench.h"
#include "direct.h"

#define TEXT_MAX 4096 /* bytes of a value that is read */

static MYSQL *db;
static MYSQL_STMT *update, *insert, *page_before;

static void run(const char *text)
{
    if (mysql_query(db, text) != 0)
        bench_die("%s: %s", text, mysql_error(db));
}

static MYSQL_STMT *prepare(const char *text)
{
    MYSQL_STMT *statement = mysql_stmt_init(db);

    if (mysql_stmt_prepare(statement, text, strlen(text)) != 0)
        bench_die("%s: %s", text, mysql_stmt_error(statement));
    return statement;
}

static void execute(MYSQL_STMT *statement)
{
    if (mysql_stmt_execute(statement) != 0)
        bench_die("%s", mysql_stmt_error(statement));
}

static void open_database(const direct_place_t *place)
{
    db = mysql_init(NULL);
    if (mysql_real_connect(db, "127.0.0.1", place->user, place->password, place->name,
                           (unsigned)place->port, NULL, 0) == NULL)
        bench_die("%s: %s", place->name, mysql_error(db));
    run("SET NAMES utf8mb4");
    run("SET SESSION TRANSACTION ISOLATION LEVEL READ COMMITTED");
    update = prepare(DIRECT_UPDATE);
    insert = prepare("INSERT INTO messages (" DIRECT_COLUMNS ") VALUES"
                     " (?, ?, ?, ?, ?, 0, 0, ?, 0, ?, NULL, ?, 0, 0, NULL, NULL, NULL)");
    page_before = prepare(DIRECT_SELECT("?", "?", "?"));
}

static void add_timeline(int64_t id)
{
    char text[200];

    snprintf(text, sizeof text, "INSERT IGNORE INTO timelines (id, seq, message_count)"
                                " VALUES (%" PRId64 ", 0, 0)", id);
    run(text);
}

/* ---- A transaction ---- */

static void bind_number(MYSQL_BIND *bind, const int64_t *first)
{
    *bind = (MYSQL_BIND){ .buffer_type = MYSQL_TYPE_LONGLONG, .buffer = (void *)(uintptr_t)first };
}

/* As rows lie one behind the other, the library finds a column's next value a row further on. */
static void execute_rows(MYSQL_STMT *statement, MYSQL_BIND *binds, size_t row_size, int count)
{
    unsigned rows = (unsigned)count;

    mysql_stmt_attr_set(statement, STMT_ATTR_ARRAY_SIZE, &rows);
    mysql_stmt_attr_set(statement, STMT_ATTR_ROW_SIZE, &row_size);
    mysql_stmt_bind_param(statement, binds);
    execute(statement);
}

static void run_update(const direct_timeline_t *timelines, int count)
{
    MYSQL_BIND binds[3];

    bind_number(&binds[0], &timelines->seq);
    bind_number(&binds[1], &timelines->count);
    bind_number(&binds[2], &timelines->id);
    execute_rows(update, binds, sizeof *timelines, count);
}

/* The lengths stand in the row, too, where the library looks for them. */
typedef struct row_t {
    direct_message_t message;
    unsigned long content_length, key_length;
} row_t;

static void bind_text(MYSQL_BIND *bind, char *text, unsigned long *length)
{
    *bind = (MYSQL_BIND){ .buffer_type = MYSQL_TYPE_STRING, .buffer = text, .length = length };
}

static void run_insert(const direct_message_t *const *messages, int count)
{
    static row_t *rows;
    static int room;
    MYSQL_BIND binds[8];

    if (count > room)
        rows = bench_grow(rows, (size_t)(room = count) * sizeof *rows);
    for (int i = 0; i < count; i++)
        rows[i] = (row_t){ *messages[i], strlen(messages[i]->content),
                           strlen(messages[i]->client_key) };
    bind_number(&binds[0], &rows->message.id);
    bind_number(&binds[1], &rows->message.timeline_id);
    bind_number(&binds[2], &rows->message.seq);
    bind_number(&binds[3], &rows->message.seq);
    bind_number(&binds[4], &rows->message.author_id);
    bind_number(&binds[5], &rows->message.created_at);
    bind_text(&binds[6], rows->message.content, &rows->content_length);
    bind_text(&binds[7], rows->message.client_key, &rows->key_length);
    execute_rows(insert, binds, sizeof *rows, count);
}

static void store(const direct_timeline_t *timelines, int timeline_count,
                  const direct_message_t *const *messages, int message_count)
{
    run("START TRANSACTION");
    run_update(timelines, timeline_count);
    run_insert(messages, message_count);
    run("COMMIT");
}

/* ---- A page ---- */

static int page(int64_t timeline_id, int64_t before)
{
    static char texts[DIRECT_COLUMN_COUNT][TEXT_MAX];
    MYSQL_BIND keys[3];
    MYSQL_BIND columns[DIRECT_COLUMN_COUNT];
    int rows = 0;

    bind_number(&keys[0], &timeline_id);
    bind_number(&keys[1], &before);
    bind_number(&keys[2], &timeline_id);
    mysql_stmt_bind_param(page_before, keys);
    execute(page_before);
    for (int i = 0; i < DIRECT_COLUMN_COUNT; i++)
        columns[i] = (MYSQL_BIND){ .buffer_type = MYSQL_TYPE_STRING, .buffer = texts[i],
                                   .buffer_length = TEXT_MAX };
    mysql_stmt_bind_result(page_before, columns);
    while (mysql_stmt_fetch(page_before) == 0)
        rows++;
    mysql_stmt_free_result(page_before);
    return rows;
}

static void analyze(void)
{
    run("ANALYZE TABLE messages");
    mysql_free_result(mysql_store_result(db));
}

const direct_engine_t direct_engine = { open_database, add_timeline, store, page, analyze };
