/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One table.  A room's entries are kept by its id, so that a room of the same name that is made
 * later has a log of its own.
 */
#include "audit.h"

#include "place.h"

#define SEQUENCE "audit"
#define LIMIT    50

const char *const audit_tables[] = {
    "CREATE TABLE audit_log (id BIGINT PRIMARY KEY, topic VARCHAR(40) NOT NULL,"
    " action VARCHAR(64) NOT NULL, actor_id BIGINT NOT NULL, target_user_id BIGINT NOT NULL,"
    " message_id BIGINT NOT NULL, details TEXT, created_at BIGINT NOT NULL)",
    "CREATE INDEX audit_log_topic ON audit_log (topic, id)",
    "CREATE INDEX audit_log_created_at ON audit_log (created_at)",
    NULL,
};

apr_status_t audit_open(apr_pool_t *pool)
{
    return salon_sequence_open(pool, SEQUENCE, 1, 100);
}

/* ---- Writing ---- */

#define ENTRY                                                                                    \
    "INSERT INTO audit_log (id, topic, action, actor_id, target_user_id, message_id, details,"   \
    " created_at) VALUES (%ld, %s, %s, %ld, %ld, %ld, %s, %ld)"

static const char *details_text(const salon_act_t *act)
{
    return act->details != NULL ? json_object_to_json_string_ext(act->details,
                                                                 JSON_C_TO_STRING_PLAIN)
                                : NULL;
}

bool audit_sql(salon_req_t *req, const salon_act_t *act)
{
    apr_int64_t id = salon_next_id(SEQUENCE);
    if (id != 0)
        salon_sql(req, ENTRY, (long)id, place_topic_text(act->topic, salon_req_pool(req)),
                  act->action, (long)act->actor->id, (long)act->target_user_id,
                  (long)act->message_id, details_text(act), (long)salon_now());
    json_object_put(act->details);
    return id != 0;
}

void audit_write(const salon_act_t *act)
{
    apr_pool_t *pool;
    apr_int64_t id = salon_next_id(SEQUENCE);
    if (id == 0) {
        salon_log(SALON_LOG_ERROR, "moderation",
                  "user %" APR_INT64_T_FMT ": %s is not in the audit log: no database",
                  act->actor->id, act->action);
        return;
    }
    apr_pool_create(&pool, NULL);
    salon_write(ENTRY, (long)id, place_topic_text(act->topic, pool), act->action,
                (long)act->actor->id, (long)act->target_user_id, (long)act->message_id,
                details_text(act), (long)salon_now());
    apr_pool_destroy(pool);
}

void audit_forget(apr_int64_t before)
{
    salon_write("DELETE FROM audit_log WHERE created_at < %ld", (long)before);
}

/* ---- Reading ---- */

static json_object *details_json(const char *text)
{
    json_object *details = text != NULL ? json_tokener_parse(text) : NULL;
    return details != NULL ? details : salon_json();
}

static json_object *entry_json(const salon_rows_t *rows, int row)
{
    json_object *json = salon_json_integer(salon_json(), "id", salon_rows_integer(rows, row, 0));
    salon_json_string(json, "action", salon_rows_text(rows, row, 1));
    salon_json_user(json, "actor_id", "actor_username", salon_rows_integer(rows, row, 2));
    salon_json_optional(json, "target_user_id", salon_rows_integer(rows, row, 3));
    salon_json_optional(json, "message_id", salon_rows_integer(rows, row, 4));
    salon_json_value(json, "details", details_json(salon_rows_text(rows, row, 5)));
    return salon_json_integer(json, "created_at", salon_rows_integer(rows, row, 6));
}

static salon_outcome_t listed(salon_req_t *req, const salon_rows_t *rows)
{
    return place_reply(req, rows, "logs", entry_json);
}

#define COLUMNS "SELECT id, action, actor_id, target_user_id, message_id, details, created_at"

salon_outcome_t audit_list(salon_req_t *req)
{
    const place_t *place = salon_req_data(req);
    long before = (long)salon_arg_integer(req, "before", APR_INT64_MAX);
    int limit = (int)salon_arg_integer(req, "limit", LIMIT);
    if (place_is_server(place))
        salon_sql(req, COLUMNS " FROM audit_log WHERE id < %ld ORDER BY id DESC LIMIT %d", before,
                  limit);
    else
        salon_sql(req, COLUMNS " FROM audit_log WHERE topic = %s AND id < %ld ORDER BY id DESC"
                  " LIMIT %d", place_topic_text(place->topic, salon_req_pool(req)), before, limit);
    return salon_store(req, listed); /* behind what is being written: the last act is in it */
}
