/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A clock that is ahead, for tests in which time itself is the subject: preloaded (LD_PRELOAD), it
 * adds to what the system's clocks say as many nanoseconds as are in a file that the test and this
 * share in memory, which SALON_CLOCK names.  Clocks of processor time stay as they are, and so do
 * waits: whoever is asleep wakes when it would have.
 */
#ifndef _GNU_SOURCE
#define _GNU_SOURCE
#endif
#include <dlfcn.h>
#include <fcntl.h>
#include <stdatomic.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/time.h>
#include <time.h>
#include <unistd.h>

#define VISIBLE __attribute__((visibility("default")))
#define SECOND  1000000000

static atomic_int_fast64_t *ahead;

__attribute__((constructor)) static void begin(void)
{
    const char *path = getenv("SALON_CLOCK");
    int file = path != NULL ? open(path, O_RDONLY | O_CLOEXEC) : -1;
    void *place;

    if (file < 0) return;
    place = mmap(NULL, sizeof *ahead, PROT_READ, MAP_SHARED, file, 0);
    if (place != MAP_FAILED) ahead = place;
    close(file);
}

static int is_shifted(clockid_t clock)
{
    return clock == CLOCK_REALTIME || clock == CLOCK_MONOTONIC || clock == CLOCK_BOOTTIME ||
           clock == CLOCK_REALTIME_COARSE || clock == CLOCK_MONOTONIC_COARSE;
}

VISIBLE int clock_gettime(clockid_t clock, struct timespec *now)
{
    static int (*_Atomic next)(clockid_t, struct timespec *);
    int result;

    if (next == NULL) next = (int (*)(clockid_t, struct timespec *))dlsym(RTLD_NEXT, __func__);
    result = next(clock, now);
    if (result == 0 && ahead != NULL && is_shifted(clock)) {
        int64_t sum = now->tv_nsec + atomic_load_explicit(ahead, memory_order_relaxed);

        now->tv_sec += sum / SECOND;
        now->tv_nsec = sum % SECOND;
    }
    return result;
}

VISIBLE int gettimeofday(struct timeval *restrict now, void *restrict zone)
{
    struct timespec precise;

    (void)zone;
    clock_gettime(CLOCK_REALTIME, &precise);
    *now = (struct timeval){ .tv_sec = precise.tv_sec, .tv_usec = precise.tv_nsec / 1000 };
    return 0;
}

VISIBLE time_t time(time_t *now)
{
    struct timespec precise;

    clock_gettime(CLOCK_REALTIME, &precise);
    if (now != NULL) *now = precise.tv_sec;
    return precise.tv_sec;
}
