/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Fuzzing what comes with files over HTTP.  Up to the first line end stands a Content-Type, behind
 * it the body, a form or chunks: whatever pieces it comes in, the same must come of it.  The line
 * is taken for the headers that ask for a part of a file: what is to be sent must be there.
 */
#include <assert.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <apr_general.h>
#include <apr_strings.h>

#include "chunked.h"
#include "disposition.h"
#include "multipart.h"
#include "range.h"
#include "utf8.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

typedef struct {
    size_t length;
    unsigned sum;
} taken_t;

static bool take(void *baton, const char *bytes, size_t length)
{
    taken_t *taken = baton;
    taken->length += length;
    for (size_t i = 0; i < length; i++) taken->sum = taken->sum * 31 + (unsigned char)bytes[i];
    return true;
}

static bool feed(multipart_t *form, const char *body, size_t length, size_t piece)
{
    for (size_t at = 0; at < length; at += piece)
        if (!multipart_feed(form, body + at, length - at < piece ? length - at : piece))
            return false;
    return true;
}

static void form_check(apr_pool_t *pool, const char *type, const char *body, size_t length)
{
    taken_t whole = { 0 }, pieces = { 0 };
    multipart_t *a = multipart_make(pool, type, "file", take, &whole);
    multipart_t *b = multipart_make(pool, type, "file", take, &pieces);
    assert((a == NULL) == (b == NULL));
    if (a == NULL) return;
    bool ok = feed(a, body, length, length + 1), ok_pieces = feed(b, body, length, 1 + length % 5);
    assert(ok == ok_pieces && whole.length <= length);
    if (!ok) return;
    assert(whole.length == pieces.length && whole.sum == pieces.sum);
    assert(multipart_complete(a) == multipart_complete(b));
    assert(strcmp(multipart_file_name(a), multipart_file_name(b)) == 0);
}

static void chunks_check(const char *body, size_t length)
{
    taken_t whole = { 0 }, pieces = { 0 };
    chunked_t a = { 0 }, b = { 0 };
    chunked_end_t end = chunked_feed(&a, body, length, take, &whole), end_pieces = CHUNKED_MORE;
    size_t piece = 1 + length % 5;
    for (size_t at = 0; at < length && end_pieces == CHUNKED_MORE; at += piece)
        end_pieces = chunked_feed(&b, body + at, length - at < piece ? length - at : piece, take,
                                  &pieces);
    assert(end == end_pieces && whole.length <= length);
    assert(whole.length == pieces.length && whole.sum == pieces.sum);
}

static void name_check(apr_pool_t *pool, const char *value)
{
    const char *name = disposition_file_name(pool, value);
    assert(strlen(name) <= 255 && utf8_valid(name, strlen(name)));
    assert(strpbrk(name, "/\\\r\n\t") == NULL);
    assert(strcmp(disposition_clean(pool, name), name) == 0);
    assert(strpbrk(disposition_make(pool, true, name), "\r\n") == NULL);
}

static void range_check(const char *value, apr_int64_t size)
{
    range_request_t request = { .range = value, .if_none_match = size % 2 ? value : NULL };
    range_t range = range_find(&request, "\"etag\"", size);
    assert(range.from >= 0 && range.length >= 0 && range.from + range.length <= size);
    assert(range.kind != RANGE_PART || range.length > 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static bool begun;
    apr_pool_t *pool;
    if (!begun) apr_initialize();
    begun = true;
    apr_pool_create(&pool, NULL);
    const uint8_t *end = memchr(data, '\n', size);
    size_t length = end != NULL ? (size_t)(end - data) : size;
    const char *line = apr_pstrmemdup(pool, (const char *)data, length);
    form_check(pool, line, (const char *)data + length, size - length);
    if (end != NULL) chunks_check((const char *)end + 1, size - length - 1);
    name_check(pool, line);
    range_check(line, (apr_int64_t)(size % 1000));
    apr_pool_destroy(pool);
    return 0;
}
