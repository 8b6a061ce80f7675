#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "mcp/grep.h"

#include "base/scoped.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#define LINES_MAX 200000

/* What `grep -nb -F -C` prints for a text that is all in memory. */
static void plain_grep(struct buf *out, const char *text, size_t len, const char *needle,
                       unsigned context)
{
        static size_t starts[LINES_MAX + 1];
        static bool is_match[LINES_MAX];
        size_t count = 0;
        size_t shown_to = 0;

        for (size_t at = 0; at < len; count++) {
                const char *end = memchr(text + at, '\n', len - at);
                size_t stop = end != NULL ? (size_t)(end - text) : len;

                starts[count] = at;
                is_match[count] = memmem(text + at, stop - at, needle, strlen(needle)) != NULL;
                at = end != NULL ? stop + 1 : len;
        }
        starts[count] = len;
        for (size_t i = 0; i < count; i++) {
                bool is_near = false;

                for (size_t j = i > context ? i - context : 0; j <= i + context && j < count; j++)
                        is_near = is_near || is_match[j];
                if (!is_near)
                        continue;
                if (shown_to > 0 && i > shown_to)
                        (void)buf_append_str(out, "--\n");
                size_t line_len = starts[i + 1] - starts[i];
                if (line_len > 0 && text[starts[i] + line_len - 1] == '\n')
                        line_len--;
                char mark = is_match[i] ? ':' : '-';
                (void)buf_printf(out, "%zu%c%zu%c%.*s\n", i + 1, mark, starts[i], mark, (int)line_len,
                                 text + starts[i]);
                shown_to = i + 1;
        }
}

static void compare(const char *text, size_t len, const char *needle, unsigned context)
{
        struct output *output = output_new();
        scoped_buf struct buf wanted;
        scoped_buf struct buf got;
        struct grep_spec spec = { .output = output, .needle = str_of(needle), .context = context,
                                  .max = 64 * 1024 * 1024 };
        struct grep_result result;

        buf_init(&wanted, spec.max);
        buf_init(&got, spec.max);
        (void)buf_reserve(&wanted, 1);
        (void)buf_reserve(&got, 1);
        wanted.data[0] = got.data[0] = '\0';
        output_append(output, text, len);
        plain_grep(&wanted, text, len, needle, context);
        grep_write(&got, &spec, &result);
        if (wanted.len != got.len || memcmp(wanted.data, got.data, got.len) != 0)
                fail_msg("needle '%s', context %u:\n%.300s\nis not\n%.300s", needle, context,
                         (char *)got.data, (char *)wanted.data);
        assert_int_equal(result.next, 0);
        assert_int_equal(result.matches, result.shown);
        output_free(output);
}

static void small_texts_as_grep_does(void **state)
{
        static const char *const texts[] = {
                "", "\n", "a", "a\n", "b\n", "a\nb\nc\n", "a\na\na", "b\nb\na\nb\nb\nb\nb\na\n", "ab\nxab\nabx",
                "\n\n\na\n\n\n", "aaa\n\naaa\n", "ba\nab\n",
        };
        static const char *const needles[] = { "a", "ab", "aa", "x", "none" };

        (void)state;
        for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++)
                for (size_t j = 0; j < sizeof needles / sizeof needles[0]; j++)
                        for (unsigned context = 0; context < 4; context++)
                                compare(texts[i], strlen(texts[i]), needles[j], context);
}

static void random_texts_as_grep_does(void **state)
{
        static char text[300000];
        unsigned seed = 1;

        (void)state;
        for (unsigned round = 0; round < 40; round++) {
                size_t len = 1000 + (size_t)round * 7001;

                for (size_t i = 0; i < len; i++) {
                        seed = seed * 1103515245 + 12345;
                        unsigned pick = (seed >> 16) % 100;
                        text[i] = pick < 8 ? '\n' : "abcdefghij"[pick % (2 + round % 8)];
                }
                compare(text, len, round % 2 == 0 ? "abab" : "aab", round % 4);
                compare(text, len, "abcdefghi", 2);
        }
}

static void a_match_across_slices_is_found(void **state)
{
        static char text[70000];

        (void)state;
        for (size_t at = 65536 - 8; at <= 65536; at++) {
                memset(text, '.', sizeof text);
                for (size_t i = 99; i < sizeof text; i += 100)
                        text[i] = '\n';
                text[at / 100 * 100 + 99] = '.'; /* no newline may cut the needle */
                memcpy(text + at, "needle", 6);
                compare(text, sizeof text, "needle", 1);
        }
}

static void a_long_line_shows_the_part_that_matches(void **state)
{
        struct output *output = output_new();
        struct grep_spec spec = { .output = output, .needle = { "needle", 6 }, .max = 10000, .context = 2 };
        struct grep_result result;
        scoped_buf struct buf text;

        (void)state;
        output_append(output, "before\n", 7);
        for (int i = 0; i < 100000; i++)
                output_append(output, "€", 3);
        output_append(output, "needle", 6);
        for (int i = 0; i < 100000; i++)
                output_append(output, "€", 3);
        output_append(output, "\nafter\n", 7);
        buf_init(&text, 20000);
        grep_write(&text, &spec, &result);
        assert_int_equal(result.matches, 1);
        assert_int_equal(result.lines, 3);
        assert_true(text.len < 800);
        assert_memory_equal(text.data, "1-0-before\n2:", 13);
        assert_non_null(strstr((char *)text.data, "€needle€"));
        assert_non_null(strstr((char *)text.data, "…\n3-600014-after\n"));
        output_free(output);
}

static void what_does_not_fit_is_counted_and_can_be_continued(void **state)
{
        struct output *output = output_new();
        struct grep_spec spec = { .output = output, .needle = { "x", 1 }, .max = 100 };
        struct grep_result result;
        uint64_t seen = 0;

        (void)state;
        for (int i = 0; i < 1000; i++)
                output_append(output, i % 3 == 0 ? "x\n" : "-\n", 2);
        do {
                scoped_buf struct buf text;

                buf_init(&text, 1000);
                grep_write(&text, &spec, &result);
                assert_int_equal(result.matches, 334 - seen);
                assert_true(result.shown > 0);
                assert_true(text.len < 120);
                assert_int_equal(result.lines, 1000);
                seen += result.shown;
                spec.from = result.next;
        } while (result.next != 0);
        assert_int_equal(seen, 334);
        output_free(output);
}

static void it_goes_on_behind_what_was_dropped(void **state)
{
        static char block[1000000];
        struct output *output = output_new();
        struct grep_spec spec = { .output = output, .needle = { "needle", 6 }, .max = 1000, .context = 2 };
        struct grep_result result;
        scoped_buf struct buf text;

        (void)state;
        memset(block, 'x', sizeof block);
        for (size_t i = 99; i < sizeof block; i += 100)
                block[i] = '\n';
        output_append(output, "needle\n", 7);
        for (int i = 0; i < 70; i++)
                output_append(output, block, sizeof block);
        output_append(output, "needle\n", 7);
        buf_init(&text, 2000);
        grep_write(&text, &spec, &result);
        assert_int_equal(result.matches, 2);
        assert_true(result.has_gap);
        output_free(output);
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(small_texts_as_grep_does),
                cmocka_unit_test(random_texts_as_grep_does),
                cmocka_unit_test(a_match_across_slices_is_found),
                cmocka_unit_test(a_long_line_shows_the_part_that_matches),
                cmocka_unit_test(what_does_not_fit_is_counted_and_can_be_continued),
                cmocka_unit_test(it_goes_on_behind_what_was_dropped),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
