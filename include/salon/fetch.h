/* SPDX-License-Identifier: Apache-2.0 */
/*
 * HTTP requests to elsewhere.  A thread of their own makes them, so nothing waits for them; the
 * answer comes to the chat thread.  Only http and https, and https only with a certificate that the
 * system trusts; proxies are those of the environment.
 */
#ifndef SALON_FETCH_H
#define SALON_FETCH_H

#include <salon/plugin.h>

#ifdef __cplusplus
extern "C" {
#endif

typedef struct salon_fetch_t {
    const char *method; /* "GET", "POST" ... */
    const char *url;
    const char *const *headers; /* "Name: value", visible ASCII; NULL ends them; NULL: none */
    const char *body;           /* NULL: none */
    size_t length;              /* of the body, in bytes */
    apr_int64_t timeout;        /* milliseconds for everything, from when it is under way */
    size_t most;                /* bytes of the answer's body that are wanted */
    bool follow;                /* go where the answer says that it has moved to */
} salon_fetch_t;

/* What came back; lives as long as the call that hands it out. */
typedef struct salon_fetched_t {
    int status;              /* 0: no answer, or not all of it */
    const char *error;       /* why not; NULL: there is one */
    const char *body;        /* ends with a NUL that does not count */
    size_t length;
    bool cut;                /* the body was longer than wanted; this is how it begins */
    apr_int64_t retry_after; /* seconds, as the answer says; 0: it does not */
} salon_fetched_t;

typedef void salon_fetched_fn_t(void *baton, const salon_fetched_t *answer);

/*
 * Everything is copied.  `done` is called once, never within this call; when the server ends, with
 * status 0 for what is under way then.  False: not begun, and `done` is not called: too much is
 * under way, the server ends, or a header has something in it that may not be there.
 */
SALON_API bool salon_fetch(const salon_fetch_t *fetch, salon_fetched_fn_t *done, void *baton);

#ifdef __cplusplus
}
#endif

#endif
