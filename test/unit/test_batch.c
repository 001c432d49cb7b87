/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Batches: which frames are joined, in what order, between which words, and what is left alone.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "batch.h"

#define FRAMES 250

static void tail(char *buffer, size_t size)
{
    snprintf(buffer, size, "]}");
}

static const salon_dialect_t dialect = {
    .name = "test", .batch_query = "batch", .batch_head = "{\"b\":[", .batch_tail = tail
};

static frame_t *frames[FRAMES];

static void frames_make(int count)
{
    for (int i = 0; i < count; i++) {
        char text[16];
        int length = snprintf(text, sizeof(text), "%03d", i);
        frames[i] = frame_make(FRAME_TEXT, text, (size_t)length, i % 2);
    }
}

static void frames_free(int count)
{
    for (int i = 0; i < count; i++) frame_unref(&frames[i]);
}

static void assert_batch(int count, size_t most, unsigned expected, const char *text)
{
    unsigned taken;
    size_t length;
    frame_t *batch = batch_make(&dialect, frames, (unsigned)count, most, &taken);
    assert_non_null(batch);
    assert_int_equal(taken, expected);
    assert_true(frame_is_message(batch) && !batch->droppable && batch->length <= most);
    const char *payload = frame_payload(batch, &length);
    if (text != NULL) assert_int_equal(length, strlen(text));
    if (text != NULL) assert_memory_equal(payload, text, length);
    frame_unref(&batch);
}

static void assert_none(int count, size_t most)
{
    unsigned taken;
    assert_null(batch_make(&dialect, frames, (unsigned)count, most, &taken));
}

static void test_joined(void **state)
{
    (void)state;
    frames_make(3);
    assert_batch(2, 65536, 2, "{\"b\":[000,001]}");
    assert_batch(3, 65536, 3, "{\"b\":[000,001,002]}");
    frames_free(3);
}

static void test_alone(void **state)
{
    (void)state;
    frames_make(1);
    assert_none(0, 65536);
    assert_none(1, 65536);
    frames_free(1);
}

static void test_bounds(void **state)
{
    size_t two = FRAME_HEADER_MOST + strlen("{\"b\":[000,001,]}");
    (void)state;
    frames_make(FRAMES);
    assert_batch(FRAMES, 65536, BATCH_MOST, NULL);
    assert_batch(FRAMES, two, 2, "{\"b\":[000,001]}");
    assert_batch(FRAMES, two + 3, 2, "{\"b\":[000,001]}");
    assert_none(FRAMES, two - 1);
    assert_none(FRAMES, 0);
    frames_free(FRAMES);
}

/* Control frames stay where they are in the order. */
static void test_control_frames(void **state)
{
    (void)state;
    frames_make(4);
    frame_unref(&frames[2]);
    frames[2] = frame_make(FRAME_PING, "salon", 5, false);
    assert_batch(4, 65536, 2, "{\"b\":[000,001]}");
    frame_unref(&frames[1]);
    frames[1] = frame_make(FRAME_CLOSE, "\x03\xe8", 2, false);
    assert_none(4, 65536);
    frame_unref(&frames[0]);
    frames[0] = frame_make(FRAME_PING, "salon", 5, false);
    assert_none(4, 65536);
    frames_free(4);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_joined),
        cmocka_unit_test(test_alone),
        cmocka_unit_test(test_bounds),
        cmocka_unit_test(test_control_frames),
    };

    return cmocka_run_group_tests_name("batch", tests, NULL, NULL);
}
