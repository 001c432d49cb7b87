/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The log: to standard error, a file or syslog; one line per event, written with one call, so that
 * threads need no lock.  Control characters are escaped.  Lines that peers can provoke at will
 * are limited (log_limited).
 */
#ifndef LOG_H
#define LOG_H

#include <apr_pools.h>
#include <apr_errno.h>

#include "salon/plugin.h"

/* Each .c file that logs defines LOG_AREA first. */
#define log_error(...)   salon_log(SALON_LOG_ERROR, LOG_AREA, __VA_ARGS__)
#define log_warning(...) salon_log(SALON_LOG_WARNING, LOG_AREA, __VA_ARGS__)
#define log_notice(...)  salon_log(SALON_LOG_NOTICE, LOG_AREA, __VA_ARGS__)
#define log_info(...)    salon_log(SALON_LOG_INFO, LOG_AREA, __VA_ARGS__)
#define log_debug(...)                                                                           \
    do {                                                                                         \
        if (log_enabled(SALON_LOG_DEBUG)) salon_log(SALON_LOG_DEBUG, LOG_AREA, __VA_ARGS__);     \
    } while (0)

/* Any thread.  Would a line of that level be written? */
bool log_enabled(salon_log_level_t level);
/* "error", "warning", "notice", "info", "debug"; false: unknown. */
bool log_level_parse(const char *name, salon_log_level_t *level_r);

/* target: "stderr", "syslog", or a file's path.  Called again to change it, or to reopen the file
 * (SIGHUP).  On failure the log goes on as it was. */
apr_status_t log_open(const char *target, salon_log_level_t level);

/* True at most 20 times a second in the whole process; then false, and the number of refused
 * ones is logged when the second is over.  For what a peer can provoke. */
bool log_limited(void);

#endif
