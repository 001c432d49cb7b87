/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Rosters against a model: a table of who is in what.  After each of many random operations, both
 * must tell the same, and every entry must know its place.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "roster.h"

#define MEMBERS    40
#define ROSTERS    12
#define OPERATIONS 20000

typedef struct {
    roster_t rosters[ROSTERS];
    roster_seats_t seats[MEMBERS];
    int members[MEMBERS]; /* what entries point to */
    bool in[ROSTERS][MEMBERS];
} world_t;

static int model_count(const world_t *world, int r)
{
    int count = 0;
    for (int m = 0; m < MEMBERS; m++) count += world->in[r][m];
    return count;
}

static void check_roster(const world_t *world, int r)
{
    const roster_t *roster = &world->rosters[r];
    bool seen[MEMBERS] = { false };
    assert_int_equal(roster->count, model_count(world, r));
    assert_true(roster->count <= roster->capacity);
    if (roster->count == 0) assert_null(roster->entries);
    for (int i = 0; i < roster->count; i++) {
        long m = (int *)roster->entries[i].member - world->members;
        assert_true(m >= 0 && m < MEMBERS && world->in[r][m] && !seen[m]);
        assert_int_equal(roster->entries[i].seat->index, i);
        assert_ptr_equal(roster->entries[i].seat->roster, roster);
        seen[m] = true;
    }
}

static void check_member(const world_t *world, int m)
{
    int seats = 0, rosters = 0;
    for (const roster_seat_t *seat = world->seats[m]; seat != NULL; seat = seat->next) {
        assert_ptr_equal(seat->roster->entries[seat->index].member, &world->members[m]);
        assert_ptr_equal(seat->roster->entries[seat->index].seat, seat);
        seats++;
    }
    for (int r = 0; r < ROSTERS; r++) {
        assert_int_equal(roster_has(&world->rosters[r], &world->seats[m]), world->in[r][m]);
        rosters += world->in[r][m];
    }
    assert_int_equal(seats, rosters);
}

static void add(world_t *world, int r, int m)
{
    bool added = roster_add(&world->rosters[r], &world->members[m], &world->seats[m]);
    assert_int_equal(added, !world->in[r][m]);
    world->in[r][m] = true;
}

static void remove_(world_t *world, int r, int m)
{
    assert_int_equal(roster_remove(&world->rosters[r], &world->seats[m]), world->in[r][m]);
    world->in[r][m] = false;
}

/* As a connection that has gone leaves. */
static void leave_all(world_t *world, int m)
{
    while (world->seats[m] != NULL) {
        roster_t *roster = world->seats[m]->roster;
        assert_true(roster_remove(roster, &world->seats[m]));
    }
    for (int r = 0; r < ROSTERS; r++) world->in[r][m] = false;
}

static void check_world(const world_t *world)
{
    for (int r = 0; r < ROSTERS; r++) check_roster(world, r);
    for (int m = 0; m < MEMBERS; m++) check_member(world, m);
}

static void test_model(void **state)
{
    world_t *world = calloc(1, sizeof(*world));
    unsigned seed = 20240101;
    (void)state;
    for (int i = 0; i < OPERATIONS; i++) {
        int r = rand_r(&seed) % ROSTERS, m = rand_r(&seed) % MEMBERS;
        int what = rand_r(&seed) % 100;
        /* Whole rosters fill and empty in turns. */
        if (what < (i / 2000 % 2 == 0 ? 65 : 30)) add(world, r, m);
        else if (what < 98) remove_(world, r, m);
        else leave_all(world, m);
        check_roster(world, r);
        check_member(world, m);
        if (i % 500 == 0) check_world(world);
    }
    for (int m = 0; m < MEMBERS; m++) leave_all(world, m);
    check_world(world);
    free(world);
}

/* Topics are emptied from their end, one member after the other. */
static void test_emptied_from_the_end(void **state)
{
    world_t *world = calloc(1, sizeof(*world));
    roster_t *roster = &world->rosters[0];
    (void)state;
    for (int m = 0; m < MEMBERS; m++) add(world, 0, m);
    while (roster->count > 0) {
        int *member = roster->entries[roster->count - 1].member;
        remove_(world, 0, (int)(member - world->members));
        check_world(world);
    }
    add(world, 0, 3);
    remove_(world, 0, 3);
    assert_null(roster->entries);
    free(world);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_model),
        cmocka_unit_test(test_emptied_from_the_end),
    };
    return cmocka_run_group_tests_name("roster", tests, NULL, NULL);
}
