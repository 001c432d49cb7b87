/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A file that is written while its bytes arrive.  The loop's thread hands them over; opening,
 * hashing, writing and syncing are done by libuv's pool of threads, one thing at a time.  The file
 * has a name of its own in the directory, and is gone when it is dropped before somebody takes it.
 */
#ifndef SPOOL_H
#define SPOOL_H

#include <stdbool.h>

#include <apr_pools.h>
#include <uv.h>

#define SPOOL_DIGEST 64 /* characters of a SHA-256, lower case */

typedef struct spool_t spool_t;

/* What there is when everything has been written. */
typedef struct spool_file_t {
    apr_int64_t size;
    char digest[SPOOL_DIGEST + 1];
    char path[]; /* the file is its owner's from then on */
} spool_file_t;

/* `turned` is called on the loop's thread whenever something has been done.  *count (NULL: none) is
 * one more until the spool is freed. */
spool_t *spool_open(uv_loop_t *loop, const char *directory, void (*turned)(void *baton),
                    void *baton, int *count);
/* Copies, also when it is full. */
void spool_write(spool_t *spool, const char *bytes, size_t length);
/* Should no more be written before `turned`? */
bool spool_is_full(const spool_t *spool);
/* Bytes that have been given to it. */
apr_int64_t spool_size(const spool_t *spool);
/* errno of what went wrong; 0: nothing.  Once something has, nothing more is written. */
int spool_error(const spool_t *spool);
/* Nothing more will be written; the file is complete, on the disk, when spool_take has it. */
void spool_end(spool_t *spool);
/* After spool_end: the file, to be freed by the caller; NULL: not yet. */
spool_file_t *spool_take(spool_t *spool);
/* Frees it as soon as nothing is under way; `turned` is not called any more.  A file that was not
 * taken is removed. */
void spool_drop(spool_t **spool);

/* Removes what an earlier process has left in the directory, which is made where it is missing.
 * False: it cannot be used (errno). */
bool spool_clean(const char *directory, apr_pool_t *pool);

#endif
