/* SPDX-License-Identifier: Apache-2.0 */
/*
 * "Full jitter": any moment from now to the bound, which doubles.
 */
#include "backoff.h"

#include <sys/param.h>

#include <apr_general.h>

#define FIRST    500             /* milliseconds: the bound after one failure */
#define DOUBLED  16              /* times, at most */
#define WAIT     (3600 * 1000)   /* what may be demanded */

static apr_int64_t random_below(apr_int64_t bound)
{
    apr_uint64_t number;
    apr_generate_random_bytes((unsigned char *)&number, sizeof(number));
    return (apr_int64_t)(number % (apr_uint64_t)bound);
}

void backoff_failed(backoff_t *backoff, apr_int64_t now, apr_int64_t wait, apr_int64_t most)
{
    apr_int64_t bound = (apr_int64_t)FIRST << MIN(backoff->failures, DOUBLED);
    apr_int64_t jitter = random_below(MAX(MIN(bound, most), 1)) + 1;
    backoff->failures++;
    backoff->retry_at = now + MAX(MIN(wait, WAIT), jitter);
}

void backoff_reset(backoff_t *backoff)
{
    *backoff = (backoff_t){ 0 };
}

bool backoff_over(const backoff_t *backoff, apr_int64_t now)
{
    return now >= backoff->retry_at;
}
