/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Work that may block, done off the chat thread, one thing after the other in the order in which it
 * was asked for.
 */
#ifndef WORK_H
#define WORK_H

#include "salon/plugin.h"

/* Removes a file, some time. */
void work_unlink(const char *path);
/* How many are waiting or under way. */
int work_count(void);

#endif
