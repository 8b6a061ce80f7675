#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/buf.h"
#include "base/scoped.h"

#include <stdlib.h>
#include <string.h>

#define SMALL_MAX 10

static void assert_holds(const struct buf *buf, const char *text)
{
        assert_int_equal(buf->len, strlen(text));
        assert_memory_equal(buf->data, text, strlen(text) + 1); /* with the NUL behind it */
        assert_true(buf->len <= buf->cap && buf->cap <= buf->max);
}

static void appends_end_with_a_nul_that_does_not_count(void **state)
{
        scoped_buf struct buf buf;

        (void)state;
        buf_init(&buf, 100);
        assert_true(buf_append_str(&buf, "one"));
        assert_holds(&buf, "one");
        assert_true(buf_append_byte(&buf, ','));
        assert_true(buf_append(&buf, "two!", 3));
        assert_true(buf_printf(&buf, "%c%d", ',', 3));
        assert_holds(&buf, "one,two,3");
        assert_true(buf_append(&buf, NULL, 0));
        assert_true(buf_append_str(&buf, ""));
        assert_holds(&buf, "one,two,3");
        assert_true(str_is(buf_str(&buf), "one,two,3"));
}

static void exactly_the_ceiling_fits(void **state)
{
        scoped_buf struct buf buf;

        (void)state;
        buf_init(&buf, SMALL_MAX);
        assert_true(buf_append(&buf, "0123456789", SMALL_MAX));
        assert_holds(&buf, "0123456789");
        assert_true(buf_reserve(&buf, 0));
        buf_reset(&buf);
        assert_true(buf_printf(&buf, "%010d", 7));
        assert_holds(&buf, "0000000007");
}

static void beyond_the_ceiling_nothing_changes(void **state)
{
        scoped_buf struct buf buf;

        (void)state;
        buf_init(&buf, SMALL_MAX);
        assert_false(buf_append(&buf, "0123456789a", SMALL_MAX + 1));
        assert_int_equal(buf.len, 0);
        assert_true(buf_append_str(&buf, "012345678"));
        assert_false(buf_append_str(&buf, "ab"));
        assert_false(buf_printf(&buf, "%s", "ab"));
        assert_false(buf_reserve(&buf, 2));
        assert_false(buf_reserve(&buf, SIZE_MAX));
        assert_holds(&buf, "012345678");
        assert_true(buf_append_byte(&buf, '9'));
        assert_false(buf_append_byte(&buf, 'a'));
        assert_holds(&buf, "0123456789");
}

static void zeroed_memory_is_a_full_empty_buf(void **state)
{
        struct buf buf = { 0 };

        (void)state;
        assert_true(buf_append(&buf, NULL, 0));
        assert_false(buf_append_byte(&buf, 'x'));
        assert_int_equal(buf.len, 0);
        buf_fini(&buf);

        struct buf untouched = { 0 };
        buf_reset(&untouched);
        buf_consume(&untouched, 0);
        buf_fini(&untouched);
}

static void it_grows_to_what_is_asked_for(void **state)
{
        scoped_buf struct buf buf;
        size_t len = 100000;

        (void)state;
        buf_init(&buf, len);
        for (size_t i = 0; i < len; i++)
                assert_true(buf_append_byte(&buf, (uint8_t)('a' + i % 26)));
        assert_int_equal(buf.len, len);
        for (size_t i = 0; i < len; i++)
                assert_int_equal(buf.data[i], 'a' + i % 26);
        assert_int_equal(buf.data[len], 0);
        assert_false(buf_append_byte(&buf, 'x'));
}

static void consume_takes_from_the_front(void **state)
{
        scoped_buf struct buf buf;

        (void)state;
        buf_init(&buf, SMALL_MAX);
        assert_true(buf_append_str(&buf, "0123456789"));
        buf_consume(&buf, 0);
        assert_holds(&buf, "0123456789");
        buf_consume(&buf, 4);
        assert_holds(&buf, "456789");
        assert_true(buf_append_str(&buf, "abcd"));
        assert_holds(&buf, "456789abcd");
        buf_consume(&buf, 10);
        assert_holds(&buf, "");
}

static void reset_keeps_the_memory_and_fini_the_ceiling(void **state)
{
        scoped_buf struct buf buf;

        (void)state;
        buf_init(&buf, SMALL_MAX);
        assert_true(buf_append_str(&buf, "abc"));
        const uint8_t *data = buf.data;
        buf_reset(&buf);
        assert_holds(&buf, "");
        assert_ptr_equal(buf.data, data);
        buf_fini(&buf);
        assert_null(buf.data);
        assert_true(buf_append_str(&buf, "0123456789"));
        assert_false(buf_append_byte(&buf, 'x'));
}

static void take_hands_over_a_text_even_of_nothing(void **state)
{
        struct buf buf;

        (void)state;
        buf_init(&buf, SMALL_MAX);
        scoped_free char *nothing = buf_take(&buf);
        assert_string_equal(nothing, "");

        assert_true(buf_append_str(&buf, "abc"));
        scoped_free char *text = buf_take(&buf);
        assert_string_equal(text, "abc");
        assert_null(buf.data);
        assert_int_equal(buf.len, 0);

        assert_true(buf_reserve(&buf, 5)); /* memory, but nothing in it */
        assert_int_equal(buf.data[0], 0);
        scoped_free char *reserved = buf_take(&buf);
        assert_string_equal(reserved, "");
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(appends_end_with_a_nul_that_does_not_count),
                cmocka_unit_test(exactly_the_ceiling_fits),
                cmocka_unit_test(beyond_the_ceiling_nothing_changes),
                cmocka_unit_test(zeroed_memory_is_a_full_empty_buf),
                cmocka_unit_test(it_grows_to_what_is_asked_for),
                cmocka_unit_test(consume_takes_from_the_front),
                cmocka_unit_test(reset_keeps_the_memory_and_fini_the_ceiling),
                cmocka_unit_test(take_hands_over_a_text_even_of_nothing),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
