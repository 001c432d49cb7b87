/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Messenger's ways over HTTP.
 */
#ifndef ROUTES_H
#define ROUTES_H

#include <salon/dialect.h>

extern const salon_wire_route_t messenger_routes[];

#endif
