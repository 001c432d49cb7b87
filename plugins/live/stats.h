/* SPDX-License-Identifier: Apache-2.0 */
/*
 * GET /monitoring/chat/stats: how many connections there are, and in which rooms.
 */
#ifndef STATS_H
#define STATS_H

#include <salon/plugin.h>

salon_handler_t stats_get;

#endif
