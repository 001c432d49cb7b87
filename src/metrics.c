/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Counters are added to by every thread, each on a cache line of its own; gauges are asked for when
 * somebody reads.
 */
#include "metrics.h"

#include <stdatomic.h>

#include <apr_strings.h>

#include "latency.h"
#include "plugin.h"
#include "removal.h"
#include "retention.h"
#include "server.h"
#include "session.h"
#include "topic.h"
#include "user.h"
#include "wire.h"

static const struct counter_t {
    const char *name, *help;
} counters[METRIC_COUNT] = {
    [METRIC_OPENED] = { "websockets_opened_total", "WebSocket connections opened" },
    [METRIC_CLOSED] = { "websockets_closed_total", "WebSocket connections ended" },
    [METRIC_CONNECTIONS_REFUSED] = { "connections_refused_total",
                                     "connections refused for a limit or for want of descriptors" },
    [METRIC_SIGN_INS] = { "sign_ins_total", "connections signed in" },
    [METRIC_SIGN_INS_REFUSED] = { "sign_ins_refused_total", "tokens refused" },
    [METRIC_RECONNECTS] = { "reconnects_total",
                            "users back within a minute of their last connection" },
    [METRIC_CONNECTION_ERRORS] = { "connection_errors_total",
                                   "WebSocket connections refused, or not ended in order" },
    [METRIC_MESSAGES_IN] = { "messages_received_total", "WebSocket messages received" },
    [METRIC_TOO_BIG] = { "messages_too_big_total", "connections closed for a message too big" },
    [METRIC_REQUESTS_REFUSED] = { "requests_refused_total", "requests answered with an error" },
    [METRIC_EVENTS] = { "events_published_total", "events published to a topic" },
    [METRIC_FRAMES_OUT] = { "frames_sent_total", "WebSocket frames sent" },
    [METRIC_WRITES] = { "writes_total", "writes to sockets that carried them" },
    [METRIC_BYTES_SAVED] = { "deflate_saved_bytes_total",
                             "bytes of frames that compression saved" },
    [METRIC_DROPPED_EVENTS] = { "events_dropped_total", "events that a slow reader missed" },
    [METRIC_SLOW_READERS] = { "slow_readers_total", "connections dropped at their output bound" },
    [METRIC_TIMEOUTS] = { "timeouts_total", "connections ended by a deadline" },
    [METRIC_HTTP_REQUESTS] = { "http_requests_total", "HTTP requests" },
    [METRIC_HTTP_REFUSED] = { "http_refused_total", "HTTP requests refused as malformed" },
    [METRIC_MESSAGES_STORED] = { "messages_stored_total", "chat messages committed" },
    [METRIC_MESSAGES_EXPIRED] = { "messages_expired_total",
                                  "messages deleted as too old or too many" },
    [METRIC_MESSAGES_REMOVED] = { "messages_removed_total",
                                  "messages deleted since their place was removed" },
};

static apr_int64_t connections_now(void)
{
    apr_int64_t count = 0;
    for (int i = 0; i < server.net_count; i++) count += net_load(server.nets[i]);
    return count;
}

static apr_int64_t uptime(void)
{
    return (salon_now() - server.started_at) / 1000;
}

static apr_int64_t store_commits(void)
{
    return (apr_int64_t)store_stats(server.store).commits;
}

static apr_int64_t store_writes(void)
{
    return (apr_int64_t)store_stats(server.store).writes;
}

static apr_int64_t store_statements(void)
{
    return (apr_int64_t)store_stats(server.store).statements;
}

static apr_int64_t store_queries(void)
{
    return (apr_int64_t)store_stats(server.store).queries;
}

static apr_int64_t store_reads(void)
{
    return (apr_int64_t)store_stats(server.store).reads;
}

static apr_int64_t store_failures(void)
{
    return (apr_int64_t)store_stats(server.store).failures;
}

static apr_int64_t store_waiting(void)
{
    return (apr_int64_t)store_stats(server.store).waiting;
}

static apr_int64_t store_is_ready(void)
{
    return store_ready(server.store);
}

const salon_metric_t metrics_gauges[] = {
    { "connections", "gauge", "sockets open now", connections_now },
    { "sessions", "gauge", "WebSocket connections open now", session_count },
    { "sessions_signed_in", "gauge", "of them, those signed in", session_signed_in_count },
    { "users", "gauge", "users known", user_count },
    { "topics", "gauge", "topics that somebody hears", topic_count },
    { "store_commits_total", "counter", "transactions committed", store_commits },
    { "store_writes_total", "counter", "jobs written in them", store_writes },
    { "store_statements_total", "counter", "statements of these transactions",
      store_statements },
    { "store_reads_total", "counter", "jobs that only read", store_reads },
    { "store_queries_total", "counter", "statements of these", store_queries },
    { "store_failures_total", "counter", "jobs that failed", store_failures },
    { "store_waiting", "gauge", "jobs waiting for the database", store_waiting },
    { "store_ready", "gauge", "1: the database is there", store_is_ready },
    { "retention_running", "gauge", "1: what is too old or too many is being deleted",
      retention_running },
    { "retention_last_timestamp_seconds", "gauge", "when that was last complete; 0: not yet",
      retention_last_at },
    { "timelines_going", "gauge", "removed places whose messages are yet to be deleted",
      removal_left },
    { "uptime_seconds", "gauge", "since the start", uptime },
    { NULL, NULL, NULL, NULL },
};

static struct {
    _Alignas(64) atomic_llong value;
} values[METRIC_COUNT];

void metrics_add(metric_t metric, int by)
{
    atomic_fetch_add_explicit(&values[metric].value, by, memory_order_relaxed);
}

static const char *text_add(apr_pool_t *pool, const char *text, const char *name, const char *type,
                            const char *help, apr_int64_t value)
{
    return apr_psprintf(pool,
                        "%s# HELP salon_%s %s\n# TYPE salon_%s %s\nsalon_%s %" APR_INT64_T_FMT "\n",
                        text, name, help, name, type, name, value);
}

#define DIALECTS_NAME "dialect_sessions"
#define DIALECTS_HELP "WebSocket connections open now, by dialect"

static const char *dialects_text(apr_pool_t *pool)
{
    const char *text =
        "# HELP salon_" DIALECTS_NAME " " DIALECTS_HELP "\n# TYPE salon_" DIALECTS_NAME " gauge\n";
    for (int i = 0; i < wire_count(); i++)
        text = apr_psprintf(pool,
                            "%ssalon_" DIALECTS_NAME "{dialect=\"%s\"} %" APR_INT64_T_FMT "\n",
                            text, wire_dialect(wire_at(i))->name, session_count_in(wire_at(i)));
    return text;
}

static void dialects_describe(json_object *object)
{
    for (int i = 0; i < wire_count(); i++) {
        char name[80];
        apr_snprintf(name, sizeof(name), DIALECTS_NAME "_%s", wire_dialect(wire_at(i))->name);
        salon_json_integer(object, name, session_count_in(wire_at(i)));
    }
}

const char *metrics_text(apr_pool_t *pool)
{
    const char *text = "";
    for (int i = 0; i < METRIC_COUNT; i++)
        text = text_add(pool, text, counters[i].name, "counter", counters[i].help, values[i].value);
    for (int i = 0; i < plugin_count(); i++)
        for (const salon_metric_t *m = plugin_at(i)->metrics; m != NULL && m->name != NULL; m++)
            text = text_add(pool, text, m->name, m->type, m->help, m->read());
    return apr_pstrcat(pool, text, dialects_text(pool), latency_text(pool), NULL);
}

json_object *metrics_json(void)
{
    json_object *object = salon_json();
    for (int i = 0; i < METRIC_COUNT; i++)
        salon_json_integer(object, counters[i].name, values[i].value);
    for (int i = 0; i < plugin_count(); i++)
        for (const salon_metric_t *m = plugin_at(i)->metrics; m != NULL && m->name != NULL; m++)
            salon_json_integer(object, m->name, m->read());
    dialects_describe(object);
    latency_describe(object);
    return object;
}

void metrics_list(FILE *out)
{
    for (int i = 0; i < METRIC_COUNT; i++)
        fprintf(out, "metric\tcore\tsalon_%s\tcounter\t%s\n", counters[i].name, counters[i].help);
    for (int i = 0; i < plugin_count(); i++)
        for (const salon_metric_t *m = plugin_at(i)->metrics; m != NULL && m->name != NULL; m++)
            fprintf(out, "metric\t%s\tsalon_%s\t%s\t%s\n", plugin_at(i)->name, m->name, m->type,
                    m->help);
    fprintf(out, "metric\tcore\tsalon_" DIALECTS_NAME "\tgauge\t" DIALECTS_HELP "\n");
    latency_list(out);
}
