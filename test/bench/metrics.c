/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One blocking HTTP request, on a connection of its own; the answer is the Prometheus text format,
 * "name{labels} value" on each line.
 */
#define _GNU_SOURCE 1
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>

#include "metrics.h"

#define ANSWER_MAX (1 << 20)

/* Has the answer come in full?  Else the server's closing the connection tells. */
static bool complete(const char *answer, size_t size)
{
    static const char last_chunk[] = "\r\n0\r\n\r\n";
    const size_t tail = sizeof last_chunk - 1;
    const char *body = strstr(answer, "\r\n\r\n");
    const char *length = strcasestr(answer, "\r\nContent-Length:");

    if (body == NULL)
        return false;
    if (length != NULL && length < body)
        return answer + size - (body + 4) >= strtol(length + 17, NULL, 10);
    return size >= tail && memcmp(answer + size - tail, last_chunk, tail) == 0;
}

/* Reads what comes, up to the end of the answer. */
static void read_answer(int fd, char *answer)
{
    size_t size = 0;
    ssize_t got;

    do {
        got = recv(fd, answer + size, ANSWER_MAX - 1 - size, 0);
        size += got > 0 ? (size_t)got : 0;
    } while (got > 0 && !complete(answer, size));
}

/* The whole answer, to be freed; empty where there is none. */
static char *get(const options_t *options)
{
    struct timeval patience = { .tv_sec = 5 };
    char *answer = bench_alloc(1, ANSWER_MAX);
    char request[200];
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

    snprintf(request, sizeof request,
             "GET /metrics HTTP/1.1\r\nHost: %s\r\nConnection: close\r\n\r\n", options->server);
    setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience);
    if (connect(fd, (const struct sockaddr *)&options->address, sizeof options->address) == 0
        && send(fd, request, strlen(request), MSG_NOSIGNAL) > 0)
        read_answer(fd, answer);
    close(fd);
    return answer;
}

/* Adds the line's value to *sum if it is one of the metric's. */
static void add_line(const char *line, const char *metric, double *sum)
{
    size_t length = strlen(metric);
    const char *value = strrchr(line, ' ');

    if (value == NULL || strncmp(line, metric, length) != 0)
        return;
    if (line[length] == ' ' || line[length] == '{')
        *sum = (isnan(*sum) ? 0 : *sum) + strtod(value, NULL);
}

double metrics_read(const options_t *options)
{
    double sum = NAN;
    char *answer;
    char *rest;

    if (options->floor)
        return NAN;
    answer = get(options);
    for (char *line = strtok_r(answer, "\r\n", &rest); line; line = strtok_r(NULL, "\r\n", &rest))
        add_line(line, options->metric, &sum);
    free(answer);
    return sum;
}
