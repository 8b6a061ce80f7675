#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/clock.h"
#include "base/random.h"
#include "base/secret.h"

#include <string.h>

static void it_keeps_the_bytes_and_adds_a_nul(void **state)
{
        char given[] = "pass\0word";
        struct secret *secret = secret_new(given, 9);

        (void)state;
        memset(given, 'x', sizeof given); /* it has a copy */
        assert_int_equal(secret_len(secret), 9);
        assert_memory_equal(secret_bytes(secret), "pass\0word", 10);
        secret_free(secret);
        secret_free(NULL);
}

static void an_empty_one_is_a_secret_too(void **state)
{
        struct secret *secret = secret_new(NULL, 0);

        (void)state;
        assert_int_equal(secret_len(secret), 0);
        assert_string_equal(secret_bytes(secret), "");
        secret_free(secret);
}

static void a_large_one_spans_pages(void **state)
{
        static char key[100000];
        struct secret *secret;

        (void)state;
        memset(key, 'k', sizeof key);
        secret = secret_new(key, sizeof key);
        assert_memory_equal(secret_bytes(secret), key, sizeof key);
        assert_int_equal(secret_bytes(secret)[sizeof key], 0);
        secret_free(secret);
}

static void only_the_same_bytes_are_equal(void **state)
{
        struct secret *a = secret_new("secret", 6);
        struct secret *same = secret_new("secret", 6);
        struct secret *first = secret_new("Secret", 6);
        struct secret *last = secret_new("secreT", 6);
        struct secret *longer = secret_new("secret!", 7);
        struct secret *nul = secret_new("secret\0", 7);

        (void)state;
        assert_true(secret_equal(a, a));
        assert_true(secret_equal(a, same));
        assert_false(secret_equal(a, first));
        assert_false(secret_equal(a, last));
        assert_false(secret_equal(a, longer));
        assert_false(secret_equal(a, nul));
        assert_false(secret_equal(longer, nul));
        assert_false(secret_equal(a, NULL));
        assert_false(secret_equal(NULL, a));
        assert_true(secret_equal(NULL, NULL));

        struct secret *all[] = { a, same, first, last, longer, nul };
        for (size_t i = 0; i < sizeof all / sizeof all[0]; i++)
                secret_free(all[i]);
}

static void wiping_leaves_zeroes_and_nothing_else_changes(void **state)
{
        char bytes[] = "aabbbbcc";

        (void)state;
        secret_wipe(bytes + 2, 4);
        assert_memory_equal(bytes, "aa\0\0\0\0cc", 9);
        secret_wipe(bytes, 0);
        assert_memory_equal(bytes, "aa", 2);
        secret_wipe(NULL, 0);
}

static void random_hex_is_hex_and_never_the_same(void **state)
{
        char a[65];
        char b[65];
        uint8_t bytes[256] = { 0 };
        unsigned ones = 0;

        (void)state;
        for (size_t len = 0; len <= 64; len += 2) {
                memset(a, 'X', sizeof a);
                random_hex(a, len);
                assert_int_equal(strlen(a), len);
                assert_int_equal(strspn(a, "0123456789abcdef"), len);
        }
        random_hex(b, 64);
        assert_string_not_equal(a, b);

        random_bytes(bytes, sizeof bytes);
        for (size_t bit = 0; bit < 8 * sizeof bytes; bit++)
                ones += bytes[bit / 8] >> bit % 8 & 1;
        assert_in_range(ones, 700, 1348); /* 1024, and fourteen deviations to either side */
}

static void the_clock_can_be_set(void **state)
{
        (void)state;
        clock_fake_ms(0);
        assert_int_equal(clock_now_ms(), 0);
        clock_fake_ms(1234567890123);
        assert_int_equal(clock_now_ms(), 1234567890123);
        clock_fake_ms(-1);
        int64_t now_ms = clock_now_ms();
        assert_true(now_ms >= 0 && now_ms != 1234567890123);
        assert_true(clock_now_ms() >= now_ms);
        assert_true(clock_wall_ms() > 1600000000000); /* after 2020 */
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(it_keeps_the_bytes_and_adds_a_nul),
                cmocka_unit_test(an_empty_one_is_a_secret_too),
                cmocka_unit_test(a_large_one_spans_pages),
                cmocka_unit_test(only_the_same_bytes_are_equal),
                cmocka_unit_test(wiping_leaves_zeroes_and_nothing_else_changes),
                cmocka_unit_test(random_hex_is_hex_and_never_the_same),
                cmocka_unit_test(the_clock_can_be_set),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
