#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/alloc.h"
#include "base/clock.h"
#include "base/scoped.h"
#include "session/terminal/screens.h"

#include <stdlib.h>
#include <string.h>
#include <uv.h>

#define CONNECTION 7
#define SHELL      3
#define WANTED     2 /* lines of scrollback */
#define ROWS       WIRE_SCREEN_ROWS_MIN
#define SECRET     "tr0ub4dor-and-3"

/* What the caller was told last. */
struct told {
        unsigned count;
        struct err err;
        char text[4096]; /* the rows, "\n" behind each */
        char title[64];
        int first_row;
};

struct bench {
        uv_loop_t loop;
        struct redactor *redactor;
        struct screens *screens;
        struct told told;
        uint64_t ticket;
};

static void on_done(void *arg, uint64_t ticket, const struct screen_info *info,
                    const struct err *err)
{
        struct told *told = arg;

        assert_true(ticket > 0);
        told->count++;
        if (err != NULL) {
                assert_null(info);
                told->err = *err;
                return;
        }
        told->first_row = info->rows[0].row;
        (void)snprintf(told->title, sizeof told->title, "%s", info->title);
        for (size_t i = 0; i < info->row_count; i++) {
                size_t len = strlen(told->text);
                (void)snprintf(told->text + len, sizeof told->text - len, "%s\n", info->rows[i].text);
        }
}

static void turn(struct bench *bench)
{
        for (int i = 0; i < 3; i++)
                (void)uv_run(&bench->loop, UV_RUN_NOWAIT);
}

static int set_up(void **state)
{
        static struct bench bench;
        static const struct screens_place place = { CONNECTION, SHELL, "web@web1:22" };
        const struct wire_screen_read asked = { .limit_ms = 1000, .scrollback = WANTED };
        struct err err;

        bench = (struct bench){ 0 };
        clock_fake_ms(5000);
        assert_int_equal(uv_loop_init(&bench.loop), 0);
        bench.redactor = redactor_new();
        assert_true(redactor_add(bench.redactor, str_of(SECRET), &err));
        bench.screens = screens_new(&bench.loop, bench.redactor);
        assert_true(screens_add(bench.screens, &place, &asked, on_done, &bench.told, &bench.ticket,
                                &err));
        turn(&bench);
        assert_int_equal(bench.told.count, 0);
        *state = &bench;
        return 0;
}

static int tear_down(void **state)
{
        struct bench *bench = *state;

        screens_stop(bench->screens);
        turn(bench);
        assert_int_equal(bench->told.count, 1); /* an answer always comes, and once */
        screens_free(bench->screens);
        redactor_free(bench->redactor);
        assert_int_equal(uv_loop_close(&bench->loop), 0);
        clock_fake_ms(-1);
        return 0;
}

static bool say(struct bench *bench, uint64_t connection, struct buf *bytes)
{
        struct frame frame;
        size_t used;

        assert_int_equal(frame_parse(bytes->data, bytes->len, &frame, &used), FRAME_READY);
        return frame.kind == WIRE_SCREEN ? screens_on_screen(bench->screens, connection, &frame)
                                         : screens_on_row(bench->screens, connection, &frame);
}

static bool say_row_of(struct bench *bench, uint64_t connection, uint64_t ticket, int64_t row,
                       struct str text, bool is_full)
{
        const struct wire_screen_row line = { .row = row, .is_full = is_full, .text = text };
        scoped_buf struct buf bytes;

        buf_init(&bytes, 1024 * 1024);
        assert_true(wire_write_screen_row(&bytes, ticket, &line));
        return say(bench, connection, &bytes);
}

static bool say_row(struct bench *bench, int64_t row, const char *text, bool is_full)
{
        return say_row_of(bench, CONNECTION, bench->ticket, row, str_of(text), is_full);
}

static bool say_end(struct bench *bench, const char *title)
{
        const struct wire_screen screen = {
                .columns = WIRE_SCREEN_COLUMNS_MIN, .rows = ROWS, .serial = 1, .title = str_of(title)
        };
        scoped_buf struct buf bytes;

        buf_init(&bytes, 1024 * 1024);
        assert_true(wire_write_screen(&bytes, bench->ticket, &screen));
        return say(bench, CONNECTION, &bytes);
}

static void say_rest(struct bench *bench, int64_t from)
{
        for (int64_t row = from; row < ROWS; row++)
                assert_true(say_row(bench, row, "", false));
        assert_true(say_end(bench, ""));
        turn(bench);
}

static void a_screen_comes(void **state)
{
        struct bench *bench = *state;

        assert_true(say_row(bench, -3, "nobody asked for this", false));
        assert_true(say_row(bench, -2, "above", false));
        assert_true(say_row(bench, -1, "", false));
        for (int row = 0; row < ROWS; row++)
                assert_true(say_row(bench, row, row == 1 ? "b\x01\xFF\xC2\x9B" : "a", false));
        assert_true(say_end(bench, "its " SECRET));
        assert_int_equal(bench->told.count, 0); /* not within the frame's turn */
        turn(bench);
        assert_string_equal(bench->told.text, "above\n\na\nb \xEF\xBF\xBD  \na\na\na\n");
        assert_int_equal(bench->told.first_row, -2);
        assert_string_equal(bench->told.title, "its [redacted]");
        assert_true(say_end(bench, "")); /* crossed on the way: nothing happens */
        assert_true(say_row(bench, 0, "", false));
}

static void secrets_over_two_rows(void **state)
{
        struct bench *bench = *state;

        assert_true(say_row(bench, -3, "tr0u", true)); /* one that begins above what is shown */
        assert_true(say_row(bench, -2, "b4dor-and-3", false));
        assert_true(say_row(bench, -1, "tr0u", false)); /* not full: no continuation */
        assert_true(say_row(bench, 0, "b4dor", false));
        assert_true(say_row(bench, 1, "x " SECRET " y", false));
        assert_true(say_row(bench, 2, "xxxxxxxxxxxtr0ub4", true));
        assert_true(say_row(bench, 3, "dor-and", true));
        assert_true(say_row(bench, 4, "-3 end", false));
        assert_true(say_end(bench, ""));
        turn(bench);
        assert_string_equal(bench->told.text, "acted]\n"
                                              "tr0u\nb4dor\nx [redacted] y\n"
                                              "xxxxxxxxxxx[redac\nted] en\nd\n");
}

static void rows_out_of_order_make_no_sense(void **state)
{
        struct bench *bench = *state;

        assert_false(say_row(bench, 1, "", false));
        assert_false(say_row(bench, -1000000, "", false));
        assert_false(say_row(bench, INT64_MIN, "", false));
        assert_true(say_row(bench, 0, "", false));
        assert_false(say_row(bench, 0, "", false));
        assert_false(say_row(bench, 2, "", false));
        assert_false(say_end(bench, "")); /* too few */
        say_rest(bench, 1);
}

static void somebody_elses_ticket(void **state)
{
        struct bench *bench = *state;

        assert_false(say_row_of(bench, CONNECTION + 1, bench->ticket, 0, str_of("x"), false));
        assert_false(say_row_of(bench, CONNECTION, bench->ticket + 1, 0, str_of("x"), false));
        assert_false(say_row_of(bench, CONNECTION, 0, 0, str_of("x"), false));
        say_rest(bench, 0);
        assert_string_equal(bench->told.text, "\n\n\n\n\n");
}

static void too_much_makes_no_sense(void **state)
{
        struct bench *bench = *state;
        const size_t len = 60000;
        char *text = xcalloc(1, len + 1);
        int64_t row = -WIRE_SCREEN_SIDE_MAX;

        memset(text, 'x', len);
        while (row < 0 && say_row(bench, row, text, true))
                row++;
        free(text);
        assert_in_range(row + WIRE_SCREEN_SIDE_MAX, SCREEN_TEXT_MAX / len, SCREEN_TEXT_MAX / len + 1);
        screens_lose(bench->screens, CONNECTION, 0, "its worker sent a message that makes no sense");
        turn(bench);
        assert_int_equal(bench->told.err.code, ERR_STATE);
}

static void it_is_told_of_the_end(void **state)
{
        struct bench *bench = *state;

        screens_lose(bench->screens, CONNECTION + 1, 0, "another");
        screens_lose(bench->screens, CONNECTION, SHELL + 1, "another");
        turn(bench);
        assert_int_equal(bench->told.count, 0);
        screens_lose(bench->screens, CONNECTION, SHELL, "it exited");
        turn(bench);
        assert_non_null(strstr(bench->told.err.text, "it exited"));
        assert_true(say_row(bench, 0, "", false)); /* crossed on the way */
}

static void a_worker_that_is_silent(void **state)
{
        struct bench *bench = *state;

        clock_fake_ms(5000 + 1000 + SCREEN_GRACE_MS - 1);
        screens_lose(bench->screens, 0, 0, "a reason to look again");
        turn(bench);
        assert_int_equal(bench->told.count, 0);
        clock_fake_ms(5000 + 1000 + SCREEN_GRACE_MS);
        screens_lose(bench->screens, 0, 0, "a reason to look again");
        turn(bench);
        assert_int_equal(bench->told.err.code, ERR_TIMEOUT);
}

static void no_more_than_the_limit(void **state)
{
        static const struct screens_place place = { CONNECTION, SHELL, "web@web1:22" };
        const struct wire_screen_read asked = { .limit_ms = 0 };
        struct bench *bench = *state;
        struct told others = { 0 };
        struct err err;
        uint64_t ticket;

        for (int i = 1; i < SCREENS_MAX; i++)
                assert_true(screens_add(bench->screens, &place, &asked, on_done, &others, &ticket, &err));
        assert_false(screens_add(bench->screens, &place, &asked, on_done, &others, &ticket, &err));
        assert_int_equal(err.code, ERR_LIMIT);
        screens_cancel(bench->screens, ticket);
        screens_cancel(bench->screens, ticket); /* twice is fine */
        assert_true(screens_add(bench->screens, &place, &asked, on_done, &others, &ticket, &err));
        screens_lose(bench->screens, CONNECTION, 0, "over");
        turn(bench);
        assert_int_equal(others.count, SCREENS_MAX - 1);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
        const struct CMUnitTest tests[] = {
                TEST(a_screen_comes),
                TEST(secrets_over_two_rows),
                TEST(rows_out_of_order_make_no_sense),
                TEST(somebody_elses_ticket),
                TEST(too_much_makes_no_sense),
                TEST(it_is_told_of_the_end),
                TEST(a_worker_that_is_silent),
                TEST(no_more_than_the_limit),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
