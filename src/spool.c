/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Two buffers: one fills while the other is written.  What is given while both are busy makes the
 * filling one grow; callers stop at spool_is_full, so that is what was under way by then.  Synced
 * in steps, lest the end waits for everything and the disk's cache fills with one file.
 */
#include "spool.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <apr_file_info.h>
#include <apr_strings.h>
#include <openssl/evp.h>

#define BUFFER_SIZE 131072    /* bytes; half of it makes a write */
#define SYNC_EVERY  (8 << 20) /* bytes */

typedef struct {
    char *bytes;
    size_t length, capacity;
} buffer_t;

struct spool_t {
    uv_work_t work; /* first */
    uv_loop_t *loop;
    void (*turned)(void *baton);
    void *baton;
    int *count;
    buffer_t filling;
    apr_int64_t size;
    int error;    /* what the work has met, once it is back */
    bool working; /* the members below are the pool's */
    bool ending, ended, taken, dropped;
    buffer_t writing;
    bool last;
    int fd, failed;
    EVP_MD_CTX *hash;
    apr_int64_t unsynced;
    char digest[SPOOL_DIGEST + 1];
    char path[];
};

/* ---- On a thread of the pool ---- */

static int bytes_write(int fd, const char *bytes, size_t length)
{
    while (length > 0) {
        ssize_t written = write(fd, bytes, length);
        if (written < 0 && errno == EINTR) continue;
        if (written < 0) return errno;
        bytes += written;
        length -= (size_t)written;
    }
    return 0;
}

static int buffer_write(spool_t *spool)
{
    const buffer_t *buffer = &spool->writing;
    EVP_DigestUpdate(spool->hash, buffer->bytes, buffer->length);
    int failed = bytes_write(spool->fd, buffer->bytes, buffer->length);
    spool->unsynced += (apr_int64_t)buffer->length;
    if (failed != 0 || spool->unsynced < SYNC_EVERY) return failed;
    spool->unsynced = 0;
    return fdatasync(spool->fd) == 0 ? 0 : errno;
}

static int file_finish(spool_t *spool)
{
    unsigned char bytes[EVP_MAX_MD_SIZE];
    EVP_DigestFinal_ex(spool->hash, bytes, NULL);
    for (int i = 0; i < SPOOL_DIGEST / 2; i++)
        apr_snprintf(spool->digest + i * 2, 3, "%02x", bytes[i]);
    return fsync(spool->fd) == 0 ? 0 : errno;
}

static void on_work(uv_work_t *work)
{
    spool_t *spool = (spool_t *)work;
    if (spool->fd < 0) spool->fd = mkostemp(spool->path, O_CLOEXEC);
    if (spool->fd < 0) spool->failed = errno;
    if (spool->failed == 0 && spool->writing.length > 0) spool->failed = buffer_write(spool);
    if (spool->failed == 0 && spool->last) spool->failed = file_finish(spool);
}

static void on_remove(uv_work_t *work)
{
    spool_t *spool = (spool_t *)work;
    close(spool->fd);
    if (!spool->taken) unlink(spool->path);
}

/* ---- On the loop ---- */

static void spool_free(spool_t *spool)
{
    if (spool->count != NULL) (*spool->count)--;
    EVP_MD_CTX_free(spool->hash);
    free(spool->filling.bytes);
    free(spool->writing.bytes);
    free(spool);
}

static void after_remove(uv_work_t *work, int status)
{
    (void)status;
    spool_free((spool_t *)work);
}

static void spool_remove(spool_t *spool)
{
    if (spool->fd < 0) spool_free(spool);
    else uv_queue_work(spool->loop, &spool->work, on_remove, after_remove);
}

/* Is there something for the pool to do?  The full buffer goes, the empty one comes. */
static bool work_prepare(spool_t *spool)
{
    bool due = spool->filling.length >= BUFFER_SIZE / 2 || spool->ending;
    if (spool->working || spool->ended || spool->error != 0 || !due) return false;
    buffer_t empty = spool->writing;
    empty.length = 0;
    spool->writing = spool->filling;
    spool->filling = empty;
    spool->last = spool->ending;
    spool->working = true;
    return true;
}

static void after_work(uv_work_t *work, int status)
{
    (void)status;
    spool_t *spool = (spool_t *)work;
    spool->working = false;
    spool->error = spool->failed;
    spool->ended = spool->last && spool->error == 0;
    if (spool->dropped) {
        spool_remove(spool);
        return;
    }
    if (work_prepare(spool)) uv_queue_work(spool->loop, work, on_work, after_work);
    spool->turned(spool->baton);
}

static void work_start(spool_t *spool)
{
    if (work_prepare(spool)) uv_queue_work(spool->loop, &spool->work, on_work, after_work);
}

spool_t *spool_open(uv_loop_t *loop, const char *directory, void (*turned)(void *baton),
                    void *baton, int *count)
{
    static const char name[] = "/XXXXXX";
    size_t length = strlen(directory);
    spool_t *spool = calloc(1, sizeof(*spool) + length + sizeof(name));
    if (spool == NULL) abort();
    spool->loop = loop;
    spool->turned = turned;
    spool->baton = baton;
    spool->count = count;
    spool->fd = -1;
    spool->hash = EVP_MD_CTX_new();
    EVP_DigestInit_ex(spool->hash, EVP_sha256(), NULL);
    memcpy(spool->path, directory, length);
    memcpy(spool->path + length, name, sizeof(name));
    if (count != NULL) (*count)++;
    return spool;
}

static void buffer_add(buffer_t *buffer, const char *bytes, size_t length)
{
    if (buffer->length + length > buffer->capacity) {
        size_t capacity = buffer->length + length;
        buffer->capacity = capacity > BUFFER_SIZE ? capacity : BUFFER_SIZE;
        buffer->bytes = realloc(buffer->bytes, buffer->capacity);
        if (buffer->bytes == NULL) abort();
    }
    memcpy(buffer->bytes + buffer->length, bytes, length);
    buffer->length += length;
}

void spool_write(spool_t *spool, const char *bytes, size_t length)
{
    if (length == 0 || spool->error != 0) return;
    buffer_add(&spool->filling, bytes, length);
    spool->size += (apr_int64_t)length;
    work_start(spool);
}

bool spool_is_full(const spool_t *spool)
{
    return spool->working && spool->filling.length >= BUFFER_SIZE / 2;
}

apr_int64_t spool_size(const spool_t *spool)
{
    return spool->size;
}

int spool_error(const spool_t *spool)
{
    return spool->error;
}

void spool_end(spool_t *spool)
{
    spool->ending = true;
    work_start(spool);
}

spool_file_t *spool_take(spool_t *spool)
{
    if (!spool->ended || spool->taken) return NULL;
    size_t length = strlen(spool->path) + 1;
    spool_file_t *file = malloc(sizeof(*file) + length);
    if (file == NULL) abort();
    file->size = spool->size;
    memcpy(file->digest, spool->digest, sizeof(file->digest));
    memcpy(file->path, spool->path, length);
    spool->taken = true;
    return file;
}

void spool_drop(spool_t **spool)
{
    spool_t *dropped = *spool;
    *spool = NULL;
    if (dropped == NULL) return;
    dropped->dropped = true;
    if (!dropped->working) spool_remove(dropped);
}

/* ---- The directory ---- */

bool spool_clean(const char *directory, apr_pool_t *pool)
{
    apr_dir_t *dir;
    apr_finfo_t info;
    if (mkdir(directory, 0700) != 0 && errno != EEXIST) return false;
    apr_status_t rv = apr_dir_open(&dir, directory, pool);
    if (rv != APR_SUCCESS) {
        errno = APR_TO_OS_ERROR(rv);
        return false;
    }
    while (apr_dir_read(&info, APR_FINFO_NAME, dir) == APR_SUCCESS)
        if (info.name[0] != '.') unlink(apr_pstrcat(pool, directory, "/", info.name, NULL));
    apr_dir_close(dir);
    return true;
}
