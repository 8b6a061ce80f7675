#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/scoped.h"
#include "base/utf8.h"
#include "worker/terminal/clean.h"

#include <stdio.h>
#include <string.h>

#define COUNT(array) (sizeof(array) / sizeof(array)[0])
#define R            "\xEF\xBF\xBD" /* U+FFFD */
#define ESC          "\x1B"
#define CSI          "\x1B["
#define OUT_MAX      (1024 * 1024)

struct row {
        const char *in;
        size_t in_len;
        const char *text;
};

#define ROW(in, text) { in, sizeof in - 1, text }

static void feed(struct clean *clean, const char *bytes, size_t len, struct buf *out)
{
        scoped_free char *exact = malloc(len + 1); /* so that a read beyond the piece is seen */

        memcpy(exact, bytes, len);
        assert_true(clean_feed(clean, (uint8_t *)exact, len, out));
        struct str partial = clean_partial(clean);
        assert_true(partial.len <= CLEAN_LINE_MAX);
        if (len > 1 || partial.len < 100) /* not for each byte of the long ones */
                assert_true(utf8_is_valid(partial.ptr, partial.len));
        if (partial.ptr != NULL)
                assert_int_equal(partial.ptr[partial.len], 0);
}

/* In two pieces of which the first is `first` long; first 0: byte by byte. */
static void clean_in_pieces(enum clean_mode mode, const struct row *row, size_t first, struct buf *out)
{
        struct clean clean;

        clean_init(&clean, mode);
        if (first > 0) {
                feed(&clean, row->in, first, out);
                feed(&clean, row->in + first, row->in_len - first, out);
        } else {
                for (size_t i = 0; i < row->in_len; i++)
                        feed(&clean, row->in + i, 1, out);
        }
        assert_true(clean_finish(&clean, out));
        clean_fini(&clean);
}

static void check_rows(enum clean_mode mode, const struct row *rows, size_t count)
{
        for (size_t i = 0; i < count; i++)
                for (size_t first = 0; first <= rows[i].in_len; first++) {
                        scoped_buf struct buf out;
                        buf_init(&out, OUT_MAX);
                        clean_in_pieces(mode, &rows[i], first, &out);
                        if (out.len != strlen(rows[i].text)
                            || (out.len > 0 && memcmp(out.data, rows[i].text, out.len) != 0))
                                fail_msg("row %zu, split at %zu: \"%s\", expected \"%s\"", i, first,
                                         (char *)out.data, rows[i].text);
                }
}

static void lines_end_with_lf(void **state)
{
        static const struct row rows[] = {
                ROW("", ""),
                ROW("\n", "\n"),
                ROW("abc", "abc"),
                ROW("abc\n", "abc\n"),
                ROW("a\r\nb\r\n", "a\nb\n"),
                ROW("a\r\r\nb", "a\nb"), /* a program's CR LF through a tty that adds another CR */
                ROW("a\tb\n\n\nc", "a\tb\n\n\nc"),
                ROW("  blanks  \r\n", "  blanks  \n"),
        };

        (void)state;
        check_rows(CLEAN_TTY, rows, COUNT(rows));
}

static void a_line_shows_what_was_written_last(void **state)
{
        static const struct row rows[] = {
                ROW("10%\r20%\r100%\n", "100%\n"),
                ROW("100%\r5%\n", "5%0%\n"),
                ROW("abc\r", "abc"),
                ROW("abc\rX", "Xbc"),
                ROW("\rabc", "abc"),
                ROW("abc\b\bX", "aXc"),
                ROW("\b\babc", "abc"),
                ROW("abc\b\b\b\b\bX", "Xbc"),
                ROW("a_\b_", "a_"),
                ROW("abc\r\bX", "Xbc"),
                ROW("ab\rcd\nef\rg", "cd\ngf"),
                ROW("abc\b \b\b \bX", "aX "),
                ROW("ab\b\xC3\xA9", "a\xC3\xA9"),                /* wider than what it covers */
                ROW("\xC3\xA9x\b\bab", "ab"),                    /* narrower */
                ROW("\xE2\x82\xAC\xF0\x9F\x98\x80z\r\xF0\x9F\x98\x80-", "\xF0\x9F\x98\x80-z"),
                ROW("\xC3\xA9\xC3\xA8\b\xC3\xAA", "\xC3\xA9\xC3\xAA"),
        };

        (void)state;
        check_rows(CLEAN_TTY, rows, COUNT(rows));
}

static void the_cursor_moves_within_the_line(void **state)
{
        static const struct row rows[] = {
                ROW("abc" CSI "2DX", "aXc"),
                ROW("abc" CSI "DX", "abX"),
                ROW("abc" CSI "0DX", "abX"),
                ROW("abc" CSI "99DX", "Xbc"),
                ROW("a" CSI "3Cb", "a   b"),
                ROW("abcd\r" CSI "2CX", "abXd"),
                ROW("\xC3\xA9\xE2\x82\xAC" "x" CSI "2DX", "\xC3\xA9Xx"),
                ROW("abcdef" CSI "2GX", "aXcdef"),
                ROW("abc" CSI "GX", "Xbc"),
                ROW("abc" CSI "6GX", "abc  X"),
                ROW("abc" CSI ";5DX", "abX"),
                ROW("\xC3\xA9" CSI "3Cx", "\xC3\xA9   x"),
                ROW("a" CSI "?2D" CSI ">2D" CSI "<2D" CSI "=2Db", "ab"), /* private */
                ROW("ab" CSI "2 D" CSI "1;2!Dc", "abc"),                  /* others with that last byte */
                ROW("ab" CSI "1;2;3;4;5;6;7;8;9 Dc", "abc"),
        };

        (void)state;
        check_rows(CLEAN_TTY, rows, COUNT(rows));
}

static void the_line_can_be_erased_and_edited(void **state)
{
        static const struct row rows[] = {
                ROW("abc\r" CSI "K", ""),
                ROW("abc\r" CSI "Kde\n", "de\n"),
                ROW("abc" CSI "2D" CSI "K", "a"),
                ROW("abc" CSI "K", "abc"),
                ROW("abc" CSI "1K", "   "),
                ROW("abc" CSI "2D" CSI "1K", "  c"), /* up to and with the cursor's place */
                ROW("\xC3\xA9\xC3\xA9" "c" CSI "D" CSI "1KX", "  X"),
                ROW("abc\r" CSI "2Kde", "de"),
                ROW("abc" CSI "2Kd", "   d"),
                ROW("\xE2\x82\xAC" "bc\b" CSI "2Kd", "  d"),
                ROW("abc\r" CSI "3Kd", "dbc"), /* there is none such */
                ROW(CSI "K" CSI "1K" CSI "2K" CSI "P" CSI "@" CSI "X", ""),
                ROW("abcdef" CSI "4D" CSI "2P", "abef"),
                ROW("abcdef" CSI "4D" CSI "PX", "abXef"),
                ROW("abc" CSI "2P", "abc"),
                ROW("abc\r" CSI "99P", ""),
                ROW("\xC3\xA9\xE2\x82\xAC" "c\r" CSI "2P", "c"),
                ROW("abc" CSI "2D" CSI "2@", "a  bc"),
                ROW("abc" CSI "2D" CSI "@X", "aXbc"),
                ROW("abc" CSI "2@", "abc"),
                ROW("a\xC3\xA9\r" CSI "2@", "  a\xC3\xA9"),
                ROW("abcd" CSI "3D" CSI "2X", "a  d"),
                ROW("abcd" CSI "3D" CSI "XY", "aYcd"),
                ROW("a\xE2\x82\xAC\xC3\xA9z\r" CSI "C" CSI "2XX", "aX z"),
                ROW("abc\r" CSI "99X|", "|  "),
                ROW("abc\r" CSI "2 @" CSI "2 P", "abc"), /* scrolls and the like */
        };

        (void)state;
        check_rows(CLEAN_TTY, rows, COUNT(rows));
}

static const struct row sequences[] = {
        ROW(CSI "1;31mred" CSI "0m", "red"),
        ROW(CSI "38;2;255;255;255;48;2;100;100;100;1;2;3;4mx", "x"),
        ROW(CSI "?25l" CSI "?2004hx" CSI "?1049l", "x"),
        ROW(CSI "2J" CSI "10;5H" CSI "A" CSI "6n" CSI "c" CSI "8;9999;9999tx", "x"),
        ROW(CSI "!p" CSI "1 q" CSI "4$vx", "x"),
        ROW(ESC "(B" ESC ")0" ESC "%G" ESC "#8" ESC "$(Bx", "x"),
        ROW(ESC "=" ESC ">" ESC "7x" ESC "8" ESC "c" ESC "M" ESC "Z", "x"),
        ROW(ESC "]0;title\x07x", "x"),
        ROW(ESC "]8;;http://a/\x1B\\link" ESC "]8;;\x1B\\", "link"),
        ROW(ESC "]52;c;c2VjcmV0\x07" ESC "]52;c;?\x1B\\x", "x"),
        ROW(ESC "P1$r0m\x1B\\" ESC "Pq#0~\x1B\\" ESC "Xsos\x1B\\" ESC "^pm\x1B\\" ESC "_apc\x1B\\x", "x"),
        ROW(ESC "]0;\xC3\xA9\xFF\x9C\x07x", "x"), /* no text in there, so nothing to repair */
        ROW(ESC "Ptmux;\x1B\x1B]0;t\x07\x1B\\x", "x"),
        ROW(ESC "]0;a\x18x" ESC "]0;a\x1Ax" ESC "[1\x18x", "xxx"),
        ROW("a" ESC, "a"),
        ROW("a" CSI "1", "a"),
        ROW(ESC "]0;never ended", ""),
        ROW(ESC ESC "[1mx", "x"),
        ROW(CSI "1" ESC "[2mx", "x"),
        ROW(ESC "(" ESC "[1mx", "x"),
        ROW(ESC "]0;a" ESC "[1mx", "x"),
        ROW(ESC "\xC3\xA9" CSI "\xC3\xA9" ESC "(\xC3\xA9" ESC "]\x1B\xC3\xA9", "\xC3\xA9\xC3\xA9\xC3\xA9\xC3\xA9"),
};

static void sequences_go(void **state)
{
        (void)state;
        check_rows(CLEAN_TTY, sequences, COUNT(sequences));
        check_rows(CLEAN_PIPE, sequences, COUNT(sequences));
}

static const struct row unfinished[] = {
        ROW(ESC "\nx", "\nx"),
        ROW(CSI "\nx", "\nx"),
        ROW(ESC "(\nx", "\nx"),
        ROW(ESC "]0;title\nx", "\nx"),
        ROW(ESC "Pq\nx", "\nx"),
        ROW(ESC "Xa\nx" ESC "^a\nx" ESC "_a\nx", "\nx\nx\nx"),
        ROW(ESC "]0;title\x1B\nx", "\nx"),
};

static void a_line_end_ends_an_unfinished_sequence(void **state)
{
        static const struct row crlf[] = {
                ROW(ESC "]0;title\r\nx", "\nx"),
                ROW("ab" CSI "1\rx", "xb"),
        };

        (void)state;
        check_rows(CLEAN_TTY, unfinished, COUNT(unfinished));
        check_rows(CLEAN_PIPE, unfinished, COUNT(unfinished));
        check_rows(CLEAN_TTY, crlf, COUNT(crlf));
}

static const struct row characters[] = {
        ROW("na\xC3\xAFve \xE2\x82\xAC \xF0\x9F\x98\x80", "na\xC3\xAFve \xE2\x82\xAC \xF0\x9F\x98\x80"),
        ROW("a\0b\x01\x02\x05\x06\x0E\x0F\x10\x13\x1F\x7F" "c", "abc"),
        ROW("a\x07\x0B\x0C" "b", "ab"),
        ROW("a\xC2\x85" "b\xC2\x9B" "31mc\xC2\x80\xC2\x9F\xC2\xA0", "ab31mc\xC2\xA0"), /* C1 */
        ROW("a\x9B" "31m\x9Dz", "a" R "31m" R "z"), /* raw, they are no UTF-8 */
        ROW("\xFF\xFE", R R),
        ROW("\xC0\x9B", R R),
        ROW("\xE2\x82", R),
        ROW("\xE2\x82x", R "x"),
        ROW("\xE2\x82\n", R "\n"),
        ROW("\xE2\x82" CSI "1mx", R "x"),
        ROW("\xF0\x9F\x98\xC3\xA9", R "\xC3\xA9"),
        ROW("\xED\xA0\x80", R R R),
        ROW("\xF4\x90\x80\x80", R R R R),
        ROW("\xC3\xC3\xA9", R "\xC3\xA9"),
        ROW("\xE2\x80\xAE" "abc", "\xE2\x80\xAE" "abc"), /* format characters are text here */
};

static void characters_are_valid_utf8_and_no_controls(void **state)
{
        (void)state;
        check_rows(CLEAN_TTY, characters, COUNT(characters));
        check_rows(CLEAN_PIPE, characters, COUNT(characters));
}

static void a_pipe_keeps_its_lines_as_they_are(void **state)
{
        static const struct row rows[] = {
                ROW("a\r\nb\rc\n", "a\r\nb\rc\n"),
                ROW("a\bb\tc", "ab\tc"),
                ROW("abc" CSI "2DX" CSI "K", "abcX"),
                ROW("a" ESC "]0;t\rb", "a\rb"),
        };

        (void)state;
        check_rows(CLEAN_PIPE, rows, COUNT(rows));
}

/* ---- long ones ---- */

struct piece { /* `times` times text */
        const char *text;
        unsigned times;
};

static void write_pieces(struct buf *out, const struct piece pieces[4])
{
        for (size_t i = 0; i < 4; i++)
                for (unsigned n = 0; n < pieces[i].times; n++)
                        assert_true(buf_append_str(out, pieces[i].text));
}

static void check_long(const struct piece in[4], const struct piece text[4])
{
        static const size_t firsts[] = { 0, 1, 5000, CLEAN_LINE_MAX - 1, CLEAN_LINE_MAX,
                                         CLEAN_LINE_MAX + 1, SIZE_MAX };
        scoped_buf struct buf bytes;
        scoped_buf struct buf expected;

        buf_init(&bytes, OUT_MAX);
        buf_init(&expected, OUT_MAX);
        write_pieces(&bytes, in);
        write_pieces(&expected, text);
        struct row row = { (char *)bytes.data, bytes.len, NULL };
        for (size_t i = 0; i < COUNT(firsts); i++) {
                scoped_buf struct buf out;
                buf_init(&out, OUT_MAX);
                clean_in_pieces(CLEAN_TTY, &row, firsts[i] < row.in_len ? firsts[i] : row.in_len, &out);
                assert_int_equal(out.len, expected.len);
                assert_memory_equal(out.data, expected.data, out.len);
        }
}

static void a_line_that_fits_can_be_overwritten(void **state)
{
        (void)state;
        check_long((struct piece[4]){ { "x", CLEAN_LINE_MAX }, { "\rY\r\n", 1 } },
                   (struct piece[4]){ { "Y", 1 }, { "x", CLEAN_LINE_MAX - 1 }, { "\n", 1 } });
}

static void of_a_longer_line_the_beginning_is_final(void **state)
{
        (void)state;
        check_long((struct piece[4]){ { "x", 40000 }, { "\r\n", 2 } },
                   (struct piece[4]){ { "x", 40000 }, { "\n", 2 } });
        check_long((struct piece[4]){ { "x", CLEAN_LINE_MAX + 1 }, { "\rY\rZ\n", 1 } },
                   (struct piece[4]){ { "x", CLEAN_LINE_MAX + 1 }, { "\nZ\n", 1 } });
        check_long((struct piece[4]){ { "x", CLEAN_LINE_MAX + 2 }, { "\b", 5 }, { "Y", 1 } },
                   (struct piece[4]){ { "x", CLEAN_LINE_MAX }, { "Yx", 1 } });
        check_long((struct piece[4]){ { "x", 20000 }, { "\r" CSI "m" CSI "K\r\n", 1 }, { "y\rz\n", 1 } },
                   (struct piece[4]){ { "x", 20000 }, { "\n", 1 }, { "z\n", 1 } });
        check_long((struct piece[4]){ { "x", 20000 }, { "\r" CSI "2K" CSI "1K" CSI "5DY\n", 1 } },
                   (struct piece[4]){ { "x", 20000 }, { "\nY\n", 1 } });
        check_long((struct piece[4]){ { "x", 20000 }, { "\r" CSI "1mY\b\n", 1 } },
                   (struct piece[4]){ { "x", 20000 }, { "\nY\n", 1 } });
}

static void a_long_line_is_cut_between_characters(void **state)
{
        (void)state;
        check_long((struct piece[4]){ { "\xE2\x82\xAC", 15000 }, { "\n", 1 } },
                   (struct piece[4]){ { "\xE2\x82\xAC", 15000 }, { "\n", 1 } });
        check_long((struct piece[4]){ { "x", 1 }, { "\xF0\x9F\x98\x80", 10000 }, { "\b\bY", 1 } },
                   (struct piece[4]){ { "x", 1 }, { "\xF0\x9F\x98\x80", 9998 },
                                      { "Y\xF0\x9F\x98\x80", 1 } });
}

static void moving_right_and_inserting_stop_at_the_limit(void **state)
{
        (void)state;
        check_long((struct piece[4]){ { CSI "99999999999999999999C", 1 }, { "x", 1 } },
                   (struct piece[4]){ { " ", 1000 }, { "x", 1 } });
        check_long((struct piece[4]){ { CSI "999C", 50 } }, (struct piece[4]){ { " ", CLEAN_LINE_MAX } });
        check_long((struct piece[4]){ { "x\b", 1 }, { CSI "999@", 50 } },
                   (struct piece[4]){ { " ", CLEAN_LINE_MAX - 1 }, { "x", 1 } });
        check_long((struct piece[4]){ { "x", CLEAN_LINE_MAX }, { "\b" CSI "@" CSI "@Y", 1 } },
                   (struct piece[4]){ { "x", CLEAN_LINE_MAX - 1 }, { "Y", 1 } });
}

static void a_string_that_never_ends_is_given_up(void **state)
{
        (void)state;
        check_long((struct piece[4]){ { ESC "]", 1 }, { "x", CLEAN_STRING_MAX + 1 }, { "y", 3 } },
                   (struct piece[4]){ { "y", 3 } });
        check_long((struct piece[4]){ { ESC "]", 1 }, { "x", CLEAN_STRING_MAX }, { "\x07y", 1 } },
                   (struct piece[4]){ { "y", 1 } });
        check_long((struct piece[4]){ { CSI, 1 }, { "1;", 50000 }, { "mx", 1 } },
                   (struct piece[4]){ { "x", 1 } });
}

/* ---- the unfinished line ---- */

static void assert_partial(const struct clean *clean, const char *text)
{
        struct str partial = clean_partial(clean);

        assert_int_equal(partial.len, strlen(text));
        if (partial.len > 0)
                assert_memory_equal(partial.ptr, text, partial.len);
}

static void the_unfinished_line_is_shown_as_it_looks(void **state)
{
        static const char *const steps[][2] = {
                { "", "" },          { "50%", "50%" },       { "\r", "50%" },     { "7", "70%" },
                { "\b\x1B[K", "" },  { "a\xC3", "a" },       { "\xA9", "a\xC3\xA9" },
                { "\x1B[", "a\xC3\xA9" }, { "1mb", "a\xC3\xA9" "b" }, { "\x1B]0;", "a\xC3\xA9" "b" },
                { "t\x07", "a\xC3\xA9" "b" }, { "\n", "" },  { "next", "next" },  { "\r", "next" },
                { "\n", "" },
        };
        struct clean clean;
        scoped_buf struct buf out;

        (void)state;
        buf_init(&out, OUT_MAX);
        clean_init(&clean, CLEAN_TTY);
        for (size_t i = 0; i < COUNT(steps); i++) {
                feed(&clean, steps[i][0], strlen(steps[i][0]), &out);
                assert_partial(&clean, steps[i][1]);
        }
        assert_true(str_is(buf_str(&out), "a\xC3\xA9" "b\nnext\n"));
        clean_fini(&clean);

        clean_init(&clean, CLEAN_PIPE);
        feed(&clean, "abc", 3, &out);
        assert_partial(&clean, "");
        clean_fini(&clean);
}

static void after_the_end_it_is_as_new(void **state)
{
        static const char *const endings[] = { "a", "a\r", "a\x1B", "a\x1B[1", "a\x1B(", "a\x1B]0;", "a\x1B]\x1B" };
        struct clean clean;
        scoped_buf struct buf out;

        (void)state;
        buf_init(&out, OUT_MAX);
        clean_init(&clean, CLEAN_TTY);
        for (size_t i = 0; i < COUNT(endings); i++) {
                buf_reset(&out);
                feed(&clean, endings[i], strlen(endings[i]), &out);
                assert_true(clean_finish(&clean, &out));
                assert_true(str_is(buf_str(&out), "a"));
                assert_partial(&clean, "");
                feed(&clean, "5mb\r\xC3\xA9\n", 7, &out);
                assert_true(str_is(buf_str(&out), "a\xC3\xA9mb\n"));
        }
        buf_reset(&out);
        for (unsigned n = 0; n <= CLEAN_LINE_MAX; n++)
                feed(&clean, "x", 1, &out);
        assert_true(clean_finish(&clean, &out));
        assert_int_equal(out.len, CLEAN_LINE_MAX + 1);
        buf_reset(&out);
        feed(&clean, "a\rb\xC3", 4, &out);
        assert_true(clean_finish(&clean, &out));
        assert_true(clean_finish(&clean, &out));
        assert_true(str_is(buf_str(&out), "b" R));
        clean_fini(&clean);
}

static void a_full_output_is_told(void **state)
{
        static const char *const texts[] = { "abcd\n", "abc\n", "\xFF\n" };

        (void)state;
        for (size_t i = 0; i < COUNT(texts); i++)
                for (int mode = CLEAN_TTY; mode <= CLEAN_PIPE; mode++) {
                        struct clean clean;
                        scoped_buf struct buf out;
                        buf_init(&out, 3);
                        clean_init(&clean, (enum clean_mode)mode);
                        assert_false(clean_feed(&clean, (const uint8_t *)texts[i], strlen(texts[i]), &out));
                        clean_fini(&clean);
                }
        struct clean zeroed = { 0 };
        clean_fini(&zeroed);
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(lines_end_with_lf),
                cmocka_unit_test(a_line_shows_what_was_written_last),
                cmocka_unit_test(the_cursor_moves_within_the_line),
                cmocka_unit_test(the_line_can_be_erased_and_edited),
                cmocka_unit_test(sequences_go),
                cmocka_unit_test(a_line_end_ends_an_unfinished_sequence),
                cmocka_unit_test(characters_are_valid_utf8_and_no_controls),
                cmocka_unit_test(a_pipe_keeps_its_lines_as_they_are),
                cmocka_unit_test(a_line_that_fits_can_be_overwritten),
                cmocka_unit_test(of_a_longer_line_the_beginning_is_final),
                cmocka_unit_test(a_long_line_is_cut_between_characters),
                cmocka_unit_test(moving_right_and_inserting_stop_at_the_limit),
                cmocka_unit_test(a_string_that_never_ends_is_given_up),
                cmocka_unit_test(the_unfinished_line_is_shown_as_it_looks),
                cmocka_unit_test(after_the_end_it_is_as_new),
                cmocka_unit_test(a_full_output_is_told),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
