/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Files that are written by other threads while their bytes come: content and digest, what is left
 * behind, and what happens when the disk does not take it.
 */
#include <errno.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

#include <apr_general.h>
#include <apr_file_info.h>
#include <cmocka.h>

#include "spool.h"

static char directory[] = "/tmp/salon-spool-XXXXXX";
static apr_pool_t *pool;
static uv_loop_t loop;
static int count, turns;

static void turned(void *baton)
{
    (void)baton;
    turns++;
}

static int files(void)
{
    apr_dir_t *dir;
    apr_finfo_t info;
    int found = 0;
    assert_int_equal(apr_dir_open(&dir, directory, pool), APR_SUCCESS);
    while (apr_dir_read(&info, APR_FINFO_NAME, dir) == APR_SUCCESS) found += info.name[0] != '.';
    apr_dir_close(dir);
    return found;
}

static spool_t *open_one(const char *where)
{
    turns = 0;
    return spool_open(&loop, where, turned, NULL, &count);
}

static spool_file_t *complete(spool_t **spool)
{
    spool_end(*spool);
    while (spool_error(*spool) == 0) {
        spool_file_t *file = spool_take(*spool);
        if (file != NULL) return file;
        uv_run(&loop, UV_RUN_ONCE);
    }
    return NULL;
}

static void drop(spool_t **spool)
{
    spool_drop(spool);
    assert_null(*spool);
    uv_run(&loop, UV_RUN_DEFAULT);
    assert_int_equal(count, 0);
}

static void test_content(void **state)
{
    (void)state;
    spool_t *spool = open_one(directory);
    spool_write(spool, "abc", 3);
    assert_int_equal(spool_size(spool), 3);
    spool_file_t *file = complete(&spool);
    assert_int_equal(file->size, 3);
    assert_string_equal(file->digest,
                        "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
    char text[8] = "";
    FILE *in = fopen(file->path, "r");
    assert_int_equal(fread(text, 1, sizeof(text), in), 3);
    fclose(in);
    assert_string_equal(text, "abc");
    drop(&spool);
    assert_int_equal(files(), 1);
    unlink(file->path);
    free(file);
}

static void test_empty(void **state)
{
    (void)state;
    spool_t *spool = open_one(directory);
    spool_file_t *file = complete(&spool);
    assert_int_equal(file->size, 0);
    assert_string_equal(file->digest,
                        "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
    unlink(file->path);
    free(file);
    drop(&spool);
}

static void test_large(void **state)
{
    static char block[50000];
    (void)state;
    spool_t *spool = open_one(directory);
    memset(block, 'x', sizeof(block));
    for (int i = 0; i < 400; i++) {
        while (spool_is_full(spool)) uv_run(&loop, UV_RUN_ONCE);
        spool_write(spool, block, sizeof(block));
    }
    spool_file_t *file = complete(&spool);
    assert_int_equal(file->size, 20000000);
    assert_string_equal(file->digest,
                        "bc01a03f3f505eaf5572211cc8a8c6dcda5f6bb93ecc6697f880a5d24a3ffac7");
    unlink(file->path);
    free(file);
    drop(&spool);
}

static void test_dropped(void **state)
{
    static char block[200000];
    (void)state;
    spool_t *spool = open_one(directory);
    drop(&spool); /* before anything */
    spool = open_one(directory);
    spool_write(spool, block, sizeof(block));
    drop(&spool); /* while it is being written */
    spool = open_one(directory);
    spool_write(spool, block, sizeof(block));
    while (turns == 0) uv_run(&loop, UV_RUN_ONCE);
    assert_int_equal(files(), 1);
    drop(&spool); /* between two writes */
    spool = open_one(directory);
    spool_end(spool);
    while (turns == 0) uv_run(&loop, UV_RUN_ONCE);
    drop(&spool); /* complete, but not taken */
    assert_int_equal(files(), 0);
}

static void test_no_directory(void **state)
{
    (void)state;
    spool_t *spool = open_one("/nowhere/at/all");
    spool_write(spool, "abc", 3);
    assert_null(complete(&spool));
    assert_int_equal(spool_error(spool), ENOENT);
    assert_null(spool_take(spool));
    drop(&spool);
}

static void test_disk_full(void **state)
{
    static char block[200000];
    struct rlimit limit, before;
    (void)state;
    signal(SIGXFSZ, SIG_IGN);
    getrlimit(RLIMIT_FSIZE, &before);
    limit = before;
    limit.rlim_cur = 300000;
    setrlimit(RLIMIT_FSIZE, &limit);
    spool_t *spool = open_one(directory);
    for (int i = 0; i < 3; i++) spool_write(spool, block, sizeof(block));
    assert_null(complete(&spool));
    assert_int_equal(spool_error(spool), EFBIG);
    spool_write(spool, block, sizeof(block));
    drop(&spool);
    setrlimit(RLIMIT_FSIZE, &before);
    assert_int_equal(files(), 0);
}

static void test_clean(void **state)
{
    char path[100];
    (void)state;
    for (int i = 0; i < 3; i++) {
        snprintf(path, sizeof(path), "%s/left%d", directory, i);
        fclose(fopen(path, "w"));
    }
    assert_true(spool_clean(directory, pool));
    assert_int_equal(files(), 0);
    snprintf(path, sizeof(path), "%s/new", directory);
    assert_true(spool_clean(path, pool));
    assert_int_equal(rmdir(path), 0);
    assert_false(spool_clean("/nowhere/at/all", pool));
}

static int begin(void **state)
{
    (void)state;
    apr_pool_create(&pool, NULL);
    uv_loop_init(&loop);
    return mkdtemp(directory) != NULL ? 0 : -1;
}

static int end(void **state)
{
    (void)state;
    uv_loop_close(&loop);
    apr_pool_destroy(pool);
    return rmdir(directory);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_content), cmocka_unit_test(test_empty),
        cmocka_unit_test(test_large),   cmocka_unit_test(test_dropped),
        cmocka_unit_test(test_no_directory), cmocka_unit_test(test_disk_full),
        cmocka_unit_test(test_clean),
    };

    apr_initialize();
    atexit(apr_terminate);
    return cmocka_run_group_tests_name("spool", tests, begin, end);
}
