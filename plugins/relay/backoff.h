/* SPDX-License-Identifier: Apache-2.0 */
/*
 * How long to wait after a failure: up to twice as long each time, at random within that, so that
 * those who wait do not come back together.
 */
#ifndef BACKOFF_H
#define BACKOFF_H

#include <stdbool.h>

#include <apr.h>

typedef struct backoff_t {
    int failures;         /* in a row */
    apr_int64_t retry_at; /* milliseconds since 1970; 0: at once */
} backoff_t;

/* It has failed.  wait: the least that it must be, in milliseconds, as somebody has demanded; most:
 * of what is at random. */
void backoff_failed(backoff_t *backoff, apr_int64_t now, apr_int64_t wait, apr_int64_t most);
/* It has succeeded. */
void backoff_reset(backoff_t *backoff);
/* May it be tried again? */
bool backoff_over(const backoff_t *backoff, apr_int64_t now);

#endif
