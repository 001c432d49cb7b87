/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the load program and the floor server share: the clock, giving up, memory, descriptors.
 * Neither uses any code of salond or its libraries, so that what is measured and what measures
 * have nothing in common.  Times are nanoseconds of the monotonic clock.
 */
#ifndef BENCH_H
#define BENCH_H

#include <stddef.h>
#include <stdint.h>
#include <netinet/in.h>

#define BENCH_SECOND      INT64_C(1000000000)
#define BENCH_MILLISECOND INT64_C(1000000)

int64_t bench_now(void);

/* Says on standard error what is wrong, after the program's name, and ends with status 2. */
void bench_die(const char *format, ...) __attribute__((format(printf, 1, 2), noreturn));

/* Zeroed memory, and memory that grows; out of memory ends the program. */
void *bench_alloc(size_t count, size_t size);
void *bench_grow(void *memory, size_t size);

/* "127.0.0.1:8080"; ends the program when it is none. */
struct sockaddr_in bench_address(const char *text);

/* Asks for as many descriptors as `count` connections need; ends the program when it cannot be. */
void bench_need_files(int count);
/* Asks for as many as may be had without further rights. */
void bench_all_files(void);

#endif
