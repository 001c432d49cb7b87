/* SPDX-License-Identifier: Apache-2.0 */
/*
 * API tokens: opaque ones, for clients that cannot make JSON Web Tokens.  Who has one is the user
 * it was made for, until it expires or is revoked.  Only its SHA-256 is kept.  Chat thread.
 */
#ifndef API_TOKEN_H
#define API_TOKEN_H

#include "request.h"

typedef struct api_token_t {
    apr_int64_t id, user_id;
    apr_int64_t created_at; /* milliseconds since 1970 */
    apr_int64_t expires_at; /* seconds since 1970; 0: never */
    const char *label;      /* what its owner calls it; "" */
    unsigned char digest[32];
} api_token_t;

extern const salon_migration_t api_token_migrations[];

/* Reads the table; before the threads start, and after the users. */
apr_status_t api_token_load(apr_pool_t *pool);

/* The one that is in force; NULL: none. */
const api_token_t *api_token_find(const char *token);

/* Forgets those of somebody whose rows have been deleted. */
void api_token_forget_user(apr_int64_t user_id);

#define API_TOKEN_NOT_FOUND "api_token_not_found"

/* Operations: api_token.add, api_token.list, api_token.revoke. */
salon_handler_t api_token_add, api_token_list, api_token_revoke;

#endif
