/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Calls: what a dialect made of a client's message, on its way from a network thread to the chat
 * thread.  The JSON tree in it moves whole: json-c's counts are not atomic.
 */
#ifndef CALL_H
#define CALL_H

#include <apr_time.h>

#include "chat_note.h"
#include "operation.h"
#include "salon/dialect.h"
#include "token.h"

/* A connection as other threads name it: never dangling, for the generation tells. */
typedef struct conn_ref_t {
    int thread;
    int slot;
    unsigned generation;
} conn_ref_t;

typedef struct call_t {
    chat_note_t note;
    struct call_t *next;
    conn_ref_t conn;
    const salon_wire_message_t *row; /* NULL: not known */
    const operation_t *operation;    /* NULL: there is none; see code */
    json_object *arguments;          /* an object; NULL: none */
    const char *code;                /* of a refusal; NULL: there is an operation */
    const char *field;               /* in the wire's name, allocated; NULL: none */
    token_claims_t *claims;          /* of the argument "token", when it is valid; allocated */
    apr_time_t arrived;
    size_t size;                     /* bytes of the message, for the bound on what waits */
    bool opening;                    /* asked for by the opening, not by a message */
    bool in_order;                   /* one of several of a message: none overtakes another */
} call_t;

/* The calls that one wire message or one opening makes. */
struct salon_calls_t {
    const struct wire_t *wire;
    call_t *first, **last;
};

/* Frees it with all that it owns, but not those behind it. */
void call_free(call_t **call);

#endif
