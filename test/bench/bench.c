/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The clock, giving up, memory and descriptors, for the load program and the floor server.
 */
#define _GNU_SOURCE 1
#include <arpa/inet.h>
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <time.h>

#include "bench.h"

#define SPARE_FILES 64 /* for everything that is not a connection */

int64_t bench_now(void)
{
    struct timespec now;

    clock_gettime(CLOCK_MONOTONIC, &now);
    return (int64_t)now.tv_sec * BENCH_SECOND + now.tv_nsec;
}

void bench_die(const char *format, ...)
{
    va_list arguments;

    va_start(arguments, format);
    fflush(stdout);
    fprintf(stderr, "%s: ", program_invocation_short_name);
    vfprintf(stderr, format, arguments);
    fputc('\n', stderr);
    va_end(arguments);
    exit(2);
}

void *bench_alloc(size_t count, size_t size)
{
    void *memory = calloc(count, size);

    if (memory == NULL && count > 0)
        abort();
    return memory;
}

void *bench_grow(void *memory, size_t size)
{
    void *grown = realloc(memory, size);

    if (grown == NULL)
        abort();
    return grown;
}

struct sockaddr_in bench_address(const char *text)
{
    struct sockaddr_in address = { .sin_family = AF_INET };
    const char *colon = strrchr(text, ':');
    char host[INET_ADDRSTRLEN];
    char *end;
    long port = colon ? strtol(colon + 1, &end, 10) : -1;

    if (port < 0 || port > 65535 || *end != '\0' || (size_t)(colon - text) >= sizeof host)
        bench_die("%s is not ADDRESS:PORT", text);
    memcpy(host, text, (size_t)(colon - text));
    host[colon - text] = '\0';
    if (inet_pton(AF_INET, host, &address.sin_addr) != 1)
        bench_die("%s is not an IPv4 address", host);
    address.sin_port = htons((uint16_t)port);
    return address;
}

void bench_need_files(int count)
{
    struct rlimit limit;
    rlim_t needed = (rlim_t)count + SPARE_FILES;

    getrlimit(RLIMIT_NOFILE, &limit);
    if (limit.rlim_cur >= needed)
        return;
    limit.rlim_cur = needed;
    if (limit.rlim_max < needed)
        limit.rlim_max = needed;
    if (setrlimit(RLIMIT_NOFILE, &limit) != 0)
        bench_die("cannot have %d connections: %s (ulimit -n)", count, strerror(errno));
}

void bench_all_files(void)
{
    struct rlimit limit;

    getrlimit(RLIMIT_NOFILE, &limit);
    limit.rlim_cur = limit.rlim_max;
    setrlimit(RLIMIT_NOFILE, &limit);
}
