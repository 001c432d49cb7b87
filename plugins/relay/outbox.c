/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A message is put into the table in its own transaction, and counted when that has been committed:
 * between the two it is in `coming`.
 */
#include "outbox.h"

#include <string.h>
#include <sys/param.h>

#include <apr_hash.h>
#include <apr_strings.h>

#include "delivery.h"
#include "shapes.h"
#include "upstream.h"

#define SECOND      1000
#define LANE_NAME   64
#define PARKED_MOST 1000 /* shown at once */

bool outbox_all;

static const char *const outbox_1[] = {
    "CREATE TABLE relay_outbox (id BIGINT PRIMARY KEY, lane VARCHAR(64) NOT NULL,"
    " payload TEXT NOT NULL, created_at BIGINT NOT NULL, parked_at BIGINT NOT NULL,"
    " reason VARCHAR(255) NOT NULL)",
    "CREATE INDEX relay_outbox_lane ON relay_outbox (lane, parked_at, id)",
    NULL,
};

const salon_migration_t outbox_migrations[] = { { 1, outbox_1 }, { 0, NULL } };

static apr_hash_t *coming; /* ids of messages on their way to the store */

/* ---- Figures ---- */

static apr_int64_t waiting(void)
{
    return delivery_counts.waiting;
}

static apr_int64_t parked(void)
{
    return delivery_counts.parked;
}

static apr_int64_t delivered(void)
{
    return delivery_counts.delivered;
}

static apr_int64_t retries(void)
{
    return delivery_counts.retries;
}

static apr_int64_t oldest_age(void)
{
    apr_int64_t oldest = lane_oldest();
    return oldest != 0 ? MAX(salon_now() - oldest, 0) / SECOND : 0;
}

const salon_metric_t outbox_metrics[] = {
    { "relay_waiting", "gauge", "messages that the upstream has not got yet", waiting },
    { "relay_oldest_seconds", "gauge", "age of the oldest of them", oldest_age },
    { "relay_parked", "gauge", "messages that the upstream has refused for good", parked },
    { "relay_delivered_total", "counter", "messages that the upstream has got", delivered },
    { "relay_retries_total", "counter", "steps that failed and are repeated", retries },
    { NULL, NULL, NULL, NULL },
};

/* ---- What is left of earlier lives ---- */

apr_status_t outbox_load(apr_pool_t *pool)
{
    coming = apr_hash_make(pool);
    lane_init(pool);
    const salon_rows_t *lanes =
        salon_load(pool, "SELECT lane, COUNT(*) AS n, MIN(created_at) AS n2 FROM relay_outbox"
                         " WHERE parked_at = 0 GROUP BY lane");
    const salon_rows_t *count =
        salon_load(pool, "SELECT COUNT(*) AS n FROM relay_outbox WHERE parked_at > 0");
    if (lanes == NULL || count == NULL) return APR_EGENERAL;
    for (int i = 0; i < lanes->count; i++)
        delivery_add(salon_rows_text(lanes, i, 0), (int)salon_rows_integer(lanes, i, 1),
                     salon_rows_integer(lanes, i, 2));
    delivery_counts.parked = salon_rows_integer(count, 0, 0);
    return APR_SUCCESS;
}

/* ---- What is said ---- */

static const char *lane_name(salon_topic_t topic, char name[LANE_NAME])
{
    apr_snprintf(name, LANE_NAME, "%s:%" APR_INT64_T_FMT, topic.kind, topic.id);
    return name;
}

static bool is_for_upstream(const salon_req_t *req)
{
    const salon_session_t *session = salon_req_session(req);
    if (!upstream_exists()) return false;
    return outbox_all ||
           (session != NULL && strcmp(salon_session_dialect(session), "relay") == 0);
}

static apr_status_t coming_end(void *id)
{
    apr_hash_set(coming, id, sizeof(apr_int64_t), NULL);
    return APR_SUCCESS;
}

static void coming_begin(salon_req_t *req, apr_int64_t id)
{
    apr_int64_t *key = apr_pmemdup(salon_req_pool(req), &id, sizeof(id));
    apr_hash_set(coming, key, sizeof(*key), key);
    apr_pool_cleanup_register(salon_req_pool(req), key, coming_end, apr_pool_cleanup_null);
}

static void message_keep(salon_req_t *req, salon_topic_t topic, json_object *message,
                         json_object *post)
{
    char name[LANE_NAME];
    apr_int64_t id = json_object_get_int64(salon_path(message, "id"));
    long created_at = (long)json_object_get_int64(salon_path(message, "created_at"));
    const char *text = json_object_to_json_string_ext(post, JSON_C_TO_STRING_NOSLASHESCAPE);
    coming_begin(req, id);
    salon_sql(req, "INSERT INTO relay_outbox (id, lane, payload, created_at, parked_at, reason)"
                   " VALUES (%ld, %s, %s, %ld, 0, %s)",
              (long)id, lane_name(topic, name), text, created_at, "");
}

void outbox_storing(salon_req_t *req, salon_topic_t topic, json_object *message)
{
    if (!is_for_upstream(req)) return;
    json_object *place = salon_describe(topic);
    json_object *post = place != NULL ? relay_post(place, message) : NULL;
    if (post != NULL) message_keep(req, topic, message, post);
    json_object_put(post);
    json_object_put(place);
}

void outbox_stored(salon_session_t *session, salon_topic_t topic, json_object *message)
{
    char name[LANE_NAME];
    apr_int64_t id = json_object_get_int64(salon_path(message, "id"));
    (void)session;
    if (apr_hash_get(coming, &id, sizeof(id)) == NULL) return;
    apr_hash_set(coming, &id, sizeof(id), NULL);
    delivery_add(lane_name(topic, name), 1,
                 json_object_get_int64(salon_path(message, "created_at")));
    delivery_work();
}

/* ---- Who has been erased ---- */

/* What somebody has said is not handed on any more in their name; the rows' texts say whose they
 * are, as json-c writes it. */
void outbox_erasing(salon_req_t *req, apr_int64_t user_id)
{
    char like[64];
    apr_snprintf(like, sizeof(like), "%%\"user_id\":%" APR_INT64_T_FMT ",%%", user_id);
    salon_sql(req, "DELETE FROM relay_outbox WHERE payload LIKE %s", like);
}

static void parked_counted(void *baton, const salon_rows_t *rows)
{
    (void)baton;
    if (rows != NULL) delivery_counts.parked = salon_rows_integer(rows, 0, 0);
}

/* Of what waits it is found out when its turn comes that it is not there. */
void outbox_erased(apr_int64_t user_id)
{
    (void)user_id;
    if (delivery_counts.parked > 0)
        salon_read(parked_counted, NULL,
                   "SELECT COUNT(*) AS n FROM relay_outbox WHERE parked_at > 0");
}

/* ---- What is parked ---- */

static json_object *parked_json(const salon_rows_t *rows, int row)
{
    json_object *post = NULL, *json = salon_json();
    const char *text = salon_rows_text(rows, row, 1);
    salon_json_integer(json, "id", salon_rows_integer(rows, row, 0));
    if (text == NULL || !salon_json_parse(text, strlen(text), &post)) post = NULL;
    json_object *room = salon_path(post, "room");
    salon_json_value(json, room != NULL ? "room" : "to",
                     json_object_get(room != NULL ? room : salon_path(post, "to")));
    salon_json_value(json, "user_id", json_object_get(salon_path(post, "user_id")));
    salon_json_value(json, "parked_at", salon_time_json(salon_rows_integer(rows, row, 2)));
    salon_json_string(json, "reason", salon_rows_text(rows, row, 3));
    json_object_put(post);
    return json;
}

static salon_outcome_t parked_read(salon_req_t *req, const salon_rows_t *rows)
{
    json_object *list = json_object_new_array();
    for (int i = 0; i < rows->count; i++) json_object_array_add(list, parked_json(rows, i));
    return salon_reply(req, salon_json_value(salon_json(), "parked", list));
}

salon_outcome_t outbox_parked(salon_req_t *req)
{
    salon_sql(req, "SELECT id, payload, parked_at, reason FROM relay_outbox WHERE parked_at > 0"
                   " ORDER BY id LIMIT %d",
              PARKED_MOST);
    return salon_query(req, parked_read);
}

static salon_outcome_t one_less(salon_req_t *req)
{
    delivery_counts.parked--;
    return salon_reply(
        req, salon_json_integer(salon_json(), "id", salon_arg_integer(req, "id", 0)));
}

static salon_outcome_t retried(salon_req_t *req, const salon_rows_t *rows)
{
    if (rows[0].count == 0 || rows[1].affected == 0)
        return salon_fail(req, SALON_MESSAGE_NOT_FOUND);
    delivery_add(salon_rows_text(rows, 0, 0), 1, salon_rows_integer(rows, 0, 1));
    delivery_work();
    return one_less(req);
}

salon_outcome_t outbox_retry(salon_req_t *req)
{
    long id = (long)salon_arg_integer(req, "id", 0);
    salon_sql(req, "SELECT lane, created_at FROM relay_outbox WHERE id = %ld", id);
    salon_sql(req, "UPDATE relay_outbox SET parked_at = 0 WHERE id = %ld AND parked_at > 0", id);
    return salon_store(req, retried);
}

static salon_outcome_t dropped(salon_req_t *req, const salon_rows_t *rows)
{
    return rows[0].affected > 0 ? one_less(req) : salon_fail(req, SALON_MESSAGE_NOT_FOUND);
}

salon_outcome_t outbox_drop(salon_req_t *req)
{
    salon_sql(req, "DELETE FROM relay_outbox WHERE id = %ld AND parked_at > 0",
              (long)salon_arg_integer(req, "id", 0));
    return salon_store(req, dropped);
}
