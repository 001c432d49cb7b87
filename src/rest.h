/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The HTTP side of dialects: routes that lead to operations, see salon_wire_route_t.  Chat thread.
 */
#ifndef REST_H
#define REST_H

#include "plugin.h"
#include "request.h"

/* From now on the request is answered in the dialect's words. */
void rest_begin(salon_req_t *req, const plugin_route_t *route);
/* Makes the arguments, checks and handles the request. */
salon_outcome_t rest_run(salon_req_t *req, const plugin_route_t *route);

#endif
