/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Back-pressure is lws_rx_flow_control.  Of lws: what came with the headers is delivered even so
 * (it waits here); while input is stopped nothing is written either, so an answer starts it again;
 * after each piece lws sets a time-out of five seconds, which is taken back every second, since the
 * pause may be ours; and with a body complete and more behind it, lws calls again and again, so
 * input stops then, too.
 */
#include "http_upload.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "disposition.h"
#include "metrics.h"
#include "multipart.h"
#include "opening.h"
#include "transfer.h"

#define FIELD      "file"
#define EARLY_MOST 65536 /* bytes that came with the headers */
#define TICK       1000  /* milliseconds */
#define PACE       1024  /* bytes a second, at least */

typedef enum {
    ASKED,  /* the chat thread has the headers */
    TAKING, /* the body comes */
    ENDING, /* it is complete; the file is not */
    TOLD    /* the chat thread has all, or a refusal; an answer comes */
} stage_t;

struct http_upload_t {
    conn_t *conn;
    apr_pool_t *pool;
    apr_uint64_t number;
    apr_int64_t length, received, most;
    stage_t stage;
    bool stopped; /* lws reads nothing */
    char *early;
    size_t early_length;
    const char *content_type, *file_name;
    bool continue_awaited;
    multipart_t *form; /* NULL: the body is the file */
    spool_t *spool;
    const char *code; /* why a sink takes no more */
    apr_int64_t seen; /* bytes, when the pace was last looked at */
    apr_int64_t seconds; /* since then */
};

static void input_stop(http_upload_t *upload, bool stop)
{
    if (upload->stopped == stop) return;
    upload->stopped = stop;
    lws_rx_flow_control(upload->conn->wsi, !stop);
}

static void tell(http_upload_t *upload, const char *code, spool_file_t *file)
{
    upload_end_t *end = calloc(1, sizeof(*end));
    if (end == NULL) abort();
    end->note.handle = transfer_upload_ended;
    end->number = upload->number;
    end->code = code;
    end->file = file;
    if (file != NULL) end->name = strdup(upload->file_name);
    net_to_chat(upload->conn->net, &end->note);
    upload->stage = TOLD;
}

static void fail(http_upload_t *upload, const char *code)
{
    spool_drop(&upload->spool);
    input_stop(upload, true);
    tell(upload, code, NULL);
}

void http_upload_free(http_upload_t **upload)
{
    http_upload_t *ended = *upload;
    *upload = NULL;
    if (ended == NULL) return;
    if (ended->stage != TOLD) tell(ended, NULL, NULL);
    spool_drop(&ended->spool);
    free(ended->early);
    apr_pool_destroy(ended->pool);
    free(ended);
}

/* ---- The head ---- */

static void head_read(http_upload_t *upload)
{
    struct lws *wsi = upload->conn->wsi;
    const char *type = opening_header(wsi, WSI_TOKEN_HTTP_CONTENT_TYPE, upload->pool);
    const char *name = opening_header(wsi, WSI_TOKEN_HTTP_CONTENT_DISPOSITION, upload->pool);
    upload->content_type = type != NULL ? type : "";
    upload->file_name = name != NULL ? disposition_file_name(upload->pool, name) : "";
    upload->continue_awaited = lws_hdr_total_length(wsi, WSI_TOKEN_HTTP_EXPECT) > 0;
}

apr_uint64_t http_upload_begin(conn_t *conn, apr_int64_t length)
{
    http_upload_t *upload = calloc(1, sizeof(*upload));
    if (upload == NULL) abort();
    apr_pool_create(&upload->pool, NULL);
    upload->conn = conn;
    upload->length = length;
    upload->number = (apr_uint64_t)(conn->net->index + 1) << 48 | ++conn->net->uploads;
    head_read(upload);
    conn->upload = upload;
    input_stop(upload, true);
    conn_await(conn, TICK);
    return upload->number;
}

/* ---- The body ---- */

static const char *code_of(int error)
{
    bool full = error == ENOSPC || error == EDQUOT || error == EFBIG;
    return full ? SALON_NO_SPACE : SALON_UNAVAILABLE;
}

static bool file_take(void *baton, const char *bytes, size_t length)
{
    http_upload_t *upload = baton;
    bool fits = spool_size(upload->spool) + (apr_int64_t)length <= upload->most;
    if (fits) spool_write(upload->spool, bytes, length);
    else upload->code = SALON_TOO_LARGE;
    return fits;
}

static void end_if_complete(http_upload_t *upload)
{
    if (upload->received < upload->length) return;
    if (upload->form != NULL && !multipart_complete(upload->form)) {
        fail(upload, SALON_INVALID);
        return;
    }
    if (upload->form != NULL) upload->file_name = multipart_file_name(upload->form);
    upload->stage = ENDING;
    input_stop(upload, true);
    spool_end(upload->spool);
}

static void take(http_upload_t *upload, const char *bytes, size_t length)
{
    upload->code = SALON_INVALID;
    bool ok = upload->form != NULL ? multipart_feed(upload->form, bytes, length)
                                   : file_take(upload, bytes, length);
    if (ok) end_if_complete(upload);
    else fail(upload, upload->code);
    if (upload->stage == TAKING) input_stop(upload, spool_is_full(upload->spool));
}

static int early_keep(http_upload_t *upload, const char *bytes, size_t length)
{
    if (upload->early_length + length > EARLY_MOST) return -1;
    upload->early = realloc(upload->early, upload->early_length + length);
    if (upload->early == NULL) abort();
    memcpy(upload->early + upload->early_length, bytes, length);
    upload->early_length += length;
    return 0;
}

bool http_upload_unread(const http_upload_t *upload)
{
    return upload->received < upload->length;
}

int http_upload_body(conn_t *conn, const char *bytes, size_t length)
{
    http_upload_t *upload = conn->upload;
    upload->received += (apr_int64_t)length;
    if (upload->stage == ASKED) return early_keep(upload, bytes, length);
    if (upload->stage == TAKING) take(upload, bytes, length);
    return conn->http_last && !http_upload_unread(upload) ? -1 : 0;
}

/* Something has been written, or could not be. */
static void turned(void *baton)
{
    http_upload_t *upload = baton;
    int error = spool_error(upload->spool);
    if (error != 0) {
        fail(upload, code_of(error));
        return;
    }
    if (upload->stage == TAKING) input_stop(upload, spool_is_full(upload->spool));
    spool_file_t *file = spool_take(upload->spool);
    if (file == NULL) return;
    spool_drop(&upload->spool);
    tell(upload, NULL, file);
}

void http_upload_accept(conn_t *conn, apr_uint64_t number, apr_int64_t most)
{
    http_upload_t *upload = conn->upload;
    if (upload == NULL || upload->number != number || upload->stage != ASKED) return;
    upload->most = most;
    upload->stage = TAKING;
    if (multipart_is(upload->content_type)) {
        upload->form =
            multipart_make(upload->pool, upload->content_type, FIELD, file_take, upload);
        if (upload->form == NULL) {
            fail(upload, SALON_INVALID);
            return;
        }
    }
    net_t *net = conn->net;
    upload->spool = spool_open(&net->loop, net->uploads_at, turned, upload, &net->open);
    if (upload->continue_awaited && http_upload_unread(upload)) http_continue(conn);
    take(upload, upload->early, upload->early_length);
}

/* ---- The end ---- */

void http_upload_answered(conn_t *conn)
{
    spool_drop(&conn->upload->spool);
    conn->upload->stage = TOLD;
    input_stop(conn->upload, false);
}

/* Of time that passes while it is we who do not read, nothing is counted. */
void http_upload_tick(conn_t *conn)
{
    http_upload_t *upload = conn->upload;
    if (conn->http_last) {
        conn_kill(conn);
        return;
    }
    apr_int64_t patience = conn_config(conn)->handshake_timeout;
    lws_set_timeout(conn->wsi, NO_PENDING_TIMEOUT, 0);
    conn_await(conn, TICK);
    if (upload->stopped || patience == 0 || ++upload->seconds < patience) return;
    if (upload->received - upload->seen < patience * PACE) {
        metrics_add(METRIC_TIMEOUTS, 1);
        conn_kill(conn);
        return;
    }
    upload->seen = upload->received;
    upload->seconds = 0;
}
