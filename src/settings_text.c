/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The text of a configuration file, before libconfuse sees it.  Follows libconfuse's rules of what
 * a string, a word and a comment is, closely enough to know where each ends.
 */
#include "settings_private.h"

#include <string.h>

#include <apr_file_io.h>
#include <apr_strings.h>

#include "utf8.h"

#define FILE_LONGEST    (1 << 20)
#define BYTE_ORDER_MARK "\xef\xbb\xbf" /* some editors begin a file so */

typedef struct text_t {
    char *at;
    int line;
    int depth;         /* of braces */
    int depth_line;    /* where the outermost one was opened */
    const char *error; /* the first that was found, with its line */
    int error_line;
} text_t;

static void fail(text_t *text, int line, const char *error)
{
    text->error = error;
    text->error_line = line;
}

static void step(text_t *text)
{
    if (*text->at == '\n') text->line++;
    text->at++;
}

static void blank(char *begin, const char *end)
{
    for (; begin < end; begin++) {
        if (*begin != '\n') *begin = ' ';
    }
}

/* "${NAME}": libconfuse looks for the brace up to the end of the file. */
static void skip_variable(text_t *text)
{
    size_t length = strcspn(text->at, "}\"'\n");
    if (text->at[length] != '}') {
        fail(text, text->line, "\"${\" without its closing brace");
        return;
    }
    text->at += length + 1;
}

static void skip_string(text_t *text)
{
    char quote = *text->at;
    int line = text->line;
    step(text);
    while (*text->at != quote && text->error == NULL) {
        if (*text->at == '$' && text->at[1] == '{' && quote == '"') {
            skip_variable(text);
            continue;
        }
        if (*text->at == '\\' && text->at[1] != '\0') step(text);
        if (*text->at == '\0') {
            fail(text, line, "a string without end");
            return;
        }
        step(text);
    }
    text->at++;
}

static bool in_word(char c)
{
    return c != '\0' && strchr(" #\"'\t\n\r={}()+,*", c) == NULL;
}

static void blank_line(text_t *text)
{
    char *end = text->at + strcspn(text->at, "\n");
    blank(text->at, end);
    text->at = end;
}

static void blank_comment(text_t *text)
{
    char *begin = text->at;
    const char *end = strstr(begin + 2, "*/");
    if (end == NULL) {
        fail(text, text->line, "a comment without end");
        return;
    }
    while (text->at < end + 2) step(text);
    blank(begin, text->at);
}

static void count_brace(text_t *text)
{
    if (*text->at == '{' && text->depth++ == 0) text->depth_line = text->line;
    if (*text->at == '}') text->depth--;
}

/* One string, comment, or character.  begin: of the whole text. */
static void clean_next(text_t *text, const char *begin)
{
    const char *at = text->at;
    bool after_word = at > begin && in_word(at[-1]);
    if (at[0] == '"' || at[0] == '\'') {
        skip_string(text);
    } else if (at[0] == '#' || (at[0] == '/' && at[1] == '/' && !after_word)) {
        blank_line(text);
    } else if (at[0] == '/' && at[1] == '*') {
        blank_comment(text);
    } else if (at[0] == '$' && at[1] == '{' && !after_word) {
        skip_variable(text);
    } else if (at[0] == '+' && at[1] == '=') {
        fail(text, text->line, "+= is not supported; give the whole list");
    } else if (at[0] == '+' || at[0] == '*') {
        fail(text, text->line, "unexpected '+' or '*' outside of a string");
    } else {
        count_brace(text);
        step(text);
    }
}

static char *read_file(apr_pool_t *pool, const char *path, size_t *length_r, const char **error_r)
{
    apr_file_t *file;
    char reason[128];
    char *text = NULL;
    apr_status_t rv = apr_file_open(&file, path, APR_FOPEN_READ, APR_FPROT_OS_DEFAULT, pool);
    if (rv == APR_SUCCESS) {
        text = apr_palloc(pool, FILE_LONGEST + 1);
        rv = apr_file_read_full(file, text, FILE_LONGEST, length_r);
        apr_file_close(file);
    }
    if (rv == APR_EOF) {
        text[*length_r] = '\0';
        return text;
    }
    *error_r = rv == APR_SUCCESS
        ? apr_psprintf(pool, "%s: longer than 1 MiB", path)
        : apr_psprintf(pool, "%s: cannot be read: %s", path,
                       apr_strerror(rv, reason, sizeof(reason)));
    return NULL;
}

/* The first line that is not UTF-8, or 0. */
static int bad_line(const char *text, size_t length)
{
    const char *end = text + length;
    for (int line = 1; text < end; line++) {
        const char *next = memchr(text, '\n', (size_t)(end - text));
        if (next == NULL) next = end;
        if (!utf8_valid(text, (size_t)(next - text))) return line;
        text = next + 1;
    }
    return 0;
}

char *config_text_read(apr_pool_t *pool, const char *file, const char **error_r)
{
    size_t length = 0;
    char *begin = read_file(pool, file, &length, error_r);
    if (begin == NULL) return NULL;
    if (strncmp(begin, BYTE_ORDER_MARK, 3) == 0) blank(begin, begin + 3);
    int line = bad_line(begin, length);
    if (line != 0) {
        *error_r = apr_psprintf(pool, "%s:%d: not UTF-8", file, line);
        return NULL;
    }
    text_t text = { .at = begin, .line = 1 };
    while (*text.at != '\0' && text.error == NULL) clean_next(&text, begin);
    if (text.error == NULL && text.depth > 0) fail(&text, text.depth_line, "a brace is not closed");
    if (text.error == NULL) return begin;
    *error_r = apr_psprintf(pool, "%s:%d: %s", file, text.error_line, text.error);
    return NULL;
}

/* ---- Sections ---- */

/* The next word or string ('s'), or character of its own; '\0': the end.  text->at: behind it. */
static char next_token(text_t *text, char **begin_r)
{
    text->at += strspn(text->at, " \t\r\n");
    *begin_r = text->at;
    if (*text->at == '"' || *text->at == '\'') {
        skip_string(text);
        return 's';
    }
    if (text->at[0] == '$' && text->at[1] == '{') {
        skip_variable(text);
        return 's';
    }
    if (!in_word(*text->at)) return *text->at == '\0' ? '\0' : *text->at++;
    while (in_word(*text->at)) text->at++;
    return 's';
}

/* Behind an opening brace: goes behind the closing one. */
static void skip_braces(text_t *text)
{
    char *begin;
    for (int depth = 1; depth > 0;) {
        char token = next_token(text, &begin);
        if (token == '\0') return;
        if (token == '{') depth++;
        if (token == '}') depth--;
    }
}

static bool is_kept(const char *name, const config_group_t *kept)
{
    for (; kept->name != NULL; kept++) {
        size_t length = strlen(kept->name);
        if (length > 0 && strncmp(name, kept->name, length) == 0 && !in_word(name[length]))
            return true;
    }
    return false;
}

void config_text_blank_sections(char *begin, const config_group_t *kept)
{
    text_t text = { .at = begin };
    char *name = NULL; /* where the section or setting begins that we are in */
    char *token_begin;
    bool value = false; /* behind an equals sign */
    char token;
    while ((token = next_token(&text, &token_begin)) != '\0') {
        if (token == '{') {
            skip_braces(&text);
            if (!value && name != NULL && !is_kept(name, kept)) blank(name, text.at);
        }
        if (token == '=') {
            value = true;
        } else if (value || token != 's') {
            value = false;
            name = NULL;
        } else if (name == NULL) {
            name = token_begin;
        }
    }
}
