/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The files on the disk: media/ab/cdef... below the state directory, by the SHA-256 of what is in
 * them.
 */
#ifndef MEDIA_SHELF_H
#define MEDIA_SHELF_H

#include <salon/plugin.h>

/* In start().  Where the directory cannot be made, a line is logged. */
apr_status_t shelf_open(apr_pool_t *pool);
const char *shelf_path(apr_pool_t *pool, const char *digest);
/* On a working thread: moves the file to its place, durably; one that has it already stays, and
 * *taken_r is false.  0, or errno. */
int shelf_put(const char *from, const char *digest, apr_int64_t size, bool *taken_r);
/* Some time, after everything that has been asked for before. */
void shelf_remove(const char *digest);
/* On a working thread.  Calls `found` with the digest of each file in the n-th of SHELF_BOARDS
 * directories. */
#define SHELF_BOARDS 256
void shelf_list(int board, void (*found)(void *baton, const char *digest), void *baton);

#endif
