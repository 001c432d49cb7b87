/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A step that writes is followed by four times its time, so that it takes a fifth of the writer at
 * most, and what others want to have written waits for one step, never for all of them.
 */
#include "steps.h"

#include <sys/param.h>

#include "chat.h"

#define PAUSE_MOST 5000 /* milliseconds */

static const struct {
    int share; /* the pause takes so many times what the step has taken */
    int least;
} pauses[] = {
    [STEPS_READING] = { 1, 0 },
    [STEPS_WRITING] = { 4, 10 },
};

static void on_timer(uv_timer_t *timer)
{
    steps_t *steps = timer->data;
    steps->began_at = chat_now();
    steps->step();
}

void steps_init(steps_t *steps, void (*step)(void))
{
    uv_timer_init(chat_loop(), &steps->timer);
    steps->timer.data = steps;
    steps->step = step;
}

void steps_wait(steps_t *steps, apr_int64_t delay)
{
    if (!steps->stopped) uv_timer_start(&steps->timer, on_timer, (uint64_t)MAX(0, delay), 0);
}

void steps_go_on(steps_t *steps, steps_kind_t kind)
{
    apr_int64_t pause = (chat_now() - steps->began_at) * pauses[kind].share;
    steps_wait(steps, MIN(MAX(pause, pauses[kind].least), PAUSE_MOST));
}

void steps_put_off(steps_t *steps)
{
    steps_wait(steps, PAUSE_MOST);
}

bool steps_waits(const steps_t *steps)
{
    return uv_is_active((const uv_handle_t *)&steps->timer);
}

void steps_stop(steps_t *steps)
{
    steps->stopped = true;
    uv_timer_stop(&steps->timer);
}
