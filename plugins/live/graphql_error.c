/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Columns count code points, from 1, as editors do.
 */
#include "graphql_error.h"

#include <stdarg.h>

#include <apr_strings.h>

static json_object *location_json(const char *text, size_t at)
{
    int line = 1, column = 1;
    for (size_t i = 0; i < at; i++) {
        bool ends = text[i] == '\n' || (text[i] == '\r' && text[i + 1] != '\n');
        if (((unsigned char)text[i] & 0xc0) != 0x80) column++;
        if (!ends) continue;
        line++;
        column = 1;
    }
    json_object *json = json_object_new_object();
    json_object_object_add(json, "line", json_object_new_int(line));
    json_object_object_add(json, "column", json_object_new_int(column));
    return json;
}

static json_object *error_json(const char *message, const char *code)
{
    json_object *error = json_object_new_object();
    json_object_object_add(error, "message", json_object_new_string(message));
    if (code == NULL) return error;
    json_object *extensions = json_object_new_object();
    json_object_object_add(extensions, "code", json_object_new_string(code));
    json_object_object_add(error, "extensions", extensions);
    return error;
}

void errors_add(errors_t *errors, const char *code, size_t at, json_object *path,
                const char *format, ...)
{
    va_list args;
    if (errors->list == NULL) errors->list = json_object_new_array();
    if (json_object_array_length(errors->list) >= GRAPHQL_ERRORS) {
        json_object_put(path);
        return;
    }
    va_start(args, format);
    json_object *error = error_json(apr_pvsprintf(errors->pool, format, args), code);
    va_end(args);
    if (at != NOWHERE) {
        json_object *locations = json_object_new_array();
        json_object_array_add(locations, location_json(errors->text, at));
        json_object_object_add(error, "locations", locations);
    }
    if (path != NULL) json_object_object_add(error, "path", path);
    json_object_array_add(errors->list, error);
}

void errors_move(errors_t *errors, json_object *response)
{
    if (errors->list != NULL) json_object_object_add(response, "errors", errors->list);
    errors->list = NULL;
}

json_object *graphql_complaint(const char *message, const char *code)
{
    json_object *response = json_object_new_object(), *list = json_object_new_array();
    json_object_array_add(list, error_json(message, code));
    json_object_object_add(response, "errors", list);
    return response;
}
