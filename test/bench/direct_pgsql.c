/* SPDX-License-Identifier: Apache-2.0 */
/*
 * PostgreSQL as libpq has it at its best: a prepared statement per kind, executed for each row in a
 * pipeline, so that a transaction is one round trip, whatever the number of rows.
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <libpq-fe.h>

#include "bench.h"
#include "direct.h"

#define NUMBER 24 /* bytes of its text */

static PGconn *db;

static void check(const PGresult *result, ExecStatusType expected, const char *what)
{
    if (PQresultStatus(result) != expected)
        bench_die("%s: %s", what, PQerrorMessage(db));
}

static void run(const char *text)
{
    PGresult *result = PQexec(db, text);

    check(result, PGRES_COMMAND_OK, text);
    PQclear(result);
}

static void prepare(const char *name, const char *text)
{
    PGresult *result = PQprepare(db, name, text, 0, NULL);

    check(result, PGRES_COMMAND_OK, text);
    PQclear(result);
}

static void open_database(const direct_place_t *place)
{
    char port[NUMBER];
    const char *names[] = { "host", "port", "dbname", "user", "password", NULL };
    const char *values[] = { "127.0.0.1", port, place->name, place->user, place->password, NULL };

    snprintf(port, sizeof port, "%d", place->port);
    db = PQconnectdbParams(names, values, 0);
    if (PQstatus(db) != CONNECTION_OK)
        bench_die("%s: %s", place->name, PQerrorMessage(db));
    run("SET client_min_messages = error");
    prepare("begin", "BEGIN");
    prepare("commit", "COMMIT");
    prepare("update", "UPDATE timelines SET seq = $1, message_count = message_count + $2"
                      " WHERE id = $3");
    prepare("insert", "INSERT INTO messages (" DIRECT_COLUMNS ") VALUES ($1, $2, $3, $3, $4, 0, 0,"
                      " $5, 0, $6, NULL, $7, 0, 0, NULL, NULL, NULL)");
    prepare("page", DIRECT_SELECT("$1::bigint", "$2::bigint", "$1::bigint"));
}

static void add_timeline(int64_t id)
{
    char text[200];

    snprintf(text, sizeof text, "INSERT INTO timelines (id, seq, message_count)"
                                " VALUES (%" PRId64 ", 0, 0) ON CONFLICT DO NOTHING", id);
    run(text);
}

/* ---- A transaction ---- */

/* Parameters as text; numbers are written to `at`, which moves on. */
static const char *number(char **at, int64_t value)
{
    const char *text = *at;

    *at += snprintf(*at, NUMBER, "%" PRId64, value) + 1;
    return text;
}

static void send_prepared(const char *name, const char *const *values, int count)
{
    if (!PQsendQueryPrepared(db, name, count, values, NULL, NULL, 0))
        bench_die("%s: %s", name, PQerrorMessage(db));
}

static void send_update(const direct_timeline_t *timeline)
{
    char numbers[3 * NUMBER];
    char *at = numbers;
    const char *values[] = { number(&at, timeline->seq), number(&at, timeline->count),
                             number(&at, timeline->id) };

    send_prepared("update", values, 3);
}

static void send_insert(const direct_message_t *m)
{
    char numbers[5 * NUMBER];
    char *at = numbers;
    const char *values[] = { number(&at, m->id), number(&at, m->timeline_id), number(&at, m->seq),
                             number(&at, m->author_id), number(&at, m->created_at), m->content,
                             m->client_key };

    send_prepared("insert", values, 7);
}

/* Each statement's result is followed by none; what ends the pipeline has none behind it. */
static void take_results(int count)
{
    while (count-- > 0) {
        PGresult *result = PQgetResult(db);

        check(result, PGRES_COMMAND_OK, "store");
        PQclear(result);
        PQgetResult(db);
    }
    PQclear(PQgetResult(db));
}

static void store(const direct_timeline_t *timelines, int timeline_count,
                  const direct_message_t *const *messages, int message_count)
{
    PQenterPipelineMode(db);
    send_prepared("begin", NULL, 0);
    for (int i = 0; i < timeline_count; i++)
        send_update(&timelines[i]);
    for (int i = 0; i < message_count; i++)
        send_insert(messages[i]);
    send_prepared("commit", NULL, 0);
    PQpipelineSync(db);
    take_results(timeline_count + message_count + 2);
    PQexitPipelineMode(db);
}

/* ---- A page ---- */

static int page(int64_t timeline_id, int64_t before)
{
    char texts[2][NUMBER];
    const char *values[] = { texts[0], texts[1] };
    PGresult *result;
    int rows;

    snprintf(texts[0], NUMBER, "%" PRId64, timeline_id);
    snprintf(texts[1], NUMBER, "%" PRId64, before);
    result = PQexecPrepared(db, "page", 2, values, NULL, NULL, 0);
    check(result, PGRES_TUPLES_OK, "page");
    rows = PQntuples(result);
    PQclear(result);
    return rows;
}

static void analyze(void)
{
    run("ANALYZE messages");
}

const direct_engine_t direct_engine = { open_database, add_timeline, store, page, analyze };
