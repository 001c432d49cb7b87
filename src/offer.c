/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The header is a list of extensions, each with its parameters.  An offer with a parameter that is
 * not known, stands twice, or has a value that it may not have, cannot be accepted.
 */
#include "offer.h"

#include <stddef.h>
#include <string.h>

#define TOKEN                                                                                    \
    "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789!#$%&'*+-.^_`|~"
#define SPACE " \t"

/* Where parsing is; every step moves it on. */
typedef struct {
    const char *at;
} cursor_t;

typedef struct {
    const char *bytes; /* NULL: there is none */
    size_t length;
} word_t;

typedef enum { VALUE_NONE, VALUE_BITS, VALUE_BITS_OR_NONE } value_t;

/* client_max_window_bits says what the client could do; it is not asked to. */
static const struct {
    const char *name;
    value_t value;
} parameters[] = {
    { "server_no_context_takeover", VALUE_NONE },
    { "client_no_context_takeover", VALUE_NONE },
    { "server_max_window_bits", VALUE_BITS },
    { "client_max_window_bits", VALUE_BITS_OR_NONE },
};

#define PARAMETERS     (sizeof(parameters) / sizeof(parameters[0]))
#define SERVER_BITS    2 /* its place in the table */
#define BITS_LEAST     8

static bool word_is(word_t word, const char *text)
{
    return word.length == strlen(text) && memcmp(word.bytes, text, word.length) == 0;
}

/* The character, with spaces around it. */
static bool take(cursor_t *cursor, char character)
{
    const char *at = cursor->at + strspn(cursor->at, SPACE);
    if (*at != character || character == '\0') return false;
    cursor->at = at + 1 + strspn(at + 1, SPACE);
    return true;
}

static bool take_token(cursor_t *cursor, word_t *word_r)
{
    *word_r = (word_t){ cursor->at, strspn(cursor->at, TOKEN) };
    cursor->at += word_r->length;
    return word_r->length > 0;
}

/* In quotes there must be a token, too. */
static bool take_value(cursor_t *cursor, word_t *word_r)
{
    if (*cursor->at != '"') return take_token(cursor, word_r);
    cursor->at++;
    if (!take_token(cursor, word_r) || *cursor->at != '"') return false;
    cursor->at++;
    return true;
}

/* 8 to 15, without leading zeros; 0: not that. */
static int bits_of(word_t word)
{
    static const char *const numbers[] = { "8", "9", "10", "11", "12", "13", "14", "15" };
    for (size_t i = 0; i < sizeof(numbers) / sizeof(numbers[0]); i++)
        if (word_is(word, numbers[i])) return BITS_LEAST + (int)i;
    return 0;
}

static bool value_fits(value_t kind, word_t value)
{
    if (value.bytes == NULL) return kind != VALUE_BITS;
    return kind != VALUE_NONE && bits_of(value) > 0;
}

/* One parameter.  `seen` has a bit for each of the table.  False: it makes the offer
 * unacceptable. */
static bool parameter_accept(offer_t *offer, unsigned *seen, word_t name, word_t value)
{
    size_t i = 0;
    while (i < PARAMETERS && !word_is(name, parameters[i].name)) i++;
    if (i == PARAMETERS || (*seen & 1u << i) || !value_fits(parameters[i].value, value))
        return false;
    *seen |= 1u << i;
    if (i != SERVER_BITS) return true;
    offer->window_bits = bits_of(value);
    offer->limited = true;
    return true;
}

/* One extension with its parameters; window_bits is 0 where it is none that can be accepted.
 * False: not well formed. */
static bool element_read(cursor_t *cursor, offer_t *element_r)
{
    word_t name, value;
    unsigned seen = 0;
    if (!take_token(cursor, &name)) return false;
    bool acceptable = word_is(name, OFFER_NAME);
    *element_r = (offer_t){ .window_bits = OFFER_BITS_ALL, .mentions = acceptable };
    while (take(cursor, ';')) {
        value = (word_t){ NULL, 0 };
        if (!take_token(cursor, &name)) return false;
        if (take(cursor, '=') && !take_value(cursor, &value)) return false;
        acceptable = acceptable && parameter_accept(element_r, &seen, name, value);
    }
    if (!acceptable) *element_r = (offer_t){ .mentions = element_r->mentions };
    return true;
}

/* Elements of a list may be empty. */
bool offer_read(const char *header, offer_t *offer_r)
{
    cursor_t cursor = { header + strspn(header, SPACE) };
    offer_t element;
    *offer_r = (offer_t){ .window_bits = 0 };
    for (;;) {
        while (take(&cursor, ',')) continue;
        if (*cursor.at == '\0') return true;
        if (!element_read(&cursor, &element)) return false;
        element.mentions += offer_r->mentions;
        if (offer_r->window_bits == 0) *offer_r = element;
        offer_r->mentions = element.mentions;
        cursor.at += strspn(cursor.at, SPACE);
        if (*cursor.at != '\0' && *cursor.at != ',') return false;
    }
}
