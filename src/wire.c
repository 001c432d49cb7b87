/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The tables of a dialect become three hash tables: rows by wire type, by event, by code.  They are
 * made before the threads start and only read afterwards, by all of them.
 */
#include "wire.h"

#include <string.h>
#include <sys/param.h>

#include <apr_hash.h>
#include <apr_strings.h>

#include "json.h"
#include "utf8.h"

#define CLOSE_POLICY 1008

struct wire_t {
    const salon_dialect_t *dialect;
    int index;
    apr_hash_t *messages, *events, *errors;
    apr_hash_t *operations; /* row -> operation_t */
    const salon_wire_error_t *fallback;
};

static struct {
    apr_pool_t *pool;
    int count;
    wire_t wires[WIRE_MOST];
    const char *names[WIRE_MOST + 1];
} all;

void wire_init(apr_pool_t *pool)
{
    memset(&all, 0, sizeof(all));
    all.pool = pool;
}

static const char *tables_check(const salon_dialect_t *dialect)
{
    if (dialect->messages == NULL || dialect->events == NULL || dialect->errors == NULL)
        return "lacks a table";
    if (dialect->envelope == NULL || dialect->error == NULL || dialect->error_type == NULL)
        return "lacks a function";
    if (dialect->batch_query && (dialect->batch_head == NULL || dialect->batch_tail == NULL))
        return "lacks its words for batches";
    if (all.count == WIRE_MOST) return "is one too many";
    return wire_find(dialect->name) != NULL ? "exists already" : NULL;
}

static void tables_index(wire_t *wire)
{
    for (const salon_wire_message_t *row = wire->dialect->messages; row->type != NULL; row++)
        if (!row->hidden) apr_hash_set(wire->messages, row->type, APR_HASH_KEY_STRING, row);
    for (const salon_wire_event_t *row = wire->dialect->events; row->event != NULL; row++)
        if (apr_hash_get(wire->events, row->event, APR_HASH_KEY_STRING) == NULL)
            apr_hash_set(wire->events, row->event, APR_HASH_KEY_STRING, row);
    const salon_wire_error_t *row = wire->dialect->errors;
    for (; row->code != NULL; row++)
        apr_hash_set(wire->errors, row->code, APR_HASH_KEY_STRING, row);
    wire->fallback = row;
}

const char *wire_register(const salon_dialect_t *dialect)
{
    if (dialect->name == NULL) return "has a dialect without a name";
    const char *wrong = tables_check(dialect);
    if (wrong != NULL) return apr_psprintf(all.pool, "dialect \"%s\" %s", dialect->name, wrong);
    wire_t *wire = &all.wires[all.count];
    *wire = (wire_t){ .dialect = dialect,
                      .index = all.count,
                      .messages = apr_hash_make(all.pool),
                      .events = apr_hash_make(all.pool),
                      .errors = apr_hash_make(all.pool),
                      .operations = apr_hash_make(all.pool) };
    tables_index(wire);
    all.names[all.count++] = dialect->name;
    return NULL;
}

void wire_resolve(void)
{
    for (int i = 0; i < all.count; i++) {
        wire_t *wire = &all.wires[i];
        for (const salon_wire_message_t *row = wire->dialect->messages; row->type != NULL; row++) {
            const operation_t *operation =
                row->operation != NULL ? operation_find(row->operation) : NULL;
            if (operation == NULL || (operation->row->flags & SALON_INTERNAL)) continue;
            apr_hash_set(wire->operations, &row->operation, sizeof(row->operation), operation);
        }
    }
}

int wire_count(void)
{
    return all.count;
}

const wire_t *wire_at(int index)
{
    return &all.wires[index];
}

const wire_t *wire_find(const char *name)
{
    for (int i = 0; i < all.count; i++)
        if (strcmp(all.names[i], name) == 0) return &all.wires[i];
    return NULL;
}

int wire_index(const wire_t *wire)
{
    return wire->index;
}

const salon_dialect_t *wire_dialect(const wire_t *wire)
{
    return wire->dialect;
}

const char *const *wire_names(void)
{
    return all.names;
}

/* ---- From the wire ---- */

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

/* A path that leads through something that is no object makes the call a refusal. */
static bool field_copy(const salon_wire_field_t *field, json_object *payload,
                       json_object *arguments)
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
        if (field_copy(f, payload, arguments)) continue;
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
    if (json_parse(text, length, &message)) salon_call_message(calls, message);
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

/* ---- To the wire ---- */

/* Of a dialect whose messages are no JSON, a string is the whole message. */
static bool is_raw(const wire_t *wire, json_object *data)
{
    return wire->dialect->decode_raw != NULL && json_object_is_type(data, json_type_string);
}

static frame_t *raw_frame(json_object *data, bool droppable)
{
    frame_t *frame = frame_make(FRAME_TEXT, json_object_get_string(data),
                                (size_t)json_object_get_string_len(data), droppable);
    json_object_put(data);
    return frame;
}

static frame_t *envelope_frame(const wire_t *wire, const char *type, json_object *data,
                               bool droppable)
{
    if (is_raw(wire, data)) return raw_frame(data, droppable);
    json_object *message = wire->dialect->envelope(type, data);
    size_t length;
    const char *text = json_text(message, &length);
    frame_t *frame = frame_make(FRAME_TEXT, text, length, droppable);
    json_object_put(message);
    return frame;
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
    json_object *shaped = row->encode != NULL ? row->encode(data) : salon_shape(row->shape, data);
    if (shaped == NULL) return NULL;
    return envelope_frame(wire, row->type, shaped, event->flags & SALON_DROPPABLE);
}

frame_t *wire_reply(const wire_t *wire, const salon_wire_message_t *row, json_object *data)
{
    if (row == NULL || row->reply == NULL) return NULL;
    json_object *shaped = row->answer != NULL ? row->answer(data) : salon_shape(row->shape, data);
    return shaped != NULL ? envelope_frame(wire, row->reply, shaped, false) : NULL;
}

const char *wire_error_text(const wire_t *wire, const char *code)
{
    const salon_wire_error_t *row = apr_hash_get(wire->errors, code, APR_HASH_KEY_STRING);
    return row != NULL ? row->message : wire->fallback->message;
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

static const salon_wire_error_t *spelling_of(const wire_t *wire, const char *code)
{
    const salon_wire_error_t *row = apr_hash_get(wire->errors, code, APR_HASH_KEY_STRING);
    return row != NULL ? row : wire->fallback;
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
    return refusal_data(wire, route->fields, &refusal);
}

bool wire_field_copy(const salon_wire_field_t *field, json_object *payload, json_object *arguments)
{
    return field_copy(field, payload, arguments);
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
