/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Where this thread last left a timeline is where it probably is still: an UPDATE that says so for
 * each of many timelines proves or refutes it by the number of rows that it touched, so that most
 * batches need no SELECT.
 */
#include "position.h"

#include "lane.h"
#include "sql.h"
#include "text.h"

#define PART       128 /* timelines of a statement */
#define GUESS_BITS 14
#define GUESSES    (1 << GUESS_BITS)

/* One place for several timelines; a guess may also be wrong because somebody else has written, or
 * a transaction was rolled back. */
static struct guess_t {
    apr_int64_t timeline_id, seq;
} guesses[GUESSES];

/* The moves of one statement. */
typedef struct {
    db_t *db;
    apr_pool_t *pool;
    position_move_t *moves;
    int count;
} part_t;

static struct guess_t *guess_of(apr_int64_t timeline_id)
{
    return &guesses[((apr_uint64_t)timeline_id * 0x9e3779b97f4a7c15u) >> (64 - GUESS_BITS)];
}

void position_note(apr_int64_t timeline_id, apr_int64_t seq)
{
    *guess_of(timeline_id) = (struct guess_t){ timeline_id, seq };
}

/* Is there a guess for all of them?  Then each move's seq is what it will have been moved to. */
static bool part_guess(const part_t *part)
{
    for (int i = 0; i < part->count; i++) {
        position_move_t *move = &part->moves[i];
        const struct guess_t *guess = guess_of(move->timeline_id);
        if (guess->timeline_id != move->timeline_id || guess->seq < 0) return false;
        move->seq = guess->seq + move->count;
    }
    return true;
}

static void part_note(const part_t *part, bool known)
{
    for (int i = 0; i < part->count; i++)
        position_note(part->moves[i].timeline_id, known ? part->moves[i].seq : -1);
}

/* ---- Statements ---- */

/* A row for each move: which timeline, where it is thought to be, by how much. */
static void add_values(sql_text_t *text, const part_t *part)
{
    for (int i = 0; i < part->count; i++) {
        const position_move_t *move = &part->moves[i];
        sql_text_add(text, i > 0 ? ", (%ld, %ld, %d)" : "(VALUES (%ld, %ld, %d)",
                     (long)move->timeline_id, (long)move->seq - move->count, move->count);
    }
    sql_text_add(text, ") AS v");
}

static void add_selects(sql_text_t *text, const part_t *part)
{
    for (int i = 0; i < part->count; i++) {
        const position_move_t *move = &part->moves[i];
        sql_text_add(text,
                     i > 0 ? " UNION ALL SELECT %ld, %ld, %d"
                           : "(SELECT %ld AS column1, %ld AS column2, %d AS column3",
                     (long)move->timeline_id, (long)move->seq - move->count, move->count);
    }
    sql_text_add(text, ") AS v");
}

/* SQLite makes a program that has each row of a VALUES in it, but reads a text in a loop: an object
 * whose members are named by the timelines, and hold the other two numbers as one. */
static void add_members(sql_text_t *text, const part_t *part)
{
    text_t object;
    text_begin(&object);
    for (int i = 0; i < part->count; i++) {
        const position_move_t *move = &part->moves[i];
        char name[TEXT_NUMBER + 1];
        *number_write(name, move->timeline_id) = '\0';
        text_add_plain(&object, i > 0 ? "," : "{");
        text_add_name(&object, name);
        text_add_number(&object, (move->seq - move->count) * 65536 + move->count);
    }
    text_add(&object, "}", sizeof("}"));
    sql_text_add(text,
                 "(SELECT CAST(key AS INTEGER) AS column1, value >> 16 AS column2,"
                 " value & 65535 AS column3 FROM json_each(%s)) AS v", object.bytes);
    text_end(&object);
}

#define SET                                                                                      \
    " SET seq = timelines.seq + v.column3,"                                                      \
    " message_count = timelines.message_count + v.column3"

_Static_assert(LANE_BATCH_MAX < 65536, "add_members writes a number of messages in 16 bits");

static db_status_t part_update(const part_t *part, bool guessed, salon_rows_t *rows_r)
{
    const engine_t *engine = db_engine(part->db);
    sql_text_t *text = sql_text_make(part->pool, engine, false);
    if (engine->values_table) {
        sql_text_add(text, "UPDATE timelines" SET " FROM ");
        (engine->reads_json ? add_members : add_values)(text, part);
    } else {
        sql_text_add(text, "UPDATE timelines, ");
        add_selects(text, part);
        sql_text_add(text, SET);
    }
    sql_text_add(text, " WHERE timelines.id = v.column1");
    if (guessed) sql_text_add(text, " AND timelines.seq = v.column2");
    return db_run(part->db, part->pool, sql_text_string(text), rows_r);
}

static apr_int64_t seq_in(const salon_rows_t *rows, apr_int64_t timeline_id)
{
    for (int row = 0; row < rows->count; row++)
        if (salon_rows_integer(rows, row, 0) == timeline_id)
            return salon_rows_integer(rows, row, 1);
    return -1;
}

static db_status_t part_read(const part_t *part)
{
    salon_rows_t rows;
    sql_text_t *text = sql_text_make(part->pool, db_engine(part->db), true);
    sql_text_add(text, "SELECT id, seq FROM timelines WHERE id IN (%ld",
                 (long)part->moves[0].timeline_id);
    for (int i = 1; i < part->count; i++)
        sql_text_add(text, ", %ld", (long)part->moves[i].timeline_id);
    sql_text_add(text, ")");
    db_status_t status = db_run(part->db, part->pool, sql_text_string(text), &rows);
    for (int i = 0; status == DB_OK && i < part->count; i++)
        part->moves[i].seq = seq_in(&rows, part->moves[i].timeline_id);
    return status;
}

/* ---- Moving ---- */

/* What is refuted for some has been done to the others: then all is done again, and asked for. */
static db_status_t part_move_guessed(const part_t *part, bool *moved_r)
{
    salon_rows_t rows;
    db_status_t status = part_update(part, true, &rows);
    if (status != DB_OK) return status;
    *moved_r = rows.affected == part->count;
    return *moved_r || rows.affected == 0 ? DB_OK : DB_RETRY;
}

static db_status_t part_move(const part_t *part)
{
    bool moved = false;
    db_status_t status = DB_OK;
    if (!db_is_again(part->db) && part_guess(part)) status = part_move_guessed(part, &moved);
    if (status == DB_OK && !moved) {
        status = part_update(part, false, NULL);
        if (status == DB_OK) status = part_read(part);
    }
    part_note(part, status == DB_OK);
    return status;
}

db_status_t positions_move(db_t *db, apr_pool_t *pool, position_move_t *moves, int count)
{
    db_status_t status = DB_OK;
    for (int from = 0; from < count && status == DB_OK; from += PART) {
        part_t part = { db, pool, moves + from, count - from < PART ? count - from : PART };
        status = part_move(&part);
    }
    return status;
}
