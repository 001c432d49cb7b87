/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A message on its way to the store, and back.
 */
#ifndef TIMELINE_SEND_H
#define TIMELINE_SEND_H

#include "timeline.h"

typedef struct {
    store_job_t job; /* first */
    salon_req_t *req;
    message_t message;
    const salon_timeline_kind_t *kind;
    struct statements_t *added; /* by the plugin; NULL: none */
    bool known;   /* the client id was used before; message is the first one */
    bool refused; /* no such parent, or no such timeline any more */
} send_t;

/* Of these jobs. */
extern const store_class_t send_class;

#endif
