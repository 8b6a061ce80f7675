#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/str.h"

#include <string.h>

#define COUNT(array) (sizeof(array) / sizeof(array)[0])

static const struct str nothing; /* its ptr is NULL */

static void compares_whole_texts_and_prefixes(void **state)
{
        struct str text = { "hello world", 5 };

        (void)state;
        assert_true(str_is(text, "hello"));
        assert_false(str_is(text, "hell"));
        assert_false(str_is(text, "hello world"));
        assert_true(str_is(nothing, ""));
        assert_false(str_is(nothing, "x"));
        assert_true(str_starts(text, ""));
        assert_true(str_starts(text, "hel"));
        assert_true(str_starts(text, "hello"));
        assert_false(str_starts(text, "hello ")); /* beyond its end */
        assert_true(str_starts(nothing, ""));
        assert_false(str_starts(nothing, "x"));
        assert_int_equal(str_of("abc").len, 3);
}

static void finds_the_last_of_a_byte(void **state)
{
        const char *text = "a@b@c@";

        (void)state;
        assert_ptr_equal(str_find_last((struct str){ text, 5 }, '@'), text + 3);
        assert_ptr_equal(str_find_last((struct str){ text, 6 }, '@'), text + 5);
        assert_ptr_equal(str_find_last((struct str){ text, 5 }, 'a'), text);
        assert_null(str_find_last((struct str){ text, 5 }, 'x'));
        assert_null(str_find_last(nothing, '@'));
}

static void trims_both_ends_only(void **state)
{
        static const char *const rows[][2] = {
                { "", "" },         { " ", "" },          { "\t\r\n ", "" },
                { "a", "a" },       { "  a b  ", "a b" }, { "\r\na\tb\r\n", "a\tb" },
                { "\va\f", "\va\f" },
        };

        (void)state;
        for (size_t i = 0; i < COUNT(rows); i++)
                assert_true(str_is(str_trim(str_of(rows[i][0])), rows[i][1]));
        assert_int_equal(str_trim(nothing).len, 0);
}

static void words_come_off_the_front(void **state)
{
        struct str rest = str_of("  one\ttwo \t three\nfour ");

        (void)state;
        assert_true(str_is(str_word(&rest), "one"));
        assert_true(str_is(str_word(&rest), "two"));
        assert_true(str_is(rest, " \t three\nfour "));
        assert_true(str_is(str_word(&rest), "three\nfour")); /* only blanks part words */
        assert_int_equal(str_word(&rest).len, 0);
        assert_int_equal(str_word(&rest).len, 0);
        assert_int_equal(rest.len, 0);

        struct str none = nothing;
        assert_int_equal(str_word(&none).len, 0);
}

static void lines_come_off_the_front(void **state)
{
        static const char *const lines[] = { "one", "", "two\rtwo", "three\r", "four" };
        struct str rest = str_of("one\n\ntwo\rtwo\r\nthree\r\r\nfour");
        struct str line = { 0 };

        (void)state;
        for (size_t i = 0; i < COUNT(lines); i++) {
                assert_true(str_line(&rest, &line));
                assert_true(str_is(line, lines[i]));
        }
        assert_false(str_line(&rest, &line));
        assert_true(str_is(line, "four")); /* untouched */

        rest = str_of("a\n");
        assert_true(str_line(&rest, &line));
        assert_false(str_line(&rest, &line)); /* no empty line behind the last newline */
        rest = nothing;
        assert_false(str_line(&rest, &line));
}

static void items_come_off_the_front(void **state)
{
        struct str rest = str_of("a,,b b,");
        struct str item;

        (void)state;
        assert_true(str_item(&rest, &item));
        assert_true(str_is(item, "a"));
        assert_true(str_item(&rest, &item));
        assert_true(str_is(item, ""));
        assert_true(str_item(&rest, &item));
        assert_true(str_is(item, "b b"));
        assert_false(str_item(&rest, &item)); /* no empty item behind the last comma */
}

static void numbers_are_digits_and_nothing_else(void **state)
{
        static const char *const bad[] = { "",   " 1", "1 ", "-1",  "+1",
                                           "0x1", "1.", "1e", "1\n", "1234567890123456789" };
        long long number = -7;

        (void)state;
        for (size_t i = 0; i < COUNT(bad); i++)
                assert_false(str_number(str_of(bad[i]), &number));
        assert_false(str_number(nothing, &number));
        assert_false(str_number((struct str){ "1\0", 2 }, &number));
        assert_int_equal(number, -7); /* untouched on failure */

        assert_true(str_number(str_of("0"), &number));
        assert_int_equal(number, 0);
        assert_true(str_number(str_of("007"), &number));
        assert_int_equal(number, 7);
        assert_true(str_number((struct str){ "12345", 3 }, &number));
        assert_int_equal(number, 123);
        assert_true(str_number(str_of("999999999999999999"), &number));
        assert_true(number == 999999999999999999);
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(compares_whole_texts_and_prefixes),
                cmocka_unit_test(finds_the_last_of_a_byte),
                cmocka_unit_test(trims_both_ends_only),
                cmocka_unit_test(words_come_off_the_front),
                cmocka_unit_test(lines_come_off_the_front),
                cmocka_unit_test(items_come_off_the_front),
                cmocka_unit_test(numbers_are_digits_and_nothing_else),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
