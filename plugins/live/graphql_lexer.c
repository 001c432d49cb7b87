/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Relies on the text being valid UTF-8 without NUL; strings that would hold a NUL by an escape, or
 * half of a surrogate pair, are refused, so that this stays so for their values.
 */
#include "graphql_lexer.h"

#include <string.h>

#include <apr_strings.h>

#include "graphql_block.h"

#define MOST_CODE_POINT 0x10ffffu

static int peek_at(const lexer_t *lexer, size_t offset)
{
    size_t at = lexer->at + offset;
    return at < lexer->length ? (unsigned char)lexer->text[at] : '\0';
}

static int peek(const lexer_t *lexer)
{
    return peek_at(lexer, 0);
}

static bool is_digit(int c)
{
    return c >= '0' && c <= '9';
}

static bool is_name_start(int c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_';
}

static bool starts_with(const lexer_t *lexer, const char *word)
{
    size_t length = strlen(word);
    return lexer->length - lexer->at >= length &&
           memcmp(lexer->text + lexer->at, word, length) == 0;
}

static token_t bad(const lexer_t *lexer, const char *why)
{
    return (token_t){ TOKEN_BAD, lexer->at, why };
}

static token_t token_from(const lexer_t *lexer, int kind, size_t start)
{
    return (token_t){ kind, start,
                      apr_pstrmemdup(lexer->pool, lexer->text + start, lexer->at - start) };
}

/* ---- What does not count ---- */

static void skip_comment(lexer_t *lexer)
{
    while (lexer->at < lexer->length && peek(lexer) != '\n' && peek(lexer) != '\r') lexer->at++;
}

static void skip_ignored(lexer_t *lexer)
{
    for (;;) {
        int c = peek(lexer);
        if (c == '#') skip_comment(lexer);
        else if (starts_with(lexer, "\xef\xbb\xbf")) lexer->at += 3;
        else if (c != '\0' && strchr(" \t\n\r,", c) != NULL) lexer->at++;
        else return;
    }
}

/* ---- Numbers ---- */

static bool skip_digits(lexer_t *lexer)
{
    size_t start = lexer->at;
    while (is_digit(peek(lexer))) lexer->at++;
    return lexer->at > start;
}

static bool skip_exponent(lexer_t *lexer)
{
    lexer->at++;
    if (peek(lexer) == '+' || peek(lexer) == '-') lexer->at++;
    return skip_digits(lexer);
}

static token_t lex_number(lexer_t *lexer)
{
    int kind = TOKEN_INT;
    size_t start = lexer->at;
    if (peek(lexer) == '-') lexer->at++;
    if (peek(lexer) == '0' && is_digit(peek_at(lexer, 1)))
        return bad(lexer, "Invalid number, unexpected digit after 0.");
    bool good = skip_digits(lexer);
    if (good && peek(lexer) == '.') {
        kind = TOKEN_FLOAT;
        lexer->at++;
        good = skip_digits(lexer);
    }
    if (good && (peek(lexer) == 'e' || peek(lexer) == 'E')) {
        kind = TOKEN_FLOAT;
        good = skip_exponent(lexer);
    }
    if (!good) return bad(lexer, "Invalid number, expected digit.");
    if (peek(lexer) == '.' || is_name_start(peek(lexer)))
        return bad(lexer, "Invalid number, unexpected character after it.");
    return token_from(lexer, kind, start);
}

/* ---- Strings ---- */

static int hex_value(int c)
{
    if (is_digit(c)) return c - '0';
    if (c >= 'a' && c <= 'f') return c - 'a' + 10;
    return c >= 'A' && c <= 'F' ? c - 'A' + 10 : -1;
}

/* Hexadecimal digits, so many of them, or (most 0) up to a brace; above all code points: wrong. */
static unsigned read_hex(lexer_t *lexer, int most)
{
    unsigned value = 0;
    int digits = 0;
    for (; most == 0 || digits < most; digits++, lexer->at++) {
        int digit = hex_value(peek(lexer));
        if (digit < 0) break;
        value = value << 4 | (unsigned)digit;
        if (value > MOST_CODE_POINT) return value;
    }
    return digits == 0 || digits < most ? MOST_CODE_POINT + 1 : value;
}

/* After "\u"; 0: it is none. */
static unsigned read_code_point(lexer_t *lexer)
{
    if (peek(lexer) == '{') {
        lexer->at++;
        unsigned value = read_hex(lexer, 0);
        bool good = value <= MOST_CODE_POINT && (value & 0xfffff800u) != 0xd800u &&
                    peek(lexer) == '}';
        lexer->at++;
        return good ? value : 0;
    }
    unsigned value = read_hex(lexer, 4);
    if (value > 0xffffu || (value & 0xfc00u) == 0xdc00u) return 0;
    if ((value & 0xfc00u) != 0xd800u) return value;
    if (!starts_with(lexer, "\\u")) return 0;
    lexer->at += 2;
    unsigned low = read_hex(lexer, 4);
    if ((low & 0xfffffc00u) != 0xdc00u) return 0;
    return 0x10000u + ((value & 0x3ffu) << 10) + (low & 0x3ffu);
}

static char *put_utf8(char *to, unsigned c)
{
    if (c < 0x80) {
        *to++ = (char)c;
        return to;
    }
    int more = c < 0x800 ? 1 : c < 0x10000 ? 2 : 3;
    static const unsigned char heads[] = { 0, 0xc0, 0xe0, 0xf0 };
    *to++ = (char)(heads[more] | c >> (6 * more));
    while (more-- > 0) *to++ = (char)(0x80 | (c >> (6 * more) & 0x3f));
    return to;
}

/* After the backslash; NULL: there is no such escape. */
static char *read_escape(lexer_t *lexer, char *to)
{
    static const char names[] = "\"\\/bfnrt", values[] = "\"\\/\b\f\n\r\t";
    int c = peek(lexer);
    const char *found = c != '\0' ? strchr(names, c) : NULL;
    lexer->at++;
    if (found != NULL) {
        *to++ = values[found - names];
        return to;
    }
    unsigned code = c == 'u' ? read_code_point(lexer) : 0;
    return code != 0 ? put_utf8(to, code) : NULL;
}

/* How many bytes there are up to the closing quote, or to the end of the line. */
static size_t string_extent(const lexer_t *lexer)
{
    size_t extent = 0;
    for (int c; (c = peek_at(lexer, extent)) != '"' && strchr("\n\r", c) == NULL; extent++)
        if (c == '\\' && strchr("\"\\", peek_at(lexer, extent + 1)) != NULL) extent++;
    return extent;
}

/* No escape makes more bytes than it takes. */
static token_t lex_string(lexer_t *lexer)
{
    size_t start = lexer->at++;
    char *value = apr_palloc(lexer->pool, string_extent(lexer) + 1), *to = value;
    for (;;) {
        int c = peek(lexer);
        if (strchr("\n\r", c) != NULL) return bad(lexer, "Unterminated string.");
        if (c < 0x20 && c != '\t') return bad(lexer, "Invalid character within String.");
        lexer->at++;
        if (c == '"') break;
        if (c != '\\') *to++ = (char)c;
        else if ((to = read_escape(lexer, to)) == NULL)
            return bad(lexer, "Invalid character escape sequence.");
    }
    *to = '\0';
    return (token_t){ TOKEN_STRING, start, value };
}

static token_t lex_block_string(lexer_t *lexer)
{
    size_t start = lexer->at;
    lexer->at += 3;
    const char *raw = lexer->text + lexer->at;
    size_t from = lexer->at;
    while (!starts_with(lexer, "\"\"\"")) {
        int c = peek(lexer);
        if (lexer->at >= lexer->length) return bad(lexer, "Unterminated string.");
        if (c < 0x20 && c != '\t' && c != '\n' && c != '\r')
            return bad(lexer, "Invalid character within String.");
        lexer->at += starts_with(lexer, "\\\"\"\"") ? 4 : 1;
    }
    size_t length = lexer->at - from;
    lexer->at += 3;
    return (token_t){ TOKEN_STRING, start, graphql_block(lexer->pool, raw, length) };
}

/* ---- All of them ---- */

static token_t lex_name(lexer_t *lexer)
{
    size_t start = lexer->at;
    while (is_name_start(peek(lexer)) || is_digit(peek(lexer))) lexer->at++;
    return token_from(lexer, TOKEN_NAME, start);
}

static token_t lex_punctuator(lexer_t *lexer)
{
    int c = peek(lexer);
    if (c == '\0' || (c == '.' ? !starts_with(lexer, "...") : strchr("!$&():=@[]{|}", c) == NULL))
        return bad(lexer, "Unexpected character.");
    token_t token = { c, lexer->at, NULL };
    lexer->at += c == '.' ? 3 : 1;
    return token;
}

token_t lexer_next(lexer_t *lexer)
{
    skip_ignored(lexer);
    int c = peek(lexer);
    if (lexer->at >= lexer->length) return (token_t){ TOKEN_END, lexer->length, NULL };
    if (++lexer->count > GRAPHQL_TOKENS) return bad(lexer, "Document contains too many tokens.");
    if (is_name_start(c)) return lex_name(lexer);
    if (is_digit(c) || c == '-') return lex_number(lexer);
    if (starts_with(lexer, "\"\"\"")) return lex_block_string(lexer);
    return c == '"' ? lex_string(lexer) : lex_punctuator(lexer);
}
