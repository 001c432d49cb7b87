/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Fuzzing the way of JSON into the server and out: whatever is accepted, json-c must parse as the
 * same value; and it must come out as a text, the same as json-c's, that is accepted again, with
 * the same value, and then does not change any more.
 */
#include <assert.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "json.h"
#include "text.h"

/* json-c takes more than we do, but not less.  Of some pairs of surrogates (U+1DC00) it makes
 * U+FFFD, so texts with a pair are left out. */
static void parsed_alike(const char *text, json_object *value)
{
    json_tokener *tokener = json_tokener_new_ex(JSON_DEPTH + 2);
    json_object *other;

    assert(tokener);
    other = json_tokener_parse_ex(tokener, text, -1);
    assert(json_tokener_get_error(tokener) == json_tokener_success);
    assert(json_object_equal(value, other));
    assert(strcmp(json_text(value, NULL), json_text(other, NULL)) == 0);
    json_object_put(other);
    json_tokener_free(tokener);
}

static void written_alike(json_object *value)
{
    size_t length;
    const char *expected = json_text(value, &length);
    text_t text;

    text_begin(&text);
    text_add_json(&text, value);
    assert(text.length == length && memcmp(text.bytes, expected, length) == 0);
    text_end(&text);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    json_object *value, *again;
    size_t length, length_again;
    const char *text, *text_again;
    char name[16], *copy;
    bool accepted = json_parse((const char *)data, size, &value);
    bool wrong = json_find_wrong((const char *)data, size, name, sizeof name);

    assert(!wrong || (!accepted && strlen(name) < sizeof name));
    if (!accepted) {
        assert(!value);
        return 0;
    }
    copy = strndup((const char *)data, size);
    if (!strstr(copy, "\\ud") && !strstr(copy, "\\uD"))
        parsed_alike(copy, value);
    free(copy);
    written_alike(value);
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
