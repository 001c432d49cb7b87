/* SPDX-License-Identifier: Apache-2.0 */
/*
 * sendfile(2), on libuv's pool of threads since it may wait for the disk, from the file to a
 * duplicate of the socket, so that nothing of it is ever in our memory.  lws must not be in
 * between: with an answer under way it neither reads nor ignores what a client has sent behind its
 * request, and would spin; so its input is stopped, which stops its output, too.  (There is no TLS
 * here.)
 */
#include "http_file.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/param.h>
#include <sys/sendfile.h>
#include <sys/stat.h>
#include <unistd.h>

#define SEND_MOST (1 << 20) /* bytes in one turn on the pool, for others wait for it */
#define PATIENCE  30000     /* milliseconds for something of it to be taken */

struct http_file_t {
    uv_work_t work; /* first */
    uv_poll_t writable;
    net_t *net; /* NULL: not with a network thread yet */
    conn_t *conn;
    void (*opened)(conn_t *conn, bool ok);
    uv_poll_cb on_writable;
    http_file_state_t state;
    bool working, polling, dropped;
    apr_int64_t length;
    /* of the work, while it is under way */
    int fd, socket, error;
    bool blocked;
    apr_int64_t size, left;
    off_t at;
    char path[];
};

http_file_t *http_file_make(const char *path, apr_int64_t size, apr_int64_t from,
                            apr_int64_t length)
{
    size_t path_length = strlen(path) + 1;
    http_file_t *file = calloc(1, sizeof(*file) + path_length);
    if (file == NULL) abort();
    file->fd = file->socket = -1;
    file->size = size;
    file->at = from;
    file->length = file->left = length;
    memcpy(file->path, path, path_length);
    return file;
}

apr_int64_t http_file_length(const http_file_t *file)
{
    return file->length;
}

http_file_state_t http_file_state(const http_file_t *file)
{
    return file->state;
}

/* ---- On a thread of the pool ---- */

static void on_open(uv_work_t *work)
{
    http_file_t *file = (http_file_t *)work;
    struct stat info;
    file->fd = open(file->path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
    bool ok = file->fd >= 0 && fstat(file->fd, &info) == 0 && S_ISREG(info.st_mode) &&
              info.st_size == file->size;
    file->error = ok ? 0 : EIO;
}

/* The socket does not block. */
static void on_send(uv_work_t *work)
{
    http_file_t *file = (http_file_t *)work;
    apr_int64_t most = MIN(file->left, SEND_MOST);
    file->blocked = false;
    while (most > 0) {
        ssize_t sent = sendfile(file->socket, file->fd, &file->at, (size_t)most);
        if (sent < 0 && errno == EINTR) continue;
        file->blocked = sent < 0 && errno == EAGAIN;
        if (file->blocked) return;
        if (sent <= 0) file->error = sent < 0 ? errno : EIO; /* it has become shorter */
        if (sent <= 0) return;
        most -= sent;
        file->left -= sent;
    }
}

/* ---- On the loop ---- */

static void file_free(http_file_t *file)
{
    if (file->fd >= 0) close(file->fd);
    if (file->socket >= 0) close(file->socket);
    if (file->net != NULL) file->net->open--;
    free(file);
}

static void on_poll_closed(uv_handle_t *handle)
{
    file_free(handle->data);
}

void http_file_drop(http_file_t **file)
{
    http_file_t *dropped = *file;
    *file = NULL;
    if (dropped == NULL) return;
    dropped->dropped = true;
    if (dropped->working) return;
    if (dropped->polling) uv_close((uv_handle_t *)&dropped->writable, on_poll_closed);
    else file_free(dropped);
}

/* True: nobody wants it any more. */
static bool work_ended(http_file_t *file)
{
    file->working = false;
    http_file_t *own = file;
    if (file->dropped) http_file_drop(&own);
    return own == NULL;
}

static void after_open(uv_work_t *work, int status)
{
    (void)status;
    http_file_t *file = (http_file_t *)work;
    if (work_ended(file)) return;
    if (file->error == 0) file->state = HTTP_FILE_OPEN;
    file->opened(file->conn, file->error == 0);
}

void http_file_open(http_file_t *file, conn_t *conn, void (*opened)(conn_t *conn, bool ok))
{
    file->conn = conn;
    file->net = conn->net;
    file->net->open++;
    file->opened = opened;
    file->working = true;
    uv_queue_work(&file->net->loop, &file->work, on_open, after_open);
}

static void send_more(http_file_t *file, uv_after_work_cb after)
{
    conn_await(file->conn, PATIENCE);
    file->working = true;
    uv_queue_work(&file->net->loop, &file->work, on_send, after);
}

static void all_sent(http_file_t *file)
{
    file->state = HTTP_FILE_SENT;
    wheel_cancel(&file->conn->deadline);
    lws_rx_flow_control(file->conn->wsi, 1);
    lws_callback_on_writable(file->conn->wsi);
}

static void after_send(uv_work_t *work, int status)
{
    (void)status;
    http_file_t *file = (http_file_t *)work;
    if (work_ended(file)) return;
    if (file->error != 0) conn_kill(file->conn);
    else if (file->left == 0) all_sent(file);
    else if (file->blocked) uv_poll_start(&file->writable, UV_WRITABLE, file->on_writable);
    else send_more(file, after_send);
}

/* An error shows when the next bytes are sent. */
static void on_writable(uv_poll_t *poll, int status, int events)
{
    (void)status, (void)events;
    uv_poll_stop(poll);
    send_more(poll->data, after_send);
}

void http_file_send(http_file_t *file)
{
    file->socket = fcntl(lws_get_socket_fd(file->conn->wsi), F_DUPFD_CLOEXEC, 0);
    if (file->socket < 0 || uv_poll_init(&file->net->loop, &file->writable, file->socket) != 0) {
        conn_kill(file->conn);
        return;
    }
    file->state = HTTP_FILE_SENDING;
    file->polling = true;
    file->writable.data = file;
    file->on_writable = on_writable;
    lws_rx_flow_control(file->conn->wsi, 0);
    lws_set_timeout(file->conn->wsi, NO_PENDING_TIMEOUT, 0);
    send_more(file, after_send);
}
