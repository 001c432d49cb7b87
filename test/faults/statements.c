/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What salond really asks its database: preloaded (LD_PRELOAD), it stands before dbi_conn_query,
 * and appends each statement, ended by a NUL, to the file that SALON_STATEMENTS names.
 */
#ifndef _GNU_SOURCE
#define _GNU_SOURCE
#endif
#include <dlfcn.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define VISIBLE __attribute__((visibility("default")))

static int record = -1;

__attribute__((constructor)) static void begin(void)
{
    const char *path = getenv("SALON_STATEMENTS");

    if (path != NULL) record = open(path, O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC, 0600);
}

VISIBLE void *dbi_conn_query(void *connection, const char *statement);
VISIBLE void *dbi_conn_query(void *connection, const char *statement)
{
    static void *(*next)(void *, const char *);

    if (next == NULL) *(void **)&next = dlsym(RTLD_NEXT, "dbi_conn_query");
    if (record >= 0 && write(record, statement, strlen(statement) + 1) < 0) abort();
    return next(connection, statement);
}
