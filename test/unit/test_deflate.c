/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Compression: what is compressed here expands to the same, and so does what other compressors
 * make, with every kind of block; messages that are broken or cut short, and bombs, are told apart
 * and leave nothing behind for the next one.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include <apr_general.h>
#include <zlib.h>

#include "deflate.h"

#define MOST 70000

static apr_pool_t *pool;
static deflate_t *ours;
static unsigned char packed[2 * MOST];
static char plain[MOST];

/* A text of JSON's kind, or one that nothing can make shorter. */
static void plain_fill(size_t length, bool random)
{
    static const char words[] = "{\"type\":\"message\",\"data\":{\"content\":\"hello, hello\"}} ";
    for (size_t i = 0; i < length; i++)
        plain[i] = random ? (char)rand() : words[i % (sizeof(words) - 1)];
}

static deflate_status_t expand(size_t packed_length, size_t most)
{
    char *text;
    size_t length;
    deflate_status_t status = deflate_expand(ours, packed, packed_length, most, &text, &length);
    assert_true((status == DEFLATE_DONE) == (text != NULL));
    if (status == DEFLATE_DONE) assert_true(length <= most);
    free(text);
    return status;
}

static void assert_expands(size_t packed_length, const char *expected, size_t length)
{
    char *text;
    size_t text_length;
    assert_int_equal(deflate_expand(ours, packed, packed_length, length, &text, &text_length),
                     DEFLATE_DONE);
    assert_int_equal(text_length, length);
    assert_memory_equal(text, expected, length);
    free(text);
    if (length > 0) assert_int_equal(expand(packed_length, length - 1), DEFLATE_TOO_LONG);
}

/* As another side might do it; the flush ends what is left in `packed`. */
static size_t pack(size_t length, int level, int bits, int memory, int strategy, int flush)
{
    z_stream stream = { .zalloc = NULL };
    assert_int_equal(deflateInit2(&stream, level, Z_DEFLATED, -bits, memory, strategy), Z_OK);
    stream.next_in = (unsigned char *)plain;
    stream.avail_in = (unsigned)length;
    stream.next_out = packed;
    stream.avail_out = sizeof(packed);
    deflate(&stream, flush);
    assert_int_equal(stream.avail_in, 0);
    deflateEnd(&stream);
    return sizeof(packed) - stream.avail_out;
}

static const size_t lengths[] = { 1, 2, 100, 126, 4096, 32768, 65535, 65536, MOST };

#define LENGTHS (sizeof(lengths) / sizeof(lengths[0]))

static void test_there_and_back(void **state)
{
    (void)state;
    for (size_t i = 0; i < LENGTHS; i++) {
        plain_fill(lengths[i], false);
        size_t length = deflate_compress(ours, plain, lengths[i], packed, sizeof(packed));
        assert_true(length > 0 && length <= deflate_most(lengths[i]));
        if (lengths[i] >= 126) assert_true(length < lengths[i]);
        assert_expands(length, plain, lengths[i]);
    }
}

/* One byte less than there must be, and what is longer than that, is not compressed. */
static void test_no_space(void **state)
{
    (void)state;
    plain_fill(1000, false);
    size_t length = deflate_compress(ours, plain, 1000, packed, sizeof(packed));
    assert_int_equal(deflate_compress(ours, plain, 1000, packed, length + DEFLATE_SPARE), length);
    assert_int_equal(deflate_compress(ours, plain, 1000, packed, length + DEFLATE_SPARE - 1), 0);
    assert_int_equal(deflate_compress(ours, plain, 1000, packed, 1), 0);
    plain_fill(1000, true);
    assert_int_equal(deflate_compress(ours, plain, 1000, packed, 999 + DEFLATE_SPARE), 0);
    plain_fill(1000, false);
    assert_int_equal(deflate_compress(ours, plain, 1000, packed, sizeof(packed)), length);
}

static void test_other_compressors(void **state)
{
    static const int levels[] = { 0, 1, 6, 9 }, memories[] = { 1, 8, 9 },
                     strategies[] = { Z_DEFAULT_STRATEGY, Z_FIXED, Z_HUFFMAN_ONLY, Z_RLE };
    (void)state;
    for (int n = 0; n < 4 * 3 * 4 * 2; n++) {
        size_t length = lengths[n % (int)LENGTHS];
        plain_fill(length, n % 2 == 1);
        size_t all = pack(length, levels[n / 2 % 4], 9 + n % 7, memories[n / 8 % 3],
                          strategies[n / 24], Z_SYNC_FLUSH);
        assert_true(all - 4 <= deflate_most(length));
        assert_expands(all - 4, plain, length);
    }
}

/* The examples of RFC 7692, 7.2.3. */
static void test_examples(void **state)
{
    static const struct {
        size_t length;
        unsigned char bytes[16];
        const char *text;
    } examples[] = {
        { 7, { 0xf2, 0x48, 0xcd, 0xc9, 0xc9, 0x07, 0x00 }, "Hello" },
        { 11, { 0x00, 0x05, 0x00, 0xfa, 0xff, 0x48, 0x65, 0x6c, 0x6c, 0x6f, 0x00 }, "Hello" },
        { 8, { 0xf3, 0x48, 0xcd, 0xc9, 0xc9, 0x07, 0x00, 0x00 }, "Hello" },
        { 13, { 0xf2, 0x48, 0x05, 0x00, 0x00, 0x00, 0xff, 0xff, 0xca, 0xc9, 0xc9, 0x07, 0x00 },
          "Hello" },
        { 1, { 0x00 }, "" },
        { 0, { 0x00 }, "" },
    };
    (void)state;
    for (size_t i = 0; i < sizeof(examples) / sizeof(examples[0]); i++) {
        memcpy(packed, examples[i].bytes, examples[i].length);
        assert_expands(examples[i].length, examples[i].text, strlen(examples[i].text));
    }
}

/* Each block a stream of its own. */
static void test_streams(void **state)
{
    static const unsigned char hello[] = { 0xf3, 0x48, 0xcd, 0xc9, 0xc9, 0x07, 0x00 };
    (void)state;
    for (size_t i = 0; i < 1000; i++) {
        memcpy(packed + i * sizeof(hello), hello, sizeof(hello));
        memcpy(plain + i * 5, "Hello", 5);
    }
    packed[1000 * sizeof(hello)] = 0;
    assert_expands(1000 * sizeof(hello) + 1, plain, 5000);
}

static void test_broken(void **state)
{
    (void)state;
    memset(packed, 0xff, 100); /* a kind of block that there is not */
    assert_int_equal(expand(100, MOST), DEFLATE_BROKEN);
    plain_fill(1000, false);
    size_t length = deflate_compress(ours, plain, 1000, packed, sizeof(packed));
    for (size_t cut = 1; cut < length; cut++)
        assert_int_equal(expand(length - cut, MOST), DEFLATE_BROKEN);
    length = pack(1000, 6, 15, 8, Z_DEFAULT_STRATEGY, Z_FINISH);
    assert_int_equal(expand(length - 1, MOST), DEFLATE_BROKEN);
    packed[0] = 0x02; /* refers to what was before the message */
    packed[1] = 0x03;
    assert_int_equal(expand(2, MOST), DEFLATE_BROKEN);
}

/* Whatever comes, it ends, within the limit; and the next message is none the worse. */
static void test_garbage(void **state)
{
    (void)state;
    for (int n = 0; n < 2000; n++) {
        size_t length = (size_t)rand() % 300;
        for (size_t i = 0; i < length; i++) packed[i] = (unsigned char)rand();
        expand(length, 1000);
    }
    test_there_and_back(state);
}

static void test_bomb(void **state)
{
    (void)state;
    memset(plain, 'x', MOST);
    size_t length = pack(MOST, 9, 15, 9, Z_DEFAULT_STRATEGY, Z_SYNC_FLUSH) - 4;
    assert_true(length < 200);
    assert_int_equal(expand(length, MOST - 1), DEFLATE_TOO_LONG);
    assert_int_equal(expand(length, 0), DEFLATE_TOO_LONG);
    assert_int_equal(expand(length, MOST), DEFLATE_DONE);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_there_and_back),
        cmocka_unit_test(test_no_space),
        cmocka_unit_test(test_other_compressors),
        cmocka_unit_test(test_examples),
        cmocka_unit_test(test_streams),
        cmocka_unit_test(test_broken),
        cmocka_unit_test(test_garbage),
        cmocka_unit_test(test_bomb),
    };

    apr_initialize();
    atexit(apr_terminate);
    apr_pool_create(&pool, NULL);
    ours = deflate_make(pool);
    return cmocka_run_group_tests_name("deflate", tests, NULL, NULL);
}
