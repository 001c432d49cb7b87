/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The network thread and this one name an upload by a number, never by a pointer: either may have
 * done with it when the other's note arrives.  Exactly one end comes for each that was not answered
 * before, also when its connection has gone; only then is a request released that waits for it.
 */
#include "transfer.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <apr_strings.h>

#include "chat.h"
#include "disposition.h"
#include "http_file.h"
#include "http_upload.h"
#include "request.h"
#include "work.h"

#define FORM_MOST 65536 /* bytes of a body that is a form beside the file */

/* In the request's pool. */
typedef struct receiving_t {
    struct receiving_t *next;
    salon_req_t *req;
    salon_handler_t *received; /* NULL: nobody waits yet */
    bool gone;                 /* the connection has */
    const char *code;
    salon_upload_t *upload;    /* NULL: not there yet */
} receiving_t;

static receiving_t *all;

const char *transfer_init(apr_pool_t *pool, const char *state_dir)
{
    const char *directory = apr_pstrcat(pool, state_dir, TRANSFER_DIRECTORY, NULL);
    if (spool_clean(directory, pool)) return NULL;
    return apr_psprintf(pool, "%s: %s", directory, strerror(errno));
}

static receiving_t *receiving_find(apr_uint64_t number)
{
    receiving_t *r = all;
    while (r != NULL && r->req->http->upload != number) r = r->next;
    return r;
}

static apr_status_t receiving_remove(void *data)
{
    receiving_t *ended = data, **link = &all;
    while (*link != ended) link = &(*link)->next;
    *link = ended->next;
    if (ended->upload != NULL && !ended->upload->taken) work_unlink(ended->upload->path);
    return APR_SUCCESS;
}

void transfer_expect(salon_req_t *req)
{
    receiving_t *r = apr_pcalloc(req->pool, sizeof(*r));
    r->req = req;
    r->next = all;
    all = r;
    apr_pool_cleanup_register(req->pool, r, receiving_remove, apr_pool_cleanup_null);
}

/* ---- Asking for the body ---- */

static salon_outcome_t too_large(salon_req_t *req, apr_int64_t most)
{
    return salon_fail_details(req, SALON_TOO_LARGE,
                              salon_json_integer(salon_json(), "limit", most));
}

apr_int64_t salon_http_length(const salon_req_t *req)
{
    return (apr_int64_t)req->http->length;
}

salon_outcome_t salon_http_receive(salon_req_t *req, apr_int64_t most, salon_handler_t *received)
{
    receiving_t *r = receiving_find(req->http->upload);
    assert(r != NULL && r->received == NULL);
    if (r->gone) return request_no_answer(req);
    apr_int64_t beside = req->http->is_form ? FORM_MOST : 0;
    if ((apr_int64_t)req->http->length - beside > most) return too_large(req, most);
    r->received = received;
    net_note_t *note = net_note(NET_RECEIVE, req->http->conn);
    note->as.receive.number = req->http->upload;
    note->as.receive.most = most;
    chat_to_net(req->http->conn.thread, note);
    return request_pending();
}

salon_upload_t *salon_http_upload(const salon_req_t *req)
{
    const receiving_t *r = receiving_find(req->http->upload);
    return r != NULL ? r->upload : NULL;
}

/* ---- It has come, or not ---- */

static salon_outcome_t end_handle(salon_req_t *req)
{
    const receiving_t *r = receiving_find(req->http->upload);
    if (r->gone) return request_no_answer(req);
    return r->code != NULL ? salon_fail(req, r->code) : r->received(req);
}

static void upload_keep(receiving_t *r, const upload_end_t *end)
{
    apr_pool_t *pool = r->req->pool;
    r->upload = apr_pcalloc(pool, sizeof(*r->upload));
    r->upload->path = apr_pstrdup(pool, end->file->path);
    r->upload->name = apr_pstrdup(pool, end->name);
    r->upload->digest = apr_pstrdup(pool, end->file->digest);
    r->upload->size = end->file->size;
}

void transfer_upload_ended(chat_note_t *note)
{
    upload_end_t *end = (upload_end_t *)note;
    receiving_t *r = receiving_find(end->number);
    if (r != NULL) {
        r->code = end->code;
        r->gone = end->code == NULL && end->file == NULL;
        if (end->file != NULL) upload_keep(r, end);
        if (r->received != NULL) request_resume(r->req, end_handle);
    } else if (end->file != NULL) {
        work_unlink(end->file->path);
    }
    free(end->file);
    free(end->name);
    free(end);
}

/* ---- Answering with a file ---- */

static const char *headers_make(apr_pool_t *pool, const salon_file_t *file, const char *etag,
                                const range_t *range)
{
    const char *part = "";
    if (range->kind == RANGE_PART)
        part = apr_psprintf(pool,
                            "content-range: bytes %" APR_INT64_T_FMT "-%" APR_INT64_T_FMT
                            "/%" APR_INT64_T_FMT "\r\n",
                            range->from, range->from + range->length - 1, file->size);
    if (range->kind == RANGE_NONE)
        part = apr_psprintf(pool, "content-range: bytes */%" APR_INT64_T_FMT "\r\n", file->size);
    return apr_pstrcat(pool, part, "etag: ", etag,
                       "\r\naccept-ranges: bytes\r\n"
                       "cache-control: private, no-cache\r\n"
                       "content-security-policy: default-src 'none'; sandbox\r\n"
                       "content-disposition: ",
                       disposition_make(pool, file->shown_inline, file->name), "\r\n", NULL);
}

salon_outcome_t salon_http_file(salon_req_t *req, const salon_file_t *file)
{
    static const int statuses[] = { [RANGE_ALL] = 200, [RANGE_PART] = 206, [RANGE_NONE] = 416,
                                    [RANGE_KNOWN] = 304 };
    const char *etag = apr_pstrcat(req->pool, "\"", file->etag, "\"", NULL);
    range_t range = range_find(&req->http->ranges, etag, file->size);
    http_reply_t *reply = http_reply_make(statuses[range.kind], file->type, "", 0);
    reply->headers = strdup(headers_make(req->pool, file, etag, &range));
    if (range.kind == RANGE_ALL || range.kind == RANGE_PART)
        reply->file = http_file_make(file->path, file->size, range.from, range.length);
    return request_http_answer(req, reply);
}
