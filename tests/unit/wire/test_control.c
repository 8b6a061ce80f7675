/*
 * The messages at the control socket, written and read, and the ones that are refused.
 */
#include "wire/control.h"

#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

static struct buf out;

static int begin(void **state)
{
        (void)state;
        buf_init(&out, 1024 * 1024);
        return 0;
}

static int finish(void **state)
{
        (void)state;
        buf_fini(&out);
        return 0;
}

static struct frame written(uint32_t kind)
{
        struct frame frame;
        size_t used;

        assert_int_equal(frame_parse(out.data, out.len, &frame, &used), FRAME_READY);
        assert_int_equal(used, out.len);
        assert_int_equal(frame.kind, kind);
        return frame;
}

static void a_greeting_comes_back(void **state)
{
        const struct control_hello hello = { CONTROL_VERSION, 4711, str_of("web1") };
        struct control_hello back = { 0 };

        (void)state;
        assert_true(control_write_hello(&out, &hello));
        struct frame frame = written(CONTROL_HELLO);
        assert_true(control_read_hello(&frame, &back));
        assert_int_equal(back.version, CONTROL_VERSION);
        assert_int_equal(back.pid, 4711);
        assert_true(str_is(back.last_refused, "web1"));
}

static void a_greeting_of_no_process_is_refused(void **state)
{
        const struct control_hello hello = { CONTROL_VERSION, 0, str_of("web1") };
        struct control_hello back;

        (void)state;
        assert_true(control_write_hello(&out, &hello));
        struct frame frame = written(CONTROL_HELLO);
        assert_false(control_read_hello(&frame, &back));
}

static void a_login_comes_back(void **state)
{
        const struct control_login login = { str_of("web1"), str_of("bob"), str_of("~/.ssh/id"),
                                             2222, 1 };
        struct control_login back = { 0 };

        (void)state;
        assert_true(control_write_login(&out, &login));
        struct frame frame = written(CONTROL_LOGIN);
        assert_true(control_read_login(&frame, &back));
        assert_true(str_is(back.host, "web1"));
        assert_true(str_is(back.username, "bob"));
        assert_true(str_is(back.key_filename, "~/.ssh/id"));
        assert_int_equal(back.port, 2222);
        assert_int_equal(back.is_for_sudo, 1);
}

static void refuse_login(struct str host, struct str username, uint32_t port)
{
        const struct control_login login = { .host = host, .username = username, .port = port };
        struct control_login back;

        buf_reset(&out);
        assert_true(control_write_login(&out, &login));
        struct frame frame = written(CONTROL_LOGIN);
        assert_false(control_read_login(&frame, &back));
}

static void a_login_out_of_bounds_is_refused(void **state)
{
        char long_name[CONTROL_NAME_MAX + 1];

        (void)state;
        memset(long_name, 'a', sizeof long_name);
        refuse_login(str_of(""), str_of(""), 22);
        refuse_login(str_of("h"), str_of(""), 65536);
        refuse_login((struct str){ "a\0b", 3 }, str_of(""), 22);
        refuse_login(str_of("h"), (struct str){ long_name, sizeof long_name }, 22);
}

static void a_question_comes_back(void **state)
{
        const struct control_prompt prompt = { 1, str_of("Code: "), str_of("from your phone") };
        struct control_prompt back = { 0 };

        (void)state;
        assert_true(control_write_prompt(&out, 7, &prompt));
        struct frame frame = written(CONTROL_PROMPT);
        assert_int_equal(frame.id, 7);
        assert_true(control_read_prompt(&frame, &back));
        assert_int_equal(back.is_echoed, 1);
        assert_true(str_is(back.text, "Code: "));
        assert_true(str_is(back.instruction, "from your phone"));
}

static void an_answer_comes_back(void **state)
{
        const struct control_answer answer = { 1, str_of("secret") };
        struct control_answer back = { 0 };

        (void)state;
        assert_true(control_write_answer(&out, 7, &answer));
        struct frame frame = written(CONTROL_ANSWER);
        assert_int_equal(frame.id, 7);
        assert_true(control_read_answer(&frame, &back));
        assert_int_equal(back.is_answered, 1);
        assert_true(str_is(back.answer, "secret"));
}

static void an_answer_out_of_bounds_is_refused(void **state)
{
        char long_answer[CONTROL_ANSWER_MAX + 1];
        const struct control_answer answers[] = {
                { 2, str_of("") },
                { 1, { "a\0b", 3 } },
                { 1, { long_answer, sizeof long_answer } },
        };
        struct control_answer back;

        (void)state;
        memset(long_answer, 'a', sizeof long_answer);
        for (size_t i = 0; i < sizeof answers / sizeof *answers; i++) {
                buf_reset(&out);
                assert_true(control_write_answer(&out, 1, &answers[i]));
                struct frame frame = written(CONTROL_ANSWER);
                assert_false(control_read_answer(&frame, &back));
        }
}

static void the_end_comes_back(void **state)
{
        struct str text;

        (void)state;
        assert_true(control_write_end(&out, CONTROL_FAILED, "no"));
        struct frame frame = written(CONTROL_FAILED);
        assert_true(control_read_end(&frame, &text));
        assert_true(str_is(text, "no"));
        frame.len--; /* truncated */
        assert_false(control_read_end(&frame, &text));
}

#define TEST(function) cmocka_unit_test_setup_teardown(function, begin, finish)

int main(void)
{
        const struct CMUnitTest tests[] = {
                TEST(a_greeting_comes_back),
                TEST(a_greeting_of_no_process_is_refused),
                TEST(a_login_comes_back),
                TEST(a_login_out_of_bounds_is_refused),
                TEST(a_question_comes_back),
                TEST(an_answer_comes_back),
                TEST(an_answer_out_of_bounds_is_refused),
                TEST(the_end_comes_back),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
