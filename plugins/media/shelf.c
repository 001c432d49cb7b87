/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A file is there before an entry names it, and the entry is gone before the file goes; what a
 * crash leaves in between is a file that nobody names, which is found by looking (sweep.c).
 */
#include "shelf.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <apr_file_info.h>
#include <apr_strings.h>

#include "library.h"

#define PATH_MOST 4096

static const char *shelf; /* the directory */

apr_status_t shelf_open(apr_pool_t *pool)
{
    shelf = apr_pstrcat(pool, salon_state_directory(), "/media", NULL);
    if (mkdir(shelf, 0700) == 0 || errno == EEXIST) return APR_SUCCESS;
    salon_log(SALON_LOG_ERROR, "media", "%s: %s", shelf, strerror(errno));
    return APR_EGENERAL;
}

/* The directory's path, or with the rest of the digest the file's. */
static void path_make(char path[PATH_MOST], const char *digest, const char *rest)
{
    snprintf(path, PATH_MOST, "%s/%.2s%s%s", shelf, digest, rest[0] != '\0' ? "/" : "", rest);
}

const char *shelf_path(apr_pool_t *pool, const char *digest)
{
    char path[PATH_MOST];
    path_make(path, digest, digest + 2);
    return apr_pstrdup(pool, path);
}

static int directory_sync(const char *path)
{
    int fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (fd < 0) return errno;
    int error = fsync(fd) == 0 ? 0 : errno;
    close(fd);
    return error;
}

int shelf_put(const char *from, const char *digest, apr_int64_t size, bool *taken_r)
{
    char board[PATH_MOST], path[PATH_MOST];
    struct stat info;
    path_make(board, digest, "");
    path_make(path, digest, digest + 2);
    *taken_r = false;
    if (stat(path, &info) == 0 && info.st_size == size) return 0;
    bool is_new = mkdir(board, 0700) == 0;
    if (!is_new && errno != EEXIST) return errno;
    if (rename(from, path) != 0) return errno;
    *taken_r = true;
    int error = directory_sync(board);
    return error == 0 && is_new ? directory_sync(shelf) : error;
}

static void path_unlink(void *path)
{
    if (unlink(path) != 0 && errno != ENOENT)
        salon_log(SALON_LOG_WARNING, "media", "%s stays: %s", (char *)path, strerror(errno));
    free(path);
}

void shelf_remove(const char *digest)
{
    char path[PATH_MOST];
    path_make(path, digest, digest + 2);
    char *copy = strdup(path);
    if (copy == NULL) abort();
    salon_work_later(path_unlink, NULL, copy);
}

void shelf_list(int board, void (*found)(void *baton, const char *digest), void *baton)
{
    char path[PATH_MOST], digest[MEDIA_DIGEST + 1];
    snprintf(digest, sizeof(digest), "%02x", (unsigned)board);
    path_make(path, digest, "");
    apr_pool_t *pool;
    apr_dir_t *dir;
    apr_finfo_t info;
    apr_pool_create(&pool, NULL);
    if (apr_dir_open(&dir, path, pool) == APR_SUCCESS) {
        while (apr_dir_read(&info, APR_FINFO_NAME, dir) == APR_SUCCESS) {
            if (strlen(info.name) != MEDIA_DIGEST - 2 || info.name[0] == '.') continue;
            apr_cpystrn(digest + 2, info.name, sizeof(digest) - 2);
            found(baton, digest);
        }
        apr_dir_close(dir);
    }
    apr_pool_destroy(pool);
}
