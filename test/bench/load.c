/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The load program: puts a chat server under load over raw sockets, and prints what it measures.
 * This file reads the command line; each mode is a file of its own, and clients.c holds the
 * connections that they share.
 */
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "load.h"
#include "stamp.h"

#define COUNT_MAX 60000 /* connections: what one server address and port and 64 K files allow */

typedef struct load_mode_t {
    const char *name;
    int (*run)(const options_t *options);
    bool talkers; /* the senders are some of the connections */
    const char *help;
} load_mode_t;

static const load_mode_t modes[] = {
    { "fanout", fanout_run, true, "a few talk to a room of many: deliveries, CPU, latencies" },
    { "acks", acks_run, false, "many senders wait for acknowledgements: how many, how soon" },
    { "accept", accept_run, false, "connections let in per second, and their CPU" },
    { "idle", idle_run, false, "resident memory of connections that do nothing" },
    { "history", history_run, false, "pages of history: how many, how soon, by how many queries" },
    { "lossless", lossless_run, true, "is all delivered once, in order? (exit status 1: no)" },
    { "presence", presence_run, true, "all come back at once: events, latencies (1: too slow)" },
    { "churn", churn_run, true, "many come and go all the time (1: something is lost, or leaks)" },
};

typedef enum { OPTION_FLAG, OPTION_TEXT, OPTION_COUNT, OPTION_LONG, OPTION_REAL, OPTION_LIST }
    option_kind_t;

typedef struct load_option_t {
    const char *name;
    option_kind_t kind;
    size_t offset;
    const char *help;
} load_option_t;

#define OPTION(name, kind, member, help) { name, OPTION_##kind, offsetof(options_t, member), help }

static const load_option_t table[] = {
    OPTION("server", TEXT, server, "ADDRESS:PORT of the server (127.0.0.1:8080)"),
    OPTION("path", TEXT, path, "of the WebSocket endpoint (/ws)"),
    OPTION("floor", FLAG, floor, "the server is the floor server"),
    OPTION("live", FLAG, live, "the path is a room of live chats; only senders have accounts"),
    OPTION("label", TEXT, label, "the server's name in the tables (salond, or floor)"),
    OPTION("key-file", TEXT, key_file, "holds the key that tokens are signed with"),
    OPTION("pid", LONG, pid, "the server's process, for CPU and memory"),
    OPTION("rooms", LIST, rooms, "ids of rooms to join, 3 or 3,5 or 3-66; one each, in turn"),
    OPTION("rates", LIST, rates, "messages a second of all senders together (50,400,800)"),
    OPTION("connections", COUNT, connections, "how many (1000)"),
    OPTION("senders", COUNT, senders, "how many of them talk (10)"),
    OPTION("outstanding", COUNT, outstanding, "acks: of a sender; history: of all together (1)"),
    OPTION("seconds", REAL, seconds, "the length of a measurement (2)"),
    OPTION("warmup", REAL, warmup, "seconds under load before it (0.5)"),
    OPTION("size", COUNT, size, "bytes of a message's content (128)"),
    OPTION("frame-bytes", COUNT, frame, "floor: bytes of a delivery (380)"),
    OPTION("in-flight", COUNT, in_flight, "connections being opened at once (64)"),
    OPTION("first-user", LONG, first_user, "the first connection's user id (10001)"),
    OPTION("deflate", FLAG, deflate, "offer compression, and insist on it"),
    OPTION("client-id", FLAG, client_id, "send a client_id with each message"),
    OPTION("metric", TEXT, metric, "acks: the counter of commits under /metrics"),
    OPTION("newest", FLAG, newest, "history: the newest page, in the place of old ones"),
    OPTION("first-message", LONG, first_message, "history: the id of the room's first message"),
    OPTION("messages", LONG, messages, "history: how many there are, their ids in a row"),
    OPTION("slack", REAL, slack, "lossless: KB that memory may grow (8192)"),
    OPTION("away", REAL, away, "presence: seconds that connections are gone (0)"),
    OPTION("moves", COUNT, moves, "churn: connections that come in a second, and that go (1000)"),
    OPTION("allowed", REAL, allowed, "presence: events a second that the server allows"),
    OPTION("output", TEXT, output, "a file to append rows of name=value to"),
};

static const options_t defaults = {
    .server = "127.0.0.1:8080",
    .path = "/ws",
    .rates = { .values = { 50, 400, 800 }, .count = 3 },
    .connections = 1000,
    .senders = 10,
    .outstanding = 1,
    .seconds = 2,
    .warmup = 0.5,
    .size = 128,
    .frame = 380,
    .in_flight = 64,
    .moves = 1000,
    .first_user = 10001,
    .metric = "salon_store_commits_total",
    .slack = 8192,
};

#define LENGTH(array) (sizeof(array) / sizeof(array)[0])

static void usage(void)
{
    puts("usage: load MODE [--OPTION VALUE]...\n\nmodes");
    for (size_t i = 0; i < LENGTH(modes); i++)
        printf("  %-12s  %s\n", modes[i].name, modes[i].help);
    puts("\noptions (in brackets: their defaults)");
    for (size_t i = 0; i < LENGTH(table); i++)
        printf("  --%-12s  %s\n", table[i].name, table[i].help);
    exit(0);
}

static long number(const char *text, const char *name, char **end)
{
    errno = 0;
    long value = strtol(text, end, 10);

    if (*end == text || errno != 0 || value < 0)
        bench_die("--%s: %s is no number", name, text);
    return value;
}

static long whole_number(const char *text, const char *name)
{
    char *end;
    long value = number(text, name, &end);

    if (*end != '\0')
        bench_die("--%s: %s is no number", name, text);
    return value;
}

static int count(const char *text, const char *name)
{
    long value = whole_number(text, name);

    if (value < 1 || value > COUNT_MAX)
        bench_die("--%s must be from 1 to %d", name, COUNT_MAX);
    return (int)value;
}

static double real(const char *text, const char *name)
{
    char *end;
    double value = strtod(text, &end);

    if (end == text || *end != '\0' || !(value >= 0))
        bench_die("--%s: %s is no number", name, text);
    return value;
}

static void list(const char *text, const char *name, load_list_t *list_r)
{
    char *end;

    list_r->count = 0;
    do {
        long first = number(text, name, &end);
        long last = *end == '-' ? number(end + 1, name, &end) : first;

        for (long value = first; value <= last; value++) {
            if (list_r->count == LOAD_LIST_MAX)
                bench_die("--%s: at most %d", name, LOAD_LIST_MAX);
            list_r->values[list_r->count++] = value;
        }
        text = end + 1;
    } while (*end == ',');
    if (*end != '\0' || list_r->count == 0)
        bench_die("--%s: a list is 3 or 3,5 or 3-66", name);
}

static void set(options_t *options, const load_option_t *option, const char *value)
{
    void *at = (char *)options + option->offset;

    switch (option->kind) {
    case OPTION_FLAG:  *(bool *)at = true; break;
    case OPTION_TEXT:  *(const char **)at = value; break;
    case OPTION_COUNT: *(int *)at = count(value, option->name); break;
    case OPTION_LONG:  *(long *)at = whole_number(value, option->name); break;
    case OPTION_REAL:  *(double *)at = real(value, option->name); break;
    case OPTION_LIST:  list(value, option->name, at); break;
    }
}

static const load_option_t *find_option(const char *argument)
{
    for (size_t i = 0; i < LENGTH(table); i++)
        if (strncmp(argument, "--", 2) == 0 && strcmp(argument + 2, table[i].name) == 0)
            return &table[i];
    bench_die("%s: no such option; see load --help", argument);
}

static void parse(options_t *options, char **arguments)
{
    while (*arguments != NULL) {
        const load_option_t *option = find_option(*arguments++);

        if (option->kind != OPTION_FLAG && *arguments == NULL)
            bench_die("--%s needs a value", option->name);
        set(options, option, *arguments);
        arguments += option->kind != OPTION_FLAG;
    }
}

/* What follows from several options, or from the outside. */
static void complete(options_t *options)
{
    options->address = bench_address(options->server);
    if (options->label == NULL)
        options->label = options->floor ? "floor" : "salond";
    if (!options->floor && options->key_file == NULL)
        bench_die("--key-file is needed to sign tokens");
    if (!options->floor)
        token_key_read(options->key_file, &options->key);
    if (options->size < STAMP_LENGTH)
        bench_die("--size must be at least %d", STAMP_LENGTH);
    for (int i = 0; i < options->rates.count; i++)
        if (options->rates.values[i] == 0)
            bench_die("--rates: 0 messages a second are none");
}

static const load_mode_t *find_mode(const char *name)
{
    for (size_t i = 0; i < LENGTH(modes); i++)
        if (strcmp(name, modes[i].name) == 0)
            return &modes[i];
    bench_die("%s: no such mode; see load --help", name);
}

int main(int argc, char **argv)
{
    static options_t options;
    const load_mode_t *mode;

    if (argc < 2 || strcmp(argv[1], "--help") == 0)
        usage();
    signal(SIGPIPE, SIG_IGN);
    mode = find_mode(argv[1]);
    options = defaults;
    parse(&options, argv + 2);
    complete(&options);
    if (mode->talkers && options.senders > options.connections)
        bench_die("--senders are some of the --connections, and cannot be more");
    return mode->run(&options);
}
