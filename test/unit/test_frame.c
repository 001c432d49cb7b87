/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Frames: the header in its three lengths (RFC 6455, 5.2), the payload behind it as it was, and
 * references that several threads give back.  (A sanitizer tells whether a frame is freed once.)
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
    };

    apr_initialize();
    atexit(apr_terminate);
    return cmocka_run_group_tests_name("frame", tests, NULL, NULL);
}
