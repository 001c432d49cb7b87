/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Moderation: sanctions of people in a room or on the whole server, a word filter, slow mode,
 * reports, and a log of what those in charge have done.
 *
 * Operations: moderation.mute, moderation.ban, moderation.kick, moderation.lift {user, room,
 * minutes, reason}, moderation.list, moderation.slow, report.add, report.list, audit.list.
 * Events: moderation.acted {room, action, target_user_id, moderator_user_id, duration_minutes,
 * expires_at, reason, at} to the room, or to the person where it is for the whole server;
 * moderation.slowed {room, seconds, moderator_user_id, at} to the room.
 * Who is sanctioned is refused with user_sanctioned, a message with a word of the filter with
 * message_refused, and what comes too early in slow mode with rate_limited.
 */
#include "audit.h"
#include "deed.h"
#include "filter.h"
#include "place.h"
#include "report.h"
#include "sanction.h"
#include "slow.h"

#define MINUTE       60000           /* milliseconds */
#define DAY          (1440 * MINUTE) /* the same */
#define MINUTES_MOST 52560000        /* a hundred years */

static const char *words_file;
static apr_int64_t audit_days;

/* ---- Hooks ---- */

static const char *say_hook(const salon_user_t *user, salon_topic_t topic, const char **content,
                            apr_pool_t *pool, json_object **details_r)
{
    const char *text = filter_text(*content, pool);
    if (text == NULL) return "message_refused";
    *content = text;
    return user != NULL ? slow_say(user, topic, pool, details_r) : NULL;
}

/* Once a minute what is over is forgotten, once a day what is too old. */
static void tick_hook(apr_int64_t now)
{
    static apr_int64_t swept, forgotten;
    if (now - swept < MINUTE && now >= swept) return;
    swept = now;
    sanction_sweep(now);
    slow_sweep(now);
    if (audit_days == 0 || (now - forgotten < DAY && now >= forgotten)) return;
    forgotten = now;
    audit_forget(now - audit_days * DAY);
}

static apr_status_t words_read(const char *next)
{
    const char *error;
    apr_pool_t *pool;
    apr_pool_create(&pool, NULL);
    apr_status_t rv = filter_read(words_file, pool, &error);
    if (rv != APR_SUCCESS)
        salon_log(SALON_LOG_ERROR, "moderation", "words_file: %s; %s", error, next);
    apr_pool_destroy(pool);
    return rv;
}

static void reload_hook(void)
{
    words_read("the words that were there stay");
}

static void stop_hook(void)
{
    filter_forget();
}

static const salon_hooks_t hooks = {
    .refuse = sanction_refuse,
    .say = say_hook,
    .acted = audit_write,
    .tick = tick_hook,
    .reload = reload_hook,
    .erased = sanction_erased,
    .stop = stop_hook,
};

/* ---- Tables ---- */

#define ROOM_ARGUMENTS                                                                           \
    { "room_id", SALON_ID, SALON_OPTIONAL, 0, 0 }, { "room", SALON_STRING, SALON_OPTIONAL, 1, 0 }
#define PERSON_ARGUMENTS                                                                         \
    { "user_id", SALON_ID, SALON_OPTIONAL, 0, 0 }, { "user", SALON_STRING, SALON_OPTIONAL, 1, 0 }
#define LIMIT_ARGUMENT { "limit", SALON_INTEGER, SALON_OPTIONAL | SALON_CLAMP, 1, 100 }
#define REASON_ARGUMENT { "reason", SALON_STRING, SALON_OPTIONAL, 0, REASON_MOST }
#define END { NULL, 0, 0, 0, 0 }

static const salon_argument_t act_arguments[] = {
    ROOM_ARGUMENTS,
    PERSON_ARGUMENTS,
    { "minutes", SALON_INTEGER, SALON_OPTIONAL, 0, MINUTES_MOST },
    REASON_ARGUMENT,
    END,
};
static const salon_argument_t list_arguments[] = { ROOM_ARGUMENTS, SALON_PAGE_ARGUMENTS, END };
static const salon_argument_t slow_arguments[] = {
    ROOM_ARGUMENTS, { "seconds", SALON_INTEGER, 0, 0, 86400 }, END
};
static const salon_argument_t report_add_arguments[] = {
    { "message_id", SALON_ID, 0, 0, 0 }, REASON_ARGUMENT, END
};
static const salon_argument_t report_list_arguments[] = { ROOM_ARGUMENTS, LIMIT_ARGUMENT, END };
static const salon_argument_t audit_arguments[] = {
    ROOM_ARGUMENTS, LIMIT_ARGUMENT, { "before", SALON_ID, SALON_OPTIONAL, 0, 0 }, END
};

static const salon_operation_t operations[] = {
    { .name = "moderation.mute", .handler = moderation_mute, .arguments = act_arguments,
      .flags = SALON_WRITES, .help = "let somebody read, but not write" },
    { .name = "moderation.ban", .handler = moderation_ban, .arguments = act_arguments,
      .flags = SALON_WRITES, .help = "throw somebody out, who stays out" },
    { .name = "moderation.kick", .handler = moderation_kick, .arguments = act_arguments,
      .flags = SALON_WRITES, .help = "throw somebody out, who may come back" },
    { .name = "moderation.lift", .handler = moderation_lift, .arguments = act_arguments,
      .flags = SALON_WRITES, .help = "take mute and ban back" },
    { .name = "moderation.list", .handler = moderation_list, .arguments = list_arguments,
      .subject = place_moderated, .help = "the sanctions in force" },
    { .name = "moderation.slow", .handler = slow_set, .arguments = slow_arguments,
      .flags = SALON_WRITES, .help = "set how long everybody waits between messages" },
    { .name = "report.add", .handler = report_add, .arguments = report_add_arguments,
      .flags = SALON_WRITES, .cost = 1, .help = "ask moderators to look at a message" },
    { .name = "report.list", .handler = report_list, .arguments = report_list_arguments,
      .subject = place_moderated, .help = "what has been reported" },
    { .name = "audit.list", .handler = audit_list, .arguments = audit_arguments,
      .subject = place_audited, .help = "who has done what to whom" },
    { .name = NULL },
};

static const salon_event_t events[] = {
    { "moderation.acted", 0, "somebody has been muted, banned, kicked, or is not any more" },
    { "moderation.slowed", 0, "a room has another slow mode" },
    { NULL, 0, NULL },
};

#define DEED "USER [--room ROOM] [--minutes MINUTES] [--reason REASON]"

static const salon_command_t commands[] = {
    { "user mute", DEED, "moderation.mute", "target_user_id", "let somebody read, but not write" },
    { "user ban", DEED, "moderation.ban", "target_user_id", "throw somebody out for that time" },
    { "user kick", DEED, "moderation.kick", "target_user_id", "throw somebody out" },
    { "user lift", DEED, "moderation.lift", "target_user_id", "take mute and ban back" },
    { "user sanctions", "[--room ROOM] [--after AFTER] [--limit LIMIT]", "moderation.list", NULL,
      "the sanctions in force" },
    { "room slow", "ROOM SECONDS", "moderation.slow", "seconds", "set a room's slow mode" },
    { "audit", "[--room ROOM] [--limit LIMIT]", "audit.list", NULL, "who has done what to whom" },
    { "reports", "[--room ROOM] [--limit LIMIT]", "report.list", NULL, "what has been reported" },
    { NULL, NULL, NULL, NULL, NULL },
};

static const salon_setting_t settings[] = {
    { "words_file", SALON_SETTING_STRING, &words_file, "", 0, 0,
      "a file of words that are refused or masked; none: \"\"" },
    { "audit_days", SALON_SETTING_INTEGER, &audit_days, "0", 0, 36500,
      "how long the audit log is kept; 0: for good" },
    { NULL, 0, NULL, NULL, 0, 0, NULL },
};

static const salon_migration_t migrations[] = {
    { 1, sanction_tables }, { 2, slow_tables }, { 3, audit_tables }, { 4, report_tables },
    { 0, NULL },
};

static const salon_personal_t personal[] = {
    { "sanctions", "user_id", SALON_FORGET },
    { "sanctions", "created_by", SALON_KEEP },
    { "audit_log", "actor_id", SALON_KEEP },
    { "audit_log", "target_user_id", SALON_KEEP },
    { "reports", "author_id", SALON_KEEP },
    { "reports", "reporter_id", SALON_KEEP },
    { NULL, NULL, SALON_KEEP },
};

static apr_status_t start(apr_pool_t *pool)
{
    apr_status_t rv = sanction_load(pool);
    if (rv == APR_SUCCESS) rv = slow_load(pool);
    if (rv == APR_SUCCESS) rv = audit_open(pool);
    if (rv == APR_SUCCESS) rv = report_open(pool);
    return rv == APR_SUCCESS ? words_read("the server does not start") : rv;
}

SALON_PLUGIN(moderation) = {
    SALON_PLUGIN_HEADER,
    .name = "moderation",
    .version = "1.0",
    .summary = "sanctions, word filter, slow mode, reports, audit log",
    .operations = operations,
    .events = events,
    .hooks = &hooks,
    .settings = settings,
    .migrations = migrations,
    .personal = personal,
    .commands = commands,
    .start = start,
};
