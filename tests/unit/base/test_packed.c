#include "base/packed.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

static void numbers_have_their_most_significant_byte_first(void **state)
{
        const uint8_t bytes[] = { 0xFE, 0xDC, 0xBA, 0x98 };
        uint8_t back[PACKED_NUMBER_LEN];

        (void)state;
        assert_int_equal(packed_number_at(bytes), 0xFEDCBA98);
        packed_put_number(back, 0xFEDCBA98);
        assert_memory_equal(back, bytes, sizeof back);
}

static void strings_come_off_the_front(void **state)
{
        struct str rest = { "\0\0\0\3abc\0\0\0\0\0\0\0\1", 15 };
        struct str taken = { 0 };

        (void)state;
        assert_true(packed_take(&rest, &taken));
        assert_true(str_is(taken, "abc"));
        assert_true(packed_take(&rest, &taken));
        assert_true(str_is(taken, ""));
        assert_false(packed_take(&rest, &taken)); /* says one byte, has none */
        assert_int_equal(rest.len, 4);
        rest.len = 3;
        assert_false(packed_take(&rest, &taken));
}

static void a_length_cannot_wrap(void **state)
{
        struct str rest = { "\xFF\xFF\xFF\xFF" "abc", 7 };
        struct str taken = { 0 };

        (void)state;
        assert_false(packed_take(&rest, &taken));
        assert_int_equal(rest.len, 7);
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(numbers_have_their_most_significant_byte_first),
                cmocka_unit_test(strings_come_off_the_front),
                cmocka_unit_test(a_length_cannot_wrap),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
