/* SPDX-License-Identifier: Apache-2.0 */
/*
 * HTTP requests to elsewhere, against a server that is another process (upstream.py): what is
 * sent, what comes back, and every way in which it can go wrong.  This thread is the chat thread.
 */
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include <apr_general.h>
#include <apr_strings.h>

#include "chat_note.h"
#include "fetch.h"

#define LIMIT    20000 /* milliseconds that no test takes */
#define UPSTREAM "/test/salon_test/upstream.py"

static struct {
    apr_pool_t *pool;
    queue_t *notes;
    pid_t peer;
    int peer_input;
    char base[64]; /* of its URLs */
} all;

/* What a fetch has brought. */
typedef struct {
    int calls, status;
    bool cut;
    size_t length;
    apr_int64_t retry_after;
    char body[2048];
} got_t;

/* In the place of chat.c. */
void chat_post(chat_note_t *note)
{
    queue_push(all.notes, &note->node);
}

void chat_post_list(queue_list_t *notes)
{
    queue_push_list(all.notes, notes);
}

static void notes_handle(apr_interval_time_t wait)
{
    queue_list_t notes = queue_wait(all.notes, wait);
    chat_note_t *note;
    while ((note = (chat_note_t *)queue_list_pop(&notes)) != NULL) note->handle(note);
}

static void done(void *baton, const salon_fetched_t *answer)
{
    got_t *got = baton;
    got->calls++;
    got->status = answer->status;
    got->cut = answer->cut;
    got->length = answer->length;
    got->retry_after = answer->retry_after;
    if (answer->status == 0) assert_non_null(answer->error);
    else assert_null(answer->error);
    if (answer->status != 0) assert_int_equal(strlen(answer->body), answer->length);
    apr_cpystrn(got->body, answer->status != 0 ? answer->body : answer->error, sizeof(got->body));
}

static const char *url(const char *path)
{
    return apr_pstrcat(all.pool, all.base, path, NULL);
}

static salon_fetch_t get(const char *path)
{
    return (salon_fetch_t){ .method = "GET", .url = url(path), .timeout = LIMIT, .most = 65536 };
}

static got_t fetch(const salon_fetch_t *asked)
{
    got_t got = { 0 };
    assert_true(salon_fetch(asked, done, &got));
    assert_int_equal(got.calls, 0);
    while (got.calls == 0) notes_handle(-1);
    assert_int_equal(fetch_count(), 0);
    return got;
}

/* ---- The other process ---- */

static void peer_start(void)
{
    int input[2], output[2];
    const char *python = getenv("PYTHON"), *top = getenv("top_srcdir");
    char port[16] = "";
    assert_int_equal(pipe(input) | pipe(output), 0);
    all.peer = fork();
    if (all.peer == 0) {
        dup2(input[0], 0);
        dup2(output[1], 1);
        close(input[1]);
        execlp(python != NULL ? python : "python3", "python3",
               apr_pstrcat(all.pool, top != NULL ? top : ".", UPSTREAM, NULL), NULL);
        _exit(127);
    }
    close(input[0]);
    close(output[1]);
    all.peer_input = input[1];
    assert_true(read(output[0], port, sizeof(port) - 1) > 0);
    close(output[0]);
    snprintf(all.base, sizeof(all.base), "http://127.0.0.1:%d/", atoi(port));
}

static int begin(void **state)
{
    (void)state;
    apr_initialize();
    unsetenv("http_proxy");
    apr_pool_create(&all.pool, NULL);
    all.notes = queue_make(all.pool, NULL, NULL);
    peer_start();
    return fetch_start(all.pool) == APR_SUCCESS ? 0 : -1;
}

static int end(void **state)
{
    (void)state;
    fetch_stop();
    close(all.peer_input);
    waitpid(all.peer, NULL, 0);
    apr_pool_destroy(all.pool);
    apr_terminate();
    return 0;
}

/* ---- Tests ---- */

static void test_get(void **state)
{
    (void)state;
    salon_fetch_t asked = get("status/200");
    got_t got = fetch(&asked);
    assert_int_equal(got.status, 200);
    assert_string_equal(got.body, "as asked");
    assert_false(got.cut);
    assert_int_equal(got.retry_after, 0);
}

/* What is sent is a copy, made at once. */
static void test_post(void **state)
{
    (void)state;
    char header[] = "Authorization: Bearer of-a-test", body[] = "{\"a\":1}";
    const char *headers[] = { header, "Content-Type: application/json", NULL };
    got_t got = { 0 };
    salon_fetch_t asked = get("echo");
    asked.method = "POST";
    asked.headers = headers;
    asked.body = body;
    asked.length = strlen(body);
    assert_true(salon_fetch(&asked, done, &got));
    memset(header, 'x', sizeof(header) - 1);
    memset(body, 'x', sizeof(body) - 1);
    while (got.calls == 0) notes_handle(-1);
    assert_int_equal(got.status, 200);
    assert_non_null(strstr(got.body, "\"method\": \"POST\""));
    assert_non_null(strstr(got.body, "\"body\": \"{\\\"a\\\":1}\""));
    assert_non_null(strstr(got.body, "\"Authorization\": \"Bearer of-a-test\""));
    assert_non_null(strstr(got.body, "\"Content-Type\": \"application/json\""));
    assert_non_null(strstr(got.body, "\"User-Agent\": \"salond/"));
    assert_null(strstr(got.body, "\"Expect\""));
}

static void test_other_methods(void **state)
{
    (void)state;
    salon_fetch_t asked = get("echo");
    asked.method = "DELETE";
    got_t got = fetch(&asked);
    assert_non_null(strstr(got.body, "\"method\": \"DELETE\""));
    asked.method = "HEAD";
    got = fetch(&asked);
    assert_int_equal(got.status, 200);
    assert_int_equal(got.length, 0);
}

static void test_statuses(void **state)
{
    static const int statuses[] = { 201, 204, 301, 400, 401, 404, 422, 429, 500, 503 };
    (void)state;
    for (size_t i = 0; i < sizeof(statuses) / sizeof(statuses[0]); i++) {
        salon_fetch_t asked = get(apr_psprintf(all.pool, "status/%d", statuses[i]));
        assert_int_equal(fetch(&asked).status, statuses[i]);
    }
}

static void test_retry_after(void **state)
{
    (void)state;
    salon_fetch_t asked = get("later/17");
    got_t got = fetch(&asked);
    assert_int_equal(got.status, 503);
    assert_int_equal(got.retry_after, 17);
    asked = get("later/soon");
    assert_int_equal(fetch(&asked).retry_after, 0);
}

static void test_too_much(void **state)
{
    (void)state;
    salon_fetch_t asked = get("big/100000");
    asked.most = 1000;
    got_t got = fetch(&asked);
    assert_int_equal(got.status, 200);
    assert_true(got.cut);
    assert_int_equal(got.length, 1000);
    asked.url = url("big/1000");
    got = fetch(&asked);
    assert_false(got.cut);
    assert_int_equal(got.length, 1000);
    asked.most = 0;
    assert_true(fetch(&asked).cut);
}

static void test_redirects(void **state)
{
    (void)state;
    salon_fetch_t asked = get("moved/echo");
    assert_int_equal(fetch(&asked).status, 302);
    asked.follow = true;
    assert_int_equal(fetch(&asked).status, 200);
    asked.url = url("round");
    assert_int_equal(fetch(&asked).status, 0);
    asked.url = url("elsewhere");
    assert_int_equal(fetch(&asked).status, 0);
}

static void test_no_answer(void **state)
{
    (void)state;
    salon_fetch_t asked = get("cut");
    assert_int_equal(fetch(&asked).status, 0);
    asked.url = "http://127.0.0.1:1/";
    assert_int_equal(fetch(&asked).status, 0);
    asked = get("hang");
    asked.timeout = 100;
    assert_int_equal(fetch(&asked).status, 0);
}

static void test_refused_urls(void **state)
{
    static const char *const urls[] = { "file:///etc/passwd", "gopher://127.0.0.1/", "ftp://a/b",
                                        "http://127.0.0.1/a\r\nb", "http://", "" };
    (void)state;
    for (size_t i = 0; i < sizeof(urls) / sizeof(urls[0]); i++) {
        salon_fetch_t asked = get("");
        asked.url = urls[i];
        assert_int_equal(fetch(&asked).status, 0);
    }
}

static void test_refused_headers(void **state)
{
    static const char *const bad[] = { "A: b\r\nC: d", "A: b\n", "A: \x01", "A: \xc3\xa9" };
    (void)state;
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        const char *headers[] = { "Fine: yes", bad[i], NULL };
        salon_fetch_t asked = get("echo");
        asked.headers = headers;
        assert_false(salon_fetch(&asked, done, NULL));
    }
    assert_int_equal(fetch_count(), 0);
}

/* The client's port, as the server sees it, stays the same. */
static void test_connection_is_kept(void **state)
{
    (void)state;
    salon_fetch_t asked = get("echo");
    got_t first = fetch(&asked), second = fetch(&asked);
    const char *port = strstr(first.body, "\"client\":");
    assert_non_null(port);
    assert_non_null(strstr(second.body, port));
}

/* More than are under way at once; and beyond the bound there is a refusal. */
static void test_many(void **state)
{
    (void)state;
    got_t *got = apr_pcalloc(all.pool, sizeof(*got) * 100);
    salon_fetch_t asked = get("status/200");
    for (int i = 0; i < 100; i++) assert_true(salon_fetch(&asked, done, &got[i]));
    assert_int_equal(fetch_count(), 100);
    while (fetch_count() > 0) notes_handle(-1);
    for (int i = 0; i < 100; i++) {
        assert_int_equal(got[i].calls, 1);
        assert_int_equal(got[i].status, 200);
    }
}

/* The last: who hangs is let go of, who waits is, too, and nothing is begun any more. */
static void test_stop(void **state)
{
    (void)state;
    got_t got = { 0 };
    int begun = 0;
    salon_fetch_t asked = get("hang");
    while (salon_fetch(&asked, done, &got)) begun++;
    assert_int_equal(begun, fetch_count());
    assert_true(begun >= 64 && begun <= 4096);
    fetch_stop();
    assert_int_equal(got.calls, 0);
    while (fetch_count() > 0) notes_handle(0);
    assert_int_equal(got.calls, begun);
    assert_int_equal(got.status, 0);
    assert_false(salon_fetch(&asked, done, &got));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_get),
        cmocka_unit_test(test_post),
        cmocka_unit_test(test_other_methods),
        cmocka_unit_test(test_statuses),
        cmocka_unit_test(test_retry_after),
        cmocka_unit_test(test_too_much),
        cmocka_unit_test(test_redirects),
        cmocka_unit_test(test_no_answer),
        cmocka_unit_test(test_refused_urls),
        cmocka_unit_test(test_refused_headers),
        cmocka_unit_test(test_connection_is_kept),
        cmocka_unit_test(test_many),
        cmocka_unit_test(test_stop),
    };
    return cmocka_run_group_tests_name("fetch", tests, begin, end);
}
