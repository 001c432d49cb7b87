/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Entries that have been idle for too long go first from the database, then from memory; with the
 * last entry of a content goes its file.  After a start, directory by directory, files are removed
 * that no entry names: those of uploads that a crash has cut off.
 */
#include "sweep.h"

#include <stdlib.h>
#include <string.h>

#include <apr_strings.h>

#include "shelf.h"
#include "use.h"

#define HOUR       3600000 /* milliseconds */
#define AT_ONCE    16      /* entries */
#define FOUND_MOST 4096    /* files of one directory that are looked at in one turn */

apr_int64_t sweep_grace;

/* ---- Entries ---- */

/* baton: the id. */
static void entry_gone(void *baton, const salon_rows_t *rows)
{
    media_t *media = media_find_going(*(apr_int64_t *)baton);
    free(baton);
    if (media == NULL) return;
    if (rows != NULL) {
        use_end_all(media);
        media_remove(media);
        return;
    }
    media->going = false;
    media_set_idle(media, salon_now());
}

static void entry_remove(media_t *media)
{
    apr_int64_t *id = malloc(sizeof(*id));
    if (id == NULL) abort();
    *id = media->id;
    media->going = true;
    media_set_busy(media);
    if (!salon_change(entry_gone, id, "DELETE FROM media_entries WHERE id = %ld", (long)*id))
        entry_gone(id, NULL);
}

static void entries_sweep(apr_int64_t now)
{
    for (int i = 0; i < AT_ONCE && sweep_grace > 0; i++) {
        media_t *media = media_idle_first();
        if (media == NULL || now - media->idle_at < sweep_grace * HOUR) return;
        entry_remove(media);
    }
}

/* ---- Files ---- */

static struct {
    int board; /* the directory that is looked at */
    int count;
    char found[FOUND_MOST][MEDIA_DIGEST + 1];
} *looking; /* NULL: all have been looked at */

static void found_add(void *baton, const char *digest)
{
    (void)baton;
    if (looking->count == FOUND_MOST) return;
    apr_cpystrn(looking->found[looking->count++], digest, MEDIA_DIGEST + 1);
}

/* On a working thread. */
static void board_look(void *baton)
{
    (void)baton;
    looking->count = 0;
    shelf_list(looking->board, found_add, NULL);
}

/* One after the other, with whatever else is asked for in between. */
static void board_looked(void *baton)
{
    (void)baton;
    int removed = 0;
    for (int i = 0; i < looking->count; i++) {
        if (media_file_known(looking->found[i])) continue;
        shelf_remove(looking->found[i]);
        removed++;
    }
    if (removed > 0)
        salon_log(SALON_LOG_NOTICE, "media", "%d files that nobody names are being removed",
                  removed);
    if (++looking->board < SHELF_BOARDS) {
        salon_work_later(board_look, board_looked, NULL);
        return;
    }
    free(looking);
    looking = NULL;
}

static void files_sweep(void)
{
    looking = calloc(1, sizeof(*looking));
    if (looking == NULL) abort();
    salon_work_later(board_look, board_looked, NULL);
}

void sweep_tick(apr_int64_t now)
{
    static bool begun;
    entries_sweep(now);
    if (!begun) files_sweep();
    begun = true;
}
