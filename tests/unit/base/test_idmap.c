#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/idmap.h"

#define MANY  5000u
#define TURNS 200000u

static void ids_count_up_and_are_never_reused(void **state)
{
        struct idmap map;
        int object;

        (void)state;
        idmap_init(&map);
        for (uint64_t id = 1; id <= 100; id++) {
                assert_int_equal(idmap_add(&map, &object), id);
                idmap_remove(&map, id);
        }
        assert_int_equal(map.count, 0);
        idmap_fini(&map);
}

static void what_is_not_there_is_null(void **state)
{
        struct idmap map = { 0 };
        int object;

        (void)state;
        assert_null(idmap_find(&map, 1));
        idmap_remove(&map, 1);
        uint64_t id = idmap_add(&map, &object);
        assert_ptr_equal(idmap_find(&map, id), &object);
        assert_null(idmap_find(&map, 0));
        assert_null(idmap_find(&map, id + 1));
        assert_null(idmap_find(&map, UINT64_MAX));
        idmap_remove(&map, 0);
        idmap_remove(&map, id + 1);
        assert_ptr_equal(idmap_find(&map, id), &object);
        idmap_remove(&map, id);
        idmap_remove(&map, id);
        assert_null(idmap_find(&map, id));
        assert_int_equal(map.count, 0);
        idmap_fini(&map);
        idmap_fini(&map);
}

static unsigned next_random(unsigned *seed)
{
        *seed = *seed * 1664525u + 1013904223u;
        return *seed >> 8;
}

/* A window of live ids that is added to and thinned out at random, against a plain array. */
static void it_agrees_with_an_array(void **state)
{
        static void *expected[TURNS + 1];
        struct idmap map;
        unsigned seed = 1;

        (void)state;
        idmap_init(&map);
        for (uint64_t turn = 1; turn <= TURNS; turn++) {
                expected[turn] = &expected[turn];
                assert_int_equal(idmap_add(&map, expected[turn]), turn);
                uint64_t oldest = turn > MANY ? turn - MANY : 1;
                uint64_t victim = oldest + next_random(&seed) % (turn - oldest + 1);
                idmap_remove(&map, victim);
                expected[victim] = NULL;
                idmap_remove(&map, oldest);
                expected[oldest] = NULL;
                uint64_t other = oldest + next_random(&seed) % (turn - oldest + 1);
                assert_ptr_equal(idmap_find(&map, other), expected[other]);
        }
        size_t count = 0;
        for (uint64_t id = 1; id <= TURNS; id++) {
                assert_ptr_equal(idmap_find(&map, id), expected[id]);
                count += expected[id] != NULL;
        }
        assert_int_equal(map.count, count);
        assert_true(map.cap <= 4 * MANY); /* removing leaves nothing behind that makes it grow */
        idmap_fini(&map);
}

/* Every second one goes, then the rest from behind: holes in a run must close. */
static void long_runs_close_their_holes(void **state)
{
        struct idmap map;
        int object;

        (void)state;
        idmap_init(&map);
        for (unsigned n = 1; n <= MANY; n++)
                (void)idmap_add(&map, &object);
        for (uint64_t id = 2; id <= MANY; id += 2)
                idmap_remove(&map, id);
        for (uint64_t id = 1; id <= MANY; id++)
                assert_int_equal(idmap_find(&map, id) != NULL, id % 2 == 1);
        for (uint64_t id = MANY; id >= 1; id--)
                idmap_remove(&map, id);
        assert_int_equal(map.count, 0);
        for (uint64_t id = 1; id <= MANY; id++)
                assert_null(idmap_find(&map, id));
        idmap_fini(&map);
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(ids_count_up_and_are_never_reused),
                cmocka_unit_test(what_is_not_there_is_null),
                cmocka_unit_test(it_agrees_with_an_array),
                cmocka_unit_test(long_runs_close_their_holes),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
