/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A disk that fails, for what SQLite does with its database: preloaded (LD_PRELOAD), it stands
 * before pwrite64, ftruncate64, fdatasync and unlink of files whose name has "salon.db" in it.
 *
 * SALON_FAULTS names a file that the test and this share in memory (faults_t): which operation
 * fails, from when on, how often, with which error (unlink never does).  SALON_RECORD names a file
 * to which everything that was done is appended (record_t, the name, the bytes), so that the test
 * can make what a power cut would have left.
 */
#ifndef _GNU_SOURCE
#define _GNU_SOURCE
#endif
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/uio.h>
#include <unistd.h>

#define VISIBLE __attribute__((visibility("default")))

enum { NOTHING, WRITE, TRUNCATE, SYNC, EVERYTHING, UNLINK };

typedef struct faults_t {
    int32_t operation;
    int32_t skip;   /* so many succeed first */
    int32_t count;  /* then so many fail */
    int32_t error;  /* with that errno */
    int32_t failed; /* so many have */
} faults_t;

typedef struct record_t {
    int32_t operation, name_length;
    int64_t offset, length; /* TRUNCATE: length is the new one */
} record_t;

static faults_t *faults;
static int record_file = -1;
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;

__attribute__((constructor)) static void begin(void)
{
    const char *control = getenv("SALON_FAULTS"), *record = getenv("SALON_RECORD");
    int file = control != NULL ? open(control, O_RDWR | O_CLOEXEC) : -1;

    if (file >= 0) {
        void *place = mmap(NULL, sizeof *faults, PROT_READ | PROT_WRITE, MAP_SHARED, file, 0);

        if (place != MAP_FAILED) faults = place;
        close(file);
    }
    if (record != NULL) record_file = open(record, O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC, 0600);
}

/* The name of a file that this is about, or NULL. */
static const char *name_of(int file, char *name, size_t size)
{
    char link[40];
    ssize_t length;

    snprintf(link, sizeof link, "/proc/self/fd/%d", file);
    length = readlink(link, name, size - 1);
    if (length < 0) return NULL;
    name[length] = '\0';
    return strstr(name, "salon.db") != NULL ? name : NULL;
}

/* Sets errno where it does. */
static int fails(int32_t operation)
{
    int failing = 0;

    if (faults == NULL) return 0;
    pthread_mutex_lock(&lock);
    if (faults->operation == operation || faults->operation == EVERYTHING) {
        if (faults->skip > 0) {
            faults->skip--;
        } else if (faults->count > 0) {
            faults->count--;
            faults->failed++;
            failing = 1;
            errno = faults->error;
        }
    }
    pthread_mutex_unlock(&lock);
    return failing;
}

static void record(int32_t operation, const char *name, int64_t offset, const void *data,
                   int64_t length)
{
    record_t head = { operation, (int32_t)strlen(name), offset, length };
    struct iovec parts[3] = { { &head, sizeof head }, { (void *)(uintptr_t)name, strlen(name) },
                              { (void *)(uintptr_t)data, data != NULL ? (size_t)length : 0 } };

    if (record_file < 0) return;
    pthread_mutex_lock(&lock);
    if (writev(record_file, parts, 3) < 0) abort();
    pthread_mutex_unlock(&lock);
}

VISIBLE ssize_t pwrite64(int file, const void *data, size_t size, off64_t offset);
VISIBLE ssize_t pwrite64(int file, const void *data, size_t size, off64_t offset)
{
    static ssize_t (*next)(int, const void *, size_t, off64_t);
    char buffer[512];
    const char *name = name_of(file, buffer, sizeof buffer);
    ssize_t written;

    if (next == NULL) *(void **)&next = dlsym(RTLD_NEXT, "pwrite64");
    if (name != NULL && fails(WRITE)) return -1;
    written = next(file, data, size, offset);
    if (name != NULL && written > 0) record(WRITE, name, offset, data, written);
    return written;
}

VISIBLE int ftruncate64(int file, off64_t length);
VISIBLE int ftruncate64(int file, off64_t length)
{
    static int (*next)(int, off64_t);
    char buffer[512];
    const char *name = name_of(file, buffer, sizeof buffer);
    int result;

    if (next == NULL) *(void **)&next = dlsym(RTLD_NEXT, "ftruncate64");
    if (name != NULL && fails(TRUNCATE)) return -1;
    result = next(file, length);
    if (name != NULL && result == 0) record(TRUNCATE, name, 0, NULL, length);
    return result;
}

VISIBLE int fdatasync(int file);
VISIBLE int fdatasync(int file)
{
    static int (*next)(int);
    char buffer[512];
    const char *name = name_of(file, buffer, sizeof buffer);
    int result;

    if (next == NULL) *(void **)&next = dlsym(RTLD_NEXT, "fdatasync");
    if (name != NULL && fails(SYNC)) return -1;
    result = next(file);
    if (name != NULL && result == 0) record(SYNC, name, 0, NULL, 0);
    return result;
}

VISIBLE int unlink(const char *path);
VISIBLE int unlink(const char *path)
{
    static int (*next)(const char *);
    int result;

    if (next == NULL) *(void **)&next = dlsym(RTLD_NEXT, "unlink");
    result = next(path);
    if (result == 0 && strstr(path, "salon.db") != NULL) record(UNLINK, path, 0, NULL, 0);
    return result;
}
