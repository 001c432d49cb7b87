/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Fuzzing compression: the input is a handshake's header, a compressed message, and a text to be
 * compressed.  What is expanded stays within its limit, and does not depend on what was before;
 * what was compressed here, whatever the space for it, expands to the same.
 */
#include <assert.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <apr_general.h>

#include "deflate.h"
#include "offer.h"

#define MOST 5000

static deflate_t *deflate;

int LLVMFuzzerInitialize(int *argc, char ***argv);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerInitialize(int *argc, char ***argv)
{
    apr_pool_t *pool;
    (void)argc, (void)argv;
    apr_initialize();
    apr_pool_create(&pool, NULL);
    deflate = deflate_make(pool);
    return 0;
}

static void offer_fuzz(const uint8_t *data, size_t size)
{
    char *header = strndup((const char *)data, size);
    offer_t offer;
    if (offer_read(header, &offer)) {
        assert(offer.window_bits == 0 || (offer.window_bits >= 8 && offer.window_bits <= 15));
        assert(offer.window_bits == 0 || offer.mentions > 0);
        assert(!offer.limited || offer.window_bits > 0);
    }
    free(header);
}

static void expand_fuzz(const uint8_t *data, size_t size)
{
    char *text, *again;
    size_t length, length_again;
    deflate_status_t status = deflate_expand(deflate, data, size, MOST, &text, &length);
    assert((status == DEFLATE_DONE) == (text != NULL));
    if (status != DEFLATE_DONE) return;
    assert(length <= MOST);
    status = deflate_expand(deflate, data, size, length, &again, &length_again);
    assert(status == DEFLATE_DONE && length == length_again);
    assert(memcmp(text, again, length) == 0);
    free(again);
    free(text);
    if (length > 0)
        assert(deflate_expand(deflate, data, size, length - 1, &text, &length) ==
               DEFLATE_TOO_LONG);
}

static void compress_fuzz(const uint8_t *data, size_t size)
{
    char *text;
    size_t length, space = size + DEFLATE_SPARE;
    uint8_t *packed = malloc(space);
    if (packed == NULL) abort();
    size_t packed_length = deflate_compress(deflate, data, size, packed, space);
    assert(packed_length <= size);
    if (packed_length > 0) {
        deflate_status_t status =
            deflate_expand(deflate, packed, packed_length, size, &text, &length);
        assert(status == DEFLATE_DONE && length == size && memcmp(text, data, size) == 0);
        free(text);
    }
    free(packed);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    offer_fuzz(data, size);
    expand_fuzz(data, size);
    compress_fuzz(data, size);
    return 0;
}
