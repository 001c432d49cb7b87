/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The linker takes what is here in the place of chat.c, acceptor.c and sequence.c, which it finds
 * later, in the core's archive; so all of what those three offer is here.
 */
#include "stand_in.h"

#include <assert.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <apr_general.h>
#include <apr_strings.h>

#include "../../plugins/rooms/members.h"
#include "acceptor.h"
#include "chat.h"
#include "deflate.h"
#include "json.h"
#include "log.h"
#include "message.h"
#include "plugin.h"
#include "request.h"
#include "schema.h"
#include "sequence.h"
#include "server.h"
#include "session.h"
#include "timeline.h"
#include "topic.h"
#include "user.h"
#include "wire.h"

#define CREATED_AT 1700000000000 /* of rooms; milliseconds since 1970 */

/* Their sources are in libserver.a; see Makefile.am. */
extern const salon_plugin_t chat_plugin, live_plugin, relay_plugin, rooms_plugin,
    veza_plugin;

static const salon_plugin_t *const plugins[] = { &core_plugin, &rooms_plugin, &veza_plugin,
                                                &chat_plugin, &live_plugin, &relay_plugin };

#define PLUGINS (sizeof(plugins) / sizeof(plugins[0]))

static const token_claims_t people[] = {
    { .user_id = 2, .name = "alice", .role = SALON_ROLE_USER, .has_name = true, .has_role = true },
    { .user_id = 3, .name = "bob", .role = SALON_ROLE_USER, .has_name = true, .has_role = true },
    { .user_id = 4, .name = "carol", .role = SALON_ROLE_MODERATOR, .has_name = true,
      .has_role = true },
    { .user_id = 5, .name = "dave", .role = SALON_ROLE_ADMIN, .has_name = true, .has_role = true },
};

#define PEOPLE (sizeof(people) / sizeof(people[0]))

static void (*take_note)(net_note_t *note);
static apr_int64_t last_id;

/* ---- In the place of chat.c: what is posted is handled at once ---- */

void chat_init(apr_pool_t *pool)
{
    (void)pool;
}

apr_status_t chat_start(void)
{
    return APR_SUCCESS;
}

void chat_stop(void)
{
}

void chat_close(void)
{
}

uv_loop_t *chat_loop(void)
{
    return NULL;
}

apr_int64_t chat_now(void)
{
    return salon_now();
}

void chat_post(chat_note_t *note)
{
    note->handle(note);
}

void chat_post_list(queue_list_t *notes)
{
    queue_node_t *note;
    while ((note = queue_list_pop(notes)) != NULL) chat_post((chat_note_t *)note);
}

void chat_to_net(int thread, net_note_t *note)
{
    assert(thread == 0);
    take_note(note);
}

void chat_deliver(queue_list_t *jobs, void *baton)
{
    (void)jobs, (void)baton;
}

/* ---- In the place of acceptor.c ---- */

const char *acceptor_open(apr_pool_t *pool, const config_t *config)
{
    (void)pool, (void)config;
    return NULL;
}

apr_status_t acceptor_start(net_t *const *nets, int count)
{
    (void)nets, (void)count;
    return APR_SUCCESS;
}

void acceptor_stop(void)
{
}

void acceptor_reload(const config_t *config)
{
    (void)config;
}

void acceptor_released(const char *address, int listener)
{
    (void)address, (void)listener;
}

/* ---- In the place of sequence.c ---- */

const salon_migration_t sequence_migrations[] = { { 0, NULL } };

void sequence_init(apr_pool_t *pool)
{
    (void)pool;
}

void sequence_stop(void)
{
}

apr_status_t salon_sequence_open(apr_pool_t *pool, const char *name, apr_int64_t first,
                                 apr_int64_t block)
{
    (void)pool, (void)name, (void)first, (void)block;
    return APR_SUCCESS;
}

apr_int64_t salon_next_id(const char *name)
{
    (void)name;
    return ++last_id;
}

/* ---- The beginning ---- */

/* Limits that a short input can reach. */
static const char settings[] =
    "state_dir = \".\"\n"
    "jwt {\n    key_file = \"jwt.key\"\n    require_exp = false\n}\n"
    "listen \"127.0.0.1:8080\" {\n"
    "    endpoint \"/ws\" { dialect = \"veza\"  rate = \"\"  max_length = 200 }\n"
    "    endpoint \"/{name}/ws\" { dialect = \"veza\"  rate = \"2/60s,3/3600s\" }\n"
    "    max_message = 2000\n    output_limit = 30000\n    abuse_limit = 20\n}\n";

static void done(const char *wrong)
{
    if (wrong == NULL) return;
    fprintf(stderr, "fuzzing: %s\n", wrong);
    abort();
}

static const char *file_make(const char *directory, const char *name, const char *text)
{
    const char *path = apr_pstrcat(server.pool, directory, "/", name, NULL);
    FILE *file = fopen(path, "w");
    if (file == NULL || fputs(text, file) < 0 || fclose(file) != 0) done("cannot write a file");
    return path;
}

static void directory_remove(const char *directory)
{
    static const char *const names[] = { "/jwt.key", "/salond.conf", "/salon.db", "/salon.db-wal",
                                         "/salon.db-shm", "" };
    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
        remove(apr_pstrcat(server.pool, directory, names[i], NULL));
}

void stand_in_tables(void)
{
    apr_initialize();
    apr_pool_create(&server.pool, NULL);
    plugin_init(server.pool);
    operation_init(server.pool);
    wire_init(server.pool);
    for (size_t i = 0; i < PLUGINS; i++) done(plugin_register(plugins[i]));
    wire_resolve();
}

static void config_load(const char *directory)
{
    const char *error = NULL;
    file_make(directory, "jwt.key", "0123456789abcdef0123456789abcdef\n");
    server.config = server_config(server.pool, file_make(directory, "salond.conf", settings),
                                  &error);
    done(error);
    config_commit(server.config);
    server.keys = token_keys_load(server.pool, &server.config->jwt, &error);
    done(error);
}

static void state_load(void)
{
    const char *error = NULL;
    server.store = store_open(server.pool, &server.config->database, server.config->state_dir,
                              chat_deliver, NULL, &error);
    done(error);
    done(schema_apply(server.store));
    topic_init(server.pool);
    done(plugin_start(server.pool));
    store_stop(server.store);
    for (size_t i = 0; i < PEOPLE; i++) user_record(&people[i]);
}

void stand_in_begin(void (*notes)(net_note_t *note))
{
    char directory[] = "/tmp/salon-fuzz-XXXXXX";
    take_note = notes;
    signal(SIGPIPE, SIG_IGN);
    stand_in_tables();
    server.net_count = 1;
    log_open("/dev/null", SALON_LOG_DEBUG);
    if (mkdtemp(directory) == NULL) done("cannot make a directory");
    config_load(directory);
    state_load();
    directory_remove(directory);
}

const char *stand_in_token(const char *name)
{
    for (size_t i = 0; i < PEOPLE; i++)
        if (strcmp(people[i].name, name) == 0)
            return token_make(server.pool, server.keys, &people[i], CREATED_AT / 1000, 0);
    return NULL;
}

/* ---- Between inputs ---- */

static room_t *room_renew(apr_int64_t id, const char *name, bool private_)
{
    room_t *room = room_find(id);
    if (room != NULL) room_remove(room);
    room_t facts = { .id = id,
                     .name = name,
                     .slug = name,
                     .private_ = private_,
                     .memory = true,
                     .anonymous = ROOM_AS_SET,
                     .created_by = people[PEOPLE - 1].user_id,
                     .created_at = CREATED_AT };
    room = room_add(&facts);
    room_member_add(room, facts.created_by, ROOM_OWNER);
    return room;
}

void stand_in_reset(void)
{
    last_id = 0;
    room_member_add(room_renew(1, "general", false), people[0].user_id, ROOM_MEMBER);
    room_renew(2, "secret", true);
}

void stand_in_check(void)
{
    assert(session_count() == 0);
    assert(session_signed_in_count() == 0);
    assert(request_count() == 0);
    assert(topic_count() == 0);
    for (size_t i = 0; i < PEOPLE; i++) {
        const user_t *user = user_find(people[i].user_id);
        assert(user->sessions == NULL && user->shown.sessions == 0);
    }
}

/* ---- Frames ---- */

/* The length of the payload; *header_r: of what comes before it, 0: not all of that is there. */
static size_t payload_length(const unsigned char *bytes, size_t length, size_t *header_r)
{
    size_t size = 0;
    *header_r = 0;
    if (length < 2) return 0;
    size_t more = bytes[1] < 126 ? 0 : bytes[1] == 126 ? 2 : 8;
    if (length < 2 + more) return 0;
    for (size_t i = 0; i < more; i++) size = size << 8 | bytes[2 + i];
    *header_r = 2 + more;
    return more > 0 ? size : bytes[1];
}

static bool is_json(const char *text, size_t length)
{
    json_object *value;
    bool parsed = json_parse(text, length, &value);
    json_object_put(value);
    return parsed;
}

/* Compressed or not, it is JSON. */
static void text_check(const char *payload, size_t length, bool compressed)
{
    static deflate_t *deflate;
    char *text;
    if (!compressed) {
        assert(is_json(payload, length));
        return;
    }
    if (deflate == NULL) deflate = deflate_make(server.pool);
    deflate_status_t status = deflate_expand(deflate, payload, length, 1 << 24, &text, &length);
    assert(status == DEFLATE_DONE && is_json(text, length));
    free(text);
}

size_t stand_in_check_frame(const unsigned char *bytes, size_t length, int *opcode_r)
{
    size_t header, payload = payload_length(bytes, length, &header);
    if (header == 0 || length - header < payload) return 0;
    int opcode = bytes[0] & 0x0f;
    assert((bytes[0] & 0xb0) == 0x80); /* whole, and at most compressed */
    assert(bytes[1] < 128);
    bool control = opcode == FRAME_CLOSE || opcode == FRAME_PING || opcode == STAND_IN_PONG;
    assert(opcode == FRAME_TEXT || (control && payload < 126));
    bool compressed = bytes[0] & 0x40;
    assert(!compressed || opcode == FRAME_TEXT);
    if (opcode == FRAME_TEXT) text_check((const char *)bytes + header, payload, compressed);
    *opcode_r = opcode;
    return header + payload;
}
