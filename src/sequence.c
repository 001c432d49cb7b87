/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A block is reserved by one transaction.  The next one is asked for when half of the present one
 * has been used, so that nobody waits for it.
 */
#include "sequence.h"

#include <stdlib.h>

#include <apr_hash.h>
#include <apr_strings.h>

#include "server.h"

typedef struct {
    const char *name;
    apr_int64_t block;               /* how many are reserved at once */
    apr_int64_t next, end;           /* of the present block; end is not in it */
    apr_int64_t after_next, after_end; /* of the one after it; equal: none */
    bool reserving;
} sequence_t;

typedef struct {
    store_job_t job; /* first */
    sequence_t *sequence;
    apr_int64_t from, end; /* what was reserved, or is given back */
} reservation_t;

static struct {
    apr_pool_t *pool;
    apr_hash_t *sequences;
} all;

static const char *const sequences_1[] = {
    "CREATE TABLE sequences (name VARCHAR(64) PRIMARY KEY, next_value BIGINT NOT NULL)",
    NULL,
};

const salon_migration_t sequence_migrations[] = { { 1, sequences_1 }, { 0, NULL } };

void sequence_init(apr_pool_t *pool)
{
    all.pool = pool;
    all.sequences = apr_hash_make(pool);
}

static db_status_t reserve(db_t *db, apr_pool_t *pool, reservation_t *reservation)
{
    const sequence_t *sequence = reservation->sequence;
    salon_rows_t rows;
    db_status_t status = db_runf(
        db, pool, NULL, "UPDATE sequences SET next_value = next_value + %ld WHERE name = %s",
        (long)sequence->block, sequence->name);
    if (status != DB_OK) return status;
    status = db_runf(db, pool, &rows, "SELECT next_value FROM sequences WHERE name = %s",
                     sequence->name);
    if (status != DB_OK || rows.count == 0) return status == DB_OK ? DB_FAILED : status;
    reservation->end = salon_rows_integer(&rows, 0, 0);
    reservation->from = reservation->end - sequence->block;
    return DB_OK;
}

static db_status_t reservations_run(db_t *db, apr_pool_t *pool, store_job_t **jobs, int count)
{
    db_status_t status = DB_OK;
    for (int i = 0; i < count && status == DB_OK; i++)
        status = reserve(db, pool, (reservation_t *)jobs[i]);
    return status;
}

static const store_class_t reservation_class = { "reservation", reservations_run };

static void reservation_done(store_job_t *job)
{
    reservation_t *reservation = (reservation_t *)job;
    sequence_t *sequence = reservation->sequence;
    sequence->reserving = false;
    if (job->status == DB_OK) {
        sequence->after_next = reservation->from;
        sequence->after_end = reservation->end;
    }
    free(reservation);
}

static reservation_t *reservation_make(sequence_t *sequence, const store_class_t *class)
{
    reservation_t *reservation = calloc(1, sizeof(*reservation));
    if (reservation == NULL) abort();
    reservation->job.class = class;
    reservation->job.done = reservation_done;
    reservation->sequence = sequence;
    return reservation;
}

static void reserve_ahead(sequence_t *sequence)
{
    if (sequence->reserving || sequence->after_end > sequence->after_next ||
        sequence->end - sequence->next > sequence->block / 2)
        return;
    reservation_t *reservation = reservation_make(sequence, &reservation_class);
    sequence->reserving = store_push(server.store, &reservation->job);
    if (!sequence->reserving) free(reservation);
}

apr_int64_t salon_next_id(const char *name)
{
    sequence_t *sequence = apr_hash_get(all.sequences, name, APR_HASH_KEY_STRING);
    if (sequence->next == sequence->end) {
        sequence->next = sequence->after_next;
        sequence->end = sequence->after_end;
        sequence->after_next = sequence->after_end;
    }
    reserve_ahead(sequence);
    return sequence->next < sequence->end ? sequence->next++ : 0;
}

static apr_status_t row_make(apr_pool_t *pool, const char *name, apr_int64_t first)
{
    const salon_rows_t *rows =
        salon_load(pool, "SELECT next_value FROM sequences WHERE name = %s", name);
    if (rows == NULL) return APR_EGENERAL;
    if (rows->count == 0)
        rows = salon_load(pool, "INSERT INTO sequences (name, next_value) VALUES (%s, %ld)", name,
                          (long)first);
    else if (salon_rows_integer(rows, 0, 0) < first)
        rows = salon_load(pool, "UPDATE sequences SET next_value = %ld WHERE name = %s",
                          (long)first, name);
    return rows != NULL ? APR_SUCCESS : APR_EGENERAL;
}

apr_status_t salon_sequence_open(apr_pool_t *pool, const char *name, apr_int64_t first,
                                 apr_int64_t block)
{
    if (row_make(pool, name, first) != APR_SUCCESS) return APR_EGENERAL;
    sequence_t *sequence = apr_pcalloc(all.pool, sizeof(*sequence));
    sequence->name = apr_pstrdup(all.pool, name);
    sequence->block = block;
    reservation_t *reservation = reservation_make(sequence, &reservation_class);
    if (store_run_now(server.store, &reservation->job) != DB_OK) {
        free(reservation);
        return APR_EGENERAL;
    }
    sequence->next = reservation->from;
    sequence->end = reservation->end;
    free(reservation);
    apr_hash_set(all.sequences, sequence->name, APR_HASH_KEY_STRING, sequence);
    return APR_SUCCESS;
}

/* ---- Giving back ---- */

/* Only where nobody has reserved anything since. */
static db_status_t returns_run(db_t *db, apr_pool_t *pool, store_job_t **jobs, int count)
{
    db_status_t status = DB_OK;
    for (int i = 0; i < count && status == DB_OK; i++) {
        const reservation_t *back = (reservation_t *)jobs[i];
        status = db_runf(db, pool, NULL,
                         "UPDATE sequences SET next_value = %ld WHERE name = %s"
                         " AND next_value = %ld",
                         (long)back->from, back->sequence->name, (long)back->end);
    }
    return status;
}

static const store_class_t return_class = { "return", returns_run };

static void return_done(store_job_t *job)
{
    free(job);
}

static void give_back(sequence_t *sequence, apr_int64_t from, apr_int64_t end)
{
    if (from == end) return;
    reservation_t *back = reservation_make(sequence, &return_class);
    back->job.done = return_done;
    back->from = from;
    back->end = end;
    if (!store_push(server.store, &back->job)) free(back);
}

/* The later block first: the earlier one can only be given back when it has become the last. */
void sequence_stop(void)
{
    for (apr_hash_index_t *i = apr_hash_first(all.pool, all.sequences); i; i = apr_hash_next(i)) {
        sequence_t *sequence = apr_hash_this_val(i);
        give_back(sequence, sequence->after_next, sequence->after_end);
        give_back(sequence, sequence->next, sequence->end);
    }
}
