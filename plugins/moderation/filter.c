/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Every line becomes one compiled expression of PCRE2: matching is case-insensitive by Unicode's
 * rules, and a word matches as a whole.  Texts are long and expressions can be careless, so each
 * match may take a bounded number of steps; a text that would take more is refused.  They are not
 * compiled to machine code: with that, short texts take longer, and steps are not counted so well.
 */
#include "filter.h"

#include <stdbool.h>
#include <string.h>

#include <apr_file_io.h>
#include <apr_lib.h>
#include <apr_strings.h>
#include <apr_tables.h>

#define PCRE2_CODE_UNIT_WIDTH 8
#include <pcre2.h>

#define FILE_MOST  (1 << 20) /* bytes */
#define STEPS_MOST 10000     /* from one place in the text */

typedef struct {
    pcre2_code *code;
    bool mask;
} entry_t;

/* One reading of the file. */
typedef struct {
    apr_pool_t *pool;
    apr_array_header_t *entries; /* entry_t */
    pcre2_match_data *match;
    pcre2_match_context *limits;
} words_t;

static words_t *words; /* NULL: none */

/* ---- Reading ---- */

static apr_status_t code_free(void *code)
{
    pcre2_code_free(code);
    return APR_SUCCESS;
}

static apr_status_t words_free(void *baton)
{
    words_t *w = baton;
    pcre2_match_data_free(w->match);
    pcre2_match_context_free(w->limits);
    return APR_SUCCESS;
}

static words_t *words_make(apr_pool_t *parent)
{
    apr_pool_t *pool;
    apr_pool_create(&pool, parent);
    words_t *made = apr_pcalloc(pool, sizeof(*made));
    *made = (words_t){ .pool = pool,
                       .entries = apr_array_make(pool, 64, sizeof(entry_t)),
                       .match = pcre2_match_data_create(1, NULL),
                       .limits = pcre2_match_context_create(NULL) };
    pcre2_set_match_limit(made->limits, STEPS_MOST);
    apr_pool_cleanup_register(pool, made, words_free, apr_pool_cleanup_null);
    return made;
}

static const char *file_read(const char *path, apr_pool_t *pool, const char **error_r)
{
    char why[120];
    apr_file_t *file;
    apr_size_t length = FILE_MOST;
    char *text = apr_palloc(pool, FILE_MOST + 1);
    apr_status_t rv = apr_file_open(&file, path, APR_FOPEN_READ, 0, pool);
    if (rv == APR_SUCCESS) {
        rv = apr_file_read_full(file, text, FILE_MOST, &length);
        apr_file_close(file);
    }
    if (rv != APR_SUCCESS && rv != APR_EOF)
        *error_r = apr_psprintf(pool, "%s: %s", path, apr_strerror(rv, why, sizeof(why)));
    else if (length == FILE_MOST) *error_r = apr_psprintf(pool, "%s is too long", path);
    text[length] = '\0';
    return *error_r == NULL ? text : NULL;
}

/* A word, or several: as a whole, with any space between them. */
static const char *word_pattern(const char *word, apr_pool_t *pool)
{
    char *pattern = apr_palloc(pool, strlen(word) * 3 + 20), *at = pattern;
    at = apr_cpystrn(at, "(?<!\\w)", 20);
    for (; *word != '\0'; word++) {
        if (*word == ' ' || *word == '\t') {
            while (word[1] == ' ' || word[1] == '\t') word++;
            at = apr_cpystrn(at, "\\s+", 4);
        } else {
            if (apr_ispunct(*word)) *at++ = '\\';
            *at++ = *word;
        }
    }
    apr_cpystrn(at, "(?!\\w)", 10);
    return pattern;
}

/* "\r" of foreign editors included. */
static char *trim(char *line)
{
    char *end = line + strlen(line);
    while (apr_isspace(*line)) line++;
    while (end > line && apr_isspace(end[-1])) *--end = '\0';
    return line;
}

/* Cuts "= mask" or "= refuse" off. */
static bool mask_take(char *line)
{
    char *sign = strrchr(line, '=');
    if (sign == NULL || sign == line) return false;
    const char *action = sign + 1 + strspn(sign + 1, " \t");
    bool mask = strcmp(action, "mask") == 0;
    if (!mask && strcmp(action, "refuse") != 0) return false;
    *sign = '\0';
    trim(line);
    return mask;
}

static const char *entry_add(words_t *w, char *line)
{
    int code;
    PCRE2_SIZE place;
    PCRE2_UCHAR why[120];
    bool mask = mask_take(line);
    size_t length = strlen(line);
    const char *pattern = word_pattern(line, w->pool);
    if (line[0] == '/' && length > 2 && line[length - 1] == '/')
        pattern = apr_pstrmemdup(w->pool, line + 1, length - 2);
    entry_t entry = { .mask = mask };
    entry.code = pcre2_compile((PCRE2_SPTR)pattern, PCRE2_ZERO_TERMINATED,
                               PCRE2_UTF | PCRE2_UCP | PCRE2_CASELESS | PCRE2_NEVER_BACKSLASH_C,
                               &code, &place, NULL);
    if (entry.code == NULL) {
        pcre2_get_error_message(code, why, sizeof(why));
        return apr_pstrdup(w->pool, (const char *)why);
    }
    apr_pool_cleanup_register(w->pool, entry.code, code_free, apr_pool_cleanup_null);
    APR_ARRAY_PUSH(w->entries, entry_t) = entry;
    return NULL;
}

/* NULL: done. */
static const char *lines_add(words_t *w, char *text, apr_pool_t *pool)
{
    int number = 1;
    for (char *next; text != NULL; text = next, number++) {
        next = strchr(text, '\n');
        if (next != NULL) *next++ = '\0';
        char *line = trim(text);
        if (line[0] == '\0' || line[0] == '#') continue;
        const char *why = entry_add(w, line);
        if (why != NULL) return apr_psprintf(pool, "line %d: %s", number, why);
    }
    return NULL;
}

static void words_replace(words_t *made)
{
    if (words != NULL) apr_pool_destroy(words->pool);
    words = made;
}

void filter_forget(void)
{
    words_replace(NULL);
}

apr_status_t filter_read(const char *path, apr_pool_t *pool, const char **error_r)
{
    *error_r = NULL;
    if (path == NULL || path[0] == '\0') {
        filter_forget();
        return APR_SUCCESS;
    }
    words_t *made = words_make(NULL);
    const char *text = file_read(path, made->pool, error_r);
    const char *wrong = text != NULL ? lines_add(made, (char *)text, pool) : NULL;
    if (wrong != NULL) *error_r = apr_psprintf(pool, "%s: %s", path, wrong);
    else if (*error_r != NULL) *error_r = apr_pstrdup(pool, *error_r);
    if (*error_r == NULL) {
        words_replace(made);
        return APR_SUCCESS;
    }
    apr_pool_destroy(made->pool);
    return APR_EGENERAL;
}

/* ---- Matching ---- */

/* Texts have been checked to be UTF-8 when they came in. */
static int match_from(const entry_t *entry, const char *text, size_t length, size_t start)
{
    return pcre2_match(entry->code, (PCRE2_SPTR)text, length, start,
                       PCRE2_NO_UTF_CHECK | PCRE2_NOTEMPTY, words->match, words->limits);
}

/* An asterisk for each character. */
static char *stars_add(char *at, const char *text, size_t length)
{
    for (size_t i = 0; i < length; i++)
        if ((text[i] & 0xc0) != 0x80) *at++ = '*';
    return at;
}

/* NULL: it took too long. */
static const char *mask_all(const entry_t *entry, const char *text, apr_pool_t *pool)
{
    size_t length = strlen(text), done = 0;
    const PCRE2_SIZE *found = pcre2_get_ovector_pointer(words->match);
    int matches = match_from(entry, text, length, 0);
    if (matches == PCRE2_ERROR_NOMATCH) return text;
    char *masked = apr_palloc(pool, length + 1), *at = masked;
    for (; matches >= 0; matches = match_from(entry, text, length, done)) {
        size_t start = found[0] > done ? found[0] : done; /* \K can set it anywhere */
        memcpy(at, text + done, start - done);
        at = stars_add(at + (start - done), text + start, found[1] - start);
        done = found[1];
    }
    memcpy(at, text + done, length - done + 1);
    return matches == PCRE2_ERROR_NOMATCH ? masked : NULL;
}

const char *filter_text(const char *text, apr_pool_t *pool)
{
    for (int i = 0; words != NULL && text != NULL && i < words->entries->nelts; i++) {
        const entry_t *entry = &APR_ARRAY_IDX(words->entries, i, entry_t);
        if (entry->mask) text = mask_all(entry, text, pool);
        else if (match_from(entry, text, strlen(text), 0) != PCRE2_ERROR_NOMATCH) return NULL;
    }
    return text;
}
