/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Sending: a message is made and handed to the store; when it is committed, memory follows, the
 * sender is answered and everybody is told.  Where nothing is stored, all of that happens at once,
 * unless a plugin stores something with the message.
 */
#include "timeline_send.h"

#include <string.h>

#include <apr_strings.h>

#include "attachment.h"
#include "check.h"
#include "hooks.h"
#include "metrics.h"
#include "server.h"
#include "statement.h"

static salon_outcome_t sent(salon_req_t *req, salon_timeline_t *timeline, const message_t *message,
                            bool known)
{
    json_object *json = timeline_json(timeline, message);
    if (known) {
        check_give_back(req);
        return salon_reply(req, salon_json_boolean(json, "known", true));
    }
    salon_outcome_t outcome = timeline_answer(req, timeline, "message.new", json);
    hooks_stored(req, timeline_topic(timeline), message);
    return outcome;
}

static salon_outcome_t send_outcome(send_t *send)
{
    salon_req_t *req = send->req;
    salon_timeline_t *timeline = timeline_find(send->message.timeline_id);
    if (send->job.status != DB_OK) return statement_failed(req, send->job.status);
    if (send->refused || timeline == NULL) return salon_fail(req, SALON_MESSAGE_NOT_FOUND);
    /* The client id was used for something that cannot be an answer here. */
    if (timeline->kind != send->kind) return salon_fail(req, SALON_CONFLICT);
    if (!send->known) {
        metrics_add(METRIC_MESSAGES_STORED, 1);
        timeline_append(timeline, &send->message);
    }
    return sent(req, timeline, &send->message, send->known);
}

static void send_done(store_job_t *job)
{
    send_t *send = (send_t *)job;
    request_outcome(send->req, send_outcome(send));
}

/* Of people without an account the ids are given again, so they have no client ids.  Only a message
 * of the same kind can be the answer when one is repeated. */
static const char *client_key(salon_req_t *req, const salon_timeline_t *timeline)
{
    const char *client_id = salon_arg_string(req, "client_id");
    int kind = timeline->kind->number;
    if (client_id == NULL || req->user->shown.anonymous) return NULL;
    const char *author = apr_psprintf(req->pool, "%" APR_INT64_T_FMT, req->user->shown.id);
    if (kind > 1) author = apr_psprintf(req->pool, "%s.%d", author, kind);
    return apr_pstrcat(req->pool, author, ":", client_id, NULL);
}

static message_t message_compose(salon_req_t *req, const salon_timeline_t *timeline,
                                 const char *content)
{
    const salon_user_t *author = &req->user->shown;
    return (message_t){ .id = salon_next_id("message"),
                        .timeline_id = timeline->id,
                        .author_id = author->anonymous ? 0 : author->id,
                        .author_name = author->anonymous ? author->name : NULL,
                        .attachment = attachment_text(req->pool, salon_arg_string(req, "kind"),
                                                      salon_arg(req, "media")),
                        .parent_id = salon_arg_integer(req, "parent_id", 0),
                        .created_at = salon_now(),
                        .content = content,
                        .mentions = message_mentions(req->pool, content),
                        .client_key = client_key(req, timeline) };
}

/* ---- Where nothing is stored ---- */

/* A message that waits for what plugins store with it. */
typedef struct waiting_t {
    struct waiting_t *next;
    apr_int64_t timeline_id;
    message_t message;
    struct statements_t *added; /* of one that waits for another with its client id */
} waiting_t;

static waiting_t *waiting;

static apr_status_t waiting_remove(void *data)
{
    waiting_t **link = &waiting;
    while (*link != data) link = &(*link)->next;
    *link = (*link)->next;
    return APR_SUCCESS;
}

static bool is_waiting(const message_t *message)
{
    for (const waiting_t *w = waiting; w != NULL && message->client_key != NULL; w = w->next)
        if (w->message.client_key != NULL &&
            strcmp(w->message.client_key, message->client_key) == 0)
            return true;
    return false;
}

static waiting_t *waiting_make(salon_req_t *req, const salon_timeline_t *timeline,
                               const message_t *message)
{
    waiting_t *w = apr_pcalloc(req->pool, sizeof(*w));
    *w = (waiting_t){ .timeline_id = timeline->id, .message = *message };
    req->data = w;
    return w;
}

/* Positions come from what is in memory. */
static salon_outcome_t volatile_append(salon_req_t *req, salon_timeline_t *timeline,
                                       message_t *message)
{
    message->seq = message->changed_seq = timeline->info.seq + 1;
    timeline_append(timeline, message);
    return sent(req, timeline, message, false);
}

static salon_outcome_t volatile_stored(salon_req_t *req, const salon_rows_t *rows)
{
    (void)rows;
    waiting_t *w = req->data;
    salon_timeline_t *timeline = timeline_find(w->timeline_id);
    apr_pool_cleanup_run(req->pool, w, waiting_remove);
    return timeline != NULL ? volatile_append(req, timeline, &w->message)
                            : salon_fail(req, SALON_MESSAGE_NOT_FOUND);
}

static salon_outcome_t volatile_new(salon_req_t *req, salon_timeline_t *timeline,
                                    message_t *message)
{
    hooks_storing(req, timeline_topic(timeline), message);
    if (req->statements == NULL) return volatile_append(req, timeline, message);
    waiting_t *w = waiting_make(req, timeline, message);
    w->next = waiting;
    waiting = w;
    apr_pool_cleanup_register(req->pool, w, waiting_remove, apr_pool_cleanup_null);
    return salon_store(req, volatile_stored);
}

static const message_t *volatile_known(const salon_timeline_t *timeline, const message_t *message)
{
    for (int i = 0; message->client_key != NULL && i < timeline->recent_count; i++) {
        const char *key = timeline->recent[i]->client_key;
        if (key != NULL && strcmp(key, message->client_key) == 0) return timeline->recent[i];
    }
    return NULL;
}

/* The one that this repeats has been stored by now, or refused. */
static salon_outcome_t volatile_repeated(salon_req_t *req, const salon_rows_t *rows)
{
    (void)rows;
    waiting_t *w = req->data;
    salon_timeline_t *timeline = timeline_find(w->timeline_id);
    if (timeline == NULL) return salon_fail(req, SALON_MESSAGE_NOT_FOUND);
    const message_t *first = volatile_known(timeline, &w->message);
    if (first != NULL) return sent(req, timeline, first, true);
    req->statements = w->added;
    return volatile_new(req, timeline, &w->message);
}

/* Behind the first in the writer's queue. */
static salon_outcome_t volatile_wait(salon_req_t *req, const salon_timeline_t *timeline,
                                     const message_t *message)
{
    waiting_t *w = waiting_make(req, timeline, message);
    w->added = req->statements;
    req->statements = NULL;
    salon_sql(req, "SELECT id FROM timelines WHERE id = %ld", (long)timeline->id);
    return salon_store(req, volatile_repeated);
}

static salon_outcome_t send_volatile(salon_req_t *req, salon_timeline_t *timeline,
                                     message_t *message)
{
    const message_t *first = volatile_known(timeline, message);
    if (first != NULL) return sent(req, timeline, first, true);
    if (message->parent_id != 0 && timeline_index(timeline, message->parent_id) < 0)
        return salon_fail(req, SALON_MESSAGE_NOT_FOUND);
    return is_waiting(message) ? volatile_wait(req, timeline, message)
                               : volatile_new(req, timeline, message);
}

/* ---- The operation ---- */

static salon_outcome_t send_stored(salon_req_t *req, const salon_timeline_t *timeline,
                                   const message_t *message)
{
    hooks_storing(req, timeline_topic(timeline), message);
    send_t *send = apr_pcalloc(req->pool, sizeof(*send));
    send->job.class = &send_class;
    send->job.done = send_done;
    send->job.size = sizeof(*send) + strlen(message->content);
    send->req = req;
    send->kind = timeline->kind;
    send->message = *message;
    send->added = req->statements;
    req->statements = NULL;
    return store_push(server.store, &send->job) ? request_pending()
                                                : salon_fail(req, SALON_UNAVAILABLE);
}

salon_outcome_t salon_timeline_send(salon_req_t *req, salon_timeline_t *timeline)
{
    const char *content = salon_arg_string(req, "content");
    salon_outcome_t refused = hooks_say(req, timeline_topic(timeline), &content);
    if (refused.kind != 0) return refused;
    message_t message = message_compose(req, timeline, content);
    if (message.id == 0) return salon_fail(req, SALON_UNAVAILABLE);
    return timeline->volatile_ ? send_volatile(req, timeline, &message)
                               : send_stored(req, timeline, &message);
}
