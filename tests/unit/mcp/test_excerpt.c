#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "mcp/excerpt.h"

#include "base/scoped.h"
#include "base/utf8.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static struct output *lines(int count)
{
        struct output *output = output_new();
        char line[32];

        for (int i = 1; i <= count; i++) {
                int len = snprintf(line, sizeof line, "line %04d\n", i);

                output_append(output, line, (size_t)len);
        }
        return output;
}

static void what_fits_is_shown_whole(void **state)
{
        struct output *output = lines(10);
        struct excerpt_spec spec = { .output = output, .command = "id", .max = 100 };
        struct excerpt excerpt;
        scoped_buf struct buf text;

        (void)state;
        buf_init(&text, 10000);
        excerpt_middle(&text, &spec, &excerpt);
        assert_int_equal(text.len, 100);
        assert_false(excerpt.is_cut);
        assert_int_equal(excerpt.next, 100);
        buf_reset(&text);
        spec.from = 90;
        excerpt_middle(&text, &spec, &excerpt);
        assert_string_equal((char *)text.data, "line 0010\n");
        spec.from = 1000;
        buf_reset(&text);
        excerpt_middle(&text, &spec, &excerpt);
        assert_int_equal(text.len, 0);
        assert_int_equal(excerpt.next, 100);
        output_free(output);
}

static void the_middle_is_cut_at_line_ends(void **state)
{
        struct output *output = lines(1000);
        struct excerpt_spec spec = { .output = output, .command = "id", .max = 305 };
        struct excerpt excerpt;
        scoped_buf struct buf text;

        (void)state;
        buf_init(&text, 10000);
        excerpt_middle(&text, &spec, &excerpt);
        assert_true(excerpt.is_cut);
        assert_int_equal(excerpt.next, 10000);
        assert_memory_equal(text.data, "line 0001\n", 10);
        assert_non_null(strstr((char *)text.data, "line 0010\n[... 9700 characters left out; "
                                                  "read_output('id', offset=100) shows them ...]\nline 0981\n"));
        assert_string_equal((char *)text.data + text.len - 10, "line 1000\n");
        output_free(output);
}

static void one_long_line_is_cut_between_characters(void **state)
{
        struct output *output = output_new();
        struct excerpt_spec spec = { .output = output, .command = "id", .is_stderr = true };
        struct excerpt excerpt;
        scoped_buf struct buf text;

        (void)state;
        for (int i = 0; i < 1000; i++)
                output_append(output, "€", 3);
        buf_init(&text, 10000);
        for (spec.max = 10; spec.max < 200; spec.max++) {
                buf_reset(&text);
                excerpt_middle(&text, &spec, &excerpt);
                assert_true(utf8_is_valid(text.data, text.len));
                const char *count = strstr((char *)text.data, "[... ");
                assert_non_null(count);
                size_t shown = 0;
                for (const char *at = (char *)text.data; (at = strstr(at, "€")) != NULL; at += 3)
                        shown++;
                assert_int_equal(shown + strtoul(count + 5, NULL, 10), 1000);
                assert_true(shown * 3 <= spec.max);
                assert_non_null(strstr(count, "stream='stderr', offset="));
        }
        output_free(output);
}

static void the_unfinished_line_is_shown_behind(void **state)
{
        struct output *output = lines(1000);
        struct excerpt_spec spec = { .output = output, .command = "id", .max = 300, .with_partial = true };
        struct excerpt excerpt;
        scoped_buf struct buf text;

        (void)state;
        output_set_partial(output, "Password: ", 10);
        buf_init(&text, 10000);
        excerpt_middle(&text, &spec, &excerpt);
        assert_string_equal((char *)text.data + text.len - 20, "line 1000\nPassword: ");
        assert_int_equal(excerpt.partial, 10);
        assert_int_equal(excerpt.next, 10000);
        output_free(output);
}

static void pages_give_every_byte_once(void **state)
{
        struct output *output = lines(500);
        struct excerpt_spec spec = { .output = output, .command = "id" };
        struct excerpt excerpt;
        scoped_buf struct buf all;

        (void)state;
        buf_init(&all, 10000);
        for (spec.max = 10; spec.max < 300; spec.max += 7) {
                scoped_buf struct buf text;

                buf_init(&text, 10000);
                for (spec.from = 0; spec.from < 5000; spec.from = excerpt.next) {
                        size_t before = text.len;

                        excerpt_page(&text, &spec, &excerpt);
                        assert_true(excerpt.next > spec.from);
                        assert_true(text.len - before <= spec.max);
                }
                assert_int_equal(text.len, 5000);
                if (all.len == 0)
                        assert_true(buf_append(&all, text.data, text.len));
                assert_memory_equal(text.data, all.data, 5000);
        }
        output_free(output);
}

static void tail_counts_lines(void **state)
{
        static const struct {
                unsigned lines;
                const char *partial;
                size_t max;
                const char *wanted;
        } cases[] = {
                { 1, "", 100, "line 0005\n" },
                { 2, "", 100, "line 0004\nline 0005\n" },
                { 2, "more", 100, "line 0005\nmore" },
                { 9, "", 100, "line 0001\nline 0002\nline 0003\nline 0004\nline 0005\n" },
                { 9, "", 25, "line 0004\nline 0005\n" },
        };
        struct output *output = lines(5);
        struct excerpt_spec spec = { .output = output, .command = "id", .with_partial = true };
        struct excerpt excerpt;

        (void)state;
        for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
                scoped_buf struct buf text;

                buf_init(&text, 10000);
                output_set_partial(output, cases[i].partial, strlen(cases[i].partial));
                spec.max = cases[i].max;
                excerpt_tail(&text, &spec, cases[i].lines, &excerpt);
                assert_string_equal((char *)text.data, cases[i].wanted);
                assert_int_equal(excerpt.next, 50);
        }
        output_free(output);
}

static void empty_output(void **state)
{
        struct output *output = output_new();
        struct excerpt_spec spec = { .output = output, .command = "id", .max = 100, .with_partial = true };
        struct excerpt excerpt;
        scoped_buf struct buf text;

        (void)state;
        buf_init(&text, 10000);
        excerpt_middle(&text, &spec, &excerpt);
        excerpt_page(&text, &spec, &excerpt);
        excerpt_tail(&text, &spec, 3, &excerpt);
        assert_int_equal(text.len, 0);
        assert_int_equal(excerpt.next, 0);
        output_free(output);
}

static void dropped_bytes_are_counted(void **state)
{
        struct output *output = output_new();
        struct excerpt_spec spec = { .output = output, .command = "id", .max = 1000 };
        struct excerpt excerpt;
        scoped_buf struct buf text;
        static char block[1000000];

        (void)state;
        for (size_t i = 0; i < sizeof block; i++)
                block[i] = i % 100 == 99 ? '\n' : 'x';
        for (int i = 0; i < 80; i++)
                output_append(output, block, sizeof block);
        assert_true(output_dropped(output) > 0);
        buf_init(&text, 100000);
        spec.from = (uint64_t)OUTPUT_HEAD_MAX + OUTPUT_SPILL_MAX - 50;
        excerpt_page(&text, &spec, &excerpt);
        assert_true(excerpt.is_cut);
        assert_non_null(strstr((char *)text.data, "bytes were dropped"));
        spec.from = excerpt.next;
        buf_reset(&text);
        excerpt_page(&text, &spec, &excerpt); /* passes over the whole gap */
        assert_memory_equal(text.data, "[... ", 5);
        assert_true(excerpt.is_cut);
        assert_true(excerpt.next > output_total(output) - (uint64_t)2 * OUTPUT_TAIL_MAX);
        buf_reset(&text);
        spec.from = 0;
        excerpt_middle(&text, &spec, &excerpt);
        assert_non_null(strstr((char *)text.data, "[... about "));
        output_free(output);
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(what_fits_is_shown_whole),
                cmocka_unit_test(the_middle_is_cut_at_line_ends),
                cmocka_unit_test(one_long_line_is_cut_between_characters),
                cmocka_unit_test(the_unfinished_line_is_shown_behind),
                cmocka_unit_test(pages_give_every_byte_once),
                cmocka_unit_test(tail_counts_lines),
                cmocka_unit_test(empty_output),
                cmocka_unit_test(dropped_bytes_are_counted),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
