/* Time is what the test says; a suspend is a boot clock that runs ahead. */
#include "worker/liveness.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

struct world {
        struct liveness liveness;
        struct liveness_now now;
};

static struct world begin(uint32_t interval_s, uint32_t count)
{
        struct world world = { .now = { 1000, 5000, 7 } };

        liveness_init(&world.liveness, interval_s, count, &world.now);
        return world;
}

static enum liveness_verdict after(struct world *world, int64_t ms)
{
        world->now.now_ms += ms;
        world->now.boot_ms += ms;
        return liveness_look(&world->liveness, &world->now);
}

static void a_silent_host_is_asked_and_given_up(void **state)
{
        struct world world = begin(15, 3);

        (void)state;
        assert_int_equal(after(&world, 14999), LIVENESS_FINE);
        assert_int_equal(after(&world, 1), LIVENESS_ASK);
        assert_int_equal(after(&world, 1), LIVENESS_FINE);
        assert_int_equal(after(&world, 14999), LIVENESS_ASK);
        assert_int_equal(after(&world, 15000), LIVENESS_ASK);
        assert_int_equal(after(&world, 14999), LIVENESS_FINE);
        assert_int_equal(after(&world, 1), LIVENESS_LOST);
        assert_int_equal(liveness_silent_ms(&world.liveness, world.now.now_ms), 60000);
}

static void any_byte_is_an_answer(void **state)
{
        struct world world = begin(15, 1);

        (void)state;
        assert_int_equal(after(&world, 15000), LIVENESS_ASK);
        world.now.bytes++;
        assert_int_equal(after(&world, 14000), LIVENESS_FINE);
        assert_int_equal(after(&world, 14999), LIVENESS_FINE);
        assert_int_equal(after(&world, 1), LIVENESS_ASK);
}

static void without_an_interval_nobody_is_asked(void **state)
{
        struct world world = begin(0, 3);

        (void)state;
        assert_int_equal(after(&world, 86400000), LIVENESS_FINE);
}

static void after_a_suspend_it_is_asked_at_once_and_lost_within_five_seconds(void **state)
{
        for (uint32_t interval_s = 0; interval_s <= 15; interval_s += 15) {
                struct world world = begin(interval_s, 3);

                (void)state;
                assert_int_equal(after(&world, 1000), LIVENESS_FINE);
                world.now.boot_ms += 3600000;
                int64_t awake_ms = world.now.now_ms;
                int64_t looked_ms = liveness_due_ms(&world.liveness, awake_ms) - awake_ms;
                assert_true(looked_ms <= LIVENESS_LOOK_MS);
                assert_int_equal(after(&world, looked_ms), LIVENESS_ASK);
                while (after(&world, 10) == LIVENESS_FINE)
                        continue;
                assert_int_equal(liveness_look(&world.liveness, &world.now), LIVENESS_LOST);
                assert_in_range(world.now.now_ms - awake_ms, 1000, 5000);
        }
}

static void an_answer_after_a_suspend_makes_all_well(void **state)
{
        struct world world = begin(15, 3);

        (void)state;
        world.now.boot_ms += 60000;
        assert_int_equal(after(&world, 100), LIVENESS_ASK);
        assert_int_equal(after(&world, 2000), LIVENESS_FINE);
        world.now.bytes += 20;
        assert_int_equal(after(&world, 1000), LIVENESS_FINE);
        assert_int_equal(after(&world, 10000), LIVENESS_FINE);
        assert_int_equal(after(&world, 5000), LIVENESS_ASK);
}

static void bytes_that_waited_in_the_socket_are_no_answer(void **state)
{
        struct world world = begin(15, 3);

        (void)state;
        world.now.boot_ms += 60000;
        world.now.bytes += 20; /* read in the same turn in which the suspend is seen */
        assert_int_equal(after(&world, 100), LIVENESS_ASK);
        assert_int_equal(after(&world, LIVENESS_AWAKE_MS), LIVENESS_LOST);
}

static void a_clock_that_wavers_is_no_suspend(void **state)
{
        struct world world = begin(15, 3);

        (void)state;
        for (int i = 0; i < 10; i++) {
                world.now.boot_ms += i % 2 == 0 ? 5 : -5;
                assert_int_equal(after(&world, 1000), LIVENESS_FINE);
        }
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(a_silent_host_is_asked_and_given_up),
                cmocka_unit_test(any_byte_is_an_answer),
                cmocka_unit_test(without_an_interval_nobody_is_asked),
                cmocka_unit_test(after_a_suspend_it_is_asked_at_once_and_lost_within_five_seconds),
                cmocka_unit_test(an_answer_after_a_suspend_makes_all_well),
                cmocka_unit_test(bytes_that_waited_in_the_socket_are_no_answer),
                cmocka_unit_test(a_clock_that_wavers_is_no_suspend),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
