/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Few of those who are known do something at any time: only these are in the list that is swept.
 */
#include "rates.h"

#include <stdlib.h>

#include "server.h"

#define BUDGET       1000 /* HTTP requests at once ... */
#define BUDGET_PAUSE 10   /* milliseconds in which one of them comes back */

struct rates_entry_t {
    struct rates_entry_t *next;
    int listener, endpoint;
    rate_log_t *log;
};

static rates_t *all_busy;

static void busy_add(rates_t *rates)
{
    if (rates->busy) return;
    rates->busy = true;
    rates->next_busy = all_busy;
    all_busy = rates;
}

rate_log_t *rates_log(rates_t *rates, int listener, int endpoint)
{
    for (struct rates_entry_t *entry = rates->entries; entry != NULL; entry = entry->next)
        if (entry->listener == listener && entry->endpoint == endpoint) return entry->log;
    struct rates_entry_t *entry = malloc(sizeof(*entry));
    if (entry == NULL) abort();
    *entry = (struct rates_entry_t){ .next = rates->entries,
                                     .listener = listener,
                                     .endpoint = endpoint,
                                     .log = rate_log_make() };
    rates->entries = entry;
    busy_add(rates);
    return entry->log;
}

static void entries_sweep(rates_t *rates, apr_int64_t now)
{
    struct rates_entry_t **link = &rates->entries;
    while (*link != NULL) {
        struct rates_entry_t *entry = *link;
        const config_listener_t *listener = &server.config->listeners[entry->listener];
        if (rate_log_idle(entry->log, &listener->endpoints[entry->endpoint].rule, now)) {
            *link = entry->next;
            rate_log_free(&entry->log);
            free(entry);
        } else {
            link = &entry->next;
        }
    }
}

/* What has come back since. */
static void budget_refill(rates_t *rates, apr_int64_t now)
{
    apr_int64_t back = (now - rates->spent_at) / BUDGET_PAUSE;
    if (back <= 0) return;
    rates->spent = back < rates->spent ? rates->spent - (int)back : 0;
    rates->spent_at = now;
}

bool rates_budget(rates_t *rates, apr_int64_t now)
{
    busy_add(rates);
    budget_refill(rates, now);
    if (rates->spent >= BUDGET) return false;
    rates->spent++;
    return true;
}

void rates_sweep(apr_int64_t now)
{
    rates_t **link = &all_busy;
    while (*link != NULL) {
        rates_t *rates = *link;
        entries_sweep(rates, now);
        budget_refill(rates, now);
        if (rates->entries != NULL || rates->spent > 0) {
            link = &rates->next_busy;
            continue;
        }
        *link = rates->next_busy;
        rates->busy = false;
        if (rates->idle != NULL) rates->idle(rates);
    }
}
