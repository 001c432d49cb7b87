/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Storing new messages, on the writing store thread: positions are given inside the transaction
 * that stores the message, so they have no gaps, and a batch of messages costs a handful of
 * statements, whatever their number: which parents there are, an UPDATE of the timelines, and an
 * INSERT.
 */
#include "timeline_send.h"

#include <apr_hash.h>

#include "position.h"
#include "server.h"
#include "sql.h"
#include "statement.h"

/* What one run works on. */
typedef struct {
    db_t *db;
    apr_pool_t *pool;
    send_t **sends;
    int count;
} batch_t;

static bool is_new(const send_t *send)
{
    return !send->known && !send->refused;
}

/* ---- What is known already ---- */

static db_status_t message_read(const batch_t *batch, apr_int64_t id, send_t *send)
{
    salon_rows_t rows;
    db_status_t status = db_runf(batch->db, send->req->pool, &rows, MESSAGE_BY_ID, (long)id);
    if (status == DB_OK && rows.count == 1) message_of_row(&rows, 0, &send->message);
    return status;
}

/* The strings, too: the first request may have ended when this one is answered. */
static void known_copy(send_t *send, const send_t *first)
{
    apr_pool_t *pool = send->req->pool;
    send->known = true;
    message_copy_to(pool, &first->message, &send->message);
}

/* Of two with one client id in the same batch, the later one repeats the earlier.  A repeat in the
 * batch learns its position with the others, in repeats_follow. */
static void firsts_note(const batch_t *batch, apr_hash_t *firsts)
{
    for (int i = 0; i < batch->count; i++) {
        const char *key = batch->sends[i]->message.client_key;
        if (key == NULL) continue;
        if (apr_hash_get(firsts, key, APR_HASH_KEY_STRING) == NULL)
            apr_hash_set(firsts, key, APR_HASH_KEY_STRING, batch->sends[i]);
    }
}

/* " WHERE client_key IN (...)"; false: nobody gave one. */
static bool keys_add(sql_text_t *text, apr_hash_t *firsts)
{
    const char *before = " WHERE client_key IN (";
    for (apr_hash_index_t *i = apr_hash_first(NULL, firsts); i != NULL; i = apr_hash_next(i)) {
        sql_text_add_plain(text, before);
        sql_text_add(text, "%s", (const char *)apr_hash_this_key(i));
        before = ", ";
    }
    sql_text_add_plain(text, ")");
    return apr_hash_count(firsts) > 0;
}

/* What was said in a place that is there no longer is no message that could be repeated. */
static db_status_t forget_gone(const batch_t *batch, apr_hash_t *firsts)
{
    sql_text_t *text = sql_text_make(batch->pool, db_engine(batch->db), false);
    sql_text_add_plain(text, "UPDATE messages SET client_key = NULL");
    if (!keys_add(text, firsts)) return DB_OK;
    sql_text_add_plain(text, " AND timeline_id IN (SELECT id FROM timelines_going)");
    return db_run(batch->db, batch->pool, sql_text_string(text), NULL);
}

/* Client ids are new, but for a client's second attempts; so they are looked up only when the
 * unique index has refused one. */
static db_status_t find_known(const batch_t *batch, apr_hash_t *firsts)
{
    salon_rows_t rows;
    sql_text_t *text = sql_text_make(batch->pool, db_engine(batch->db), true);
    sql_text_add_plain(text, "SELECT id, client_key FROM messages");
    if (!keys_add(text, firsts)) return DB_OK;
    db_status_t status = db_run(batch->db, batch->pool, sql_text_string(text), &rows);
    for (int r = 0; status == DB_OK && r < rows.count; r++) {
        send_t *send = apr_hash_get(firsts, salon_rows_text(&rows, r, 1), APR_HASH_KEY_STRING);
        if (send == NULL) continue;
        send->known = true;
        status = message_read(batch, salon_rows_integer(&rows, r, 0), send);
    }
    return status;
}

static void repeats_mark(const batch_t *batch, apr_hash_t *firsts)
{
    for (int i = 0; i < batch->count; i++) {
        send_t *send = batch->sends[i];
        if (send->message.client_key == NULL || !is_new(send)) continue;
        send->known = apr_hash_get(firsts, send->message.client_key, APR_HASH_KEY_STRING) != send;
    }
}

static void repeats_follow(const batch_t *batch, apr_hash_t *firsts)
{
    for (int i = 0; i < batch->count; i++) {
        send_t *send = batch->sends[i];
        if (!send->known || send->message.client_key == NULL) continue;
        const send_t *first = apr_hash_get(firsts, send->message.client_key, APR_HASH_KEY_STRING);
        if (first == NULL || first == send) continue;
        known_copy(send, first);
        send->refused = first->refused;
    }
}

static bool parent_found(const salon_rows_t *rows, const message_t *message)
{
    for (int r = 0; r < rows->count; r++)
        if (salon_rows_integer(rows, r, 0) == message->parent_id)
            return salon_rows_integer(rows, r, 1) == message->timeline_id;
    return false;
}

static db_status_t check_parents(const batch_t *batch)
{
    salon_rows_t rows;
    bool any = false;
    sql_text_t *text = sql_text_make(batch->pool, db_engine(batch->db), true);
    sql_text_add(text, "SELECT id, timeline_id FROM messages WHERE deleted = 0 AND id IN (0");
    for (int i = 0; i < batch->count; i++) {
        const send_t *send = batch->sends[i];
        if (!is_new(send) || send->message.parent_id == 0) continue;
        sql_text_add(text, ", %ld", (long)send->message.parent_id);
        any = true;
    }
    if (!any) return DB_OK;
    sql_text_add(text, ")");
    db_status_t status = db_run(batch->db, batch->pool, sql_text_string(text), &rows);
    for (int i = 0; status == DB_OK && i < batch->count; i++) {
        send_t *send = batch->sends[i];
        if (is_new(send) && send->message.parent_id != 0)
            send->refused = !parent_found(&rows, &send->message);
    }
    return status;
}

/* ---- Writing ---- */

/* Where a timeline's new messages go: its move, and how many have been given theirs. */
typedef struct {
    position_move_t *move;
    int given;
} places_t;

/* One for each timeline that has new messages, by its id. */
static apr_hash_t *places_make(const batch_t *batch, position_move_t *moves, int *count_r)
{
    apr_hash_t *all = apr_hash_make(batch->pool);
    *count_r = 0;
    for (int i = 0; i < batch->count; i++) {
        const apr_int64_t *id = &batch->sends[i]->message.timeline_id;
        if (!is_new(batch->sends[i])) continue;
        places_t *places = apr_hash_get(all, id, sizeof(*id));
        if (places == NULL) {
            places = apr_pcalloc(batch->pool, sizeof(*places));
            places->move = &moves[(*count_r)++];
            *places->move = (position_move_t){ .timeline_id = *id };
            apr_hash_set(all, id, sizeof(*id), places);
        }
        places->move->count++;
    }
    return all;
}

static void place_give(send_t *send, places_t *places)
{
    const position_move_t *move = places->move;
    apr_int64_t seq = move->seq - move->count + ++places->given;
    if (move->seq < 0) send->refused = true;
    else send->message.seq = send->message.changed_seq = seq;
}

static db_status_t give_positions(const batch_t *batch)
{
    position_move_t *moves = apr_palloc(batch->pool, sizeof(*moves) * (apr_size_t)batch->count);
    int count;
    apr_hash_t *all = places_make(batch, moves, &count);
    db_status_t status = positions_move(batch->db, batch->pool, moves, count);
    for (int i = 0; i < batch->count && status == DB_OK; i++) {
        send_t *send = batch->sends[i];
        const apr_int64_t *id = &send->message.timeline_id;
        if (is_new(send)) place_give(send, apr_hash_get(all, id, sizeof(*id)));
    }
    return status;
}

/* What is the same in all rows stands once, where the engine can have it so: each value in a list
 * is work for it. */
#define INSERT "INSERT INTO messages (" MESSAGE_COLUMNS ")"
#define INSERT_TABLE                                                                             \
    INSERT " SELECT column1, column2, column3, column3, column4, column5, 0, column6, 0,"        \
           " column7, column8, column9, 0, 0, NULL, column10, column11 FROM (VALUES"

static void add_row(sql_text_t *text, const message_t *m)
{
    sql_text_add(text, " (%ld, %ld, %ld, %ld, %ld, %ld, 0, %ld, 0, %s, %s, %s, 0, 0, NULL, %s, %s)",
                 (long)m->id, (long)m->timeline_id, (long)m->seq, (long)m->seq,
                 (long)m->author_id, (long)m->parent_id, (long)m->created_at, m->content,
                 m->mentions, m->client_key, m->attachment, m->author_name);
}

static void add_table_row(sql_text_t *text, const message_t *m)
{
    sql_text_add(text, " (%ld, %ld, %ld, %ld, %ld, %ld, %s, %s, %s, %s, %s)", (long)m->id,
                 (long)m->timeline_id, (long)m->seq, (long)m->author_id, (long)m->parent_id,
                 (long)m->created_at, m->content, m->mentions, m->client_key, m->attachment,
                 m->author_name);
}

static db_status_t insert(const batch_t *batch)
{
    const engine_t *engine = db_engine(batch->db);
    bool any = false;
    sql_text_t *text = sql_text_make(batch->pool, engine, false);
    sql_text_add(text, engine->values_table ? INSERT_TABLE : INSERT " VALUES");
    for (int i = 0; i < batch->count; i++) {
        if (!is_new(batch->sends[i])) continue;
        sql_text_add(text, any ? "," : "");
        (engine->values_table ? add_table_row : add_row)(text, &batch->sends[i]->message);
        any = true;
    }
    if (engine->values_table) sql_text_add(text, ") AS v");
    return any ? db_run(batch->db, batch->pool, sql_text_string(text), NULL) : DB_OK;
}

static db_status_t count_replies(const batch_t *batch)
{
    db_status_t status = DB_OK;
    for (int i = 0; i < batch->count && status == DB_OK; i++) {
        const send_t *send = batch->sends[i];
        if (!is_new(send) || send->message.parent_id == 0) continue;
        status = db_runf(batch->db, batch->pool, NULL,
                         "UPDATE messages SET reply_count = reply_count + 1 WHERE id = %ld",
                         (long)send->message.parent_id);
    }
    return status;
}

/* The statements that plugins have added to new messages. */
static db_status_t run_added(const batch_t *batch)
{
    db_status_t status = DB_OK;
    for (int i = 0; i < batch->count && status == DB_OK; i++) {
        const send_t *send = batch->sends[i];
        if (is_new(send) && send->added != NULL) status = statement_run(batch->db, send->added);
    }
    return status;
}

static db_status_t sends_run(db_t *db, apr_pool_t *pool, store_job_t **jobs, int count)
{
    batch_t batch = { .db = db, .pool = pool, .sends = (send_t **)jobs, .count = count };
    apr_hash_t *firsts = apr_hash_make(pool);
    for (int i = 0; i < count; i++)
        batch.sends[i]->known = batch.sends[i]->refused = false;
    db_status_t status = DB_OK;
    firsts_note(&batch, firsts);
    if (db_is_again(db)) status = forget_gone(&batch, firsts);
    if (status == DB_OK && db_is_again(db)) status = find_known(&batch, firsts);
    if (status == DB_OK) repeats_mark(&batch, firsts);
    if (status == DB_OK) status = check_parents(&batch);
    if (status == DB_OK) status = give_positions(&batch);
    if (status == DB_OK) status = insert(&batch);
    if (status == DB_DUPLICATE && !db_is_again(db)) return DB_RETRY;
    if (status == DB_OK) status = count_replies(&batch);
    if (status == DB_OK) status = run_added(&batch);
    if (status == DB_OK) repeats_follow(&batch, firsts);
    return status;
}

const store_class_t send_class = { "send", sends_run };
