/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What somebody may react with: one picture, as people see it (a family, a flag, a hand of any
 * colour, a keycap: several code points), or the name of one between colons.
 */
#ifndef EMOJI_H
#define EMOJI_H

#include <stdbool.h>

#define EMOJI_BYTES 64 /* of a whole one */
#define EMOJI_NAME  32 /* characters between the colons */

/* text: valid UTF-8. */
bool emoji_valid(const char *text);

#endif
