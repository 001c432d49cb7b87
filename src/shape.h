/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Shapes as text: what salon_shape (salon/dialect.h) makes, without making it.
 */
#ifndef SHAPE_H
#define SHAPE_H

#include "salon/dialect.h"
#include "text.h"

/* Adds a canonical object (borrowed, may be NULL) in that shape (NULL: {}). */
void shape_write(text_t *text, const salon_shape_t *shape, json_object *canonical);
/* The members alone, with a comma before each. */
void shape_write_more(text_t *text, const salon_shape_t *shape, json_object *canonical);

#endif
