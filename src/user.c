/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Users are never forgotten while the server runs: names in histories come from here, so that a
 * page of history needs no join, and a new name shows everywhere at once.  A hundred thousand of
 * them take about 20 MB.
 */
#include "user.h"

#include <stdlib.h>
#include <string.h>

#include <apr_hash.h>

#include "server.h"
#include "utf8.h"

static struct {
    salon_map_t by_id;
    salon_map_t online; /* those of them who are connected, and have an account */
    apr_hash_t *by_name;
    apr_int64_t anonymous; /* of those by id */
} directory;

static const char *const users_1[] = {
    "CREATE TABLE users (id BIGINT PRIMARY KEY, name VARCHAR(255) NOT NULL,"
    " role SMALLINT NOT NULL)",
    "CREATE INDEX users_name ON users (name)",
    "INSERT INTO users (id, name, role) VALUES (1, 'system', 3)",
    NULL,
};

static const char *const users_2[] = {
    "ALTER TABLE users ADD COLUMN erased_at BIGINT",
    NULL,
};

const salon_migration_t user_migrations[] = { { 1, users_1 }, { 2, users_2 }, { 0, NULL } };

bool user_name_ok(const char *name)
{
    for (const char *at = name; *at != '\0'; at++)
        if ((unsigned char)*at < 0x20 || *at == 0x7f) return false;
    return !utf8_blank(name, strlen(name)) && !token_name_taken(name);
}

user_t *user_find(apr_int64_t id)
{
    return salon_map_get(&directory.by_id, id);
}

apr_int64_t user_logged_id(const user_t *user)
{
    return user != NULL && !user->shown.anonymous ? user->shown.id : 0;
}

bool user_is_erased(apr_int64_t id)
{
    const user_t *user = user_find(id);
    return user != NULL && user->shown.erased;
}

const salon_user_t *salon_user_by_id(apr_int64_t id)
{
    user_t *user = user_find(id);
    return user != NULL && !user->shown.erased ? &user->shown : NULL;
}

const salon_user_t *salon_user_by_name(const char *name)
{
    user_t *user = apr_hash_get(directory.by_name, name, APR_HASH_KEY_STRING);
    return user != NULL && !user->shown.erased ? &user->shown : NULL;
}

const salon_user_t *salon_arg_user(const salon_req_t *req, const char *name_name,
                                   const char *id_name)
{
    const char *name = salon_arg_string(req, name_name);
    return name != NULL ? salon_user_by_name(name)
                        : salon_user_by_id(salon_arg_integer(req, id_name, 0));
}

json_object *salon_json_user(json_object *object, const char *id_key, const char *name_key,
                             apr_int64_t user_id)
{
    const user_t *user = user_find(user_id);
    salon_json_value(object, id_key, user_id > 0 ? json_object_new_int64(user_id) : NULL);
    return salon_json_string(object, name_key, user != NULL ? user->name : "");
}

apr_int64_t user_count(void)
{
    return directory.by_id.count - directory.anonymous;
}

/* The name's key in the hash is the user's own copy, so it is taken out before that is freed. */
static void name_drop(user_t *user)
{
    if (user->name == NULL) return;
    if (apr_hash_get(directory.by_name, user->name, APR_HASH_KEY_STRING) == user)
        apr_hash_set(directory.by_name, user->name, APR_HASH_KEY_STRING, NULL);
    free(user->name);
}

static void name_set(user_t *user, const char *name)
{
    name_drop(user);
    user->name = strdup(name);
    user->shown.name = user->name;
    apr_hash_set(directory.by_name, user->name, APR_HASH_KEY_STRING, NULL);
    apr_hash_set(directory.by_name, user->name, APR_HASH_KEY_STRING, user);
}

static user_t *user_make(apr_int64_t id)
{
    user_t *user = user_find(id);
    if (user != NULL) return user;
    user = calloc(1, sizeof(*user));
    if (user == NULL) abort();
    user->shown.id = id;
    user->rates = &user->own_rates;
    salon_map_set(&directory.by_id, id, user);
    return user;
}

static user_t *user_put(apr_int64_t id, const char *name, salon_role_t role)
{
    user_t *user = user_make(id);
    if (user->name == NULL || strcmp(user->name, name) != 0) name_set(user, name);
    user->shown.role = role;
    return user;
}

static void erased_set(user_t *user)
{
    user->name = strdup(USER_ERASED);
    user->shown.name = user->name;
    user->shown.role = SALON_ROLE_USER;
    user->shown.last_seen = 0;
    user->shown.erased = true;
}

static bool has_name(const user_t *user, const char *name)
{
    return !user->shown.anonymous && !user->shown.erased && strcmp(user->name, name) == 0;
}

/* Walks through all. */
static user_t *namesake_find(const char *name)
{
    user_t *user, *best = NULL;
    for (unsigned at = 0; (user = salon_map_next(&directory.by_id, &at)) != NULL;)
        if (has_name(user, name) &&
            (best == NULL || user->shown.last_seen > best->shown.last_seen))
            best = user;
    return best;
}

/* Somebody else who has the name, too, is found by it from now on. */
void user_erase(user_t *user)
{
    char *name = strdup(user->name);
    name_drop(user);
    erased_set(user);
    user_t *other = namesake_find(name);
    if (other != NULL && apr_hash_get(directory.by_name, name, APR_HASH_KEY_STRING) == NULL)
        apr_hash_set(directory.by_name, other->name, APR_HASH_KEY_STRING, other);
    free(name);
}

/* Whom nobody finds takes the name from nobody. */
static void row_take(const salon_rows_t *rows, int row)
{
    apr_int64_t id = salon_rows_integer(rows, row, 0);
    salon_role_t role = (salon_role_t)salon_rows_integer(rows, row, 2);
    if (salon_rows_integer(rows, row, 3) != 0) erased_set(user_make(id));
    else user_put(id, salon_rows_text(rows, row, 1), role);
}

apr_status_t user_load(void)
{
    directory.by_name = apr_hash_make(server.pool);
    return salon_load_each(row_take, "SELECT id, name, role, erased_at FROM users ORDER BY id");
}

/* What the token leaves out stays as it is known. */
static const char *claimed_name(const token_claims_t *claims)
{
    const user_t *user = user_find(claims->user_id);
    return user != NULL && !claims->has_name ? user->name : claims->name;
}

static salon_role_t claimed_role(const token_claims_t *claims)
{
    const user_t *user = user_find(claims->user_id);
    return user != NULL && !claims->has_role ? user->shown.role : claims->role;
}

bool user_differs(const token_claims_t *claims)
{
    const user_t *user = user_find(claims->user_id);
    return user == NULL || strcmp(user->name, claimed_name(claims)) != 0 ||
           user->shown.role != claimed_role(claims);
}

/* Deleting and inserting works for a new user and a known one, and when two connections of a new
 * user come at the same moment. */
void user_sql_record(salon_req_t *req, const token_claims_t *claims)
{
    salon_sql(req, "DELETE FROM users WHERE id = %ld", (long)claims->user_id);
    salon_sql(req, "INSERT INTO users (id, name, role) VALUES (%ld, %s, %d)", (long)claims->user_id,
              claimed_name(claims), (int)claimed_role(claims));
}

user_t *user_record(const token_claims_t *claims)
{
    return user_put(claims->user_id, claimed_name(claims), claimed_role(claims));
}

user_t *user_add_anonymous(const char *name, rates_t *rates)
{
    static apr_int64_t last_id;
    user_t *user = calloc(1, sizeof(*user));
    if (user == NULL) abort();
    user->name = strdup(name);
    user->shown = (salon_user_t){ .id = --last_id, .name = user->name, .anonymous = true };
    user->rates = rates;
    salon_map_set(&directory.by_id, user->shown.id, user);
    directory.anonymous++;
    return user;
}

void user_remove_anonymous(user_t **user)
{
    salon_map_set(&directory.by_id, (*user)->shown.id, NULL);
    directory.anonymous--;
    free((*user)->name);
    free(*user);
    *user = NULL;
}

const salon_map_t *user_all(void)
{
    return &directory.by_id;
}

const salon_map_t *salon_users_online(void)
{
    return &directory.online;
}

void user_connected(user_t *user, bool connected)
{
    salon_map_set(&directory.online, user->shown.id, connected ? user : NULL);
}

bool user_is_ambiguous(const char *name)
{
    const user_t *user;
    int count = 0;
    for (unsigned at = 0; (user = salon_map_next(&directory.by_id, &at)) != NULL;)
        count += has_name(user, name);
    return count > 1;
}
