/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The operations and routes of the core itself, for its tables.
 */
#ifndef CORE_H
#define CORE_H

#include "salon/plugin.h"

salon_handler_t core_session_authenticate, core_session_anonymous, core_session_ping,
    core_session_close;
salon_handler_t core_user_self, core_user_add, core_user_list, core_user_role, core_user_erase;
salon_handler_t core_server_stats, core_server_plugins, core_server_reload, core_server_stop;
salon_handler_t core_healthz, core_readyz, core_metrics;

#endif
