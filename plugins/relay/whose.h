/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the upstream's answer to the question whose a token is means.
 */
#ifndef WHOSE_H
#define WHOSE_H

#include <salon/fetch.h>

#include "identity.h"

/* Of IDENTITY_GIVEN, *identity is filled; its name is that of *json_r, which the caller puts away
 * in any case (NULL: there is none). */
identity_status_t whose_read(const salon_fetched_t *answer, json_object **json_r,
                             salon_identity_t *identity);

#endif
