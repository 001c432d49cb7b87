/* SPDX-License-Identifier: Apache-2.0 */
/*
 * lws_spa, which lws has for this, cannot be used: on a part with a Content-Transfer-Encoding it
 * takes the content for headers; at the last boundary it declares the body of the request to be
 * over, so that what follows is read as another request; and fields that it stores shrink its
 * buffer below what it copies into it.
 *
 * A boundary begins with a CR and has no other, so after a mismatch it can only begin anew at the
 * byte that did not match.
 */
#include "multipart.h"

#include <string.h>
#include <strings.h>

#include <apr_lib.h>
#include <apr_strings.h>

#include "disposition.h"

#define BOUNDARY_MOST 70   /* characters, as RFC 2046 says */
#define HEAD_MOST     8192 /* bytes of a part's headers */
#define PARTS_MOST    256

typedef enum {
    CONTENT, /* of a part, or what comes before the first */
    TAIL,    /* behind a boundary, up to the end of its line */
    HEAD,    /* a part's headers */
    ENDED    /* what follows the last boundary does not count */
} state_t;

struct multipart_t {
    apr_pool_t *pool, *part_pool;
    const char *field;
    multipart_sink_t *sink;
    void *baton;
    state_t state;
    char delimiter[4 + BOUNDARY_MOST + 1]; /* CR LF - - and the boundary */
    size_t delimiter_length, matched;
    int parts;
    bool wanted; /* the present part is the field */
    bool found;
    const char *file_name;
    char tail[2];
    size_t tail_length, head_length;
    char head[HEAD_MOST + 1];
};

bool multipart_is(const char *content_type)
{
    return disposition_is(content_type, "multipart/form-data");
}

static bool boundary_ok(const char *boundary)
{
    size_t length = strlen(boundary);
    if (length == 0 || length > BOUNDARY_MOST || boundary[length - 1] == ' ') return false;
    for (; *boundary != '\0'; boundary++)
        if (!apr_isalnum(*boundary) && strchr("'()+_,-./:=? ", *boundary) == NULL) return false;
    return true;
}

multipart_t *multipart_make(apr_pool_t *pool, const char *content_type, const char *field,
                            multipart_sink_t *sink, void *baton)
{
    const char *boundary = disposition_parameter(pool, content_type, "boundary");
    if (boundary == NULL || !boundary_ok(boundary)) return NULL;
    multipart_t *m = apr_pcalloc(pool, sizeof(*m));
    m->pool = pool;
    apr_pool_create(&m->part_pool, pool);
    m->field = field;
    m->sink = sink;
    m->baton = baton;
    m->file_name = "";
    apr_snprintf(m->delimiter, sizeof(m->delimiter), "\r\n--%s", boundary);
    m->delimiter_length = strlen(m->delimiter);
    m->matched = 2; /* the first one needs no line before it */
    return m;
}

/* ---- A part's headers ---- */

static const char *header_value(const char *line, const char *name)
{
    size_t length = strlen(name);
    if (strncasecmp(line, name, length) != 0 || line[length] != ':') return NULL;
    return line + length + 1 + strspn(line + length + 1, " \t");
}

static void disposition_take(multipart_t *m, const char *value)
{
    if (!disposition_is(value, "form-data")) return;
    const char *name = disposition_parameter(m->part_pool, value, "name");
    m->wanted = name != NULL && strcmp(name, m->field) == 0;
    if (m->wanted && !m->found) m->file_name = disposition_file_name(m->pool, value);
}

/* False: the field is there twice. */
static bool head_take(multipart_t *m)
{
    char *last, *line = apr_strtok(m->head, "\r\n", &last);
    bool before = m->found;
    apr_pool_clear(m->part_pool);
    for (; line != NULL; line = apr_strtok(NULL, "\r\n", &last)) {
        const char *value = header_value(line, "Content-Disposition");
        if (value != NULL) disposition_take(m, value);
    }
    m->found |= m->wanted;
    return !(before && m->wanted);
}

/* A part without headers has its empty line at once. */
static bool head_ends(const multipart_t *m)
{
    if (m->head_length == 2) return memcmp(m->head, "\r\n", 2) == 0;
    return m->head_length >= 4 && memcmp(m->head + m->head_length - 4, "\r\n\r\n", 4) == 0;
}

/* The line end behind the headers does not count as the beginning of a boundary. */
static bool head_byte(multipart_t *m, char c)
{
    if (c == '\0' || m->head_length == HEAD_MOST) return false;
    m->head[m->head_length++] = c;
    if (!head_ends(m)) return true;
    m->head[m->head_length] = '\0';
    m->state = CONTENT;
    m->matched = 0;
    return head_take(m);
}

/* ---- Boundaries and content ---- */

static bool content_hand_on(multipart_t *m, const char *bytes, size_t length)
{
    return !m->wanted || length == 0 || m->sink(m->baton, bytes, length);
}

/* "--" ends the form; otherwise nothing but padding may follow before the line's end. */
static bool tail_byte(multipart_t *m, char c)
{
    if (c == ' ' || c == '\t') return m->tail_length == 0;
    if (m->tail_length < 2) m->tail[m->tail_length++] = c;
    if (m->tail_length < 2) return c == '-' || c == '\r';
    if (memcmp(m->tail, "--", 2) == 0) {
        m->state = ENDED;
        return true;
    }
    m->state = HEAD;
    m->head_length = 0;
    return memcmp(m->tail, "\r\n", 2) == 0 && m->parts++ < PARTS_MOST;
}

/* The bytes up to the next that may begin a boundary; *used_r of them. */
static bool content_run(multipart_t *m, const char *bytes, size_t length, size_t *used_r)
{
    const char *cr = memchr(bytes, '\r', length);
    *used_r = cr != NULL ? (size_t)(cr - bytes) : length;
    if (cr != NULL) {
        m->matched = 1;
        (*used_r)++;
    }
    return content_hand_on(m, bytes, *used_r - (cr != NULL ? 1 : 0));
}

/* One byte while a boundary may have begun; *used_r 0: it is to be looked at again. */
static bool content_match(multipart_t *m, char c, size_t *used_r)
{
    *used_r = 0;
    if (c != m->delimiter[m->matched]) {
        size_t held = m->matched;
        m->matched = 0;
        return content_hand_on(m, m->delimiter, held);
    }
    *used_r = 1;
    if (++m->matched < m->delimiter_length) return true;
    m->state = TAIL;
    m->tail_length = 0;
    m->wanted = false;
    return true;
}

static bool step(multipart_t *m, const char *bytes, size_t length, size_t *used_r)
{
    *used_r = 1;
    switch (m->state) {
    case CONTENT:
        return m->matched == 0 ? content_run(m, bytes, length, used_r)
                               : content_match(m, *bytes, used_r);
    case TAIL: return tail_byte(m, *bytes);
    case HEAD: return head_byte(m, *bytes);
    default: *used_r = length; return true;
    }
}

bool multipart_feed(multipart_t *m, const char *bytes, size_t length)
{
    while (length > 0) {
        size_t used;
        if (!step(m, bytes, length, &used)) return false;
        bytes += used;
        length -= used;
    }
    return true;
}

bool multipart_complete(const multipart_t *m)
{
    return m->state == ENDED && m->found;
}

const char *multipart_file_name(const multipart_t *m)
{
    return m->file_name;
}
