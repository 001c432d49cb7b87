/* SPDX-License-Identifier: Apache-2.0 */
/*
 * From the wire: a message, or an opening, becomes the calls that it asks for, by the dialect's
 * table of messages.  What cannot be understood becomes a call, too, which is answered with a
 * refusal: so answers keep the order of what was sent.
 */
#include <stdlib.h>
#include <string.h>
#include <sys/param.h>

#include <apr_strings.h>

#include "json.h"
#include "utf8.h"
#include "wire_private.h"

#define FIELD_MOST 64 /* bytes of a field's name, with its NUL */

static call_t *call_add(salon_calls_t *calls, const salon_wire_message_t *row)
{
    call_t *call = calloc(1, sizeof(*call));
    if (call == NULL) abort();
    call->row = row;
    if (row != NULL)
        call->operation =
            apr_hash_get(calls->wire->operations, &row->operation, sizeof(row->operation));
    *calls->last = call;
    calls->last = &call->next;
    return call;
}

void call_free(call_t **call)
{
    json_object_put((*call)->arguments);
    free((void *)(*call)->field);
    free((*call)->claims);
    free(*call);
    *call = NULL;
}

void salon_call(salon_calls_t *calls, const salon_wire_message_t *row, json_object *arguments)
{
    call_t *call = call_add(calls, row);
    call->arguments = arguments != NULL ? arguments : json_object_new_object();
    if (call->operation == NULL) call->code = SALON_UNKNOWN;
}

void salon_call_refuse(salon_calls_t *calls, const salon_wire_message_t *row, const char *code,
                       const char *field)
{
    call_t *call = call_add(calls, row);
    call->code = code;
    call->field = field != NULL ? strdup(field) : NULL;
}

static const salon_wire_message_t *row_find(const wire_t *wire, const char *type)
{
    return apr_hash_get(wire->messages, type, APR_HASH_KEY_STRING);
}

/* name: "parent_id", or a path of two, "media.url". */
static void argument_add(json_object *arguments, const char *name, json_object *value)
{
    char first[64];
    const char *dot = strchr(name, '.');
    json_object *inner;
    if (dot == NULL) {
        json_object_object_add(arguments, name, value);
        return;
    }
    apr_cpystrn(first, name, MIN((size_t)(dot - name) + 1, sizeof(first)));
    if (!json_object_object_get_ex(arguments, first, &inner)) {
        inner = json_object_new_object();
        json_object_object_add(arguments, first, inner);
    }
    json_object_object_add(inner, dot + 1, value);
}

bool wire_field_copy(const salon_wire_field_t *field, json_object *payload, json_object *arguments)
{
    json_object *value = payload;
    const char *part = field->wire;
    for (;;) {
        size_t length = strcspn(part, ".");
        char name[64];
        apr_cpystrn(name, part, MIN(length + 1, sizeof(name)));
        if (!json_object_object_get_ex(value, name, &value) || value == NULL) return true;
        if (part[length] == '\0') break;
        if (!json_object_is_type(value, json_type_object)) return false;
        part += length + 1;
    }
    argument_add(arguments, field->argument, json_object_get(value));
    return true;
}

void salon_call_fields(salon_calls_t *calls, const salon_wire_message_t *row, json_object *payload)
{
    json_object *arguments = json_object_new_object();
    for (const salon_wire_field_t *f = row->fields; f != NULL && f->wire != NULL; f++) {
        if (wire_field_copy(f, payload, arguments)) continue;
        json_object_put(arguments);
        salon_call_refuse(calls, row, SALON_INVALID, f->wire);
        return;
    }
    salon_call(calls, row, arguments);
}

/* The payload: the whole message, or the member of it that the dialect names; absent: an empty one.
 * NULL: it is there, but is no object. */
static json_object *payload_of(const salon_dialect_t *dialect, json_object *message)
{
    if (dialect->payload == NULL) return json_object_get(message);
    json_object *payload = NULL;
    if (!json_object_object_get_ex(message, dialect->payload, &payload) || payload == NULL)
        return json_object_new_object();
    return json_object_is_type(payload, json_type_object) ? json_object_get(payload) : NULL;
}

void salon_call_message(salon_calls_t *calls, json_object *message)
{
    const salon_dialect_t *dialect = calls->wire->dialect;
    json_object *type = NULL;
    if (!json_object_is_type(message, json_type_object) ||
        !json_object_object_get_ex(message, "type", &type) ||
        !json_object_is_type(type, json_type_string)) {
        salon_call_refuse(calls, NULL, SALON_INVALID, "type");
        return;
    }
    const salon_wire_message_t *row = row_find(calls->wire, json_object_get_string(type));
    if (row == NULL) {
        salon_call_refuse(calls, NULL, SALON_UNKNOWN, "type");
        return;
    }
    json_object *payload = payload_of(dialect, message);
    if (payload == NULL) {
        salon_call_refuse(calls, row, SALON_INVALID, dialect->payload);
        return;
    }
    (row->decode != NULL ? row->decode : salon_call_fields)(calls, row, payload);
    json_object_put(payload);
}

static salon_calls_t calls_make(const wire_t *wire, call_t **first)
{
    *first = NULL;
    return (salon_calls_t){ .wire = wire, .last = first };
}

static void json_decode(salon_calls_t *calls, const char *text, size_t length)
{
    json_object *message;
    char field[FIELD_MOST];
    if (json_parse(text, length, &message)) salon_call_message(calls, message);
    else if (json_find_wrong(text, length, field, sizeof(field)))
        salon_call_refuse(calls, NULL, SALON_INVALID, field);
    else salon_call_refuse(calls, NULL, SALON_INVALID, NULL);
    json_object_put(message);
}

call_t *wire_decode(const wire_t *wire, const char *text, size_t length)
{
    call_t *first;
    salon_calls_t calls = calls_make(wire, &first);
    if (wire->dialect->decode_raw == NULL) json_decode(&calls, text, length);
    else if (utf8_valid(text, length)) wire->dialect->decode_raw(&calls, text, length);
    else salon_call_refuse(&calls, NULL, SALON_INVALID, NULL);
    bool several = first != NULL && first->next != NULL;
    for (call_t *call = first; call != NULL; call = call->next) call->in_order = several;
    return first;
}

call_t *wire_refuse(const wire_t *wire, const char *code)
{
    call_t *first;
    salon_calls_t calls = calls_make(wire, &first);
    salon_call_refuse(&calls, NULL, code, NULL);
    return first;
}

call_t *wire_open(const wire_t *wire, const salon_opening_t *opening)
{
    call_t *first;
    salon_calls_t calls = calls_make(wire, &first);
    if (wire->dialect->open != NULL) wire->dialect->open(opening, &calls);
    for (call_t *call = first; call != NULL; call = call->next) call->opening = true;
    return first;
}
