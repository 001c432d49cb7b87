/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Long work on the store, in small steps, with pauses that grow with the time that these take.
 * What a step waits for behind others counts as its time, so the pauses are longer when the store
 * has much else to do.  Chat thread.
 */
#ifndef STEPS_H
#define STEPS_H

#include <stdbool.h>

#include <apr.h>
#include <uv.h>

/* Steps that write leave most of the time to others. */
typedef enum { STEPS_READING, STEPS_WRITING } steps_kind_t;

typedef struct steps_t {
    uv_timer_t timer; /* for the next step */
    void (*step)(void);
    apr_int64_t began_at; /* chat_now */
    bool stopped;
} steps_t;

/* Before the chat thread starts.  step begins one; when that is over, one of these is called: */
void steps_init(steps_t *steps, void (*step)(void));
/* The next one after a pause. */
void steps_go_on(steps_t *steps, steps_kind_t kind);
/* It could not be begun, or has failed: once more after a long pause. */
void steps_put_off(steps_t *steps);
/* The next one, or the first, after that time (milliseconds); an earlier wish counts no more. */
void steps_wait(steps_t *steps, apr_int64_t delay);
/* Is it waiting for the next one? */
bool steps_waits(const steps_t *steps);
/* No more steps. */
void steps_stop(steps_t *steps);

#endif
