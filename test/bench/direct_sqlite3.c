/* SPDX-License-Identifier: Apache-2.0 */
/*
 * SQLite as its own library has it: a prepared statement per kind, bound and stepped for each row,
 * with the pragmas that salond sets.
 */
#include <sqlite3.h>

#include "bench.h"
#include "direct.h"

static sqlite3 *db;
static sqlite3_stmt *begin, *update, *insert, *commit, *page_before;

static void check(int status, int expected, const char *what)
{
    if (status != expected)
        bench_die("%s: %s", what, sqlite3_errmsg(db));
}

static sqlite3_stmt *prepare(const char *text)
{
    sqlite3_stmt *statement;

    check(sqlite3_prepare_v3(db, text, -1, SQLITE_PREPARE_PERSISTENT, &statement, NULL), SQLITE_OK,
          text);
    return statement;
}

static void run(const char *text)
{
    check(sqlite3_exec(db, text, NULL, NULL, NULL), SQLITE_OK, text);
}

static void step(sqlite3_stmt *statement)
{
    check(sqlite3_step(statement), SQLITE_DONE, sqlite3_sql(statement));
    sqlite3_reset(statement);
}

static void open_database(const direct_place_t *place)
{
    check(sqlite3_open(place->name, &db), SQLITE_OK, place->name);
    sqlite3_busy_timeout(db, 5000);
    run("PRAGMA journal_mode=WAL");
    run("PRAGMA synchronous=FULL");
    begin = prepare("BEGIN IMMEDIATE");
    commit = prepare("COMMIT");
    update = prepare(DIRECT_UPDATE);
    insert = prepare("INSERT INTO messages (" DIRECT_COLUMNS ") VALUES"
                     " (?1, ?2, ?3, ?3, ?4, 0, 0, ?5, 0, ?6, NULL, ?7, 0, 0, NULL, NULL, NULL)");
    page_before = prepare(DIRECT_SELECT("?1", "?2", "?1"));
}

static void add_timeline(int64_t id)
{
    sqlite3_stmt *add = prepare("INSERT INTO timelines (id, seq, message_count) VALUES (?, 0, 0)"
                                " ON CONFLICT DO NOTHING");

    sqlite3_bind_int64(add, 1, id);
    step(add);
    sqlite3_finalize(add);
}

static void store(const direct_timeline_t *timelines, int timeline_count,
                  const direct_message_t *const *messages, int message_count)
{
    step(begin);
    for (int i = 0; i < timeline_count; i++) {
        sqlite3_bind_int64(update, 1, timelines[i].seq);
        sqlite3_bind_int64(update, 2, timelines[i].count);
        sqlite3_bind_int64(update, 3, timelines[i].id);
        step(update);
    }
    for (int i = 0; i < message_count; i++) {
        const direct_message_t *m = messages[i];

        sqlite3_bind_int64(insert, 1, m->id);
        sqlite3_bind_int64(insert, 2, m->timeline_id);
        sqlite3_bind_int64(insert, 3, m->seq);
        sqlite3_bind_int64(insert, 4, m->author_id);
        sqlite3_bind_int64(insert, 5, m->created_at);
        sqlite3_bind_text(insert, 6, m->content, -1, SQLITE_STATIC);
        sqlite3_bind_text(insert, 7, m->client_key, -1, SQLITE_STATIC);
        step(insert);
    }
    step(commit);
}

static int page(int64_t timeline_id, int64_t before)
{
    int rows = 0;
    int status;

    sqlite3_bind_int64(page_before, 1, timeline_id);
    sqlite3_bind_int64(page_before, 2, before);
    while ((status = sqlite3_step(page_before)) == SQLITE_ROW) {
        for (int i = 0; i < DIRECT_COLUMN_COUNT; i++)
            sqlite3_column_text(page_before, i);
        rows++;
    }
    check(status, SQLITE_DONE, "page");
    sqlite3_reset(page_before);
    return rows;
}

/* It has no such thing by itself. */
static void analyze(void)
{
}

const direct_engine_t direct_engine = { open_database, add_timeline, store, page, analyze };
