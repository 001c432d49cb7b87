/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Files that people upload, and show each other with messages.
 *
 * POST /media takes one (upload.c), GET /media/{id} gives it to its uploader and to whoever may
 * read a message that uses it, DELETE /media/{id} removes it.  A message uses what its member
 * "media" names: by ids, or as the url /media/<id>.  Sending one asks here whether the sender may
 * see what it names; use.c knows from then on where it is used.  What nothing uses goes (sweep.c).
 *
 * Operations: media.get, media.delete; media.list, media.remove for the administrator.
 */
#include <string.h>

#include <apr_strings.h>

#include "library.h"
#include "shelf.h"
#include "sweep.h"
#include "type.h"
#include "upload.h"
#include "use.h"

#define NOT_FOUND "media_not_found"
#define IDS_MOST  21 /* those of a message, and that of its url */

/* ---- What a message names ---- */

/* The id in "/media/12"; 0: it is another url. */
static apr_int64_t url_id(const char *url)
{
    static const char path[] = "/media/";
    if (url == NULL || strncmp(url, path, sizeof(path) - 1) != 0) return 0;
    const char *digits = url + sizeof(path) - 1;
    size_t length = strspn(digits, "0123456789");
    bool is_id = length > 0 && length <= 15 && digits[0] != '0' && digits[length] == '\0';
    return is_id ? apr_atoi64(digits) : 0;
}

static const char *member_string(json_object *object, const char *key)
{
    json_object *value = json_object_object_get(object, key);
    return json_object_is_type(value, json_type_string) ? json_object_get_string(value) : NULL;
}

static void id_add(apr_int64_t ids[IDS_MOST], int *count, apr_int64_t id)
{
    for (int i = 0; i < *count; i++)
        if (ids[i] == id) return;
    if (*count < IDS_MOST) ids[(*count)++] = id;
}

/* Each once; answers how many. */
static int ids_read(json_object *media, apr_int64_t ids[IDS_MOST])
{
    int count = 0;
    json_object *list = json_object_object_get(media, "ids");
    size_t length =
        json_object_is_type(list, json_type_array) ? json_object_array_length(list) : 0;
    for (size_t i = 0; i < length; i++)
        id_add(ids, &count, json_object_get_int64(json_object_array_get_idx(list, i)));
    apr_int64_t id = url_id(member_string(media, "url"));
    if (id != 0) id_add(ids, &count, id);
    return count;
}

/* ---- Hooks ---- */

/* Those who know urls alone, and those who know ids alone, shall see the same. */
static void attachment_complete(json_object *arguments, json_object *media, const media_t *first)
{
    if (json_object_object_get(arguments, "kind") == NULL)
        salon_json_string(arguments, "kind", type_kind(first->type));
    if (json_object_object_get(media, "type") == NULL)
        salon_json_string(media, "type", first->type);
    if (json_object_object_get(media, "url") == NULL)
        salon_json_string(media, "url", media_url(first).text);
    if (json_object_object_get(media, "ids") != NULL) return;
    json_object *ids = json_object_new_array();
    json_object_array_add(ids, json_object_new_int64(first->id));
    salon_json_value(media, "ids", ids);
}

/* What is about to be used must not be swept meanwhile. */
static const char *attach_hook(const salon_user_t *user, salon_topic_t topic,
                               json_object *arguments, json_object **details_r)
{
    (void)topic;
    apr_int64_t ids[IDS_MOST], now = salon_now();
    json_object *media = json_object_object_get(arguments, "media");
    int count = media != NULL ? ids_read(media, ids) : 0;
    for (int i = 0; i < count; i++) {
        media_t *named = media_find(ids[i]);
        if (named == NULL || !use_may_see(user, named)) {
            *details_r = salon_json_integer(salon_json(), "media_id", ids[i]);
            return NOT_FOUND;
        }
        if (LIST_EMPTY(&named->uses)) media_set_idle(named, now);
        if (i == 0) attachment_complete(arguments, media, named);
    }
    return NULL;
}

static void storing_hook(salon_req_t *req, salon_topic_t topic, json_object *message)
{
    apr_int64_t ids[IDS_MOST];
    json_object *media = json_object_object_get(message, "media");
    int count = media != NULL ? ids_read(media, ids) : 0;
    apr_int64_t message_id = json_object_get_int64(json_object_object_get(message, "id"));
    for (int i = 0; i < count; i++)
        salon_sql(req,
                  "INSERT INTO media_uses (media_id, message_id, topic_kind, topic_id)"
                  " VALUES (%ld, %ld, %s, %ld)",
                  (long)ids[i], (long)message_id, topic.kind, (long)topic.id);
}

static void stored_hook(salon_session_t *session, salon_topic_t topic, json_object *message)
{
    (void)session;
    apr_int64_t ids[IDS_MOST];
    json_object *media = json_object_object_get(message, "media");
    int count = media != NULL ? ids_read(media, ids) : 0;
    apr_int64_t message_id = json_object_get_int64(json_object_object_get(message, "id"));
    for (int i = 0; i < count; i++) {
        media_t *named = media_find(ids[i]);
        if (named != NULL) use_add(named, topic, message_id, salon_now());
    }
}

static void unsaid_hook(salon_topic_t topic, apr_int64_t message_id)
{
    use_end(topic, message_id, salon_now());
}

/* What messages use stays with them; what waits for one will never be used. */
static void erasing_hook(salon_req_t *req, apr_int64_t user_id)
{
    salon_sql(req,
              "DELETE FROM media_entries WHERE user_id = %ld AND NOT EXISTS (SELECT message_id"
              " FROM media_uses WHERE media_uses.media_id = media_entries.id)",
              (long)user_id);
}

static const salon_hooks_t hooks = { .attach = attach_hook,
                                     .storing = storing_hook,
                                     .stored = stored_hook,
                                     .unsaid = unsaid_hook,
                                     .tick = sweep_tick,
                                     .erasing = erasing_hook,
                                     .erased = media_forget_unused };

/* ---- Removing ---- */

typedef json_object *describe_t(const media_t *media);

typedef struct {
    apr_int64_t id;
    describe_t *describe; /* for the answer */
} removal_t;

static salon_outcome_t removed(salon_req_t *req, const salon_rows_t *rows)
{
    (void)rows;
    const removal_t *removal = salon_req_data(req);
    media_t *media = media_find_going(removal->id);
    if (media == NULL) return salon_fail(req, NOT_FOUND);
    json_object *json = removal->describe(media);
    use_end_all(media);
    media_remove(media);
    return salon_reply(req, json);
}

/* Should that fail, the request ends; then it is not going any more. */
static apr_status_t stay(void *data)
{
    media_t *media = media_find_going(((const removal_t *)data)->id);
    if (media == NULL) return APR_SUCCESS;
    media->going = false;
    if (LIST_EMPTY(&media->uses)) media_set_idle(media, salon_now());
    return APR_SUCCESS;
}

static salon_outcome_t remove_one(salon_req_t *req, media_t *media, describe_t *describe)
{
    removal_t *removal = apr_palloc(salon_req_pool(req), sizeof(*removal));
    *removal = (removal_t){ media->id, describe };
    media->going = true;
    media_set_busy(media);
    salon_req_set_data(req, removal);
    apr_pool_cleanup_register(salon_req_pool(req), removal, stay, apr_pool_cleanup_null);
    salon_sql(req, "DELETE FROM media_uses WHERE media_id = %ld", (long)media->id);
    salon_sql(req, "DELETE FROM media_entries WHERE id = %ld", (long)media->id);
    return salon_store(req, removed);
}

static salon_outcome_t remove_own(salon_req_t *req, media_t *media, describe_t *describe)
{
    const salon_user_t *user = salon_req_user(req);
    if (media == NULL || !use_may_see(user, media)) return salon_fail(req, NOT_FOUND);
    if (media->owner->user_id != user->id) return salon_fail(req, SALON_DENIED);
    return remove_one(req, media, describe);
}

/* ---- Operations ---- */

static media_t *asked(const salon_req_t *req)
{
    return media_find(salon_arg_integer(req, "media_id", 0));
}

static salon_outcome_t media_get(salon_req_t *req)
{
    const media_t *media = asked(req);
    bool found = media != NULL && use_may_see(salon_req_user(req), media);
    return found ? salon_reply(req, media_json(media)) : salon_fail(req, NOT_FOUND);
}

static salon_outcome_t media_delete(salon_req_t *req)
{
    return remove_own(req, asked(req), media_json);
}

static salon_outcome_t media_remove_any(salon_req_t *req)
{
    media_t *media = asked(req);
    return media != NULL ? remove_one(req, media, media_json) : salon_fail(req, NOT_FOUND);
}

/* What is about to go is found by nobody any more. */
static void list_add(json_object *list, void *value, void *baton)
{
    const media_t *media = value;
    (void)baton;
    if (media->going) return;
    json_object *row = media_json(media);
    json_object_array_add(list, salon_json_integer(row, "uses", use_count(media)));
}

static salon_outcome_t media_list(salon_req_t *req)
{
    return salon_reply(req, salon_json_page(salon_json(), "media", req, media_all(), list_add,
                                            NULL));
}

/* ---- Routes ---- */

static media_t *captured(const salon_req_t *req)
{
    const char *path = apr_pstrcat(salon_req_pool((salon_req_t *)req), "/media/",
                                   salon_http_capture(req, "id"), NULL);
    return media_find(url_id(path));
}

/* Somebody who has not said who they are is told to; others are not told that something is
 * there. */
static salon_outcome_t route_get(salon_req_t *req)
{
    const media_t *media = captured(req);
    const salon_user_t *user = salon_req_user(req);
    if (media == NULL || !use_may_see(user, media))
        return salon_fail(req, user != NULL ? NOT_FOUND : SALON_NOT_SIGNED_IN);
    const salon_file_t file = { .path = shelf_path(salon_req_pool(req), media->file->digest),
                                .size = media->file->size,
                                .type = type_sent(media->type),
                                .name = media->name,
                                .shown_inline = type_is_shown(media->type),
                                .etag = media->file->digest };
    return salon_http_file(req, &file);
}

static salon_outcome_t route_delete(salon_req_t *req)
{
    return remove_own(req, captured(req), media_http_json);
}

/* ---- Tables ---- */

static const salon_argument_t id_arguments[] = {
    { "media_id", SALON_ID, 0, 0, 0 },
    { NULL, 0, 0, 0, 0 },
};

static const salon_argument_t list_arguments[] = {
    SALON_PAGE_ARGUMENTS,
    { NULL, 0, 0, 0, 0 },
};

static const salon_operation_t operations[] = {
    { .name = "media.get", .handler = media_get, .arguments = id_arguments,
      .flags = SALON_ANONYMOUS, .help = "what is known of something uploaded" },
    { .name = "media.delete", .handler = media_delete, .arguments = id_arguments,
      .flags = SALON_WRITES, .help = "remove something one has uploaded" },
    { .name = "media.list", .handler = media_list, .arguments = list_arguments,
      .flags = SALON_INTERNAL, .help = "everything that has been uploaded" },
    { .name = "media.remove", .handler = media_remove_any, .arguments = id_arguments,
      .flags = SALON_INTERNAL, .help = "remove something, whoever has uploaded it" },
    { .name = NULL },
};

static const salon_metric_t metrics[] = {
    { "media_entries", "gauge", "Uploads that are kept.", media_count },
    { "media_bytes", "gauge", "Bytes of all uploads, equal ones counted each.", media_bytes },
    { NULL, NULL, NULL, NULL },
};

static const salon_command_t commands[] = {
    { "media list", "[--after AFTER] [--limit LIMIT]", "media.list", NULL,
      "everything that has been uploaded" },
    { "media remove", "MEDIA_ID", "media.remove", "media_id", "remove something uploaded" },
    { NULL, NULL, NULL, NULL, NULL },
};

static const salon_http_route_t routes[] = {
    { "POST", "/media", upload_post, SALON_SIGNED_IN | SALON_UPLOAD, SALON_ROLE_USER },
    { "GET", "/media/{id}", route_get, SALON_QUERY_TOKEN, SALON_ROLE_USER },
    { "DELETE", "/media/{id}", route_delete, SALON_SIGNED_IN, SALON_ROLE_USER },
    { NULL, NULL, NULL, 0, SALON_ROLE_USER },
};

#define DEFAULT_TYPES                                                                            \
    "image/png image/jpeg image/gif image/webp image/avif image/heic image/heif image/bmp "      \
    "audio/* video/* text/plain text/csv application/pdf application/json application/zip "      \
    "application/gzip application/x-tar application/x-7z-compressed application/octet-stream "   \
    "application/vnd.oasis.opendocument.* application/vnd.openxmlformats-officedocument.*"

static const salon_setting_t settings[] = {
    { "size_limit", SALON_SETTING_INTEGER, &upload_settings.size_limit, "104857600", 1,
      APR_INT64_MAX, "bytes that a file may have" },
    { "quota", SALON_SETTING_INTEGER, &upload_settings.quota, "1073741824", 0, 0,
      "bytes that one person may have here; 0: any number" },
    { "capacity", SALON_SETTING_INTEGER, &upload_settings.capacity, "0", 0, 0,
      "bytes that all may have here; 0: any number" },
    { "per_minute", SALON_SETTING_INTEGER, &upload_settings.per_minute, "60", 0, 0,
      "files that one person may upload in a minute; 0: any number" },
    { "grace", SALON_SETTING_INTEGER, &sweep_grace, "24", 0, 87600,
      "hours after which a file that no message uses is removed; 0: it is kept" },
    { "types", SALON_SETTING_LIST, &upload_settings.types, DEFAULT_TYPES, 0, 0,
      "types that are taken, as their contents say" },
    { NULL, 0, NULL, NULL, 0, 0, NULL },
};

static const salon_personal_t personal[] = {
    { "media_entries", "user_id", SALON_KEEP }, /* those that messages use */
    { NULL, NULL, SALON_KEEP },
};

static apr_status_t start(apr_pool_t *pool)
{
    const char *error;
    apr_status_t rv = type_open(pool, &error);
    if (rv != APR_SUCCESS) salon_log(SALON_LOG_ERROR, "media", "%s", error);
    if (rv == APR_SUCCESS) rv = shelf_open(pool);
    if (rv == APR_SUCCESS) rv = salon_sequence_open(pool, "media", 1, 100);
    if (rv == APR_SUCCESS) rv = media_load(pool);
    return rv == APR_SUCCESS ? use_load(pool) : rv;
}

SALON_PLUGIN(media) = {
    SALON_PLUGIN_HEADER,
    .name = "media",
    .version = "1.0",
    .summary = "files that people upload, and show each other with messages",
    .operations = operations,
    .hooks = &hooks,
    .settings = settings,
    .migrations = media_migrations,
    .personal = personal,
    .routes = routes,
    .commands = commands,
    .start = start,
    .metrics = metrics,
};
