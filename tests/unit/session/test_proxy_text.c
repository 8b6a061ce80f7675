#include "session/reach/proxy_text.h"

#include "base/alloc.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static const struct proxy_place place = { "10.0.0.1", 2222, "bob", "web", NULL };

static void tokens_are_filled_in(void **state)
{
        static const struct {
                const char *command;
                const char *text;
        } cases[] = {
                { "nc %h %p", "nc 10.0.0.1 2222" },
                { "%%h%%", "%h%" },
                { "x -l %r -n %n -k %k", "x -l bob -n web -k web" },
                { "%h%h", "10.0.0.110.0.0.1" },
                { "plain '\"$x' \xC3\xA4", "plain '\"$x' \xC3\xA4" },
                { "", "" },
        };

        (void)state;
        for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
                struct err err = { 0 };
                char *text = NULL;
                if (!proxy_text(cases[i].command, &place, &text, &err))
                        fail_msg("%s: %s", cases[i].command, err.text);
                assert_string_equal(text, cases[i].text);
                free(text);
        }
}

static void the_key_alias_wins_over_the_name(void **state)
{
        struct proxy_place other = place;
        struct err err = { 0 };
        char *text = NULL;

        (void)state;
        other.key_alias = "farm";
        assert_true(proxy_text("%k %n", &other, &text, &err));
        assert_string_equal(text, "farm web");
        free(text);
}

static void an_unknown_token_is_named(void **state)
{
        static const char *const cases[] = { "nc %x", "%", "nc %h%", "%\xFF", "%C" };

        (void)state;
        for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
                struct err err = { 0 };
                char *text = NULL;
                assert_false(proxy_text(cases[i], &place, &text, &err));
                assert_int_equal(err.code, ERR_CONNECT);
                assert_non_null(strstr(err.text, "%h"));
                assert_null(text);
        }
}

static void a_command_without_end_is_refused(void **state)
{
        char *command = xcalloc(1, PROXY_TEXT_MAX + 1);
        struct err err = { 0 };
        char *text = NULL;

        (void)state;
        memset(command, 'x', PROXY_TEXT_MAX);
        assert_true(proxy_text(command, &place, &text, &err));
        free(text);
        text = NULL;
        command[0] = '%';
        command[1] = 'h'; /* longer now by six */
        assert_false(proxy_text(command, &place, &text, &err));
        assert_int_equal(err.code, ERR_LIMIT);
        assert_null(text);
        free(command);
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(tokens_are_filled_in),
                cmocka_unit_test(the_key_alias_wins_over_the_name),
                cmocka_unit_test(an_unknown_token_is_named),
                cmocka_unit_test(a_command_without_end_is_refused),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
