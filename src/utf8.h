/* SPDX-License-Identifier: Apache-2.0 */
/*
 * UTF-8 (RFC 3629): strict validation, and counting.  json-c's own check lets overlong forms,
 * surrogates and values past U+10FFFF through, so everything is checked here before it is parsed.
 */
#ifndef UTF8_H
#define UTF8_H

#include <stdbool.h>
#include <stddef.h>

/* Well-formed, and without NUL.  Fast on ASCII. */
bool utf8_valid(const char *text, size_t length);
/* Code points in valid UTF-8. */
size_t utf8_count(const char *text, size_t length);
/* Nothing but white space (Unicode's White_Space property, and U+200B, U+FEFF), or empty. */
bool utf8_blank(const char *text, size_t length);

#endif
