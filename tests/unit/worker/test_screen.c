#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/alloc.h"
#include "base/buf.h"
#include "base/scoped.h"
#include "base/utf8.h"
#include "worker/terminal/ring.h"
#include "worker/terminal/screen.h"

#include <stdio.h>
#include <string.h>

#define COLUMNS 20
#define ROWS    5

struct seen {
        struct buf text;  /* rows, "\n" behind each; "+" before it where a row is full */
        struct buf which; /* numbers of the rows that changed */
        struct wire_screen screen;
};

static void visit(void *arg, const struct wire_screen_row *row)
{
        struct seen *seen = arg;

        assert_true(utf8_is_valid(row->text.ptr, row->text.len));
        (void)buf_append(&seen->text, row->text.ptr, row->text.len);
        (void)buf_append_str(&seen->text, row->is_full ? "+\n" : "\n");
        if (row->is_changed)
                (void)buf_printf(&seen->which, "%lld ", (long long)row->row);
}

static void look(struct screen *screen, uint32_t scrollback, int64_t since, struct seen *seen)
{
        buf_init(&seen->text, 1024 * 1024);
        buf_init(&seen->which, 1024 * 1024);
        (void)buf_reserve(&seen->text, 1);
        (void)buf_reserve(&seen->which, 1);
        screen_read(screen, scrollback, since, visit, seen, &seen->screen);
}

static void forget(struct seen *seen)
{
        buf_fini(&seen->text);
        buf_fini(&seen->which);
}

static struct screen *fresh(const char *bytes)
{
        struct screen *screen = screen_new(COLUMNS, ROWS, 100);

        assert_non_null(screen);
        screen_feed(screen, bytes, strlen(bytes));
        return screen;
}

static void expect_screen(struct screen *screen, uint32_t scrollback, const char *text)
{
        struct seen seen;

        look(screen, scrollback, 0, &seen);
        assert_string_equal((const char *)seen.text.data, text);
        forget(&seen);
}

static void expect_text(const char *bytes, const char *text)
{
        struct screen *screen = fresh(bytes);

        expect_screen(screen, 0, text);
        screen_free(screen);
}

static void bytes_become_cells(void **state)
{
        (void)state;
        expect_text("", "\n\n\n\n\n");
        expect_text("one\r\n  two  \r\n", "one\n  two\n\n\n\n");
        expect_text("\x1B[3;5Hhere\x1B[1;1Htop", "top\n\n    here\n\n\n");
        expect_text("abc\x1B[2D-\x1B[K", "a-\n\n\n\n\n");
        expect_text("12345678901234567890+", "12345678901234567890+\n+\n\n\n\n");
        expect_text("\xC3\xA4\xE4\xB8\xAD|", "\xC3\xA4\xE4\xB8\xAD|\n\n\n\n\n");
        expect_text("1234567890123456789\xE4\xB8\xAD", "1234567890123456789\n\xE4\xB8\xAD\n\n\n\n");
        expect_text("\x1B(0lqk\x1B(B", "\xE2\x94\x8C\xE2\x94\x80\xE2\x94\x90\n\n\n\n\n");
        expect_text("\x1B[1;31mred\x1B[0m", "red\n\n\n\n\n");
}

static void marks_stay_with_their_character(void **state)
{
        char marked[12];
        struct screen *screen = fresh("");

        (void)state;
        expect_text("e\xCC\x81|", "e\xCC\x81|\n\n\n\n\n");
        expect_text("\xCC\x81|", "|\n\n\n\n\n"); /* on nothing */
        expect_text("a\x1B[3;3H\xCC\x81|", "a\n\n  |\n\n\n");
        expect_text("\xF4\x8F\x80\x80|\xF0\xBF\x80\x80", /* ours only */
                    "\xEF\xBF\xBD|\xEF\xBF\xBD\n\n\n\n\n");
        expect_text("1234567890123456789e\xCC\x81+", "1234567890123456789e\xCC\x81+\n+\n\n\n\n");
        for (unsigned i = 0; i < 5000; i++) { /* different ones; from some number on the mark is lost */
                int len = snprintf(marked, sizeof marked, "\r%c%c%c\xCC\x81", 0xE4 + (int)(i / 4096),
                                   0xB8 + (int)(i / 64 % 8), 0x80 + (int)(i % 64));
                screen_feed(screen, marked, (size_t)len);
        }
        screen_feed(screen, "\rn\xCC\x82\x1B[K", 6);
        expect_screen(screen, 0, "n\n\n\n\n\n");
        screen_free(screen);
}

/* A row of marked characters is longer than what a row may take: the last marks are lost. */
static void a_row_of_marks_is_bounded(void **state)
{
        struct screen *screen = screen_new(WIRE_SCREEN_SIDE_MAX - 100, ROWS, 1);
        struct seen seen;

        (void)state;
        for (int i = 0; i < WIRE_SCREEN_SIDE_MAX - 100; i++)
                screen_feed(screen, "e\xE2\x83\x90\xE2\x83\x91\xE2\x83\x92", 10);
        look(screen, 0, 0, &seen);
        assert_memory_equal(seen.text.data, "e\xE2\x83\x90\xE2\x83\x91\xE2\x83\x92", 10);
        assert_in_range(seen.text.len, 4 * WIRE_SCREEN_SIDE_MAX - 400, 4 * WIRE_SCREEN_SIDE_MAX + ROWS + 1);
        forget(&seen);
        screen_free(screen);
}

static void no_string_is_shown(void **state)
{
        char bytes[300];

        (void)state;
        expect_text("a\x1BPdcs\x1B\\b\x1B_apc\nx\x1B\\c\x1B]52;c;QUJD\ad\x1B]8;;u\x1B\\e", "abcde\n\n\n\n\n");
        expect_text("a\x1BPdcs\x18" "b\x1B]0;t\x1B[1mc", "abc\n\n\n\n\n");
        struct screen *screen = fresh("\x1BP");
        memset(bytes, 'x', sizeof bytes);
        for (size_t i = 0; i < 2 * (size_t)65536; i += sizeof bytes) /* an end to what has none */
                screen_feed(screen, bytes, sizeof bytes);
        screen_feed(screen, "\x1B" "cend", 5);
        expect_screen(screen, 0, "end\n\n\n\n\n");
        screen_free(screen);
}

static void the_cursor_is_saved_and_restored(void **state)
{
        (void)state;
        expect_text("ab\x1B[s\x1B[4;1Hx\x1B[uc", "abc\n\n\nx\n\n");
        expect_text("ab\x1B" "7\x1B[4;1Hx\x1B" "8c", "abc\n\n\nx\n\n");
        expect_text("ab\x1B[>1u\x1B[?u\x1B[<u\x1B[1;2sc", "abc\n\n\n\n\n"); /* others with that letter */
}

static void the_facts_of_a_screen(void **state)
{
        struct screen *screen = fresh("\x1B]0;a title\a\x1B[?1049h\x1B[2;3Hx\x1B[?25l");
        struct seen seen;

        (void)state;
        look(screen, 0, 0, &seen);
        assert_int_equal(seen.screen.columns, COLUMNS);
        assert_int_equal(seen.screen.rows, ROWS);
        assert_int_equal(seen.screen.cursor_x, 3);
        assert_int_equal(seen.screen.cursor_y, 1);
        assert_int_equal(seen.screen.flags, WIRE_SCREEN_ALTERNATE | WIRE_SCREEN_HIDDEN);
        assert_true(str_is(seen.screen.title, "a title"));
        forget(&seen);
        screen_feed(screen, "\x1B[?1049l\x1B[?25h\x1B]2;other\x1B\\", 25);
        look(screen, 0, 0, &seen);
        assert_int_equal(seen.screen.flags, 0);
        assert_true(str_is(seen.screen.title, "other"));
        forget(&seen);
        screen_free(screen);
}

static void a_title_that_was_cut_is_none(void **state)
{
        char bytes[300];
        struct seen seen;

        (void)state;
        memset(bytes, 'x', sizeof bytes);
        memcpy(bytes, "\x1B]0;", 4);
        memcpy(bytes + sizeof bytes - 2, "\a", 2);
        struct screen *screen = fresh(bytes);
        look(screen, 0, 0, &seen);
        assert_int_equal(seen.screen.title.len, 0);
        forget(&seen);
        screen_free(screen);
}

static void a_cursor_behind_the_last_column_is_in_it(void **state)
{
        struct screen *screen = fresh("12345678901234567890");
        struct seen seen;

        (void)state;
        look(screen, 0, 0, &seen);
        assert_int_equal(seen.screen.cursor_x, COLUMNS - 1);
        forget(&seen);
        screen_free(screen);
}

static void the_scrollback(void **state)
{
        struct screen *screen = fresh("1\r\n2\r\n3\r\n4\r\n5\r\n6\r\n7\r\n8\r\n9\r\n10\r\n11\r\n12\r\n13");

        (void)state;
        expect_screen(screen, 0, "9\n10\n11\n12\n13\n");
        expect_screen(screen, 1, "8\n9\n10\n11\n12\n13\n");
        expect_screen(screen, 7, "2\n3\n4\n5\n6\n7\n8\n9\n10\n11\n12\n13\n");
        expect_screen(screen, 8, "1\n2\n3\n4\n5\n6\n7\n8\n9\n10\n11\n12\n13\n");
        expect_screen(screen, 1000, "1\n2\n3\n4\n5\n6\n7\n8\n9\n10\n11\n12\n13\n");
        expect_screen(screen, 0, "9\n10\n11\n12\n13\n"); /* it is left where it was */
        screen_feed(screen, "\x1B[?1049h", 8);
        expect_screen(screen, 1000, "\n\n\n\n\n"); /* a program's own screen has none */
        screen_free(screen);
}

static void the_scrollback_is_bounded(void **state)
{
        struct screen *screen = fresh("");
        struct seen seen;

        (void)state;
        for (int i = 0; i < 3000; i++)
                screen_feed(screen, "line\r\n", 6);
        look(screen, WIRE_SCREEN_BACK_MAX, 0, &seen);
        size_t lines = 0;
        for (size_t i = 0; i < seen.text.len; i++)
                lines += seen.text.data[i] == '\n';
        assert_int_equal(lines, WIRE_SCREEN_BACK_MAX + ROWS);
        forget(&seen);
        screen_free(screen);
}

static void only_what_changed(void **state)
{
        struct screen *screen = fresh("one\r\ntwo\r\n");
        struct seen seen;

        (void)state;
        look(screen, 0, 0, &seen);
        int64_t first = seen.screen.serial;
        assert_string_equal((const char *)seen.which.data, "0 1 2 3 4 ");
        forget(&seen);
        look(screen, 0, first, &seen);
        assert_string_equal((const char *)seen.which.data, "");
        assert_int_equal(seen.screen.serial, first);
        forget(&seen);
        screen_feed(screen, "\x1B[2;1HTWO", 9);
        look(screen, 0, first, &seen);
        assert_string_equal((const char *)seen.which.data, "1 ");
        int64_t second = seen.screen.serial;
        assert_true(second > first);
        forget(&seen);
        screen_feed(screen, "\x1B[4;1Hfour", 10);
        look(screen, 0, second, &seen);
        assert_string_equal((const char *)seen.which.data, "3 ");
        forget(&seen);
        look(screen, 0, first, &seen); /* both, for one who knows the first only */
        assert_string_equal((const char *)seen.which.data, "1 3 ");
        forget(&seen);
        look(screen, 0, 99, &seen); /* from before this screen was made */
        assert_string_equal((const char *)seen.which.data, "0 1 2 3 4 ");
        forget(&seen);
        look(screen, 0, INT64_MAX, &seen); /* never given */
        assert_string_equal((const char *)seen.which.data, "0 1 2 3 4 ");
        forget(&seen);
        screen_free(screen);
}

static void another_size(void **state)
{
        struct screen *screen = fresh("1\r\n2\r\n3\r\n4\r\n5");

        (void)state;
        assert_true(screen_resize(screen, 40, 10));
        screen_feed(screen, "\x1B[10;40Hx", 9);
        struct seen seen;
        look(screen, 0, 0, &seen);
        assert_int_equal(seen.screen.columns, 40);
        assert_int_equal(seen.screen.rows, 10);
        assert_int_equal(seen.screen.cursor_y, 9);
        forget(&seen);
        for (uint32_t side = WIRE_SCREEN_SIDE_MAX; side > 9; side -= 7) {
                assert_true(screen_resize(screen, 520 - side < 20 ? 20 : 520 - side, side));
                screen_feed(screen, "\x1B[99;99Hx\r\n\x1B[?1049h\x1B[99Sy\x1B[?1049l", 33);
                look(screen, 100, 0, &seen);
                forget(&seen);
        }
        screen_free(screen);
}

static void expect_answers(const char *bytes, const char *answers)
{
        struct screen *screen = fresh("");
        size_t len = strlen(bytes);

        screen_feed(screen, bytes, len);
        assert_true(str_is(screen_answers(screen), answers));
        screen_drop_answers(screen);
        assert_int_equal(screen_answers(screen).len, 0);
        screen_free(screen);
        screen = fresh("");
        for (size_t i = 0; i < len; i++) /* byte by byte it is the same */
                screen_feed(screen, bytes + i, 1);
        assert_true(str_is(screen_answers(screen), answers));
        screen_free(screen);
}

static void four_questions_have_an_answer(void **state)
{
        (void)state;
        expect_answers("\x1B[5n", "\x1B[0n");
        expect_answers("ab\r\nabc\x1B[6n", "\x1B[2;4R");
        expect_answers("\x1B[c", "\x1B[?6c");
        expect_answers("\x1B[0c", "\x1B[?6c");
        expect_answers("\x1BZ", "\x1B[?6c");
        expect_answers("\x1B[6n\x1B[3;7H\x1B[6n", "\x1B[1;1R\x1B[3;7R");
}

/* security.md 5.4: what a host may try to make us write. */
static void nothing_else_has(void **state)
{
        static const char *const questions[] = {
                "\x1B[>c",  "\x1B[>0c",  "\x1B[=c",   "\x1B[?6n",  "\x1B[?15n", "\x1B[?25n",
                "\x1B[1c",  "\x1B[14t",  "\x1B[18t",  "\x1B[21t",  "\x1B[20t",  "\x1B[8;9999;9999t",
                "\x05",     "\x1B[x",    "\x1B[1x",   "\x1B[?1$p", "\x1B[4$p",  "\x1BP$qm\x1B\\",
                "\x1BP+q544e\x1B\\",     "\x1B]10;?\a", "\x1B]11;?\x1B\\", "\x1B]4;1;?\a",
                "\x1B]52;c;?\a",         "\x1B]52;c;Y2FuYXJ5\a",   "\x1B]1337;ReportCellSize\a",
                "\x1B]0;title\a\x1B[21t", "\x1B_Gi=1;x\x1B\\",     "\x1B^pm\x1B\\", "\x1BXsos\x1B\\",
                "\x1B[?u",  "\x1B[>q",   "\x1B[>1u",  "\x9B" "6n", "\xC2\x9B" "6n", "\x1B[6\x18n",
                "\x1B[6;1n", "\x1B[66n", "\x1B[06n",  "\x1B[6 n",
        };

        (void)state;
        for (size_t i = 0; i < sizeof questions / sizeof *questions; i++)
                expect_answers(questions[i], "");
}

static void answers_are_bounded(void **state)
{
        struct screen *screen = fresh("");

        (void)state;
        for (int i = 0; i < 100000; i++)
                screen_feed(screen, "\x1B[6n", 4);
        assert_true(screen_answers(screen).len <= SCREEN_ANSWERS_MAX);
        screen_free(screen);
}

static void hostile_sequences_do_no_harm(void **state)
{
        static const char *const bytes[] = {
                "a\x1B[999999999b",          "\x1B[999999999S",  "\x1B[2147483648;4294967296H",
                "\x1B[99999999999999999999A", "\x1B#8",          "\x1B[5;2r\x1B[999T\x1B[999L",
                "\x1B[?3h\x1B[?3l",          "\x1B[8;9999;9999t", "\x1B G\xFF\xC3\xA4\x1B F\xC3\xA4",
                "\x1B[61\"p\xC3\xA4",        "\x1B]0;unterminated", "\x1BPq#0;2;0;0;0",
                "\x1B[1;1;1;1;1;1;1;1;1;1;1;1;1;1;1;1;1;1;1;1m", "\x0E\x0F\x1B)0\x0E" "abc\x0F",
                "\xED\xA0\x80\xC0\xAF\xF8\x88\x80\x80\x80", "\xE2\x80\xAE\xE2\x80\x8B\xF3\xA0\x81\x81",
                "\x1B[?1049h\x1B[?47h\x1B[?1047l\x1B[?1049l", "\x1B" "c\x1B[!p", "\x1B[19C\xE4\xB8\xAD\x1B[19C\xE4\xB8\xAD",
        };

        (void)state;
        for (size_t i = 0; i < sizeof bytes / sizeof *bytes; i++) {
                struct screen *screen = fresh("");
                struct seen seen;
                for (int n = 0; n < 50; n++)
                        screen_feed(screen, bytes[i], strlen(bytes[i]));
                look(screen, 1000, 0, &seen);
                forget(&seen);
                assert_int_equal(screen_answers(screen).len, 0);
                screen_free(screen);
        }
}

/* UTF-8 goes on after the sequences that would end it; a million parameters; 10^5 marks on a cell. */
static void hostile_lengths_do_no_harm(void **state)
{
        struct screen *screen = fresh("\x1B G\x1B[61\"p\xC3\xA4\x1B[");

        (void)state;
        for (int i = 0; i < 1000000; i++)
                screen_feed(screen, "1;", 2);
        screen_feed(screen, "mA", 2);
        for (int i = 0; i < 100000; i++)
                screen_feed(screen, "\xCC\x81", 2);
        expect_screen(screen, 0, "\xC3\xA4" "A\xCC\x81\xCC\x81\xCC\x81\n\n\n\n\n");
        screen_free(screen);
}

static void the_cursor_key_mode(void **state)
{
        struct screen *screen = fresh("");
        static const struct {
                const char *bytes;
                bool is_on;
        } steps[] = {
                { "\x1B[?1h", true },  { "\x1B[?1l", false }, { "\x1B[?25;1h", true },
                { "\x1B[1l", true },   { "\x1B[?10l", true }, { "\x1B" "c", false },
                { "\x1B[?1h", true },  { "\x1B[!p", false },
        };

        (void)state;
        for (size_t i = 0; i < sizeof steps / sizeof *steps; i++) {
                screen_feed(screen, steps[i].bytes, strlen(steps[i].bytes));
                assert_int_equal(screen_has_application_keys(screen), steps[i].is_on);
        }
        screen_free(screen);
}

static void the_ring_keeps_the_last_bytes(void **state)
{
        struct ring *ring = xcalloc(1, sizeof *ring);
        uint8_t *all = xcalloc(1, 5 * RING_SIZE);
        size_t total = 0;
        size_t len;

        (void)state;
        for (size_t i = 0; i < (size_t)5 * RING_SIZE; i++)
                all[i] = (uint8_t)(i * 7 + i / 251);
        assert_int_equal(ring_begin(ring), 0);
        (void)ring_piece(ring, 0, &len);
        assert_int_equal(len, 0);
        for (size_t step = 1; total + step <= (size_t)5 * RING_SIZE; step = step * 3 + 1) {
                ring_add(ring, all + total, step);
                total += step;
                assert_int_equal(ring->total, total);
                uint64_t at = ring_begin(ring);
                assert_int_equal(total - at, total < RING_SIZE ? total : RING_SIZE);
                while (at < total) {
                        const uint8_t *piece = ring_piece(ring, at, &len);
                        assert_in_range(len, 1, total - at);
                        assert_memory_equal(piece, all + at, len);
                        at += len;
                }
        }
        free(all);
        free(ring);
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(bytes_become_cells),
                cmocka_unit_test(marks_stay_with_their_character),
                cmocka_unit_test(a_row_of_marks_is_bounded),
                cmocka_unit_test(no_string_is_shown),
                cmocka_unit_test(the_cursor_is_saved_and_restored),
                cmocka_unit_test(the_facts_of_a_screen),
                cmocka_unit_test(a_title_that_was_cut_is_none),
                cmocka_unit_test(a_cursor_behind_the_last_column_is_in_it),
                cmocka_unit_test(the_scrollback),
                cmocka_unit_test(the_scrollback_is_bounded),
                cmocka_unit_test(only_what_changed),
                cmocka_unit_test(another_size),
                cmocka_unit_test(four_questions_have_an_answer),
                cmocka_unit_test(nothing_else_has),
                cmocka_unit_test(answers_are_bounded),
                cmocka_unit_test(hostile_sequences_do_no_harm),
                cmocka_unit_test(hostile_lengths_do_no_harm),
                cmocka_unit_test(the_cursor_key_mode),
                cmocka_unit_test(the_ring_keeps_the_last_bytes),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
