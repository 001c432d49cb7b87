/* SPDX-License-Identifier: Apache-2.0 */
/*
 * lws's own permessage-deflate aborts the process on ordinary messages, and is never registered.
 * Ours does nothing but be there: with it, lws lets the bit RSV1 through and hands on what came.
 *
 * lws looks for the first of the client's sub-protocols among its own.  The second of these bears
 * whatever name the client says first, so that one is found; what is then answered is our choice,
 * and may be nothing.  Both headers are copied by lws to buffers of fixed length, before which it
 * does not always look; longer ones are refused here.
 */
#include "handshake.h"

#include <string.h>

#include <apr_strings.h>

#include "conn.h"
#include "opening.h"

#define PROTOCOLS_MOST  126 /* bytes of the header, for lws */
#define EXTENSIONS_MOST 254

/* How lws reads a list of names, so that both of us see the same. */
#define LIST_FLAGS                                                                               \
    (LWS_TOKENIZE_F_COMMA_SEP_LIST | LWS_TOKENIZE_F_MINUS_NONTERM | LWS_TOKENIZE_F_DOT_NONTERM | \
     LWS_TOKENIZE_F_RFC7230_DELIMS)

/* ---- The extension ---- */

static int on_extension(struct lws_context *context, const struct lws_extension *extension,
                        struct lws *wsi, enum lws_extension_callback_reasons reason, void *user,
                        void *in, size_t length)
{
    static const struct lws_ext_options no_options[] = { { NULL, EXTARG_NONE } };
    (void)context, (void)extension, (void)length;
    if (reason != LWS_EXT_CB_CONSTRUCT) return 0;
    conn_t *conn = lws_get_opaque_user_data(wsi);
    if (conn == NULL || conn->opening == NULL) return -1;
    *(void **)user = conn; /* lws wants something there */
    *(const struct lws_ext_options **)in = no_options;
    conn->window_bits = conn->opening->handshake.offer.window_bits;
    return 0;
}

const struct lws_extension handshake_extensions[] = {
    { .name = OFFER_NAME, .callback = on_extension },
    { .name = NULL },
};

/* An extension that is accepted must not come again in the list, else lws hangs up; so the last
 * mention is the one that it may take. */
int handshake_confirm(conn_t *conn)
{
    if (conn->opening == NULL) return 1;
    handshake_t *handshake = &conn->opening->handshake;
    handshake->mentioned++;
    bool last = handshake->mentioned == handshake->offer.mentions;
    return last && handshake->offer.window_bits > 0 ? 0 : 1;
}

static int extensions_read(conn_t *conn, apr_pool_t *pool, handshake_t *handshake)
{
    if (lws_hdr_total_length(conn->wsi, WSI_TOKEN_EXTENSIONS) > EXTENSIONS_MOST)
        return HTTP_STATUS_BAD_REQUEST;
    const char *header = opening_header(conn->wsi, WSI_TOKEN_EXTENSIONS, pool);
    if (header == NULL) return 0;
    if (!offer_read(header, &handshake->offer)) return HTTP_STATUS_BAD_REQUEST;
    if (!conn_config(conn)->compression) handshake->offer.window_bits = 0;
    return 0;
}

/* ---- The sub-protocol ---- */

/* lws copies them, but not the names. */
void handshake_protocols(net_t *net, const struct lws_protocols *only)
{
    apr_cpystrn(net->subprotocol, "-", HANDSHAKE_NAME);
    net->protocols[0] = net->protocols[1] = *only;
    net->protocols[1].name = net->subprotocol;
}

static bool is_listed(const char *const *names, const char *name)
{
    for (; names != NULL && *names != NULL; names++)
        if (strcmp(*names, name) == 0) return true;
    return false;
}

/* The next name of the list.  False: there is none, or it is not well formed. */
static bool name_next(struct lws_tokenize *list, char name[HANDSHAKE_NAME])
{
    lws_tokenize_elem element;
    do element = lws_tokenize(list);
    while (element == LWS_TOKZE_DELIMITER);
    return element == LWS_TOKZE_TOKEN && lws_tokenize_cstr(list, name, HANDSHAKE_NAME) == 0;
}

static int protocols_read(conn_t *conn, apr_pool_t *pool, handshake_t *handshake)
{
    const char *const *known = wire_dialect(conn->wire)->subprotocols;
    char name[HANDSHAKE_NAME];
    struct lws_tokenize list;
    if (lws_hdr_total_length(conn->wsi, WSI_TOKEN_PROTOCOL) > PROTOCOLS_MOST)
        return HTTP_STATUS_BAD_REQUEST;
    const char *header = opening_header(conn->wsi, WSI_TOKEN_PROTOCOL, pool);
    if (header == NULL) return 0;
    lws_tokenize_init(&list, header, LIST_FLAGS);
    list.len = strlen(header);
    if (!name_next(&list, name)) return HTTP_STATUS_BAD_REQUEST;
    apr_cpystrn(conn->net->subprotocol, name, HANDSHAKE_NAME);
    do
        if (is_listed(known, name)) handshake->subprotocol = apr_pstrdup(pool, name);
    while (handshake->subprotocol == NULL && name_next(&list, name));
    return 0;
}

int handshake_read(conn_t *conn, apr_pool_t *pool, handshake_t *handshake)
{
    int status = protocols_read(conn, pool, handshake);
    return status != 0 ? status : extensions_read(conn, pool, handshake);
}

/* ---- The answer ---- */

#define LINE_PROTOCOL   "\r\nSec-WebSocket-Protocol: "
#define LINE_EXTENSIONS "\r\nSec-WebSocket-Extensions: " OFFER_NAME
#define PARAMETERS      "; server_no_context_takeover; client_no_context_takeover"

/* What lws has written of the two, behind everything else. */
static const char *lines_of_lws(const conn_t *conn, apr_pool_t *pool)
{
    bool named = lws_hdr_total_length(conn->wsi, WSI_TOKEN_PROTOCOL) > 0;
    return apr_pstrcat(pool, named ? LINE_PROTOCOL : "",
                       named ? lws_get_protocol(conn->wsi)->name : "",
                       conn->window_bits > 0 ? LINE_EXTENSIONS : "", "\r\n", NULL);
}

static const char *lines_of_ours(const conn_t *conn, apr_pool_t *pool)
{
    const handshake_t *handshake = &conn->opening->handshake;
    const char *lines = "", *limit = "";
    if (handshake->subprotocol != NULL)
        lines = apr_pstrcat(pool, LINE_PROTOCOL, handshake->subprotocol, NULL);
    if (conn->window_bits == 0) return apr_pstrcat(pool, lines, "\r\n", NULL);
    if (handshake->offer.limited)
        limit = apr_psprintf(pool, "; server_max_window_bits=%d", conn->window_bits);
    return apr_pstrcat(pool, lines, LINE_EXTENSIONS PARAMETERS, limit, "\r\n", NULL);
}

int handshake_answer(conn_t *conn, struct lws_process_html_args *args)
{
    if (conn->opening == NULL) return 0; /* the answer to a plain request */
    const char *present = lines_of_lws(conn, conn->opening->pool);
    const char *wanted = lines_of_ours(conn, conn->opening->pool);
    size_t length = strlen(present), new_length = strlen(wanted);
    if (memcmp(args->p - length, present, length) != 0) return -1;
    if (new_length > length + (size_t)args->max_len) return -1;
    memcpy(args->p - length, wanted, new_length);
    args->p = args->p - length + new_length;
    return 0;
}
