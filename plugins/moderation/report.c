/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A report keeps what was said, since its author can still change or delete the message.  Everybody
 * reports a message once; again takes the place of the earlier report.
 */
#include "report.h"

#include <salon/message.h>

#include "place.h"

#define SEQUENCE "report"
#define LIMIT    50

const char *const report_tables[] = {
    "CREATE TABLE reports (id BIGINT PRIMARY KEY, topic VARCHAR(40) NOT NULL,"
    " message_id BIGINT NOT NULL, author_id BIGINT NOT NULL, reporter_id BIGINT NOT NULL,"
    " content TEXT NOT NULL, reason TEXT, created_at BIGINT NOT NULL)",
    "CREATE UNIQUE INDEX reports_once ON reports (message_id, reporter_id)",
    "CREATE INDEX reports_topic ON reports (topic, id)",
    NULL,
};

apr_status_t report_open(apr_pool_t *pool)
{
    return salon_sequence_open(pool, SEQUENCE, 1, 16);
}

/* ---- Adding ---- */

typedef struct {
    apr_int64_t id, message_id, created_at;
} report_t;

static salon_outcome_t report_stored(salon_req_t *req, const salon_rows_t *rows)
{
    (void)rows;
    const report_t *report = salon_req_data(req);
    json_object *json = salon_json_integer(salon_json(), "id", report->id);
    salon_json_integer(json, "message_id", report->message_id);
    salon_json_string(json, "reason", salon_arg_string(req, "reason"));
    return salon_reply(req, salon_json_integer(json, "created_at", report->created_at));
}

static salon_outcome_t message_found(salon_req_t *req, salon_topic_t topic, json_object *message)
{
    long reporter_id = (long)salon_req_user(req)->id;
    long author_id = (long)json_object_get_int64(json_object_object_get(message, "author_id"));
    report_t *report = apr_palloc(salon_req_pool(req), sizeof(*report));
    *report = (report_t){ .id = salon_next_id(SEQUENCE),
                          .message_id = salon_arg_integer(req, "message_id", 0),
                          .created_at = salon_now() };
    if (report->id == 0) return salon_fail(req, SALON_UNAVAILABLE);
    salon_req_set_data(req, report);
    salon_sql(req, "DELETE FROM reports WHERE message_id = %ld AND reporter_id = %ld",
              (long)report->message_id, reporter_id);
    salon_sql(req,
              "INSERT INTO reports (id, topic, message_id, author_id, reporter_id, content, reason,"
              " created_at) VALUES (%ld, %s, %ld, %ld, %ld, %s, %s, %ld)",
              (long)report->id, place_topic_text(topic, salon_req_pool(req)),
              (long)report->message_id, author_id, reporter_id,
              json_object_get_string(json_object_object_get(message, "content")),
              salon_arg_string(req, "reason"), (long)report->created_at);
    return salon_store(req, report_stored);
}

salon_outcome_t report_add(salon_req_t *req)
{
    return salon_message_find(req, message_found);
}

/* ---- Listing ---- */

static json_object *report_json(const salon_rows_t *rows, int row)
{
    json_object *json = salon_json_integer(salon_json(), "id", salon_rows_integer(rows, row, 0));
    salon_json_integer(json, "message_id", salon_rows_integer(rows, row, 1));
    salon_json_user(json, "author_id", "author_username", salon_rows_integer(rows, row, 2));
    salon_json_user(json, "reporter_id", "reporter_username", salon_rows_integer(rows, row, 3));
    salon_json_string(json, "reason", salon_rows_text(rows, row, 4));
    salon_json_string(json, "content", salon_rows_text(rows, row, 5));
    return salon_json_integer(json, "created_at", salon_rows_integer(rows, row, 6));
}

static salon_outcome_t listed(salon_req_t *req, const salon_rows_t *rows)
{
    return place_reply(req, rows, "reports", report_json);
}

#define COLUMNS "SELECT id, message_id, author_id, reporter_id, reason, content, created_at"

salon_outcome_t report_list(salon_req_t *req)
{
    const place_t *place = salon_req_data(req);
    int limit = (int)salon_arg_integer(req, "limit", LIMIT);
    if (place_is_server(place))
        salon_sql(req, COLUMNS " FROM reports ORDER BY id DESC LIMIT %d", limit);
    else
        salon_sql(req, COLUMNS " FROM reports WHERE topic = %s ORDER BY id DESC LIMIT %d",
                  place_topic_text(place->topic, salon_req_pool(req)), limit);
    return salon_query(req, listed);
}
