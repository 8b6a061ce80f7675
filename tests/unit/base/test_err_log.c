#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/alloc.h"
#include "base/err.h"
#include "base/log.h"
#include "base/scoped.h"

#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>

static void an_error_is_a_code_and_a_text(void **state)
{
        struct err err = { 0 };

        (void)state;
        assert_false(err_set(&err, ERR_AUTH, "%s refused key %d", "web1", 3));
        assert_int_equal(err.code, ERR_AUTH);
        assert_string_equal(err.text, "web1 refused key 3");
        assert_false(err_context(&err, "connecting to %s", "web1"));
        assert_int_equal(err.code, ERR_AUTH);
        assert_string_equal(err.text, "connecting to web1: web1 refused key 3");
}

static void a_long_error_is_cut_at_its_end(void **state)
{
        char text[3 * ERR_TEXT_MAX];
        struct err err = { 0 };

        (void)state;
        memset(text, 'x', sizeof text - 1);
        text[sizeof text - 1] = 0;
        (void)err_set(&err, ERR_LIMIT, "%s", text);
        assert_int_equal(strlen(err.text), ERR_TEXT_MAX - 1);
        (void)err_context(&err, "why");
        assert_int_equal(strlen(err.text), ERR_TEXT_MAX - 1);
        assert_int_equal(strncmp(err.text, "why: xxx", 8), 0);
        (void)err_context(&err, "%s", text);
        assert_int_equal(strlen(err.text), ERR_TEXT_MAX - 1);
        assert_null(strchr(err.text, ':')); /* no room was left for what was there */

        (void)err_set(&err, ERR_LIMIT, "was");
        text[ERR_TEXT_MAX - 2] = 0; /* one byte left: half of ": " */
        (void)err_context(&err, "%s", text);
        assert_int_equal(strlen(err.text), ERR_TEXT_MAX - 1);
        assert_int_equal(err.text[ERR_TEXT_MAX - 2], ':');
}

static void every_code_has_a_name_of_its_own(void **state)
{
        (void)state;
        for (int a = ERR_NONE; a < ERR_CODES; a++)
                for (int b = ERR_NONE; b < a; b++)
                        assert_string_not_equal(err_code_name((enum err_code)a),
                                                err_code_name((enum err_code)b));
}

struct sunk {
        unsigned count;
        enum log_level level;
        char text[2048];
};

static void take_line(void *arg, enum log_level level, const char *text)
{
        struct sunk *sunk = arg;

        sunk->count++;
        sunk->level = level;
        (void)snprintf(sunk->text, sizeof sunk->text, "%s", text);
}

static int quieten(void **state)
{
        (void)state;
        log_set_sink(NULL, NULL);
        log_set_level(LOG_WARN);
        return 0;
}

static void lines_above_the_level_are_dropped(void **state)
{
        struct sunk sunk = { 0 };

        (void)state;
        assert_int_equal(log_level(), LOG_WARN);
        log_set_sink(take_line, &sunk);
        log_info("no");
        log_trace("no");
        assert_int_equal(sunk.count, 0);
        log_warn("session %s: %d", "web1", 1);
        assert_int_equal(sunk.count, 1);
        assert_int_equal(sunk.level, LOG_WARN);
        assert_string_equal(sunk.text, "session web1: 1");
        log_set_level(LOG_TRACE);
        log_trace("yes");
        log_error("yes");
        assert_int_equal(sunk.count, 3);
        assert_int_equal(sunk.level, LOG_ERROR);
}

static void a_long_line_is_cut(void **state)
{
        struct sunk sunk = { 0 };
        char text[5000];

        (void)state;
        memset(text, 'x', sizeof text - 1);
        text[sizeof text - 1] = 0;
        log_set_sink(take_line, &sunk);
        log_error("%s", text);
        assert_int_equal(strlen(sunk.text), 1023);
}

static void levels_have_names(void **state)
{
        (void)state;
        assert_int_equal(log_level_parse("error"), LOG_ERROR);
        assert_int_equal(log_level_parse("warn"), LOG_WARN);
        assert_int_equal(log_level_parse("info"), LOG_INFO);
        assert_int_equal(log_level_parse("debug"), LOG_DEBUG);
        assert_int_equal(log_level_parse("trace"), LOG_TRACE);
        assert_int_equal(log_level_parse("Trace"), -1);
        assert_int_equal(log_level_parse("warning"), -1);
        assert_int_equal(log_level_parse(""), -1);
}

static void quoted_bytes_are_printable(void **state)
{
        char all[256];
        char filler[121];

        (void)state;
        for (unsigned c = 0; c < sizeof all; c++)
                all[c] = (char)c;
        for (size_t at = 0; at < sizeof all; at += 64) {
                const char *quoted = log_quote(all + at, 64);
                for (size_t i = 0; quoted[i] != 0; i++)
                        assert_in_range(quoted[i], ' ', '~');
        }
        assert_string_equal(log_quote("a\x1B[1m\\\n\xFF", 8), "a\\x1b[1m\\x5c\\x0a\\xff");
        assert_string_equal(log_quote(NULL, 0), "");

        memset(filler, '\x01', sizeof filler);
        assert_int_equal(strlen(log_quote(filler, 120)), 480);
        assert_int_equal(strlen(log_quote(filler, 121)), 483); /* and three dots */
}

static void eight_quotes_fit_one_line(void **state)
{
        const char *quotes[8];
        char expected[2] = "a";

        (void)state;
        for (unsigned i = 0; i < 8; i++) {
                char c = (char)('a' + i);
                quotes[i] = log_quote(&c, 1);
        }
        for (unsigned i = 0; i < 8; i++, expected[0]++)
                assert_string_equal(quotes[i], expected);
}

static void a_bug_says_where_and_aborts(void **state)
{
        int fds[2];
        char said[256] = "";
        int status;

        (void)state;
        assert_int_equal(pipe(fds), 0);
        pid_t pid = fork();
        assert_true(pid >= 0);
        if (pid == 0) {
                (void)setrlimit(RLIMIT_CORE, &(struct rlimit){ 0, 0 });
                (void)signal(SIGABRT, SIG_DFL);
                (void)dup2(fds[1], STDERR_FILENO);
                bug("state %d", 7);
        }
        (void)close(fds[1]);
        assert_int_equal(waitpid(pid, &status, 0), pid);
        assert_true(read(fds[0], said, sizeof said - 1) > 0);
        (void)close(fds[0]);
        assert_true(WIFSIGNALED(status));
        assert_int_equal(WTERMSIG(status), SIGABRT);
        assert_non_null(strstr(said, "test_err_log.c:"));
        assert_non_null(strstr(said, ": state 7\n"));
}

static void copies_are_as_long_as_asked(void **state)
{
        (void)state;
        scoped_free char *all = xstrdup("text");
        scoped_free char *part = xstrndup("text", 2);
        scoped_free char *whole = xstrndup("text", 100);
        scoped_free char *none = xstrndup("", 0);
        scoped_free char *made = xasprintf("%s-%03d", "a", 7);
        assert_string_equal(all, "text");
        assert_string_equal(part, "te");
        assert_string_equal(whole, "text");
        assert_string_equal(none, "");
        assert_string_equal(made, "a-007");
        scoped_free uint8_t *zeroed = xcalloc(3, 5);
        for (size_t i = 0; i < 15; i++)
                assert_int_equal(zeroed[i], 0);
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(an_error_is_a_code_and_a_text),
                cmocka_unit_test(a_long_error_is_cut_at_its_end),
                cmocka_unit_test(every_code_has_a_name_of_its_own),
                cmocka_unit_test_teardown(lines_above_the_level_are_dropped, quieten),
                cmocka_unit_test_teardown(a_long_line_is_cut, quieten),
                cmocka_unit_test(levels_have_names),
                cmocka_unit_test(quoted_bytes_are_printable),
                cmocka_unit_test(eight_quotes_fit_one_line),
                cmocka_unit_test(a_bug_says_where_and_aborts),
                cmocka_unit_test(copies_are_as_long_as_asked),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
