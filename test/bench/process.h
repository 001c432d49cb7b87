/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a running process has used, seen from outside: of all its threads together.
 */
#ifndef PROCESS_H
#define PROCESS_H

/* Seconds of CPU, user and system; NAN for pid 0 (nobody was named). */
double process_cpu(long pid);

/* Resident kilobytes; NAN for pid 0. */
double process_resident(long pid);

#endif
