/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A libuv pipe on the chat thread's loop.  Who may open the socket may do everything, so it is for
 * the server's own user alone (mode 0600).
 */
#include "control.h"

#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <apr_strings.h>

#include "chat.h"
#include "command.h"
#include "json.h"
#include "request.h"

/* One line of one client; a client that has gone is freed when its command has ended. */
typedef struct {
    uv_pipe_t pipe; /* first */
    apr_pool_t *pool;
    char *line;
    size_t length;
    bool busy, closed;
    const char *result;
} client_t;

static uv_pipe_t listener;

/* ---- Answers ---- */

typedef struct {
    uv_write_t write;
    char text[];
} answer_t;

static void on_client_freed(uv_handle_t *handle)
{
    client_t *client = (client_t *)handle;
    apr_pool_destroy(client->pool);
    free(client->line);
    free(client);
}

static void client_close(client_t *client)
{
    client->closed = true;
    if (client->busy || uv_is_closing((uv_handle_t *)&client->pipe)) return;
    uv_close((uv_handle_t *)&client->pipe, on_client_freed);
}

static void on_written(uv_write_t *write, int status)
{
    (void)status;
    free(write);
}

/* Takes the object over. */
static void answer_send(client_t *client, json_object *answer)
{
    size_t length;
    const char *text = json_text(answer, &length);
    answer_t *written = malloc(sizeof(*written) + length + 1);
    if (written == NULL) abort();
    memcpy(written->text, text, length);
    written->text[length] = '\n';
    uv_buf_t buffer = uv_buf_init(written->text, (unsigned)length + 1);
    json_object_put(answer);
    client->busy = false;
    if (client->closed ||
        uv_write(&written->write, (uv_stream_t *)&client->pipe, &buffer, 1, on_written))
        free(written);
    if (client->closed) client_close(client);
}

static void error_send(client_t *client, const char *text)
{
    json_object *answer = salon_json_boolean(salon_json(), "ok", false);
    answer_send(client, salon_json_string(answer, "error", text));
}

static void control_reply(salon_req_t *req, json_object *data)
{
    client_t *client = req->origin;
    json_object *answer = salon_json_boolean(salon_json(), "ok", true);
    salon_json_value(answer, "data", json_object_get(data));
    answer_send(client, salon_json_string(answer, "result", client->result));
}

static void control_refuse(salon_req_t *req, const char *code, json_object *details,
                           apr_int64_t retry_after)
{
    (void)retry_after;
    const char *more = details != NULL ? json_text(details, NULL) : "";
    error_send(req->origin, apr_pstrcat(req->pool, code, *more ? " " : "", more, NULL));
}

static const request_sink_t control_sink = { control_reply, control_refuse, request_release };

/* ---- Requests ---- */

static int words_read(client_t *client, json_object *request, const char ***words_r)
{
    json_object *list;
    if (!json_object_object_get_ex(request, "words", &list) ||
        !json_object_is_type(list, json_type_array))
        return 0;
    int count = (int)json_object_array_length(list);
    const char **words = apr_pcalloc(client->pool, sizeof(*words) * (apr_size_t)(count + 1));
    for (int i = 0; i < count; i++) {
        json_object *word = json_object_array_get_idx(list, (size_t)i);
        if (!json_object_is_type(word, json_type_string)) return 0;
        words[i] = apr_pstrdup(client->pool, json_object_get_string(word));
    }
    *words_r = words;
    return count;
}

static void line_handle(client_t *client, const char *line, size_t length)
{
    json_object *request, *arguments;
    const char *error = NULL, **words = NULL;
    client->busy = true;
    if (!json_parse(line, length, &request)) {
        error_send(client, length < CONTROL_LINE ? "not JSON" : "the command is too long");
        return;
    }
    int count = words_read(client, request, &words);
    json_object_put(request);
    const operation_t *operation =
        command_parse(client->pool, words, count, &arguments, &client->result, &error);
    if (operation == NULL) error_send(client, error);
    else request_from_control(operation, arguments, &control_sink, client);
}

static void on_allocate(uv_handle_t *handle, size_t suggested, uv_buf_t *buffer)
{
    client_t *client = (client_t *)handle;
    (void)suggested;
    *buffer = uv_buf_init(client->line + client->length, (unsigned)(CONTROL_LINE - client->length));
}

static void on_read(uv_stream_t *stream, ssize_t count, const uv_buf_t *buffer)
{
    client_t *client = (client_t *)stream;
    (void)buffer;
    if (count == 0) return; /* nothing has come after all */
    if (count < 0 || client->busy) {
        client_close(client);
        return;
    }
    client->length += (size_t)count;
    char *end = memchr(client->line, '\n', client->length);
    if (end == NULL && client->length < CONTROL_LINE) return;
    size_t length = end != NULL ? (size_t)(end - client->line) : client->length;
    client->length = 0;
    apr_pool_clear(client->pool);
    line_handle(client, client->line, length);
}

static void on_connection(uv_stream_t *server_stream, int status)
{
    if (status < 0) return;
    client_t *client = calloc(1, sizeof(*client));
    if (client == NULL || (client->line = malloc(CONTROL_LINE)) == NULL) abort();
    apr_pool_create(&client->pool, NULL);
    uv_pipe_init(chat_loop(), &client->pipe, 0);
    if (uv_accept(server_stream, (uv_stream_t *)&client->pipe) == 0)
        uv_read_start((uv_stream_t *)&client->pipe, on_allocate, on_read);
    else
        client_close(client);
}

const char *control_open(apr_pool_t *pool, const char *state_dir)
{
    const char *path = apr_pstrcat(pool, state_dir, "/" CONTROL_SOCKET, NULL);
    struct sockaddr_un longest; /* libuv would cut it off */
    if (strlen(path) >= sizeof(longest.sun_path))
        return apr_psprintf(pool, "state_dir is too long for a socket: %s has more than %d bytes",
                            path, (int)sizeof(longest.sun_path) - 1);
    mode_t mask = umask(0077);
    unlink(path);
    uv_pipe_init(chat_loop(), &listener, 0);
    int failed = uv_pipe_bind(&listener, path);
    if (!failed) failed = uv_listen((uv_stream_t *)&listener, 16, on_connection);
    umask(mask);
    return failed ? apr_psprintf(pool, "cannot open the control socket %s: %s", path,
                                 uv_strerror(failed))
                  : NULL;
}

static void on_each(uv_handle_t *handle, void *baton)
{
    (void)baton;
    if (handle->type == UV_NAMED_PIPE && handle != (uv_handle_t *)&listener)
        client_close((client_t *)handle);
}

void control_close(void)
{
    uv_walk(chat_loop(), on_each, NULL);
}
