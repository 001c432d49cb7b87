/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The reference for what salond does with a database: the same work, on the tables that salond has
 * made there, by one thread with one connection, through the engine's own C library; without
 * network, JSON, rooms, rights or anything else.  This file reads the command line.
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "direct.h"

static direct_options_t options = {
    .place = { .user = "salon" },
    .report = { .label = "direct" },
    .senders = 1,
    .size = 128,
    .seconds = 2,
    .warmup = 0.5,
};

static const struct {
    const char *name;
    void (*run)(const direct_options_t *options);
} modes[] = { { "sends", direct_sends }, { "pages", direct_pages }, { "fill", direct_fill } };

void direct_compose(const direct_options_t *given, direct_message_t *message, int64_t id,
                    int64_t timeline_id, int64_t author_id)
{
    struct timespec now;

    clock_gettime(CLOCK_REALTIME, &now);
    message->id = id;
    message->timeline_id = timeline_id;
    message->author_id = author_id;
    message->created_at = now.tv_sec * 1000 + now.tv_nsec / 1000000;
    memset(message->content, 'x', (size_t)given->size);
    message->content[given->size] = '\0';
    snprintf(message->client_key, sizeof message->client_key, "%" PRId64 ":%" PRIx64, author_id,
             id);
}

static void usage(void)
{
    puts("usage: direct_ENGINE sends|pages|fill OPTION...\n"
         "  sends: so many senders wait until their messages are durable; pages: old pages of a\n"
         "  timeline are read; fill: an empty timeline gets so many messages\n"
         "  -d NAME    the database, or its file     -p PORT      of the server, on 127.0.0.1\n"
         "  -u USER    (salon)                       -w FILE      with the password\n"
         "  -n COUNT   senders (1)                   -s SECONDS   the length of a measurement (2)\n"
         "  -b SECONDS before it, under load (0.5)   -o FILE      to append rows to\n"
         "  -t ID      the timeline                  -f ID        of its first message\n"
         "  -m COUNT   messages in it                -l LABEL     the name in the tables (direct)");
    exit(2);
}

static const char *read_password(const char *path)
{
    FILE *file = fopen(path, "r");
    char *line = NULL;
    size_t size = 0;

    if (file == NULL || getline(&line, &size, file) < 1)
        bench_die("%s cannot be read", path);
    fclose(file);
    line[strcspn(line, "\r\n")] = '\0';
    return line;
}

static void set(int option, const char *value)
{
    switch (option) {
    case 'd': options.place.name = value; break;
    case 'p': options.place.port = atoi(value); break;
    case 'u': options.place.user = value; break;
    case 'w': options.place.password = read_password(value); break;
    case 'n': options.senders = atoi(value); break;
    case 's': options.seconds = atof(value); break;
    case 'b': options.warmup = atof(value); break;
    case 'o': options.report.output = value; break;
    case 't': options.timeline = atoll(value); break;
    case 'f': options.first = atoll(value); break;
    case 'm': options.messages = atoll(value); break;
    case 'l': options.report.label = value; break;
    default:  usage();
    }
}

int main(int argc, char **argv)
{
    int option;

    while ((option = getopt(argc, argv, "d:p:u:w:n:s:b:o:t:f:m:l:")) >= 0)
        set(option, optarg);
    if (options.place.name == NULL || options.senders < 1 || optind >= argc)
        usage();
    for (size_t i = 0; i < sizeof modes / sizeof modes[0]; i++) {
        if (strcmp(argv[optind], modes[i].name) != 0)
            continue;
        direct_engine.open(&options.place);
        modes[i].run(&options);
        return 0;
    }
    usage();
}
