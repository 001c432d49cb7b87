/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One thread with libcurl's multi interface, which keeps connections for the next request.  A fetch
 * belongs to the chat thread, then to this one, then to the chat thread again.  libcurl takes
 * headers as they are, line ends included, so they are checked; it would follow any scheme, so two
 * are allowed; and its end would wait for a name server that is silent, so it must not.
 */
#define LOG_AREA "fetch"
#include "fetch.h"

#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/queue.h>

#include <apr_strings.h>
#include <apr_thread_proc.h>
#include <curl/curl.h>

#include "chat_note.h"

#define FETCHES_MOST   1024 /* not answered yet */
#define AT_ONCE        32   /* of them, those under way */
#define CONNECTIONS    16   /* kept for later */
#define REDIRECTS      5
#define PROTOCOLS      "http,https"
#define POLL           1000 /* milliseconds, when nothing happens */

typedef struct fetch_t {
    chat_note_t note; /* first */
    LIST_ENTRY(fetch_t) link;
    apr_pool_t *pool;
    salon_fetch_t asked;
    salon_fetched_fn_t *done;
    void *baton;
    CURL *easy;
    struct curl_slist *headers;
    char *body;
    size_t capacity;
    salon_fetched_t answer;
    char error[CURL_ERROR_SIZE];
} fetch_t;

static struct {
    apr_thread_t *thread; /* NULL: it does not run */
    CURLM *multi;
    queue_t *queue;
    atomic_bool stopping;
    int unanswered; /* chat thread */
    /* the thread's own */
    queue_list_t waiting;
    LIST_HEAD(fetch_list_t, fetch_t) under_way;
    int under_way_count;
} all;

/* ---- The answer ---- */

static void answer_handle(chat_note_t *note)
{
    fetch_t *fetch = (fetch_t *)note;
    all.unanswered--;
    fetch->done(fetch->baton, &fetch->answer);
    free(fetch->body);
    apr_pool_destroy(fetch->pool);
}

static void answer_post(fetch_t *fetch)
{
    fetch->answer.body = fetch->body != NULL ? fetch->body : "";
    fetch->note.handle = answer_handle;
    chat_post(&fetch->note);
}

static void answer_failed(fetch_t *fetch, const char *error)
{
    fetch->answer.status = 0;
    fetch->answer.error = error;
    answer_post(fetch);
}

/* ---- A request under way ---- */

/* One byte more than is wanted, for the NUL. */
static void body_grow(fetch_t *fetch, size_t needed)
{
    if (needed + 1 <= fetch->capacity) return;
    fetch->capacity = needed * 2 + 1;
    fetch->body = realloc(fetch->body, fetch->capacity);
    if (fetch->body == NULL) abort();
}

static size_t on_body(char *bytes, size_t size, size_t count, void *baton)
{
    fetch_t *fetch = baton;
    size_t length = size * count, left = fetch->asked.most - fetch->answer.length;
    fetch->answer.cut = length > left;
    if (fetch->answer.cut) length = left;
    body_grow(fetch, fetch->answer.length + length);
    memcpy(fetch->body + fetch->answer.length, bytes, length);
    fetch->answer.length += length;
    fetch->body[fetch->answer.length] = '\0';
    return fetch->answer.cut ? 0 : length;
}

/* "Expect:" takes away what libcurl would add to long bodies, and wait for. */
static struct curl_slist *headers_make(const salon_fetch_t *asked)
{
    struct curl_slist *list = curl_slist_append(NULL, "Expect:");
    for (const char *const *header = asked->headers; header != NULL && *header != NULL; header++)
        list = curl_slist_append(list, *header);
    if (list == NULL) abort();
    return list;
}

static void method_set(CURL *easy, const salon_fetch_t *asked)
{
    if (asked->body != NULL) {
        curl_easy_setopt(easy, CURLOPT_POSTFIELDSIZE_LARGE, (curl_off_t)asked->length);
        curl_easy_setopt(easy, CURLOPT_POSTFIELDS, asked->body);
    }
    if (strcmp(asked->method, "HEAD") == 0) curl_easy_setopt(easy, CURLOPT_NOBODY, 1L);
    else curl_easy_setopt(easy, CURLOPT_CUSTOMREQUEST, asked->method);
}

static void limits_set(CURL *easy, const salon_fetch_t *asked)
{
    curl_easy_setopt(easy, CURLOPT_NOSIGNAL, 1L);
    curl_easy_setopt(easy, CURLOPT_QUICK_EXIT, 1L);
    curl_easy_setopt(easy, CURLOPT_PROTOCOLS_STR, PROTOCOLS);
    curl_easy_setopt(easy, CURLOPT_REDIR_PROTOCOLS_STR, PROTOCOLS);
    curl_easy_setopt(easy, CURLOPT_FOLLOWLOCATION, asked->follow ? 1L : 0L);
    curl_easy_setopt(easy, CURLOPT_MAXREDIRS, (long)REDIRECTS);
    curl_easy_setopt(easy, CURLOPT_TIMEOUT_MS, (long)asked->timeout);
    curl_easy_setopt(easy, CURLOPT_CONNECTTIMEOUT_MS, (long)asked->timeout);
    curl_easy_setopt(easy, CURLOPT_HTTP_VERSION, (long)CURL_HTTP_VERSION_1_1);
}

static void fetch_begin(fetch_t *fetch)
{
    CURL *easy = curl_easy_init();
    if (easy == NULL) abort();
    fetch->easy = easy;
    fetch->headers = headers_make(&fetch->asked);
    curl_easy_setopt(easy, CURLOPT_URL, fetch->asked.url);
    curl_easy_setopt(easy, CURLOPT_HTTPHEADER, fetch->headers);
    curl_easy_setopt(easy, CURLOPT_USERAGENT, "salond/" SALON_VERSION);
    curl_easy_setopt(easy, CURLOPT_ERRORBUFFER, fetch->error);
    curl_easy_setopt(easy, CURLOPT_WRITEFUNCTION, on_body);
    curl_easy_setopt(easy, CURLOPT_WRITEDATA, fetch);
    curl_easy_setopt(easy, CURLOPT_PRIVATE, fetch);
    method_set(easy, &fetch->asked);
    limits_set(easy, &fetch->asked);
    LIST_INSERT_HEAD(&all.under_way, fetch, link);
    all.under_way_count++;
    curl_multi_add_handle(all.multi, easy);
}

static void fetch_end(fetch_t *fetch)
{
    LIST_REMOVE(fetch, link);
    all.under_way_count--;
    curl_multi_remove_handle(all.multi, fetch->easy);
    curl_easy_cleanup(fetch->easy);
    curl_slist_free_all(fetch->headers);
}

/* An answer that was cut off by us is one. */
static void fetch_finished(fetch_t *fetch, CURLcode result)
{
    long status = 0;
    curl_off_t retry_after = 0;
    curl_easy_getinfo(fetch->easy, CURLINFO_RESPONSE_CODE, &status);
    curl_easy_getinfo(fetch->easy, CURLINFO_RETRY_AFTER, &retry_after);
    fetch_end(fetch);
    fetch->answer.retry_after = (apr_int64_t)retry_after;
    if (result != CURLE_OK && !fetch->answer.cut) {
        answer_failed(fetch, fetch->error[0] != '\0' ? fetch->error : curl_easy_strerror(result));
        return;
    }
    fetch->answer.status = (int)status;
    answer_post(fetch);
}

/* ---- The thread ---- */

static void waiting_take(void)
{
    queue_list_t taken = queue_take(all.queue);
    queue_node_t *node;
    while ((node = queue_list_pop(&taken)) != NULL) queue_list_add(&all.waiting, node);
}

static void waiting_begin(void)
{
    while (all.under_way_count < AT_ONCE && all.waiting.count > 0)
        fetch_begin((fetch_t *)queue_list_pop(&all.waiting));
}

static void finished_take(void)
{
    int left, running;
    const CURLMsg *message;
    curl_multi_perform(all.multi, &running);
    while ((message = curl_multi_info_read(all.multi, &left)) != NULL) {
        char *fetch = NULL;
        CURLcode result = message->data.result; /* the message goes with its handle */
        if (message->msg != CURLMSG_DONE) continue;
        curl_easy_getinfo(message->easy_handle, CURLINFO_PRIVATE, &fetch);
        fetch_finished((fetch_t *)(void *)fetch, result);
    }
}

static void abandon_all(void)
{
    static const char reason[] = "the server ends";
    fetch_t *fetch;
    waiting_take();
    while ((fetch = LIST_FIRST(&all.under_way)) != NULL) {
        fetch_end(fetch);
        answer_failed(fetch, reason);
    }
    while ((fetch = (fetch_t *)queue_list_pop(&all.waiting)) != NULL) answer_failed(fetch, reason);
}

static void *APR_THREAD_FUNC fetch_run(apr_thread_t *thread, void *baton)
{
    (void)thread, (void)baton;
    while (!all.stopping) {
        waiting_take();
        finished_take();
        waiting_begin();
        curl_multi_poll(all.multi, NULL, 0, POLL, NULL);
    }
    abandon_all();
    curl_multi_cleanup(all.multi);
    return NULL;
}

static void wake_up(void *baton)
{
    curl_multi_wakeup(baton);
}

apr_status_t fetch_start(apr_pool_t *pool)
{
    if (curl_global_init(CURL_GLOBAL_DEFAULT) != CURLE_OK) return APR_EGENERAL;
    all.multi = curl_multi_init();
    if (all.multi == NULL) abort();
    curl_multi_setopt(all.multi, CURLMOPT_MAXCONNECTS, (long)CONNECTIONS);
    all.queue = queue_make(pool, wake_up, all.multi);
    all.stopping = false;
    return apr_thread_create(&all.thread, NULL, fetch_run, NULL, pool);
}

void fetch_stop(void)
{
    apr_status_t rv;
    if (all.thread == NULL) return;
    all.stopping = true;
    curl_multi_wakeup(all.multi);
    apr_thread_join(&rv, all.thread);
    all.thread = NULL;
}

int fetch_count(void)
{
    return all.unanswered;
}

const char *fetch_version(void)
{
    return curl_version_info(CURLVERSION_NOW)->version;
}

/* ---- Asking ---- */

static bool header_ok(const char *header)
{
    for (const char *at = header; *at != '\0'; at++)
        if (*at < ' ' || *at > '~') return false;
    return true;
}

static bool headers_ok(const char *const *headers)
{
    for (; headers != NULL && *headers != NULL; headers++)
        if (!header_ok(*headers)) return false;
    return true;
}

static const char *const *headers_copy(apr_pool_t *pool, const char *const *headers)
{
    int count = 0;
    while (headers != NULL && headers[count] != NULL) count++;
    const char **copy = apr_pcalloc(pool, sizeof(*copy) * ((apr_size_t)count + 1));
    for (int i = 0; i < count; i++) copy[i] = apr_pstrdup(pool, headers[i]);
    return copy;
}

static salon_fetch_t fetch_copy(apr_pool_t *pool, const salon_fetch_t *fetch)
{
    salon_fetch_t copy = *fetch;
    copy.method = apr_pstrdup(pool, fetch->method);
    copy.url = apr_pstrdup(pool, fetch->url);
    copy.headers = headers_copy(pool, fetch->headers);
    if (fetch->body != NULL) copy.body = apr_pmemdup(pool, fetch->body, fetch->length);
    return copy;
}

bool salon_fetch(const salon_fetch_t *asked, salon_fetched_fn_t *done, void *baton)
{
    apr_pool_t *pool;
    if (all.thread == NULL || all.unanswered >= FETCHES_MOST) return false;
    if (!headers_ok(asked->headers)) return false;
    apr_pool_create(&pool, NULL);
    fetch_t *fetch = apr_pcalloc(pool, sizeof(*fetch));
    fetch->pool = pool;
    fetch->asked = fetch_copy(pool, asked);
    fetch->done = done;
    fetch->baton = baton;
    all.unanswered++;
    queue_push(all.queue, &fetch->note.node);
    return true;
}
