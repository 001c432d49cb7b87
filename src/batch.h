/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Batches: messages that wait for one connection at the same time, sent as one message, in a
 * dialect that has words for that.  Network threads.
 */
#ifndef BATCH_H
#define BATCH_H

#include "frame.h"
#include "salon/dialect.h"

#define BATCH_MOST 100 /* messages */

/* Joins as many of the frames, from the first on, as are messages and fit into `most` bytes.
 * *count_r: how many.  NULL where that is less than two: they are to be sent as they are. */
frame_t *batch_make(const salon_dialect_t *dialect, frame_t *const *frames, unsigned count,
                    size_t most, unsigned *count_r);

#endif
