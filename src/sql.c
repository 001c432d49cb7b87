/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Formats statements into one growing text.  Relies on the engine's quote for every byte that came
 * from outside.
 */
#define LOG_AREA "sql"

#include "sql.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "log.h"
#include "text.h"

#define FIRST_SIZE 256

struct sql_text_t {
    apr_pool_t *pool;
    const engine_t *engine;
    bool returns_rows;
    char *buffer;
    apr_size_t used, size;
};

bool sql_returns_rows(const char *statement)
{
    static const char *const words[] = { "SELECT", "WITH", "PRAGMA", "SHOW", "VALUES", "EXPLAIN" };

    while (*statement == ' ' || *statement == '(') statement++;
    for (unsigned i = 0; i < sizeof words / sizeof *words; i++) {
        if (strncasecmp(statement, words[i], strlen(words[i])) == 0) return true;
    }
    return false;
}

/* Space for so many more bytes, and the NUL. */
static char *text_reserve(sql_text_t *text, apr_size_t more)
{
    if (text->size - text->used <= more) {
        apr_size_t size = text->size * 2;
        char *buffer;

        while (size - text->used <= more) size *= 2;
        buffer = apr_palloc(text->pool, size);
        memcpy(buffer, text->buffer, text->used);
        text->buffer = buffer;
        text->size = size;
    }
    return text->buffer + text->used;
}

static void add_plain(sql_text_t *text, const char *from, apr_size_t length)
{
    memcpy(text_reserve(text, length), from, length);
    text->used += length;
}

static void add_quoted(sql_text_t *text, const char *value)
{
    apr_size_t length;
    char *at;

    if (value == NULL) {
        add_plain(text, "NULL", 4);
        return;
    }
    length = strlen(value);
    at = text_reserve(text, 2 * length + ENGINE_QUOTE_MAX);
    text->engine->quote(value, length, text->returns_rows, &at);
    text->used = (apr_size_t)(at - text->buffer);
}

static void add_number(sql_text_t *text, long value)
{
    char *at = text_reserve(text, TEXT_NUMBER);

    text->used += (apr_size_t)(number_write(at, value) - at);
}

__attribute__((noreturn)) static void refuse(const char *format)
{
    log_error("SQL format not understood, or with a quote in it: %s; ending", format);
    abort();
}

/* The directive behind a '%'; returns what follows it. */
static const char *add_directive(sql_text_t *text, const char *format, const char *at,
                                 va_list *args)
{
    switch (*at) {
    case '%':
        add_plain(text, at, 1);
        return at + 1;
    case 's':
        add_quoted(text, va_arg(*args, const char *));
        return at + 1;
    case 'd':
        add_number(text, va_arg(*args, int));
        return at + 1;
    case 'l':
        if (at[1] != 'd') refuse(format);
        add_number(text, va_arg(*args, long));
        return at + 2;
    default:
        refuse(format);
    }
}

static void text_vadd(sql_text_t *text, const char *format, va_list *args)
{
    const char *at = format;

    if (strpbrk(format, "'\"`\\") != NULL) refuse(format);
    while (*at != '\0') {
        apr_size_t length = strcspn(at, "%");

        add_plain(text, at, length);
        at += length;
        if (*at == '%') at = add_directive(text, format, at + 1, args);
    }
    text->buffer[text->used] = '\0';
}

sql_text_t *sql_text_make(apr_pool_t *pool, const engine_t *engine, bool returns_rows)
{
    sql_text_t *text = apr_pcalloc(pool, sizeof *text);

    text->pool = pool;
    text->engine = engine;
    text->returns_rows = returns_rows;
    text->size = FIRST_SIZE;
    text->buffer = apr_palloc(pool, text->size);
    text->buffer[0] = '\0';
    return text;
}

void sql_text_add(sql_text_t *text, const char *format, ...)
{
    va_list args;

    va_start(args, format);
    text_vadd(text, format, &args);
    va_end(args);
}

void sql_text_add_plain(sql_text_t *text, const char *plain)
{
    add_plain(text, plain, strlen(plain));
    text->buffer[text->used] = '\0';
}

apr_size_t sql_text_length(const sql_text_t *text)
{
    return text->used;
}

const char *sql_text_string(sql_text_t *text)
{
    return text->buffer;
}

const char *sql_vformat(apr_pool_t *pool, const engine_t *engine, const char *format, va_list args)
{
    sql_text_t *text = sql_text_make(pool, engine, sql_returns_rows(format));
    va_list copy;

    va_copy(copy, args);
    text_vadd(text, format, &copy);
    va_end(copy);
    return sql_text_string(text);
}

const char *sql_format(apr_pool_t *pool, const engine_t *engine, const char *format, ...)
{
    const char *statement;
    va_list args;

    va_start(args, format);
    statement = sql_vformat(pool, engine, format, args);
    va_end(args);
    return statement;
}
