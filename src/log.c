/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The log.  A line is made on the caller's stack and leaves with one write(2) of at most PIPE_BUF
 * bytes, so lines of several threads never mix, in a pipe or in a file opened for appending.
 * Threads see the target through one atomic number.  A file's descriptor is never closed once
 * there was one: another file is put in its place (dup3), so that no thread can write to a
 * descriptor that has become something else.  Relies on log_open being called by one thread only.
 */
#define LOG_AREA "log"

#include "log.h"

#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>
#include <syslog.h>
#include <time.h>
#include <unistd.h>

#include <apr_time.h>

#define SINK_SYSLOG (-1)
#define TEXT_SIZE   2048 /* bytes of a text, before escaping */
#define LINE_SIZE   PIPE_BUF
#define BURST       20 /* lines a second that log_limited lets through */

typedef struct level_t {
    const char *name;
    int priority; /* syslog's */
} level_t;

static const level_t levels[] = {
    [SALON_LOG_ERROR] = { "error", LOG_ERR },
    [SALON_LOG_WARNING] = { "warning", LOG_WARNING },
    [SALON_LOG_NOTICE] = { "notice", LOG_NOTICE },
    [SALON_LOG_INFO] = { "info", LOG_INFO },
    [SALON_LOG_DEBUG] = { "debug", LOG_DEBUG },
};
#define LEVELS ((int)(sizeof(levels) / sizeof(levels[0])))

static atomic_int threshold = SALON_LOG_INFO;
static atomic_int sink = STDERR_FILENO; /* a descriptor, or SINK_SYSLOG */
static int file_fd = -1;                /* of the last file that was the target */

/* High 32 bits: a second; low 32 bits: how often log_limited was asked in it. */
static _Atomic apr_uint64_t limit_state;

bool log_enabled(salon_log_level_t level)
{
    return (int)level <= atomic_load_explicit(&threshold, memory_order_relaxed);
}

bool log_level_parse(const char *name, salon_log_level_t *level_r)
{
    for (int i = 0; i < LEVELS; i++) {
        if (strcmp(levels[i].name, name) == 0) {
            *level_r = (salon_log_level_t)i;
            return true;
        }
    }
    return false;
}

/* How many bytes at `text` are one control character: C0, DEL, and the C1 ones in UTF-8. */
static size_t control_length(const unsigned char *text)
{
    if (text[0] < 0x20 || text[0] == 0x7f) return 1;
    if (text[0] == 0xc2 && text[1] >= 0x80 && text[1] <= 0x9f) return 2;
    return 0;
}

/* Bytes of the character at `text`, by its first byte; never past the terminating NUL. */
static size_t character_length(const unsigned char *text)
{
    size_t length = 1;
    while (length < 4 && (text[length] & 0xc0) == 0x80 && text[0] >= 0xc0) length++;
    return length;
}

/* Copies with control characters as \xNN; what does not fit is left out, whole characters only. */
static size_t escape(char *to, size_t size, const char *text)
{
    const unsigned char *from = (const unsigned char *)text;
    size_t used = 0;
    while (*from != '\0') {
        size_t control = control_length(from);
        size_t length = control > 0 ? control : character_length(from);
        size_t needed = control > 0 ? 4 * control : length;
        if (used + needed >= size) break;
        for (size_t i = 0; i < control; i++) sprintf(to + used + 4 * i, "\\x%02x", from[i]);
        if (control == 0) memcpy(to + used, from, length);
        used += needed;
        from += length;
    }
    to[used] = '\0';
    return used;
}

static size_t print_prefix(char *line, size_t size, salon_log_level_t level, const char *area)
{
    apr_time_exp_t now;
    apr_time_exp_gmt(&now, apr_time_now());
    int length = snprintf(line, size, "%04d-%02d-%02dT%02d:%02d:%02d.%03dZ %s %.32s: ",
                          now.tm_year + 1900, now.tm_mon + 1, now.tm_mday, now.tm_hour, now.tm_min,
                          now.tm_sec, now.tm_usec / 1000, levels[level].name, area);
    return (size_t)length;
}

static void write_line(int fd, salon_log_level_t level, const char *area, const char *text)
{
    char line[LINE_SIZE];
    size_t length = print_prefix(line, sizeof(line), level, area);
    length += escape(line + length, sizeof(line) - length - 1, text);
    line[length++] = '\n';
    ssize_t written;
    do {
        written = write(fd, line, length);
    } while (written < 0 && errno == EINTR);
}

static void write_syslog(salon_log_level_t level, const char *area, const char *text)
{
    char escaped[LINE_SIZE];
    escape(escaped, sizeof(escaped), text);
    syslog(levels[level].priority, "%s: %s", area, escaped);
}

void salon_log(salon_log_level_t level, const char *area, const char *format, ...)
{
    if (!log_enabled(level)) return;
    int error = errno;
    char text[TEXT_SIZE];
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(text, sizeof(text), format, arguments);
    va_end(arguments);
    int fd = atomic_load(&sink);
    if (fd == SINK_SYSLOG) {
        write_syslog(level, area, text);
    } else {
        write_line(fd, level, area, text);
    }
    errno = error;
}

apr_int64_t salon_now(void)
{
    return apr_time_as_msec(apr_time_now());
}

/* Opens the file and puts it where the last one was. */
static apr_status_t open_file(const char *path)
{
    int fd = open(path, O_WRONLY | O_CREAT | O_APPEND | O_NOCTTY | O_CLOEXEC, 0640);
    if (fd < 0) return APR_FROM_OS_ERROR(errno);
    if (file_fd < 0) {
        file_fd = fd;
        return APR_SUCCESS;
    }
    apr_status_t rv = dup3(fd, file_fd, O_CLOEXEC) < 0 ? APR_FROM_OS_ERROR(errno) : APR_SUCCESS;
    close(fd);
    return rv;
}

apr_status_t log_open(const char *target, salon_log_level_t level)
{
    int fd = STDERR_FILENO;
    if (strcmp(target, "syslog") == 0) {
        openlog("salond", LOG_PID | LOG_NDELAY, LOG_DAEMON);
        fd = SINK_SYSLOG;
    } else if (strcmp(target, "stderr") != 0) {
        apr_status_t rv = open_file(target);
        if (rv != APR_SUCCESS) return rv;
        fd = file_fd;
    }
    atomic_store(&sink, fd);
    atomic_store(&threshold, (int)level);
    return APR_SUCCESS;
}

/* Of a clock that never goes back. */
static apr_uint64_t clock_second(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (apr_uint64_t)now.tv_sec;
}

bool log_limited(void)
{
    apr_uint64_t second = clock_second();
    apr_uint64_t old = atomic_load(&limit_state);
    apr_uint64_t state;
    do {
        state = old >> 32 >= second ? old + 1 : second << 32 | 1;
    } while (!atomic_compare_exchange_weak(&limit_state, &old, state));

    apr_uint64_t before = old & 0xffffffffu;
    if (old >> 32 < second && before > BURST) {
        log_warning("%" APR_UINT64_T_FMT " similar lines were left out", before - BURST);
    }
    return (state & 0xffffffffu) <= BURST;
}
