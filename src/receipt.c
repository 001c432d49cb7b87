/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The row moves from a lower number to this transaction's by an UPDATE, so two attempts at one
 * transaction cannot both succeed: the second waits for the first one's lock, and then finds the
 * number there.
 */
#include "receipt.h"

#include <apr_general.h>
#include <apr_strings.h>
#include <apr_time.h>

#define KEPT apr_time_from_sec(30 * 24 * 3600)

static const char *const receipts_1[] = {
    "CREATE TABLE receipts (server VARCHAR(40) NOT NULL PRIMARY KEY, number BIGINT NOT NULL,"
    " written_at BIGINT NOT NULL)",
    NULL,
};

const salon_migration_t receipt_migrations[] = { { 1, receipts_1 }, { 0, NULL } };

static db_status_t row_insert(const receipt_t *receipt, db_t *db, apr_pool_t *pool)
{
    return db_runf(db, pool, NULL,
                   "INSERT INTO receipts (server, number, written_at) VALUES (%s, %ld, %ld)",
                   receipt->server, (long)receipt->number, (long)apr_time_as_msec(apr_time_now()));
}

db_status_t receipt_open(receipt_t *receipt, db_t *db, apr_pool_t *pool)
{
    unsigned char random[16];
    db_status_t status;

    apr_generate_random_bytes(random, sizeof random);
    for (unsigned i = 0; i < sizeof random; i++) {
        apr_snprintf(receipt->server + 2 * i, 3, "%02x", random[i]);
    }
    status = db_runf(db, pool, NULL, "DELETE FROM receipts WHERE written_at < %ld",
                     (long)apr_time_as_msec(apr_time_now() - KEPT));
    return status == DB_OK ? row_insert(receipt, db, pool) : status;
}

void receipt_close(receipt_t *receipt, db_t *db, apr_pool_t *pool)
{
    if (receipt->server[0] == '\0') return;
    db_runf(db, pool, NULL, "DELETE FROM receipts WHERE server = %s", receipt->server);
    receipt->server[0] = '\0';
}

void receipt_next(receipt_t *receipt)
{
    receipt->number++;
}

/* The row has this number already; or it is not there, since another server has removed it. */
static db_status_t row_look(const receipt_t *receipt, db_t *db, apr_pool_t *pool, bool *done_r)
{
    salon_rows_t rows;
    db_status_t status = db_runf(db, pool, &rows, "SELECT number FROM receipts WHERE server = %s",
                                 receipt->server);

    if (status != DB_OK) return status;
    *done_r = rows.count == 1;
    return *done_r ? DB_OK : row_insert(receipt, db, pool);
}

db_status_t receipt_write(const receipt_t *receipt, db_t *db, apr_pool_t *pool, bool *done_r)
{
    salon_rows_t rows;
    db_status_t status;

    *done_r = false;
    if (receipt->server[0] == '\0') return DB_OK;
    status = db_runf(db, pool, &rows,
                     "UPDATE receipts SET number = %ld, written_at = %ld WHERE server = %s"
                     " AND number < %ld", (long)receipt->number,
                     (long)apr_time_as_msec(apr_time_now()), receipt->server,
                     (long)receipt->number);
    return status != DB_OK || rows.affected == 1 ? status : row_look(receipt, db, pool, done_r);
}
