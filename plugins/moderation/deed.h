/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The operations moderation.mute, .ban, .kick, .lift and .list.
 */
#ifndef DEED_H
#define DEED_H

#include <salon/plugin.h>

salon_handler_t moderation_mute, moderation_ban, moderation_kick, moderation_lift, moderation_list;

#endif
