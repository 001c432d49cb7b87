/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Everything that can be said from the headers alone is said before anything of the body is read;
 * what is on its way counts as if it were there, so that many at once do not pass the limits.
 */
#include "upload.h"

#include <errno.h>
#include <string.h>

#include "library.h"
#include "shelf.h"
#include "type.h"

#define MINUTE       60000 /* milliseconds */
#define AT_ONCE      4     /* uploads of one person */
#define TYPE_LENGTH  121

upload_settings_t upload_settings;

/* In the request's pool. */
typedef struct {
    media_owner_t *owner;
    apr_int64_t expected;
    apr_int64_t id;
    salon_upload_t *received;
    media_file_t *file; /* held; NULL: not yet, or the entry has it */
    char type[TYPE_LENGTH];
    int error;
} upload_t;

static apr_int64_t expected_of_all;

static apr_status_t upload_end(void *data)
{
    upload_t *upload = data;
    upload->owner->uploads--;
    upload->owner->expected -= upload->expected;
    expected_of_all -= upload->expected;
    if (upload->file != NULL) media_file_release(&upload->file);
    return APR_SUCCESS;
}

static upload_t *upload_begin(salon_req_t *req, media_owner_t *owner)
{
    upload_t *upload = apr_pcalloc(salon_req_pool(req), sizeof(*upload));
    upload->owner = owner;
    upload->expected = salon_http_length(req);
    owner->uploads++;
    owner->expected += upload->expected;
    expected_of_all += upload->expected;
    salon_req_set_data(req, upload);
    apr_pool_cleanup_register(salon_req_pool(req), upload, upload_end, apr_pool_cleanup_null);
    return upload;
}

/* ---- From the headers ---- */

static salon_outcome_t too_fast(salon_req_t *req, apr_int64_t wait)
{
    return salon_fail_details(req, SALON_RATE_LIMITED,
                              salon_json_integer(salon_json(), "retry_after", wait));
}

/* Seconds to wait; 0: one more is counted. */
static apr_int64_t rate_take(media_owner_t *owner, apr_int64_t now)
{
    if (upload_settings.per_minute == 0) return 0;
    if (now - owner->minute >= MINUTE) {
        owner->minute = now;
        owner->begun = 0;
    }
    if (owner->begun >= upload_settings.per_minute)
        return (owner->minute + MINUTE - now + 999) / 1000;
    owner->begun++;
    return 0;
}

static salon_outcome_t quota_exceeded(salon_req_t *req, const media_owner_t *owner)
{
    json_object *details = salon_json_integer(salon_json(), "quota", upload_settings.quota);
    salon_json_integer(details, "used", owner->bytes);
    return salon_fail_details(req, SALON_QUOTA, details);
}

static bool exceeds(apr_int64_t used, apr_int64_t more, apr_int64_t limit)
{
    return limit > 0 && used + more > limit;
}

/* ---- From the file ---- */

static salon_outcome_t stored(salon_req_t *req, const salon_rows_t *rows)
{
    (void)rows;
    upload_t *upload = salon_req_data(req);
    media_file_t *file = upload->file;
    upload->file = NULL;
    json_object *json = media_http_json(media_add(upload->id, file, upload->received, upload->type,
                                             upload->owner->user_id, salon_now()));
    const char *text = json_object_to_json_string_ext(json, JSON_C_TO_STRING_NOSLASHESCAPE);
    salon_outcome_t outcome =
        salon_http_reply(req, 201, "application/json", text, strlen(text));
    json_object_put(json);
    return outcome;
}

static salon_outcome_t shelved(salon_req_t *req)
{
    upload_t *upload = salon_req_data(req);
    bool full = upload->error == ENOSPC || upload->error == EDQUOT;
    if (upload->error != 0) {
        salon_log(SALON_LOG_ERROR, "media", "%s: %s; refusing the upload", upload->file->digest,
                  strerror(upload->error));
        return salon_fail(req, full ? SALON_NO_SPACE : SALON_UNAVAILABLE);
    }
    if (salon_user_by_id(upload->owner->user_id) == NULL) /* erased meanwhile */
        return salon_fail(req, SALON_INVALID_TOKEN);
    upload->id = salon_next_id("media");
    if (upload->id == 0) return salon_fail(req, SALON_UNAVAILABLE);
    apr_int64_t now = salon_now();
    salon_sql(req,
              "INSERT INTO media_entries (id, user_id, digest, byte_count, content_type,"
              " file_name, created_at, idle_at) VALUES (%ld, %ld, %s, %ld, %s, %s, %ld, %ld)",
              (long)upload->id, (long)upload->owner->user_id, upload->file->digest,
              (long)upload->file->size, upload->type, upload->received->name, (long)now,
              (long)now);
    return salon_store(req, stored);
}

/* On a working thread. */
static void shelve(void *baton)
{
    upload_t *upload = baton;
    upload->error = shelf_put(upload->received->path, upload->file->digest, upload->file->size,
                              &upload->received->taken);
}

static salon_outcome_t typed(salon_req_t *req)
{
    upload_t *upload = salon_req_data(req);
    if (!type_listed(upload_settings.types, upload->type))
        return salon_fail_details(req, SALON_UNSUPPORTED,
                                  salon_json_string(salon_json(), "media_type", upload->type));
    upload->file = media_file_hold(upload->received->digest, upload->received->size);
    return salon_work(req, shelve, upload, shelved);
}

/* On a working thread. */
static void type_find(void *baton)
{
    upload_t *upload = baton;
    type_of_file(upload->received->path, upload->type, sizeof(upload->type));
}

static salon_outcome_t received(salon_req_t *req)
{
    upload_t *upload = salon_req_data(req);
    upload->received = salon_http_upload(req);
    if (upload->received->size == 0) return salon_fail_argument(req, "file");
    return salon_work(req, type_find, upload, typed);
}

/* ---- The route ---- */

salon_outcome_t upload_post(salon_req_t *req)
{
    media_owner_t *owner = media_owner(salon_req_user(req)->id);
    apr_int64_t length = salon_http_length(req), wait = rate_take(owner, salon_now());
    if (wait > 0) return too_fast(req, wait);
    if (owner->uploads >= AT_ONCE) return too_fast(req, 1);
    if (length == 0) return salon_fail_argument(req, "file");
    if (exceeds(owner->bytes + owner->expected, length, upload_settings.quota))
        return quota_exceeded(req, owner);
    if (exceeds(media_bytes() + expected_of_all, length, upload_settings.capacity))
        return salon_fail(req, SALON_NO_SPACE);
    upload_begin(req, owner);
    return salon_http_receive(req, upload_settings.size_limit, received);
}
