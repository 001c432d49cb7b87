/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Frames: the header in its three lengths (RFC 6455, 5.2), the payload behind it as it was,
 * references that several threads give back, the compressed form.  (A sanitizer tells whether a
 * frame is freed once.)
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include <apr_general.h>
#include <apr_thread_proc.h>

#include "deflate.h"
#include "frame.h"

#define THREADS 4
#define REFS    2000

/* A payload's length, and the header that belongs to it. */
static const struct {
    size_t length;
    unsigned header_length;
    unsigned char header[10];
} headers[] = {
    { 0, 2, { 0x81, 0 } },
    { 1, 2, { 0x81, 1 } },
    { 125, 2, { 0x81, 125 } },
    { 126, 4, { 0x81, 126, 0, 126 } },
    { 255, 4, { 0x81, 126, 0, 255 } },
    { 256, 4, { 0x81, 126, 1, 0 } },
    { 65535, 4, { 0x81, 126, 255, 255 } },
    { 65536, 10, { 0x81, 127, 0, 0, 0, 0, 0, 1, 0, 0 } },
    { 0x012345, 10, { 0x81, 127, 0, 0, 0, 0, 0, 0x01, 0x23, 0x45 } },
};

static void test_headers(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof(headers) / sizeof(headers[0]); i++) {
        size_t length = headers[i].length;
        char *payload = malloc(length + 1);
        for (size_t at = 0; at < length; at++) payload[at] = (char)('a' + at % 26);
        frame_t *frame = frame_make(FRAME_TEXT, payload, length, false);
        assert_int_equal(frame->length, headers[i].header_length + length);
        assert_memory_equal(frame->bytes, headers[i].header, headers[i].header_length);
        assert_memory_equal(frame->bytes + headers[i].header_length, payload, length);
        frame_unref(&frame);
        assert_null(frame);
        free(payload);
    }
}

static void test_kinds(void **state)
{
    static const struct {
        frame_opcode_t opcode;
        unsigned char first;
    } kinds[] = { { FRAME_TEXT, 0x81 }, { FRAME_CLOSE, 0x88 }, { FRAME_PING, 0x89 } };
    (void)state;
    for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++) {
        frame_t *frame = frame_make(kinds[i].opcode, "\x03\xe8", 2, i == 0);
        assert_int_equal(frame->bytes[0], kinds[i].first);
        assert_int_equal(frame->bytes[1], 2); /* a server's frame is not masked */
        assert_memory_equal(frame->bytes + 2, "\x03\xe8", 2);
        assert_int_equal(frame->droppable, i == 0);
        frame_unref(&frame);
    }
}

static void test_references(void **state)
{
    (void)state;
    frame_t *frame = frame_make(FRAME_TEXT, "x", 1, false);
    frame_t *second = frame_ref(frame);
    assert_ptr_equal(second, frame);
    frame_ref_many(frame, 3);
    assert_int_equal(atomic_load(&frame->refs), 5);
    frame_ref_many(frame, 0);
    assert_int_equal(atomic_load(&frame->refs), 5);
    for (int i = 0; i < 4; i++) {
        frame_t *other = frame;
        frame_unref(&other);
        assert_null(other);
    }
    assert_int_equal(atomic_load(&second->refs), 1);
    assert_int_equal(second->bytes[2], 'x');
    frame_unref(&second);
}

/* ---- The compressed form ---- */

#define TEXT_LENGTH 3000

static apr_pool_t *zone;
static char text[TEXT_LENGTH];

static frame_t *text_frame(size_t length, bool random)
{
    for (size_t i = 0; i < length; i++) text[i] = random ? (char)rand() : (char)('a' + i % 26);
    return frame_make(FRAME_TEXT, text, length, false);
}

static void test_deflated(void **state)
{
    (void)state;
    char *back;
    size_t length;
    deflate_t *deflate = deflate_make(zone);
    frame_t *frame = text_frame(TEXT_LENGTH, false);
    frame_t *deflated = frame_deflated(frame, deflate);
    assert_ptr_not_equal(deflated, frame);
    assert_ptr_equal(frame_deflated(frame, deflate), deflated); /* made once */
    assert_int_equal(deflated->bytes[0], 0xc1);
    assert_true(deflated->length < frame->length && frame_is_message(deflated));
    const char *payload = frame_payload(deflated, &length);
    assert_int_equal(length, deflated->length - deflated->header);
    assert_int_equal(deflate_expand(deflate, payload, length, TEXT_LENGTH, &back, &length),
                     DEFLATE_DONE);
    assert_int_equal(length, TEXT_LENGTH);
    assert_memory_equal(back, text, length);
    free(back);
    frame_unref(&frame);
}

/* Short ones, those that do not become shorter, and control frames are their own best form. */
static void test_not_deflated(void **state)
{
    (void)state;
    deflate_t *deflate = deflate_make(zone);
    frame_t *frames[] = {
        text_frame(0, false), text_frame(127, false), text_frame(TEXT_LENGTH, true),
        frame_make(FRAME_PING, text, 125, false), frame_make(FRAME_CLOSE, "\x03\xe8", 2, false),
    };
    for (size_t i = 0; i < sizeof(frames) / sizeof(frames[0]); i++) {
        assert_ptr_equal(frame_deflated(frames[i], deflate), frames[i]);
        assert_ptr_equal(frame_deflated(frames[i], deflate), frames[i]);
        frame_unref(&frames[i]);
    }
    frame_t *shortest = text_frame(128, false);
    assert_ptr_not_equal(frame_deflated(shortest, deflate), shortest);
    frame_unref(&shortest);
}

static void *APR_THREAD_FUNC deflate_once(apr_thread_t *thread, void *baton)
{
    frame_t *frame = baton;
    deflate_t *deflate = deflate_make(apr_thread_pool_get(thread));
    frame_t *deflated = frame_deflated(frame, deflate);
    assert_true(deflated->bytes[0] == 0xc1 && frame_deflated(frame, deflate) == deflated);
    frame_unref(&frame);
    return NULL;
}

/* Several threads want it at the same time, and all get the same. */
static void test_deflated_by_threads(void **state)
{
    apr_thread_t *threads[THREADS];
    apr_status_t rv;
    (void)state;
    for (int round = 0; round < 20; round++) {
        frame_t *frame = text_frame(TEXT_LENGTH, false);
        frame_ref_many(frame, THREADS - 1);
        for (int i = 0; i < THREADS; i++)
            assert_int_equal(apr_thread_create(&threads[i], NULL, deflate_once, frame, zone),
                             APR_SUCCESS);
        for (int i = 0; i < THREADS; i++) apr_thread_join(&rv, threads[i]);
    }
}

/* ---- Threads ---- */

static void *APR_THREAD_FUNC give_back(apr_thread_t *thread, void *baton)
{
    (void)thread;
    for (int i = 0; i < REFS; i++) {
        frame_t *mine = baton;
        frame_unref(&mine);
    }
    return NULL;
}

/* The last reference is a thread's, not the maker's. */
static void test_threads(void **state)
{
    apr_pool_t *pool;
    apr_thread_t *threads[THREADS];
    apr_status_t rv;
    (void)state;
    apr_pool_create(&pool, NULL);
    frame_t *frame = frame_make(FRAME_TEXT, "x", 1, false);
    frame_ref_many(frame, THREADS * REFS - 1);
    for (int i = 0; i < THREADS; i++)
        assert_int_equal(apr_thread_create(&threads[i], NULL, give_back, frame, pool), APR_SUCCESS);
    for (int i = 0; i < THREADS; i++) apr_thread_join(&rv, threads[i]);
    apr_pool_destroy(pool);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_headers),
        cmocka_unit_test(test_kinds),
        cmocka_unit_test(test_references),
        cmocka_unit_test(test_threads),
        cmocka_unit_test(test_deflated),
        cmocka_unit_test(test_not_deflated),
        cmocka_unit_test(test_deflated_by_threads),
    };

    apr_initialize();
    atexit(apr_terminate);
    apr_pool_create(&zone, NULL);
    return cmocka_run_group_tests_name("frame", tests, NULL, NULL);
}
