/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A dialect at work: its tables, looked up by hash, and the ways between bytes and canonical JSON
 * that all dialects share.
 */
#ifndef WIRE_H
#define WIRE_H

#include "call.h"
#include "frame.h"

#define WIRE_MOST 16 /* dialects at once */

typedef struct wire_t wire_t;

/* Before the first is registered. */
void wire_init(apr_pool_t *pool);
/* NULL: done; otherwise what is wrong with the dialect's tables. */
const char *wire_register(const salon_dialect_t *dialect);
/* After all plugins have been registered: what dialects name must exist.  Operations of plugins
 * that are not loaded answer as unknown. */
void wire_resolve(void);

/* Those that are registered, in their order. */
int wire_count(void);
const wire_t *wire_at(int index);
/* NULL: no such dialect. */
const wire_t *wire_find(const char *name);
int wire_index(const wire_t *wire);
const salon_dialect_t *wire_dialect(const wire_t *wire);
/* NULL-terminated names of those there are. */
const char *const *wire_names(void);

/* Any thread.  What a message, or an opening, asks for: a list of calls, possibly empty. */
call_t *wire_decode(const wire_t *wire, const char *text, size_t length);
call_t *wire_refuse(const wire_t *wire, const char *code);
call_t *wire_open(const wire_t *wire, const salon_opening_t *opening);

/* Has the dialect words for the event? */
bool wire_tells(const wire_t *wire, const char *event);
/* The frame of an event; NULL: the dialect has no words for it.  data is borrowed. */
/* *except_r: a user whose connections are not told; 0: all are. */
frame_t *wire_event(const wire_t *wire, const salon_event_t *event, json_object *data,
                    apr_int64_t *except_r);
/* The frame of an answer; NULL: there is none.  data (borrowed) may be NULL. */
frame_t *wire_reply(const wire_t *wire, const salon_wire_message_t *row, json_object *data);
/* What a refusal with that code says to people. */
const char *wire_error_text(const wire_t *wire, const char *code);
/* Has the dialect a row of its own for the code? */
bool wire_spells(const wire_t *wire, const char *code);
/* A new object: the body of a refused HTTP request.  route: NULL: of somebody else's.  details:
 * borrowed, may be NULL. */
json_object *wire_route_error(const wire_t *wire, const salon_wire_route_t *route,
                              const char *code, json_object *details, apr_int64_t retry_after);
/* Copies what the field's path leads to into the arguments, if there is anything.  False: it leads
 * through something that is no object. */
bool wire_field_copy(const salon_wire_field_t *field, json_object *payload,
                     json_object *arguments);
/* The code that the dialect closes with for that canonical code; 1008 where it has none. */
int wire_close_code(const wire_t *wire, const char *code);
/* The frame of a refusal.  asked, its arguments, and details: borrowed, may be NULL.  *close_r: the
 * code to close with; 0. */
frame_t *wire_error(const wire_t *wire, const salon_wire_message_t *row, json_object *asked,
                    const char *code, json_object *details, apr_int64_t retry_after, int *close_r);

#endif
