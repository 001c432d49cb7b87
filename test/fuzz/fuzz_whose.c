/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Fuzzing what an upstream says of a token: whatever it is, the outcome is a user with an id and,
 * if any, a name that is text; or none.
 */
#include <assert.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "../../plugins/relay/whose.h"
#include "utf8.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    json_object *json;
    salon_identity_t identity = { 0 };
    char *body = malloc(size + 1);
    if (body == NULL) abort();
    memcpy(body, data, size);
    body[size] = '\0';
    salon_fetched_t answer = { .status = 200, .body = body, .length = size };
    identity_status_t status = whose_read(&answer, &json, &identity);
    if (status == IDENTITY_GIVEN) {
        assert(json_object_is_type(json, json_type_object));
        assert(identity.id > 0 && identity.id <= 9007199254740991);
        assert(identity.name == NULL || utf8_valid(identity.name, strlen(identity.name)));
    }
    json_object_put(json);
    free(body);
    return 0;
}
