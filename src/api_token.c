/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A token is 32 random bytes, so a plain hash of it tells nothing to those who read the database,
 * and looking it up in a hash table by that hash tells nothing by the time it takes.  From the
 * control socket tokens are made for anybody, otherwise for the asker alone.
 */
#include "api_token.h"

#include <stdlib.h>
#include <string.h>

#include <apr_general.h>
#include <apr_hash.h>
#include <apr_strings.h>
#include <openssl/evp.h>

#include "server.h"
#include "session.h"

#define PREFIX      "sat_" /* what it is, for people and for programs that look for lost secrets */
#define RANDOM      32     /* bytes */
#define TEXT_LENGTH (sizeof(PREFIX) - 1 + 2 * RANDOM)
#define DIGEST      32
#define MOST        100 /* of one user */

static struct {
    apr_hash_t *by_digest;
} all;

static const char *const api_tokens_1[] = {
    "CREATE TABLE api_tokens (id BIGINT PRIMARY KEY, digest VARCHAR(64) NOT NULL,"
    " user_id BIGINT NOT NULL, label VARCHAR(255) NOT NULL, created_at BIGINT NOT NULL,"
    " expires_at BIGINT NOT NULL)",
    "CREATE UNIQUE INDEX api_tokens_digest ON api_tokens (digest)",
    NULL,
};

static const char *const api_tokens_2[] = {
    "CREATE INDEX api_tokens_user ON api_tokens (user_id)",
    NULL,
};

const salon_migration_t api_token_migrations[] = { { 1, api_tokens_1 }, { 2, api_tokens_2 },
                                                   { 0, NULL } };

/* ---- Text and digest ---- */

static void hex_write(const unsigned char *bytes, size_t count, char *text_r)
{
    static const char digits[] = "0123456789abcdef";
    for (size_t i = 0; i < count; i++) {
        *text_r++ = digits[bytes[i] >> 4];
        *text_r++ = digits[bytes[i] & 15];
    }
    *text_r = '\0';
}

static bool hex_read(const char *text, unsigned char *bytes_r, size_t count)
{
    for (size_t i = 0; i < 2 * count; i++) {
        const char *digits = "0123456789abcdef", *at = strchr(digits, text[i]);
        if (text[i] == '\0' || at == NULL) return false;
        unsigned char half = (unsigned char)(at - digits);
        bytes_r[i / 2] = (unsigned char)(i % 2 == 0 ? half << 4 : bytes_r[i / 2] | half);
    }
    return text[2 * count] == '\0';
}

static void digest_of(const char *token, unsigned char digest_r[DIGEST])
{
    if (EVP_Digest(token, strlen(token), digest_r, NULL, EVP_sha256(), NULL) != 1) abort();
}

/* ---- In memory ---- */

static bool is_over(const api_token_t *token)
{
    return token->expires_at != 0 && token->expires_at <= salon_now() / 1000;
}

static api_token_t *token_put(const api_token_t *like)
{
    size_t length = strlen(like->label) + 1;
    api_token_t *token = malloc(sizeof(*token) + length);
    if (token == NULL) abort();
    *token = *like;
    token->label = memcpy(token + 1, like->label, length);
    apr_hash_set(all.by_digest, token->digest, DIGEST, token);
    return token;
}

static void token_forget(api_token_t *token)
{
    apr_hash_set(all.by_digest, token->digest, DIGEST, NULL);
    free(token);
}

static void row_take(const salon_rows_t *rows, int row)
{
    api_token_t token = { .id = salon_rows_integer(rows, row, 0),
                          .user_id = salon_rows_integer(rows, row, 2),
                          .label = salon_rows_text(rows, row, 3),
                          .created_at = salon_rows_integer(rows, row, 4),
                          .expires_at = salon_rows_integer(rows, row, 5) };
    if (hex_read(salon_rows_text(rows, row, 1), token.digest, DIGEST)) token_put(&token);
}

apr_status_t api_token_load(apr_pool_t *pool)
{
    all.by_digest = apr_hash_make(server.pool);
    apr_status_t rv =
        salon_load_each(row_take, "SELECT id, digest, user_id, label, created_at, expires_at"
                                  " FROM api_tokens");
    return rv == APR_SUCCESS ? salon_sequence_open(pool, "api_token", 1, 16) : rv;
}

static api_token_t *find_text(const char *text)
{
    unsigned char digest[DIGEST];
    if (strncmp(text, PREFIX, sizeof(PREFIX) - 1) != 0 || strlen(text) != TEXT_LENGTH) return NULL;
    digest_of(text, digest);
    return apr_hash_get(all.by_digest, digest, DIGEST);
}

const api_token_t *api_token_find(const char *text)
{
    const api_token_t *token = find_text(text);
    return token != NULL && !is_over(token) ? token : NULL;
}

static api_token_t *find_id(apr_int64_t id)
{
    for (apr_hash_index_t *i = apr_hash_first(NULL, all.by_digest); i; i = apr_hash_next(i)) {
        api_token_t *token = apr_hash_this_val(i);
        if (token->id == id) return token;
    }
    return NULL;
}

static int count_of(apr_int64_t user_id)
{
    int count = 0;
    for (apr_hash_index_t *i = apr_hash_first(NULL, all.by_digest); i; i = apr_hash_next(i))
        count += ((const api_token_t *)apr_hash_this_val(i))->user_id == user_id;
    return count;
}

void api_token_forget_user(apr_int64_t user_id)
{
    for (apr_hash_index_t *i = apr_hash_first(NULL, all.by_digest); i; i = apr_hash_next(i)) {
        api_token_t *token = apr_hash_this_val(i);
        if (token->user_id == user_id) token_forget(token);
    }
}

/* ---- Operations ---- */

static json_object *token_json(const api_token_t *token)
{
    json_object *json = salon_json_integer(salon_json(), "id", token->id);
    salon_json_user(json, "user_id", "username", token->user_id);
    salon_json_string(json, "label", token->label);
    salon_json_integer(json, "created_at", token->created_at);
    return salon_json_value(json, "expires_at",
                            token->expires_at ? json_object_new_int64(token->expires_at * 1000)
                                              : NULL);
}

/* Whose tokens the request is about: the asker's, or those of whom the control socket names. */
static const salon_user_t *owner_of(const salon_req_t *req)
{
    const char *name = salon_arg_string(req, "name");
    if (!req->from_control) return salon_req_user(req);
    return name != NULL ? salon_user_by_name(name) : NULL;
}

typedef struct {
    api_token_t token;
    char text[TEXT_LENGTH + 1];
} made_t;

static salon_outcome_t added(salon_req_t *req, const salon_rows_t *rows)
{
    (void)rows;
    const made_t *made = salon_req_data(req);
    token_put(&made->token);
    return salon_reply(req, salon_json_string(token_json(&made->token), "token", made->text));
}

static made_t *token_make_new(salon_req_t *req, const salon_user_t *owner)
{
    unsigned char secret[RANDOM];
    made_t *made = apr_pcalloc(req->pool, sizeof(*made));
    const char *label = salon_arg_string(req, "label");
    apr_int64_t ttl = salon_arg_integer(req, "ttl", 0);
    apr_generate_random_bytes(secret, sizeof(secret));
    apr_cpystrn(made->text, PREFIX, sizeof(PREFIX));
    hex_write(secret, sizeof(secret), made->text + sizeof(PREFIX) - 1);
    made->token = (api_token_t){ .id = salon_next_id("api_token"),
                                 .user_id = owner->id,
                                 .label = label != NULL ? label : "",
                                 .created_at = salon_now(),
                                 .expires_at = ttl > 0 ? (salon_now() + 999) / 1000 + ttl : 0 };
    digest_of(made->text, made->token.digest);
    return made;
}

salon_outcome_t api_token_add(salon_req_t *req)
{
    const salon_user_t *owner = owner_of(req);
    char digest[2 * DIGEST + 1];
    if (owner == NULL) return salon_fail(req, SALON_USER_NOT_FOUND);
    if (count_of(owner->id) >= MOST) return salon_fail(req, SALON_CONFLICT);
    made_t *made = token_make_new(req, owner);
    if (made->token.id == 0) return salon_fail(req, SALON_UNAVAILABLE);
    salon_req_set_data(req, made);
    hex_write(made->token.digest, DIGEST, digest);
    salon_sql(req, "DELETE FROM api_tokens WHERE expires_at > 0 AND expires_at < %ld",
              (long)(salon_now() / 1000));
    salon_sql(req,
              "INSERT INTO api_tokens (id, digest, user_id, label, created_at, expires_at)"
              " VALUES (%ld, %s, %ld, %s, %ld, %ld)",
              (long)made->token.id, digest, (long)owner->id, made->token.label,
              (long)made->token.created_at, (long)made->token.expires_at);
    return salon_store(req, added);
}

static int by_id(const void *a, const void *b)
{
    json_object *const *left = a, *const *right = b;
    apr_int64_t one = json_object_get_int64(json_object_object_get(*left, "id"));
    apr_int64_t other = json_object_get_int64(json_object_object_get(*right, "id"));
    return one < other ? -1 : one > other;
}

/* From the control socket without a name: everybody's. */
salon_outcome_t api_token_list(salon_req_t *req)
{
    const salon_user_t *owner = owner_of(req);
    bool everybody = req->from_control && salon_arg(req, "name") == NULL;
    if (owner == NULL && !everybody) return salon_fail(req, SALON_USER_NOT_FOUND);
    json_object *list = json_object_new_array();
    for (apr_hash_index_t *i = apr_hash_first(NULL, all.by_digest); i; i = apr_hash_next(i)) {
        const api_token_t *token = apr_hash_this_val(i);
        if (!is_over(token) && (everybody || token->user_id == owner->id))
            json_object_array_add(list, token_json(token));
    }
    json_object_array_sort(list, by_id);
    return salon_reply(req, salon_json_value(salon_json(), "tokens", list));
}

static api_token_t *token_named(const salon_req_t *req)
{
    const char *text = salon_arg_string(req, "token");
    apr_int64_t id = salon_arg_integer(req, "id", 0);
    if (text != NULL && text[strspn(text, "0123456789")] == '\0') id = apr_atoi64(text);
    api_token_t *token = id != 0 ? find_id(id) : text != NULL ? find_text(text) : NULL;
    bool is_theirs = token != NULL && req->user != NULL && token->user_id == req->user->shown.id;
    return req->from_control || is_theirs ? token : NULL;
}

static salon_outcome_t revoked(salon_req_t *req, const salon_rows_t *rows)
{
    (void)rows;
    api_token_t *token = find_id(*(apr_int64_t *)salon_req_data(req));
    if (token == NULL) return salon_fail(req, API_TOKEN_NOT_FOUND);
    json_object *json = token_json(token);
    session_end_token(token->user_id, token->id);
    token_forget(token);
    return salon_reply(req, json);
}

salon_outcome_t api_token_revoke(salon_req_t *req)
{
    const api_token_t *token = token_named(req);
    if (token == NULL) return salon_fail(req, API_TOKEN_NOT_FOUND);
    salon_req_set_data(req, apr_pmemdup(req->pool, &token->id, sizeof(token->id)));
    salon_sql(req, "DELETE FROM api_tokens WHERE id = %ld", (long)token->id);
    return salon_store(req, revoked);
}
