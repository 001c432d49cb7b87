/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Receipts: a row per server that is running, with the number of its last transaction, written in
 * that transaction.  When the answer to a commit never came, the row tells whether it took effect.
 * An embedded database answers always and has none of this.  Of one thread at a time.
 */
#ifndef RECEIPT_H
#define RECEIPT_H

#include "db.h"

typedef struct receipt_t {
    char server[33];    /* "": there are none */
    apr_int64_t number; /* of the transaction that is being tried */
} receipt_t;

#define RECEIPT_OWNER "receipts" /* in schema_versions */
extern const salon_migration_t receipt_migrations[];

/* Makes the server's row, and removes those that others left long ago. */
db_status_t receipt_open(receipt_t *receipt, db_t *db, apr_pool_t *pool);
/* Takes it away. */
void receipt_close(receipt_t *receipt, db_t *db, apr_pool_t *pool);
/* The next transaction is another one, no further attempt at the last. */
void receipt_next(receipt_t *receipt);
/* The first statement of a transaction.  *done_r: an earlier attempt has taken effect, and this one
 * is to be rolled back.  Otherwise, when this has succeeded, no earlier attempt ever will: one that
 * is still on its way is waited for. */
db_status_t receipt_write(const receipt_t *receipt, db_t *db, apr_pool_t *pool, bool *done_r);

#endif
