/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The CPU time is the sum of utime and stime in /proc/PID/stat, but read through the process's CPU
 * clock: stat counts hundredths of a second, too coarse for a window of a second or two.
 */
#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "bench.h"
#include "process.h"

double process_cpu(long pid)
{
    struct timespec used;
    clockid_t clock;
    int error;

    if (pid == 0)
        return NAN;
    error = clock_getcpuclockid((pid_t)pid, &clock);
    if (error == 0 && clock_gettime(clock, &used) != 0)
        error = errno;
    if (error != 0)
        bench_die("process %ld: %s", pid, strerror(error));
    return (double)used.tv_sec + (double)used.tv_nsec / 1e9;
}

double process_resident(long pid)
{
    char path[64];
    long pages = -1;
    FILE *file;

    if (pid == 0)
        return NAN;
    snprintf(path, sizeof path, "/proc/%ld/statm", pid);
    file = fopen(path, "r");
    if (file != NULL) {
        if (fscanf(file, "%*d %ld", &pages) != 1)
            pages = -1;
        fclose(file);
    }
    if (pages < 0)
        bench_die("%s cannot be read", path);
    return (double)pages * (double)sysconf(_SC_PAGESIZE) / 1024;
}
