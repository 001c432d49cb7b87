/* SPDX-License-Identifier: Apache-2.0 */
/*
 * To the wire: events, answers and refusals become frames, by the dialect's tables.
 */
#include <string.h>

#include "shape.h"
#include "wire_private.h"

#define CLOSE_POLICY 1008

/* Of a dialect whose messages are no JSON, a string is the whole message. */
static bool is_raw(const wire_t *wire, json_object *data)
{
    return wire->dialect->decode_raw != NULL && json_object_is_type(data, json_type_string);
}

static frame_t *text_frame(text_t *text, bool droppable)
{
    frame_t *frame = frame_make(FRAME_TEXT, text->bytes, text->length, droppable);
    text_end(text);
    return frame;
}

static frame_t *raw_frame(json_object *data, bool droppable)
{
    frame_t *frame = frame_make(FRAME_TEXT, json_object_get_string(data),
                                (size_t)json_object_get_string_len(data), droppable);
    json_object_put(data);
    return frame;
}

/* Where the dialect has no envelope of its own. */
static json_object *usual_envelope(const char *type, const char *payload, json_object *data)
{
    json_object *message = salon_json_string(salon_json(), "type", type);
    return payload != NULL ? salon_json_value(message, payload, data)
                           : salon_json_merge(message, data);
}

static frame_t *envelope_frame(const wire_t *wire, const char *type, json_object *data,
                               bool droppable)
{
    if (is_raw(wire, data)) return raw_frame(data, droppable);
    const salon_dialect_t *dialect = wire->dialect;
    json_object *message = dialect->envelope != NULL
                               ? dialect->envelope(type, data)
                               : usual_envelope(type, dialect->payload, data);
    text_t text;
    text_begin(&text);
    text_add_json(&text, message);
    json_object_put(message);
    return text_frame(&text, droppable);
}

/* The usual envelope around a shape, written as it will be sent. */
static frame_t *shape_frame(const wire_t *wire, const char *type, const salon_shape_t *shape,
                            json_object *data, bool droppable)
{
    const char *payload = wire->dialect->payload;
    text_t text;
    text_begin(&text);
    text_add_plain(&text, "{\"type\":");
    text_add_string(&text, type, strlen(type));
    if (payload != NULL) {
        text_add_plain(&text, ",");
        text_add_name(&text, payload);
        shape_write(&text, shape, data);
    } else {
        shape_write_more(&text, shape, data);
    }
    text_add_plain(&text, "}");
    return text_frame(&text, droppable);
}

/* In the shape, unless a function makes the wire's data; NULL: it is not sent. */
static frame_t *data_frame(const wire_t *wire, const char *type, const salon_shape_t *shape,
                           json_object *(*make)(json_object *), json_object *data, bool droppable)
{
    if (make == NULL && wire->dialect->envelope == NULL)
        return shape_frame(wire, type, shape, data, droppable);
    json_object *made = make != NULL ? make(data) : salon_shape(shape, data);
    return made != NULL ? envelope_frame(wire, type, made, droppable) : NULL;
}

bool wire_tells(const wire_t *wire, const char *event)
{
    return apr_hash_get(wire->events, event, APR_HASH_KEY_STRING) != NULL;
}

frame_t *wire_event(const wire_t *wire, const salon_event_t *event, json_object *data,
                    apr_int64_t *except_r)
{
    const salon_wire_event_t *row = apr_hash_get(wire->events, event->name, APR_HASH_KEY_STRING);
    while (row != NULL && row->when != NULL && salon_path(data, row->when) == NULL)
        row = row[1].event != NULL && strcmp(row[1].event, event->name) == 0 ? row + 1 : NULL;
    if (row == NULL) return NULL;
    *except_r = row->except != NULL ? json_object_get_int64(salon_path(data, row->except)) : 0;
    return data_frame(wire, row->type, row->shape, row->encode, data,
                      event->flags & SALON_DROPPABLE);
}

frame_t *wire_reply(const wire_t *wire, const salon_wire_message_t *row, json_object *data)
{
    if (row == NULL || row->reply == NULL) return NULL;
    return data_frame(wire, row->reply, row->shape, row->answer, data, false);
}

static const salon_wire_error_t *spelling_of(const wire_t *wire, const char *code)
{
    const salon_wire_error_t *row = apr_hash_get(wire->errors, code, APR_HASH_KEY_STRING);
    return row != NULL ? row : wire->fallback;
}

const char *wire_error_text(const wire_t *wire, const char *code)
{
    return spelling_of(wire, code)->message;
}

/* Is it one of the names in "one|another"? */
static bool is_named(const char *names, const char *name)
{
    size_t length = strlen(name);
    for (const char *at = names;; at++) {
        if (strncmp(at, name, length) == 0 && strchr("|", at[length]) != NULL) return true;
        at = strchr(at, '|');
        if (at == NULL) return false;
    }
}

/* The canonical argument's name in "field" becomes the wire's; of several, the one that the message
 * has. */
static json_object *details_translate(const salon_wire_field_t *fields, json_object *details)
{
    json_object *field;
    if (fields == NULL || details == NULL || !json_object_object_get_ex(details, "field", &field))
        return json_object_get(details);
    json_object *copy = NULL;
    json_object_deep_copy(details, &copy, NULL);
    for (const salon_wire_field_t *f = fields; f->wire != NULL; f++) {
        if (!is_named(json_object_get_string(field), f->argument)) continue;
        json_object_object_add(copy, "field", json_object_new_string(f->wire));
        break;
    }
    return copy;
}

/* In the words of the dialect; the refusal's details are canonical when this is called. */
static json_object *refusal_data(const wire_t *wire, const salon_wire_field_t *fields,
                                 salon_refusal_t *refusal)
{
    json_object *translated = details_translate(fields, refusal->details);
    refusal->details = translated;
    json_object *data = wire->dialect->error(refusal);
    json_object_put(translated);
    return data;
}

json_object *wire_route_error(const wire_t *wire, const salon_wire_route_t *route,
                              const char *code, json_object *details, apr_int64_t retry_after)
{
    salon_refusal_t refusal = { .row = spelling_of(wire, code),
                                .details = details,
                                .retry_after = retry_after };
    return refusal_data(wire, route != NULL ? route->fields : NULL, &refusal);
}

bool wire_spells(const wire_t *wire, const char *code)
{
    return apr_hash_get(wire->errors, code, APR_HASH_KEY_STRING) != NULL;
}

int wire_close_code(const wire_t *wire, const char *code)
{
    const salon_wire_error_t *row = apr_hash_get(wire->errors, code, APR_HASH_KEY_STRING);
    return row != NULL && row->close != 0 ? row->close : CLOSE_POLICY;
}

frame_t *wire_error(const wire_t *wire, const salon_wire_message_t *row, json_object *asked,
                    const char *code, json_object *details, apr_int64_t retry_after, int *close_r)
{
    salon_refusal_t refusal = { .row = spelling_of(wire, code),
                                .message = row,
                                .asked = asked,
                                .details = details,
                                .retry_after = retry_after };
    json_object *data = refusal_data(wire, row != NULL ? row->fields : NULL, &refusal);
    *close_r = refusal.row->close;
    if (data == NULL) return NULL;
    const char *type = row != NULL && row->error != NULL ? row->error : wire->dialect->error_type;
    return envelope_frame(wire, type, data, false);
}
