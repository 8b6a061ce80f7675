#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "transport/lines.h"

#include "base/scoped.h"

#include <stdlib.h>
#include <string.h>

/* Everything that comes out, "|" behind each line, "!" for one that is too long. */
static void feed_all(struct buf *out, const char *text, size_t len, size_t piece)
{
        struct lines lines;
        enum lines_event event;
        struct str line;

        lines_init(&lines);
        for (size_t at = 0; at < len; at += piece) {
                struct str bytes = { text + at, len - at < piece ? len - at : piece };

                while ((event = lines_next(&lines, &bytes, &line)) != LINES_MORE) {
                        if (event == LINES_LINE)
                                assert_true(buf_append(out, line.ptr, line.len));
                        assert_true(buf_append_byte(out, event == LINES_LINE ? '|' : '!'));
                }
        }
        if (lines_end(&lines, &line) == LINES_LINE) {
                assert_true(buf_append(out, line.ptr, line.len));
                assert_true(buf_append_str(out, "$"));
        }
        lines_fini(&lines);
}

static void pieces_make_no_difference(void **state)
{
        static const char *const cases[][2] = {
                { "", "" }, { "\n", "" }, { "a\n", "a|" }, { "a", "a$" }, { "a\r\n", "a|" }, { "a\r", "a$" },
                { "\r\n\n\r\nabc\n\ndef\r\n", "abc|def|" }, { "a\rb\n", "a\rb|" }, { "a\r\r\n", "a\r|" },
                { "one\ntwo\nthree", "one|two|three$" }, { "\r", "" },
        };

        (void)state;
        for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++)
                for (size_t piece = 1; piece < 12; piece++) {
                        scoped_buf struct buf out;

                        buf_init(&out, 1000);
                        (void)buf_reserve(&out, 1);
                        out.data[0] = '\0';
                        feed_all(&out, cases[i][0], strlen(cases[i][0]), piece);
                        assert_string_equal((char *)out.data, cases[i][1]);
                }
}

static void a_long_line_is_dropped_and_the_next_is_read(void **state)
{
        static const size_t pieces[] = { 65536, 1000003, SIZE_MAX / 2 };
        static const size_t over[] = { 0, 1, LINES_MAX * 2 };
        scoped_free char *text = malloc(LINES_MAX * 3 + 100);

        (void)state;
        assert_non_null(text);
        for (size_t i = 0; i < sizeof pieces / sizeof pieces[0]; i++)
                for (size_t j = 0; j < sizeof over / sizeof over[0]; j++) {
                        scoped_buf struct buf out;
                        size_t len = LINES_MAX + over[j];

                        buf_init(&out, LINES_MAX + 100);
                        memset(text, 'x', len);
                        memcpy(text + len, "\nnext\n", 6);
                        feed_all(&out, text, len + 6, pieces[i]);
                        if (over[j] == 0)
                                assert_int_equal(out.len, LINES_MAX + 1 + 5);
                        else
                                assert_string_equal((char *)out.data, "!next|");
                }
}

static void the_end_inside_a_long_line_says_nothing_more(void **state)
{
        scoped_free char *text = calloc(1, LINES_MAX + 10);
        scoped_buf struct buf out;

        (void)state;
        assert_non_null(text);
        buf_init(&out, 100);
        feed_all(&out, text, LINES_MAX + 10, 65536);
        assert_string_equal((char *)out.data, "!");
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(pieces_make_no_difference),
                cmocka_unit_test(a_long_line_is_dropped_and_the_next_is_read),
                cmocka_unit_test(the_end_inside_a_long_line_says_nothing_more),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
