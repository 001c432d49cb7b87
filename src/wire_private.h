/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the files of dialects at work (wire*.c) share: a dialect's tables, by hash.
 */
#ifndef WIRE_PRIVATE_H
#define WIRE_PRIVATE_H

#include <apr_hash.h>

#include "wire.h"

struct wire_t {
    const salon_dialect_t *dialect;
    int index;
    apr_hash_t *messages, *events, *errors; /* rows by wire type, event, code */
    apr_hash_t *operations;                 /* row -> operation_t */
    const salon_wire_error_t *fallback;     /* of codes that have no row */
};

#endif
