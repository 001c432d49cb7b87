/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Who may mute and ban over this dialect, whose table of roles knows no owners.
 */
#ifndef SANCTION_H
#define SANCTION_H

#include <salon/plugin.h>

salon_handler_t sanction_mute, sanction_ban;
extern const salon_argument_t sanction_arguments[];

#endif
