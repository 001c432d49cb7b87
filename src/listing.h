/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the plugins that are loaded offer: salond --list.
 */
#ifndef LISTING_H
#define LISTING_H

#include <stdio.h>

/* One line for each operation, event, route, command, message of a dialect, and metric. */
void listing_print(FILE *out);

#endif
