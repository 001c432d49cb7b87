/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Results as an aligned table for people on standard output, and with --output as lines of
 * name=value, one a row, appended to a file for scripts.
 */
#ifndef REPORT_H
#define REPORT_H

#include "load.h"

typedef struct column_t {
    const char *name; /* the heading, and the name in the file; NULL ends the table */
    int width;
    int decimals;
} column_t;

/* The heading. */
void report_head(const column_t *columns);

/* One row: the server's label, then a value for each column; NAN is shown as "-". */
void report_row(const options_t *options, const char *mode, const column_t *columns,
                const double *values);

#endif
