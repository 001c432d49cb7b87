/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A pool of its own for each test, in *state.
 */
#ifndef TEST_POOL_H
#define TEST_POOL_H

#include <apr_pools.h>

static int make_pool(void **state)
{
    return apr_pool_create((apr_pool_t **)state, NULL) == APR_SUCCESS ? 0 : -1;
}

static int destroy_pool(void **state)
{
    apr_pool_destroy(*state);
    return 0;
}

/* In the table of tests. */
#define WITH_POOL(test_) cmocka_unit_test_setup_teardown(test_, make_pool, destroy_pool)

#endif
