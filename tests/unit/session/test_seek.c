/* What is sought in a command's output, and when that ends a wait. */
#include "base/buf.h"
#include "session/command/waits.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

struct bench {
        struct output *output;
        struct redactor *redactor;
        struct seek *seek;
};

static int set_up(void **state)
{
        struct bench *bench = calloc(1, sizeof *bench);

        bench->output = output_new();
        bench->redactor = redactor_new();
        *state = bench;
        return 0;
}

static int tear_down(void **state)
{
        struct bench *bench = *state;

        seek_free(bench->seek);
        output_free(bench->output);
        redactor_free(bench->redactor);
        free(bench);
        return 0;
}

static void seek_for(struct bench *bench, const char *pattern, bool is_regexp)
{
        struct err err = { 0 };

        seek_free(bench->seek);
        bench->seek = NULL;
        if (!seek_new(&bench->seek, str_of(pattern), is_regexp, &err))
                fail_msg("%s", err.text);
}

static void print(struct bench *bench, const char *text)
{
        output_append(bench->output, text, strlen(text));
        output_set_partial(bench->output, NULL, 0);
}

static void partial(struct bench *bench, const char *text)
{
        output_set_partial(bench->output, text, strlen(text));
}

static enum seek_result look(struct bench *bench)
{
        return seek_look(bench->seek, bench->output, bench->redactor);
}

static void found(struct bench *bench, uint64_t offset, const char *line)
{
        struct seek_match match;

        assert_int_equal(look(bench), SEEK_FOUND);
        assert_true(seek_match(bench->seek, &match));
        assert_int_equal(match.offset, offset);
        assert_string_equal(match.line, line);
}

static void a_text_over_chunks(void **state)
{
        struct bench *bench = *state;
        struct seek_match match;

        seek_for(bench, "ready now", false);
        print(bench, "one\nserver rea");
        assert_int_equal(look(bench), SEEK_NOT_THERE);
        assert_false(seek_match(bench->seek, &match));
        print(bench, "dy n");
        assert_int_equal(look(bench), SEEK_NOT_THERE);
        print(bench, "ow, ok\nmore\n");
        found(bench, 11, "server ready now, ok");
        found(bench, 11, "server ready now, ok"); /* and it stays so */
}

static void the_unfinished_line_as_it_is_now(void **state)
{
        struct bench *bench = *state;

        print(bench, "x\n");
        seek_for(bench, "50%", false);
        partial(bench, "10%");
        assert_int_equal(look(bench), SEEK_NOT_THERE);
        partial(bench, "at 50%");
        found(bench, 5, "at 50%");
        seek_for(bench, "\\?$", true);
        partial(bench, "sure? no");
        assert_int_equal(look(bench), SEEK_NOT_THERE);
        partial(bench, "sure?");
        found(bench, 6, "sure?");
        seek_for(bench, "half done", false); /* what is stored of the line, and what is not */
        print(bench, "half ");
        partial(bench, "done");
        found(bench, 2, "half done");
}

static void what_was_there_before_is_no_match(void **state)
{
        struct bench *bench = *state;

        print(bench, "$ old\n");
        partial(bench, ">>> ");
        seek_for(bench, ">>> ", false);
        seek_from_now(bench->seek, bench->output);
        assert_int_equal(look(bench), SEEK_NOT_THERE);
        print(bench, ">>> x = 1\n");
        assert_int_equal(look(bench), SEEK_NOT_THERE); /* the echo: the same prompt still */
        partial(bench, ">>> ");
        found(bench, 16, ">>> ");
        seek_for(bench, "^>>> 5$", true); /* a match may begin in what was there */
        seek_from_now(bench->seek, bench->output);
        partial(bench, ">>> 5");
        found(bench, 16, ">>> 5");
        seek_for(bench, "old", false);
        seek_from(bench->seek, bench->output, 3);
        assert_int_equal(look(bench), SEEK_NOT_THERE);
        seek_for(bench, "^ld$", true); /* an offset in a line is not where it begins */
        seek_from(bench->seek, bench->output, 3);
        assert_int_equal(look(bench), SEEK_NOT_THERE);
        seek_for(bench, "^>>> x", true);
        seek_from(bench->seek, bench->output, 6);
        found(bench, 6, ">>> x = 1");
}

/* One look reads so much and no more; a long line is looked at in pieces that overlap. */
static void much_output_takes_several_looks(void **state)
{
        struct bench *bench = *state;
        enum seek_result result;
        struct seek_match match;
        unsigned looks = 0;

        for (size_t i = 0; i < 4 * SEEK_TURN_MAX / 10; i++)
                print(bench, "0123456789");
        uint64_t at = output_total(bench->output);
        print(bench, "the end, and more\n");
        for (int is_regexp = 0; is_regexp < 2; is_regexp++) {
                seek_for(bench, is_regexp ? "the e[n]d," : "the end,", is_regexp != 0);
                for (looks = 1; (result = look(bench)) == SEEK_BEHIND; looks++)
                        continue;
                assert_int_equal(result, SEEK_FOUND);
                assert_in_range(looks, 4, 16);
                assert_true(seek_match(bench->seek, &match));
                assert_int_equal(match.offset, at);
                assert_in_range(strlen(match.line), 8, SEEK_SHOWN_MAX);
                assert_non_null(strstr(match.line, "the end, and more"));
        }
        seek_for(bench, "^the", true);
        while ((result = look(bench)) == SEEK_BEHIND)
                continue;
        assert_int_equal(result, SEEK_NOT_THERE);
}

/* Neither while it is known when it is printed, nor when it comes to be known later. */
static void a_secret_is_not_found(void **state)
{
        struct bench *bench = *state;
        struct err err = { 0 };

        print(bench, "password is hunter2-abc, yes\n");
        seek_for(bench, "hunter2", false);
        assert_int_equal(look(bench), SEEK_FOUND); /* no secret yet */
        assert_true(redactor_add(bench->redactor, str_of("hunter2-abc"), &err));
        partial(bench, "again hunter2-abc");
        const char *const patterns[] = { "hunter2", "h.nter2", "is hunt", "hunter2-ab[a-z]" };
        for (size_t i = 0; i < sizeof patterns / sizeof *patterns; i++) {
                seek_for(bench, patterns[i], true);
                assert_int_equal(look(bench), SEEK_NOT_THERE);
        }
        seek_for(bench, "], yes", false);
        found(bench, 0, "password is [redacted], yes"); /* of its line */
}

static void patterns_that_cannot_be_sought(void **state)
{
        struct bench *bench = *state;
        char long_text[SEEK_TEXT_MAX + 2];
        struct err err = { 0 };

        memset(long_text, 'x', sizeof long_text - 1);
        long_text[sizeof long_text - 1] = '\0';
        assert_false(seek_new(&bench->seek, str_of(long_text), false, &err));
        assert_int_equal(err.code, ERR_LIMIT);
        assert_false(seek_new(&bench->seek, str_of("a\nb"), false, &err));
        assert_non_null(strstr(err.text, "line end"));
        assert_false(seek_new(&bench->seek, str_of("(a)\\1"), true, &err));
        assert_non_null(strstr(err.text, "back references"));
}

static enum wait_reason due(struct wait_view view, int64_t deadline_ms)
{
        struct wait_spec spec = { .deadline_ms = deadline_ms };
        enum wait_reason reason = WAIT_TICK; /* not due */
        int64_t next_ms = 0;

        view.is_there = true;
        if (!wait_is_due(&spec, &view, 100, &reason, &next_ms))
                assert_int_equal(next_ms, view.is_behind ? 100 : deadline_ms);
        return reason;
}

static void what_is_found_goes_before_the_end(void **state)
{
        (void)state;
        assert_int_equal(due((struct wait_view){ .state = COMMAND_DONE, .is_found = true }, 50), WAIT_FOUND);
        assert_int_equal(due((struct wait_view){ .state = COMMAND_AWAITING, .is_found = true }, 500), WAIT_FOUND);
        assert_int_equal(due((struct wait_view){ .state = COMMAND_DONE, .is_behind = true }, 500), WAIT_TICK);
        assert_int_equal(due((struct wait_view){ .state = COMMAND_DONE, .is_behind = true }, 50), WAIT_DEADLINE);
        assert_int_equal(due((struct wait_view){ .state = COMMAND_DONE }, 50), WAIT_ENDED);
        assert_int_equal(due((struct wait_view){ .state = COMMAND_AWAITING }, 500), WAIT_AWAITING);
        assert_int_equal(due((struct wait_view){ .state = COMMAND_RUNNING }, 500), WAIT_TICK);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
        const struct CMUnitTest tests[] = {
                TEST(a_text_over_chunks),
                TEST(the_unfinished_line_as_it_is_now),
                TEST(what_was_there_before_is_no_match),
                TEST(much_output_takes_several_looks),
                TEST(a_secret_is_not_found),
                TEST(patterns_that_cannot_be_sought),
                cmocka_unit_test(what_is_found_goes_before_the_end),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
