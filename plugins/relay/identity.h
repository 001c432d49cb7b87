/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Whose a token is, as the upstream says; remembered for a while by the token's SHA-256.
 */
#ifndef IDENTITY_H
#define IDENTITY_H

#include <salon/plugin.h>

/* A setting: seconds for which an answer is good. */
extern apr_int64_t identity_cache;

/* In start(), and when the configuration has changed: forgets everything. */
void identity_init(apr_pool_t *pool);
void identity_forget(void);

typedef enum {
    IDENTITY_GIVEN,   /* a user's */
    IDENTITY_REFUSED, /* nobody's */
    IDENTITY_UNKNOWN  /* the upstream has not said */
} identity_status_t;

/* NULL: not known, or not any more; else *until_r says until when (milliseconds since 1970). */
const salon_identity_t *identity_known(const char *token, apr_int64_t *until_r);

/* identity: of IDENTITY_GIVEN, borrowed; NULL otherwise. */
typedef void identity_done_t(void *baton, identity_status_t status,
                             const salon_identity_t *identity);
/* Asks the upstream; those who ask about one token at the same time share the question.  `done` is
 * called once, never within this call.  False: it cannot be asked now. */
bool identity_ask(const char *token, identity_done_t *done, void *baton);
/* Has the upstream lately not answered, or not soon enough, so that waiting for it had better be
 * avoided? */
bool identity_is_away(void);
void identity_overdue(void);
/* Has it given no answer since? */
bool identity_in_doubt(void);

#endif
