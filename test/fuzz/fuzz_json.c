/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Fuzzing the way of JSON into the server: whatever the scanner accepts, json-c must parse; and
 * what was accepted must come out as a text that is accepted again, with the same value, and then
 * does not change any more.
 */
#include <assert.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "json.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    json_object *value, *again;
    size_t length, length_again;
    const char *text, *text_again;
    char name[16];
    bool accepted = json_parse((const char *)data, size, &value);
    bool wrong = json_find_wrong((const char *)data, size, name, sizeof name);

    assert(accepted == json_scan((const char *)data, size));
    assert(!wrong || (!accepted && strlen(name) < sizeof name));
    if (!accepted) {
        assert(!value);
        return 0;
    }
    text = json_text(value, &length);
    accepted = json_parse(text, length, &again);
    assert(accepted);
    assert(json_object_equal(value, again));
    text_again = json_text(again, &length_again);
    assert(length == length_again && memcmp(text, text_again, length) == 0);
    json_object_put(again);
    json_object_put(value);
    return 0;
}
