/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The upstream's answer is from outside: it is read strictly, and nothing in it is trusted to be
 * there, or to be of the right type.
 */
#include "whose.h"

#include <string.h>

#include <apr_strings.h>
#include <salon/dialect.h>

#define ID_MOST 9007199254740991 /* what JavaScript's numbers hold exactly */

/* A number, or a text of digits; 0: none. */
static apr_int64_t id_of(json_object *value)
{
    apr_int64_t id = 0;
    if (json_object_is_type(value, json_type_int)) id = json_object_get_int64(value);
    if (json_object_is_type(value, json_type_string)) {
        const char *text = json_object_get_string(value);
        if (text[strspn(text, "0123456789")] == '\0') id = apr_strtoi64(text, NULL, 10);
    }
    return id > 0 && id <= ID_MOST ? id : 0;
}

static const char *text_in(json_object *object, const char *key)
{
    json_object *value = salon_path(object, key);
    return json_object_is_type(value, json_type_string) ? json_object_get_string(value) : NULL;
}

/* An unknown role is none. */
static bool identity_in(json_object *object, salon_identity_t *identity)
{
    const char *role = text_in(object, "role"), *name = text_in(object, "username");
    apr_int64_t id = id_of(salon_path(object, "id"));
    if (id == 0) id = id_of(salon_path(object, "user_id"));
    if (name == NULL) name = text_in(object, "name");
    *identity = (salon_identity_t){ .id = id, .name = name };
    identity->has_role = role != NULL && salon_role_parse(role, &identity->role);
    return id != 0;
}

static bool identity_find(json_object *answer, salon_identity_t *identity)
{
    static const char *const places[] = { "", "data", "user", "data.user" };
    for (size_t i = 0; i < sizeof(places) / sizeof(places[0]); i++) {
        json_object *object = salon_path(answer, places[i]);
        if (json_object_is_type(object, json_type_object) && identity_in(object, identity))
            return true;
    }
    return false;
}

/* What is no answer to the question, though there was one. */
static bool is_no_answer(int status)
{
    static const int statuses[] = { 408, 425, 429 };
    for (size_t i = 0; i < sizeof(statuses) / sizeof(statuses[0]); i++)
        if (status == statuses[i]) return true;
    return status < 200 || (status >= 300 && status < 400) || status >= 500;
}

identity_status_t whose_read(const salon_fetched_t *answer, json_object **json_r,
                             salon_identity_t *identity)
{
    *json_r = NULL;
    if (is_no_answer(answer->status)) return IDENTITY_UNKNOWN;
    if (answer->status >= 300) return IDENTITY_REFUSED;
    if (answer->cut || !salon_json_parse(answer->body, answer->length, json_r))
        return IDENTITY_UNKNOWN;
    return identity_find(*json_r, identity) ? IDENTITY_GIVEN : IDENTITY_REFUSED;
}
