/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Compressed messages (RFC 7692, without context takeover), as receivers see them.  What one has
 * received byte for byte, a thousand others will: each is expanded once, and then known.
 */
#ifndef UNPACK_H
#define UNPACK_H

#include <stddef.h>

typedef struct unpack_t unpack_t;

unpack_t *unpack_make(void);
/* The text; it is kept until some hundred others have come.  NULL: no compressed message. */
const char *unpack(unpack_t *self, const unsigned char *bytes, size_t length, size_t *length_r);
void unpack_free(unpack_t **unpack);

#endif
