/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Removing what nobody uses, a little at a time.
 */
#ifndef MEDIA_SWEEP_H
#define MEDIA_SWEEP_H

#include "library.h"

extern apr_int64_t sweep_grace; /* hours for which an entry may be unused; 0: for ever */

/* The hook. */
void sweep_tick(apr_int64_t now);

#endif
