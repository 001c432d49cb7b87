/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Sliding windows, exactly: the log is a ring of the moments at which something was accepted.
 * Whether one more fits into a window of N needs only the Nth newest of them, so that a ring as
 * long as the largest limit answers for every window, each in constant time; counting, for a
 * refusal, is a binary search.  Relies on `now` not going back.
 */
#include "rate.h"

#include <limits.h>
#include <stdlib.h>

#define FIRST_CAPACITY 8

struct rate_log_t {
    int count, capacity;
    int oldest;  /* index of the oldest */
    int refused; /* since the last accepted one */
    apr_int64_t *moments;
};

/* A number up to `most`, without leading zeros; moves *at past it.  0: there is none. */
static int parse_number(const char **at, int most)
{
    int value = 0;

    if (**at == '0')
        return 0;
    for (; **at >= '0' && **at <= '9'; (*at)++) {
        value = value * 10 + (**at - '0');
        if (value > most)
            return 0;
    }
    return value;
}

/* "N/Ss" */
static bool parse_window(const char **at, rate_window_t *window_r)
{
    window_r->limit = parse_number(at, RATE_MOST);
    if (window_r->limit == 0 || *(*at)++ != '/')
        return false;
    window_r->seconds = parse_number(at, RATE_LONGEST);
    return window_r->seconds > 0 && *(*at)++ == 's';
}

bool rate_parse(const char *text, rate_rule_t *rule_r)
{
    const char *at = text;

    rule_r->count = 0;
    if (*at == '\0')
        return true;
    while (rule_r->count < RATE_WINDOWS) {
        if (!parse_window(&at, &rule_r->windows[rule_r->count++]))
            return false;
        if (*at == '\0')
            return true;
        if (*at++ != ',')
            return false;
    }
    return false;
}

rate_log_t *rate_log_make(void)
{
    rate_log_t *log = calloc(1, sizeof *log);

    if (!log)
        abort();
    return log;
}

void rate_log_free(rate_log_t **log)
{
    if (!*log)
        return;
    free((*log)->moments);
    free(*log);
    *log = NULL;
}

/* The moment that many steps before the newest. */
static apr_int64_t moment_at(const rate_log_t *log, int age)
{
    return log->moments[(log->oldest + log->count - 1 - age) % log->capacity];
}

/* Is it still inside?  It counts up to, and without, the moment a whole window later. */
static bool in_window(apr_int64_t moment, int seconds, apr_int64_t now)
{
    return now - moment < seconds * APR_INT64_C(1000);
}

static int count_in_window(const rate_log_t *log, int seconds, apr_int64_t now)
{
    int low = 0, high = log->count;

    while (low < high) {
        int middle = low + (high - low) / 2;

        if (in_window(moment_at(log, middle), seconds, now))
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

static int longest_window(const rate_rule_t *rule)
{
    int longest = 0;

    for (int i = 0; i < rule->count; i++)
        if (rule->windows[i].seconds > longest)
            longest = rule->windows[i].seconds;
    return longest;
}

static int largest_limit(const rate_rule_t *rule)
{
    int largest = 0;

    for (int i = 0; i < rule->count; i++)
        if (rule->windows[i].limit > largest)
            largest = rule->windows[i].limit;
    return largest;
}

bool rate_log_idle(const rate_log_t *log, const rate_rule_t *rule, apr_int64_t now)
{
    return log->count == 0 || !in_window(moment_at(log, 0), longest_window(rule), now);
}

/* Milliseconds until `cost` more fit into the window. */
static apr_int64_t wait_for_window(const rate_log_t *log, const rate_window_t *window, int cost,
                                   apr_int64_t now)
{
    int age = cost < window->limit ? window->limit - cost : 0;
    apr_int64_t moment;

    if (age >= log->count)
        return 0;
    moment = moment_at(log, age);
    if (!in_window(moment, window->seconds, now))
        return 0;
    return moment + window->seconds * APR_INT64_C(1000) - now;
}

static void forget_oldest(rate_log_t *log)
{
    log->oldest = (log->oldest + 1) % log->capacity;
    log->count--;
}

static void grow(rate_log_t *log, int most)
{
    int capacity = log->capacity ? log->capacity * 2 : FIRST_CAPACITY;
    apr_int64_t *moments;

    if (capacity > most)
        capacity = most;
    moments = malloc((size_t)capacity * sizeof *moments);
    if (!moments)
        abort();
    for (int i = 0; i < log->count; i++)
        moments[i] = log->moments[(log->oldest + i) % log->capacity];
    free(log->moments);
    log->moments = moments;
    log->capacity = capacity;
    log->oldest = 0;
}

/* Makes space for one more, by forgetting what no window sees, or growing up to `most`. */
static void make_room(rate_log_t *log, int longest, int most, apr_int64_t now)
{
    while (log->count > 0 && !in_window(log->moments[log->oldest], longest, now))
        forget_oldest(log);
    if (log->count < log->capacity)
        return;
    if (log->count < most)
        grow(log, most);
    else
        forget_oldest(log);
}

static void record(rate_log_t *log, const rate_rule_t *rule, int cost, apr_int64_t now)
{
    int longest = longest_window(rule), most = largest_limit(rule);

    for (int i = 0; i < cost && i < most; i++) {
        make_room(log, longest, most, now);
        log->moments[(log->oldest + log->count++) % log->capacity] = now;
    }
    log->refused = 0;
}

static void refuse(rate_log_t *log, const rate_window_t *window, int cost, apr_int64_t wait,
                   apr_int64_t now, rate_refusal_t *refusal_r)
{
    if (cost > window->limit)
        cost = window->limit;
    if (log->refused < INT_MAX / 2) /* more is as good as that */
        log->refused += cost;
    refusal_r->current = count_in_window(log, window->seconds, now) + log->refused;
    refusal_r->limit = window->limit;
    refusal_r->window = window->seconds;
    refusal_r->retry_after = (int)((wait + 999) / 1000);
}

void rate_give_back(rate_log_t *log, const rate_rule_t *rule, int cost)
{
    if (cost > largest_limit(rule))
        cost = largest_limit(rule);
    log->count -= cost < log->count ? cost : log->count;
}

bool rate_take(rate_log_t *log, const rate_rule_t *rule, int cost, apr_int64_t now,
               rate_refusal_t *refusal_r)
{
    const rate_window_t *slowest = NULL;
    apr_int64_t longest_wait = 0;

    if (rule->count == 0 || cost <= 0)
        return true;
    for (int i = 0; i < rule->count; i++) {
        apr_int64_t wait = wait_for_window(log, &rule->windows[i], cost, now);

        if (wait > longest_wait) {
            longest_wait = wait;
            slowest = &rule->windows[i];
        }
    }
    if (slowest) {
        refuse(log, slowest, cost, longest_wait, now, refusal_r);
        return false;
    }
    record(log, rule, cost, now);
    return true;
}
