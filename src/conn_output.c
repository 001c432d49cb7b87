/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a connection sends.  lws is given finished frames (LWS_WRITE_RAW), many in one write, from
 * outside its WRITEABLE callback.  That is safe under conditions that are kept here: the context's
 * own thread, HTTP/1.1, an open WebSocket, and never while lws still holds a part of an earlier
 * write.  After a partial write, the WRITEABLE callback goes on.
 */
#define LOG_AREA "conn"
#include "conn_private.h"

#include <stdlib.h>
#include <string.h>

#include "batch.h"
#include "log.h"
#include "metrics.h"

void conn_output_discard(conn_t *conn)
{
    for (unsigned i = 0; i < conn->out_count; i++) frame_unref(&conn->out[i]);
    free(conn->out);
    conn->out = NULL;
    conn->out_count = conn->out_capacity = 0;
    conn->out_bytes = 0;
}

static void dirty_remove(conn_t *conn)
{
    if (!conn->dirty) return;
    conn_t **link = &conn->net->dirty;
    while (*link != conn) link = &(*link)->next_dirty;
    *link = conn->next_dirty;
    conn->dirty = false;
}

void conn_output_free(conn_t *conn)
{
    dirty_remove(conn);
    conn_output_discard(conn);
}

static void dirty_add(conn_t *conn)
{
    if (conn->dirty) return;
    conn->dirty = true;
    conn->next_dirty = conn->net->dirty;
    conn->net->dirty = conn;
}

void conn_output_append(conn_t *conn, frame_t *frame)
{
    if (conn->out_count == conn->out_capacity) {
        conn->out_capacity = conn->out_capacity ? conn->out_capacity * 2 : 4;
        conn->out = realloc(conn->out, conn->out_capacity * sizeof(frame_t *));
        if (conn->out == NULL) abort();
    }
    conn->out[conn->out_count++] = frame;
    conn->out_bytes += frame->length;
    dirty_add(conn);
}

/* A slow reader misses what may be missed before it is given up. */
static void output_drop_droppable(conn_t *conn)
{
    unsigned kept = 0;
    for (unsigned i = 0; i < conn->out_count; i++) {
        frame_t *frame = conn->out[i];
        if (!frame->droppable) {
            conn->out[kept++] = frame;
            continue;
        }
        conn->out_bytes -= frame->length;
        metrics_add(METRIC_DROPPED_EVENTS, 1);
        frame_unref(&frame);
    }
    conn->out_count = kept;
}

/* Up to half of the limit everything is taken, so that an answer that is larger than the limit
 * reaches those who read; beyond, what may be dropped is dropped first.  False: it does not fit. */
static bool output_fits(conn_t *conn, const frame_t *frame)
{
    size_t limit = (size_t)conn_config(conn)->output_limit;
    if (limit == 0 || conn->out_bytes <= limit / 2) return true;
    if (frame->droppable) return false;
    if (conn->out_bytes + frame->length > limit) output_drop_droppable(conn);
    return conn->out_bytes <= limit / 2 || conn->out_bytes + frame->length <= limit;
}

static void slow_reader_end(conn_t *conn)
{
    metrics_add(METRIC_SLOW_READERS, 1);
    if (log_limited())
        log_notice("%s: user %" APR_INT64_T_FMT " does not read, %" APR_SIZE_T_FMT
                   " bytes wait; dropping the connection",
                   conn->address, conn->user_id, conn->out_bytes);
    conn_kill(conn);
}

void conn_send(conn_t *conn, frame_t *frame)
{
    if (conn->state != CONN_OPEN && conn->state != CONN_CLOSING) {
        frame_unref(&frame);
        return;
    }
    if (!output_fits(conn, frame)) {
        bool droppable = frame->droppable;
        frame_unref(&frame);
        if (droppable) metrics_add(METRIC_DROPPED_EVENTS, 1);
        else slow_reader_end(conn);
        return;
    }
    conn_output_append(conn, frame);
}

static void output_remove(conn_t *conn, unsigned count)
{
    for (unsigned i = 0; i < count; i++) {
        conn->out_bytes -= conn->out[i]->length;
        frame_unref(&conn->out[i]);
    }
    conn->out_count -= count;
    memmove(conn->out, conn->out + count, conn->out_count * sizeof(frame_t *));
    if (conn->out_count == 0 && conn->out_capacity > 16) {
        free(conn->out);
        conn->out = NULL;
        conn->out_capacity = 0;
    }
}

/* How the frame is sent to this connection: compressed, where that was agreed on and helps.  Within
 * a smaller window than the compressor's is whatever is not longer than that. */
static frame_t *output_form(conn_t *conn, frame_t *frame)
{
    if (conn->window_bits == 0) return frame;
    bool limited = conn->window_bits < OFFER_BITS_ALL;
    if (limited && frame->length - frame->header > 1u << conn->window_bits) return frame;
    return frame_deflated(frame, conn->net->deflate);
}

/* The messages at the front become one. */
static void output_batch(conn_t *conn)
{
    unsigned count;
    frame_t *batch = batch_make(wire_dialect(conn->wire), conn->out, conn->out_count,
                                NET_GATHER_SIZE, &count);
    if (batch == NULL) return;
    output_remove(conn, count - 1);
    conn->out_bytes += batch->length;
    conn->out_bytes -= conn->out[0]->length;
    frame_unref(&conn->out[0]);
    conn->out[0] = batch;
}

/* Copies whole frames to the gathering buffer, at most `most` and as many as fit (a frame that is
 * larger than the buffer goes alone, from a buffer of its own).  Answers how many. */
static unsigned output_gather(conn_t *conn, unsigned most, size_t *length_r)
{
    unsigned char *at = conn->net->gather + LWS_PRE;
    size_t length = 0, saved = 0;
    unsigned count = 0;
    for (; count < most; count++) {
        const frame_t *frame = output_form(conn, conn->out[count]);
        if (length + frame->length > NET_GATHER_SIZE) break;
        memcpy(at + length, frame->bytes, frame->length);
        length += frame->length;
        saved += conn->out[count]->length - frame->length;
    }
    if (saved > 0) metrics_add(METRIC_BYTES_SAVED, (int)saved);
    *length_r = length;
    return count;
}

int conn_write_copy(conn_t *conn, const void *bytes, size_t length, enum lws_write_protocol how)
{
    unsigned char *copy = malloc(LWS_PRE + length);
    if (copy == NULL) abort();
    memcpy(copy + LWS_PRE, bytes, length);
    int written = lws_write(conn->wsi, copy + LWS_PRE, length, how);
    free(copy);
    return written;
}

static int output_write_large(conn_t *conn)
{
    const frame_t *frame = output_form(conn, conn->out[0]);
    metrics_add(METRIC_BYTES_SAVED, (int)(conn->out[0]->length - frame->length));
    return conn_write_copy(conn, frame->bytes, frame->length, LWS_WRITE_RAW);
}

/* One write.  False: no more can be written now. */
static bool output_write(conn_t *conn)
{
    size_t length;
    if (conn->batches) output_batch(conn);
    unsigned count = output_gather(conn, conn->batches ? 1 : conn->out_count, &length);
    int written = count > 0
                      ? lws_write(conn->wsi, conn->net->gather + LWS_PRE, length, LWS_WRITE_RAW)
                      : output_write_large(conn);
    if (written < 0) {
        conn_kill(conn);
        return false;
    }
    metrics_add(METRIC_FRAMES_OUT, count > 0 ? count : 1);
    metrics_add(METRIC_WRITES, 1);
    output_remove(conn, count > 0 ? count : 1);
    return !lws_partial_buffered(conn->wsi);
}

/* lws itself sends a Close to a peer that has broken the protocol; nothing may follow that. */
static bool output_ended_by_lws(conn_t *conn)
{
    if (lws_get_close_length(conn->wsi) == 0) return false;
    conn_output_discard(conn);
    if (conn->state != CONN_CLOSED) conn_await(conn, CLOSE_TIMEOUT);
    conn->state = CONN_CLOSED;
    return true;
}

void conn_flush(conn_t *conn)
{
    if (!conn_is_websocket(conn) || conn->closed_by_peer || output_ended_by_lws(conn)) return;
    bool free_to_write = !lws_partial_buffered(conn->wsi);
    while (free_to_write && conn->out_count > 0) free_to_write = output_write(conn);
    if (conn->state == CONN_GONE) return;
    if (!free_to_write) lws_callback_on_writable(conn->wsi);
}

int conn_writeable(conn_t *conn)
{
    if (conn->state == CONN_GONE) return -1;
    conn_flush(conn);
    return conn->state == CONN_GONE ? -1 : 0;
}
