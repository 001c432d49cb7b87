/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A network thread's context of lws, and what lws calls.  Contexts are made one after the other in
 * the main thread, on our loops, since lws's own would take over the signals.
 *
 * Of lws, only HTTP/1.1 and WebSockets are let through: an upgrade to h2c, CONNECT (which would
 * make a raw socket without time-outs), and an upgrade whose headers lws has already freed are
 * refused in confirm_upgrade() and on RAW_ADOPT.
 */
#define LOG_AREA "net"
#include <string.h>
#include <strings.h>

#include <apr_strings.h>

#include "conn.h"
#include "handshake.h"
#include "http.h"
#include "log.h"
#include "metrics.h"
#include "opening.h"

#define RX_BUFFER    512  /* allocated per connection: the price of an idle one */
#define HEADERS_MOST 8192 /* bytes of a request's head */

/* `in` may dangle when the headers have been freed (on a connection that is kept alive): the check
 * of the header comes first. */
static int confirm_upgrade(conn_t *conn, struct lws *wsi, const char *in)
{
    if (conn == NULL || lws_hdr_total_length(wsi, WSI_TOKEN_UPGRADE) == 0) return -1;
    if (strcasecmp(in, "websocket") != 0) return -1;
    int status = opening_check(conn);
    if (status == 0) return 0;
    metrics_add(METRIC_CONNECTION_ERRORS, 1);
    lws_return_http_status(wsi, (unsigned)status, NULL);
    return 1;
}

static int on_http(conn_t *conn, enum lws_callback_reasons reason, void *in, size_t length)
{
    switch (reason) {
    case LWS_CALLBACK_HTTP: return http_begin(conn);
    case LWS_CALLBACK_HTTP_BODY: return http_body(conn, in, length);
    case LWS_CALLBACK_HTTP_BODY_COMPLETION: return http_complete(conn);
    case LWS_CALLBACK_HTTP_WRITEABLE: return http_writeable(conn);
    default: return 0;
    }
}

static int on_websocket(conn_t *conn, enum lws_callback_reasons reason, void *in, size_t length)
{
    switch (reason) {
    case LWS_CALLBACK_ESTABLISHED: conn_opened(conn); return 0;
    case LWS_CALLBACK_RECEIVE: return conn_received(conn, in, length);
    case LWS_CALLBACK_RECEIVE_PONG: conn_ponged(conn); return 0;
    case LWS_CALLBACK_SERVER_WRITEABLE: return conn_writeable(conn);
    case LWS_CALLBACK_WS_PEER_INITIATED_CLOSE: return conn_closed_by_peer(conn);
    case LWS_CALLBACK_CLOSED: conn_closed(conn); return 0;
    default: return 0;
    }
}

static int on_lws(struct lws *wsi, enum lws_callback_reasons reason, void *user, void *in,
                  size_t length)
{
    (void)user;
    conn_t *conn = wsi != NULL ? lws_get_opaque_user_data(wsi) : NULL;
    switch (reason) {
    case LWS_CALLBACK_HTTP_CONFIRM_UPGRADE: return confirm_upgrade(conn, wsi, in);
    case LWS_CALLBACK_CONFIRM_EXTENSION_OKAY: return conn != NULL ? handshake_confirm(conn) : 1;
    case LWS_CALLBACK_ADD_HEADERS: return conn != NULL ? handshake_answer(conn, in) : 0;
    case LWS_CALLBACK_RAW_ADOPT:
    case LWS_CALLBACK_RAW_RX: return -1;
    case LWS_CALLBACK_WSI_DESTROY:
        if (conn != NULL) conn_destroyed(conn);
        return 0;
    case LWS_CALLBACK_HTTP:
    case LWS_CALLBACK_HTTP_BODY:
    case LWS_CALLBACK_HTTP_BODY_COMPLETION:
    case LWS_CALLBACK_HTTP_WRITEABLE: return conn != NULL ? on_http(conn, reason, in, length) : -1;
    case LWS_CALLBACK_ESTABLISHED:
    case LWS_CALLBACK_RECEIVE:
    case LWS_CALLBACK_RECEIVE_PONG:
    case LWS_CALLBACK_SERVER_WRITEABLE:
    case LWS_CALLBACK_WS_PEER_INITIATED_CLOSE:
    case LWS_CALLBACK_CLOSED: return conn != NULL ? on_websocket(conn, reason, in, length) : 0;
    default: return 0;
    }
}

static const struct lws_protocols protocol = {
    .name = "salon",
    .callback = on_lws,
    .rx_buffer_size = RX_BUFFER,
    .tx_packet_size = 2 * NET_GATHER_SIZE,
};

static void info_fill(const net_t *net, struct lws_context_creation_info *info)
{
    static const lws_retry_bo_t no_validity_timers = { 0 };
    memset(info, 0, sizeof(*info));
    info->port = CONTEXT_PORT_NO_LISTEN_SERVER;
    info->protocols = net->protocols;
    info->extensions = handshake_extensions;
    info->max_http_header_data = HEADERS_MOST;
    info->retry_and_idle_policy = &no_validity_timers;
    info->server_string = "salon";
    info->options = LWS_SERVER_OPTION_EXPLICIT_VHOSTS | LWS_SERVER_OPTION_LIBUV;
}

static bool vhosts_make(net_t *net)
{
    for (int i = 0; i < net->config->listener_count; i++) {
        struct lws_context_creation_info info;
        info_fill(net, &info);
        info.vhost_name = apr_psprintf(net->pool, "listener%d", i);
        net->vhosts[i] = lws_create_vhost(net->lws, &info);
        if (net->vhosts[i] == NULL) return false;
    }
    return true;
}

bool net_lws_make(net_t *net)
{
    struct lws_context_creation_info info;
    void *loops[1] = { &net->loop };
    handshake_protocols(net, &protocol);
    info_fill(net, &info);
    info.foreign_loops = loops;
    net->lws = lws_create_context(&info);
    if (net->lws != NULL && vhosts_make(net)) return true;
    log_error("libwebsockets has made no context (is its libuv plugin installed?)");
    return false;
}

/* Peers can provoke these at will. */
void net_log(int level, const char *line)
{
    (void)level;
    if (log_limited()) log_warning("libwebsockets: %.*s", (int)strcspn(line, "\n"), line);
}
