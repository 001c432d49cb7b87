/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The file around an export or import, and what is told about it.
 */
#include "moving.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include <apr_strings.h>

#include "import.h"
#include "log.h"

typedef const char *move_t(apr_pool_t *pool, db_t *db, const moving_t *moving, lines_t *lines,
                           moved_t *moved_r);

static const char *export_run(apr_pool_t *pool, db_t *db, const moving_t *moving, lines_t *lines,
                              moved_t *moved_r)
{
    if (moving->person == NULL) return export_all(pool, db, moving->plugin_dir, lines, moved_r);
    return export_person(pool, db, moving->plugin_dir, lines, moving->person, moved_r);
}

static const char *import_run(apr_pool_t *pool, db_t *db, const moving_t *moving, lines_t *lines,
                              moved_t *moved_r)
{
    return import_all(pool, db, moving->plugin_dir, lines, moved_r);
}

/* NULL: done; otherwise what is wrong. */
static const char *move(apr_pool_t *pool, const moving_t *moving, move_t *run, FILE *stream,
                        moved_t *moved_r)
{
    lines_t lines = { .stream = stream, .pool = pool, .tells = isatty(STDERR_FILENO) };
    log_open("stderr", SALON_LOG_WARNING);
    db_t *db = db_make(pool, &moving->config->database, moving->config->state_dir);
    const char *wrong = run(pool, db, moving, &lines, moved_r);
    db_close(db);
    lines_end(&lines);
    return wrong;
}

static const char *tell(const moved_t *moved, const char *what)
{
    fprintf(stderr, "salond: %s: %" APR_INT64_T_FMT " rows of %" APR_INT64_T_FMT " tables\n", what,
            moved->rows, moved->tables);
    return NULL;
}

static const char *file_wrong(apr_pool_t *pool, const moving_t *moving)
{
    return apr_psprintf(pool, "%s: %s", moving->file, strerror(errno));
}

static const char *file_export(apr_pool_t *pool, const moving_t *moving, moved_t *moved_r)
{
    int file = open(moving->file, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
    FILE *stream = file >= 0 ? fdopen(file, "w") : NULL;
    if (stream == NULL) return file_wrong(pool, moving);
    const char *wrong = move(pool, moving, export_run, stream, moved_r);
    if (wrong == NULL && (fflush(stream) != 0 || fsync(file) != 0))
        wrong = file_wrong(pool, moving);
    fclose(stream);
    if (wrong != NULL) unlink(moving->file);
    return wrong;
}

static const char *stdout_export(apr_pool_t *pool, const moving_t *moving, moved_t *moved_r)
{
    const char *wrong = move(pool, moving, export_run, stdout, moved_r);
    return wrong == NULL && fflush(stdout) != 0 ? file_wrong(pool, moving) : wrong;
}

const char *moving_export(apr_pool_t *pool, const moving_t *moving)
{
    moved_t moved;
    const char *wrong = strcmp(moving->file, "-") == 0 ? stdout_export(pool, moving, &moved)
                                                       : file_export(pool, moving, &moved);
    return wrong != NULL ? wrong : tell(&moved, "exported");
}

const char *moving_import(apr_pool_t *pool, const moving_t *moving)
{
    bool standard = strcmp(moving->file, "-") == 0;
    FILE *stream = standard ? stdin : fopen(moving->file, "re");
    moved_t moved;
    if (stream == NULL) return file_wrong(pool, moving);
    const char *wrong = move(pool, moving, import_run, stream, &moved);
    if (!standard) fclose(stream);
    return wrong != NULL ? wrong : tell(&moved, "imported");
}
