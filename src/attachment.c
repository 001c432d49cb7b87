/* SPDX-License-Identifier: Apache-2.0 */
/*
 * An address of media is shown by browsers as a link or a picture, so one that would run something
 * there (javascript:, data:) is refused: it is relative, or begins with http: or https:.
 */
#include "attachment.h"

#include <string.h>
#include <strings.h>

#include <apr_lib.h>
#include <apr_strings.h>

#include "salon/plugin.h"
#include "utf8.h"

#define URL_MOST  2048 /* code points */
#define TYPE_MOST 255
#define IDS_MOST  20
#define ID_MOST   9007199254740991

#define DEFAULT_KIND "text"

static const char *const kinds[] = { DEFAULT_KIND, "image", "audio", "video", "file" };

bool attachment_kind_ok(const char *kind)
{
    for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++)
        if (strcmp(kinds[i], kind) == 0) return true;
    return false;
}

/* ---- Checking ---- */

/* C0, DEL, and C1, which is 0xc2 0x80 to 0xc2 0x9f. */
static bool has_controls(const char *text)
{
    for (const unsigned char *at = (const unsigned char *)text; *at != '\0'; at++)
        if (*at < 0x20 || *at == 0x7f || (*at == 0xc2 && at[1] < 0xa0)) return true;
    return false;
}

static bool is_web_address(const char *url, size_t scheme)
{
    bool known = (scheme == 4 && strncasecmp(url, "http", scheme) == 0) ||
                 (scheme == 5 && strncasecmp(url, "https", scheme) == 0);
    return known && strncmp(url + scheme, "://", 3) == 0 && url[scheme + 3] != '\0';
}

/* What stands before a colon is a scheme, unless a path, a query or a fragment has begun. */
static bool url_ok(const char *url)
{
    size_t scheme = strcspn(url, ":/?#");
    if (has_controls(url) || utf8_blank(url, strlen(url))) return false;
    return url[scheme] != ':' || is_web_address(url, scheme);
}

/* RFC 6838: the characters of a type's name. */
static size_t type_name(const char *text)
{
    size_t length = 0;
    while (apr_isalnum(text[length]) ||
           (text[length] != '\0' && strchr("!#$&-^_.+", text[length]) != NULL))
        length++;
    return length;
}

/* "audio/webm", perhaps with parameters ("; codecs=opus"). */
static bool type_ok(const char *type)
{
    size_t length = type_name(type);
    if (length == 0 || type[length] != '/') return false;
    const char *rest = type + length + 1;
    length = type_name(rest);
    if (length == 0) return false;
    for (rest += length; *rest == ' '; rest++) {}
    if (*rest != '\0' && *rest != ';') return false;
    while (*rest >= ' ' && *rest <= '~') rest++;
    return *rest == '\0';
}

static attachment_wrong_t text_check(json_object *media, const char *name, const char *field,
                                     int most, bool (*ok)(const char *))
{
    json_object *value = json_object_object_get(media, name);
    if (value == NULL) return (attachment_wrong_t){ 0 };
    if (!json_object_is_type(value, json_type_string)) return (attachment_wrong_t){ field, 0 };
    const char *text = json_object_get_string(value);
    if (utf8_count(text, strlen(text)) > (size_t)most) return (attachment_wrong_t){ field, most };
    return ok(text) ? (attachment_wrong_t){ 0 } : (attachment_wrong_t){ field, 0 };
}

static bool duration_ok(json_object *value)
{
    if (value == NULL) return true;
    if (!json_object_is_type(value, json_type_int) && !json_object_is_type(value, json_type_double))
        return false;
    return json_object_get_double(value) >= 0;
}

static bool ids_ok(json_object *ids)
{
    if (ids == NULL) return true;
    if (!json_object_is_type(ids, json_type_array)) return false;
    size_t count = json_object_array_length(ids);
    for (size_t i = 0; i < count; i++) {
        json_object *id = json_object_array_get_idx(ids, i);
        apr_int64_t value = json_object_is_type(id, json_type_int) ? json_object_get_int64(id) : 0;
        if (value < 1 || value > ID_MOST) return false;
    }
    return count <= IDS_MOST;
}

/* Media are somewhere: at an address, or sent before. */
static bool is_somewhere(json_object *media)
{
    json_object *ids = json_object_object_get(media, "ids");
    return json_object_object_get(media, "url") != NULL ||
           (ids != NULL && json_object_array_length(ids) > 0);
}

bool attachment_is_nothing(json_object *media)
{
    json_object *ids;
    return json_object_is_type(media, json_type_object) && json_object_object_length(media) == 1 &&
           json_object_object_get_ex(media, "ids", &ids) &&
           json_object_is_type(ids, json_type_array) && json_object_array_length(ids) == 0;
}

attachment_wrong_t attachment_check(json_object *media)
{
    attachment_wrong_t wrong = text_check(media, "url", "media.url", URL_MOST, url_ok);
    if (wrong.field != NULL) return wrong;
    wrong = text_check(media, "type", "media.type", TYPE_MOST, type_ok);
    if (wrong.field != NULL) return wrong;
    if (!duration_ok(json_object_object_get(media, "duration")))
        return (attachment_wrong_t){ "media.duration", 0 };
    if (!ids_ok(json_object_object_get(media, "ids")))
        return (attachment_wrong_t){ "media.ids", 0 };
    return is_somewhere(media) ? wrong : (attachment_wrong_t){ "media.url", 0 };
}

/* ---- Keeping and showing ---- */

/* The numbers stay as they were written: json-c keeps their text. */
static json_object *media_known(json_object *media)
{
    static const char *const members[] = { "url", "type", "duration", "ids" };
    json_object *known = json_object_new_object();
    for (size_t i = 0; i < sizeof(members) / sizeof(members[0]); i++) {
        json_object *value = json_object_object_get(media, members[i]);
        if (value != NULL) json_object_object_add(known, members[i], json_object_get(value));
    }
    return known;
}

const char *attachment_text(apr_pool_t *pool, const char *kind, json_object *media)
{
    if (media == NULL && (kind == NULL || strcmp(kind, DEFAULT_KIND) == 0)) return NULL;
    json_object *json = json_object_new_object();
    json_object_object_add(json, "kind", json_object_new_string(kind ? kind : DEFAULT_KIND));
    if (media != NULL) json_object_object_add(json, "media", media_known(media));
    int flags = JSON_C_TO_STRING_PLAIN | JSON_C_TO_STRING_NOSLASHESCAPE;
    const char *text = apr_pstrdup(pool, json_object_to_json_string_ext(json, flags));
    json_object_put(json);
    return text;
}

void attachment_describe(json_object *message, const char *attachment)
{
    json_object *json = attachment != NULL ? json_tokener_parse(attachment) : NULL;
    json_object *kind = json_object_object_get(json, "kind");
    salon_json_member(message, "kind",
                      kind ? json_object_get(kind) : json_object_new_string(DEFAULT_KIND));
    salon_json_member(message, "media",
                      json_object_get(json_object_object_get(json, "media")));
    json_object_put(json);
}
