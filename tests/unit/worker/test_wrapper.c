#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/scoped.h"
#include "worker/shell/wrapper.h"

#include <stdio.h>
#include <string.h>

#define COUNT(array)  (sizeof(array) / sizeof(array)[0])
#define LINE_MAX_EVER 820 /* bytes of a typed line, with all that stands around the command */
#define CSH_LINE_MAX_EVER 1150 /* it breaks lines at blanks only */
#define OUT_MAX       (4 * 1024 * 1024)

static const char *const driver_names[] = { "bash",    "rbash", "zsh", "dash", "sh",   "ash",
                                            "busybox", "ksh93", "ksh", "mksh", "lksh", "yash",
                                            "fish", "tcsh", "csh" };

static bool speaks(const char *driver, enum driver_language language)
{
        return driver_find(str_of(driver))->language == language;
}

static struct wrapper wrapper_for(const char *driver, struct str command)
{
        struct wrapper wrapper = {
                .driver = driver_find(str_of(driver)),
                .start_nonce = "startABCxyz",
                .end_nonce = "endABCDEFGHIJKLMNOPxyz",
                .status_before = -1,
                .command = command,
        };

        assert_non_null(wrapper.driver);
        return wrapper;
}

/* What every line we type must be, whatever the command is. */
static void check_line(const struct wrapper *wrapper, const struct buf *line)
{
        struct str rest = buf_str(line);

        assert_true(rest.len > 0 && rest.ptr[0] == ' '); /* out of the history where that is kept so */
        assert_int_equal(rest.ptr[rest.len - 1], '\r');
        while (rest.len > 0) {
                const char *cr = memchr(rest.ptr, '\r', rest.len);
                assert_non_null(cr);
                size_t len = (size_t)(cr - rest.ptr);
                assert_true(wrapper->driver->language == DRIVER_FISH || len <= LINE_MAX_EVER
                            || (wrapper->driver->language == DRIVER_CSH && len <= CSH_LINE_MAX_EVER));
                for (size_t i = 0; i < len; i++)
                        if (rest.ptr[i] < ' ' || rest.ptr[i] > '~')
                                fail_msg("byte %d in a typed line", rest.ptr[i]);
                bool is_last = len + 1 == rest.len;
                assert_int_equal(len > 0 && rest.ptr[len - 1] == '\\', !is_last);
                rest.ptr += len + 1;
                rest.len -= len + 1;
        }
        assert_null(strstr((char *)line->data, wrapper->start_nonce)); /* an echo is no mark */
        assert_null(strstr((char *)line->data, wrapper->end_nonce));
}

static const char *const commands[] = {
        "", " ", "true", "echo 'it'\\''s'", "echo \"a b\"", "'", "''''''''", "\\", "a\\", "%", "%s %d %%", "!", "echo '!!' !x",
        "a\nb", "a\tb", "\n", "if true\nthen\n\techo x\nfi", "echo \xC3\xA9 \xE2\x82\xAC \xF0\x9F\x98\x80", "\x1B[31m\x07\x7F\x80\xFF",
        "-n\n", "-x \xC3\xA9", "# comment", "cat <<EOF\n$HOME `id` \\x\nEOF", "a\r\nb", "$(x) `y` ${z}",
};

static void a_line_is_ascii_and_short(void **state)
{
        (void)state;
        for (size_t d = 0; d < COUNT(driver_names); d++)
                for (size_t c = 0; c < COUNT(commands); c++)
                        for (int status = -1; status <= 255; status += 64) {
                                struct wrapper wrapper = wrapper_for(driver_names[d], str_of(commands[c]));
                                scoped_buf struct buf line;
                                wrapper.status_before = status;
                                wrapper.is_first = status < 0;
                                buf_init(&line, OUT_MAX);
                                assert_true(wrapper_write(&line, &wrapper));
                                check_line(&wrapper, &line);
                        }
}

/* Lengths around the limits, of bytes that are spelled in one, two and four. */
static void a_long_command_is_broken(void **state)
{
        static const char bytes[] = "x'%!\\\n\xC3";
        static char text[100 * 1024];

        (void)state;
        for (size_t d = 0; d < COUNT(driver_names); d++)
                for (const char *byte = bytes; *byte != 0 && !speaks(driver_names[d], DRIVER_CSH); byte++)
                        for (size_t len = 1; len <= sizeof text; len = len < 1500 ? len + 23 : len * 4) {
                                scoped_buf struct buf line;
                                memset(text, *byte, len);
                                text[0] = len % 2 == 0 ? '\n' : 'x'; /* quoted one way and the other */
                                struct wrapper wrapper = wrapper_for(driver_names[d], (struct str){ text, len });
                                buf_init(&line, OUT_MAX);
                                assert_true(wrapper_write(&line, &wrapper));
                                check_line(&wrapper, &line);
                        }
}

static void csh_breaks_a_long_command_at_blanks(void **state)
{
        static char text[100 * 1024];

        (void)state;
        for (size_t i = 0; i < sizeof text; i++)
                text[i] = i % 97 == 0 ? '\n' : i % 13 == 0 ? ' ' : i % 31 == 0 ? '\'' : 'x';
        for (size_t len = 1; len <= sizeof text; len = len < 1500 ? len + 23 : len * 4) {
                struct wrapper wrapper = wrapper_for("csh", (struct str){ text, len });
                scoped_buf struct buf line;
                buf_init(&line, OUT_MAX);
                assert_true(wrapper_write(&line, &wrapper));
                check_line(&wrapper, &line);
        }
}

/* A word of more than 1,024 bytes would be an error of the line that the marks are in. */
static void csh_is_given_no_word_that_it_cannot_take(void **state)
{
        static const char bytes[] = "x'%!\xC3\n";
        static char text[5000];

        (void)state;
        for (const char *byte = bytes; *byte != 0; byte++) {
                struct wrapper wrapper = wrapper_for("tcsh", (struct str){ text, sizeof text });
                scoped_buf struct buf line;
                memset(text, *byte, sizeof text);
                buf_init(&line, OUT_MAX);
                assert_false(wrapper_write(&line, &wrapper));
        }
}

static void bytes_that_stand_for_none_are_written_too(void **state)
{
        (void)state;
        for (size_t d = 0; d < COUNT(driver_names); d++)
                for (unsigned c = 1; c < 256; c++) {
                        char byte = (char)c;
                        struct wrapper wrapper = wrapper_for(driver_names[d], (struct str){ &byte, 1 });
                        scoped_buf struct buf line;
                        buf_init(&line, OUT_MAX);
                        assert_true(wrapper_write(&line, &wrapper));
                        check_line(&wrapper, &line);
                }
}

static void the_other_lines_are_ascii_too(void **state)
{
        (void)state;
        for (size_t d = 0; d < COUNT(driver_names); d++) {
                struct wrapper wrapper = wrapper_for(driver_names[d], str_of(""));
                scoped_buf struct buf line;
                buf_init(&line, OUT_MAX);
                assert_true(wrapper_write_end_only(&line, &wrapper));
                check_line(&wrapper, &line);
                buf_reset(&line);
                assert_true(wrapper_write_name_question(&line, wrapper.end_nonce));
                check_line(&wrapper, &line);
        }
}

static void the_history_file_is_unset_once(void **state)
{
        struct wrapper wrapper = wrapper_for("bash", str_of("true"));
        scoped_buf struct buf line;

        (void)state;
        buf_init(&line, OUT_MAX);
        assert_true(wrapper_write(&line, &wrapper));
        assert_null(strstr((char *)line.data, "HISTFILE"));
        buf_reset(&line);
        wrapper.is_first = true;
        assert_true(wrapper_write(&line, &wrapper));
        assert_non_null(strstr((char *)line.data, " unset HISTFILE;"));
        wrapper.driver = driver_find(str_of("tcsh"));
        assert_true(wrapper_write(&line, &wrapper));
        assert_non_null(strstr((char *)line.data, " unset savehist;"));
}

/* `exit` inside csh's eval leaves nothing but the eval. */
static void csh_leaves_by_an_exit_of_its_own(void **state)
{
        static const char *const bare[] = { "exit", " exit 3\n", "logout" };
        static const char *const others[] = { "exit 3; echo", "exit $x", "echo exit", "exit 3 4", "exits" };

        (void)state;
        for (size_t i = 0; i < COUNT(bare) + COUNT(others); i++) {
                bool is_bare = i < COUNT(bare);
                const char *text = is_bare ? bare[i] : others[i - COUNT(bare)];
                struct wrapper wrapper = wrapper_for("tcsh", str_of(text));
                scoped_buf struct buf line;
                buf_init(&line, OUT_MAX);
                assert_true(wrapper_write(&line, &wrapper) && buf_append_byte(&line, 0));
                check_line(&wrapper, &(struct buf){ .data = line.data, .len = line.len - 1 });
                assert_int_equal(strstr((char *)line.data, "eval") == NULL, is_bare);
                wrapper.driver = driver_find(str_of("fish"));
                buf_reset(&line);
                assert_true(wrapper_write(&line, &wrapper) && buf_append_byte(&line, 0));
                assert_non_null(strstr((char *)line.data, "eval"));
        }
}

static void rbash_gets_no_redirection(void **state)
{
        struct wrapper wrapper = wrapper_for("rbash", str_of("true"));
        scoped_buf struct buf line;

        (void)state;
        buf_init(&line, OUT_MAX);
        assert_true(wrapper_write(&line, &wrapper));
        assert_true(wrapper_write_end_only(&line, &wrapper));
        assert_null(strchr((char *)line.data, '>'));
}

static void a_line_that_does_not_fit_is_told(void **state)
{
        static char text[3000];

        (void)state;
        for (size_t d = 0; d < COUNT(driver_names); d++) {
                for (size_t i = 0; i < sizeof text; i++)
                        text[i] = i % 100 == 99 ? ' ' : '\n';
                struct wrapper wrapper = wrapper_for(driver_names[d], (struct str){ text, sizeof text });
                struct buf whole;
                buf_init(&whole, OUT_MAX);
                assert_true(wrapper_write(&whole, &wrapper));
                for (size_t max = 0; max < whole.len; max += max < 1000 || max + 300 > whole.len ? 1 : 97) {
                        scoped_buf struct buf line;
                        buf_init(&line, max);
                        assert_false(wrapper_write(&line, &wrapper));
                }
                buf_fini(&whole);
        }
        struct wrapper wrapper = wrapper_for("bash", str_of(""));
        scoped_buf struct buf line;
        buf_init(&line, 20);
        assert_false(wrapper_write_end_only(&line, &wrapper));
        assert_false(wrapper_write_name_question(&line, wrapper.end_nonce));
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(a_line_is_ascii_and_short),
                cmocka_unit_test(a_long_command_is_broken),
                cmocka_unit_test(csh_breaks_a_long_command_at_blanks),
                cmocka_unit_test(csh_is_given_no_word_that_it_cannot_take),
                cmocka_unit_test(bytes_that_stand_for_none_are_written_too),
                cmocka_unit_test(the_other_lines_are_ascii_too),
                cmocka_unit_test(the_history_file_is_unset_once),
                cmocka_unit_test(csh_leaves_by_an_exit_of_its_own),
                cmocka_unit_test(rbash_gets_no_redirection),
                cmocka_unit_test(a_line_that_does_not_fit_is_told),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
