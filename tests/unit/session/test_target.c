#include "session/config/target.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

struct given {
        const char *host;
        const char *username;
        int port;
};

struct good {
        struct given given;
        const char *host;
        const char *user; /* NULL: none */
        int port;
};

static void what_fits_the_grammar_is_taken_apart(void **state)
{
        static const struct good cases[] = {
                { { "web", NULL, 0 }, "web", NULL, 0 },
                { { "WEB1.Example.org", "", 0 }, "WEB1.Example.org", NULL, 0 },
                { { "bob@web", NULL, 0 }, "web", "bob", 0 },
                { { "bob@web:2222", NULL, 0 }, "web", "bob", 2222 },
                { { "bob@web:2222", "bob", 2222 }, "web", "bob", 2222 },
                { { "web:22", "al.ice-1", 0 }, "web", "al.ice-1", 22 },
                { { "bob@corp.example@gate", NULL, 0 }, "gate", "bob@corp.example", 0 },
                { { "web", "CORP\\bob", 0 }, "web", "CORP\\bob", 0 },
                { { "192.0.2.1", NULL, 65535 }, "192.0.2.1", NULL, 65535 },
                { { "[2001:db8::1]:22", NULL, 0 }, "2001:db8::1", NULL, 22 },
                { { "[::1]", NULL, 0 }, "::1", NULL, 0 },
                { { "bob@::1", NULL, 0 }, "::1", "bob", 0 },
                { { "my_alias", NULL, 0 }, "my_alias", NULL, 0 },
        };

        (void)state;
        for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
                const struct given *given = &cases[i].given;
                struct target target;
                struct err err = { 0 };
                if (!target_parse(&target, given->host, given->username, given->port, &err))
                        fail_msg("%s: %s", given->host, err.text);
                assert_string_equal(target.host, cases[i].host);
                assert_int_equal(target.port, cases[i].port);
                assert_int_equal(target.user == NULL, cases[i].user == NULL);
                if (target.user != NULL)
                        assert_string_equal(target.user, cases[i].user);
                target_fini(&target);
        }
}

static void what_does_not_fit_is_refused_with_advice(void **state)
{
        static const struct given cases[] = {
                { NULL, NULL, 0 },
                { "", NULL, 0 },
                { "-oProxyCommand=id", NULL, 0 },
                { "a b", NULL, 0 },
                { "a\nb", NULL, 0 },
                { "a\x01", NULL, 0 },
                { "h%h", NULL, 0 },
                { "ssh://u@h:99", NULL, 0 },
                { "a/b", NULL, 0 },
                { "$(id)", NULL, 0 },
                { "`id`", NULL, 0 },
                { "a;b", NULL, 0 },
                { "web:0", NULL, 0 },
                { "web:65536", NULL, 0 },
                { "web:22x", NULL, 0 },
                { "web:", NULL, 0 },
                { "[::1", NULL, 0 },
                { "[::1]x", NULL, 0 },
                { "[web]:22", NULL, 0 },
                { "a:b:c", NULL, 0 },
                { "fe80::1%eth0", NULL, 0 },
                { "@web", NULL, 0 },
                { "-l@web", NULL, 0 },
                { "web", "-l", 0 },
                { "web", "a b", 0 },
                { "web", "a\x1b", 0 },
                { "bob@web", "eve", 0 },
                { "web:22", NULL, 23 },
                { "web", NULL, -1 },
                { "web", NULL, 65536 },
                { "w\xC3\xA9"
                  "b",
                  NULL, 0 },
                { ".web", NULL, 0 },
        };

        (void)state;
        for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
                struct target target = { 0 };
                struct err err = { 0 };
                if (target_parse(&target, cases[i].host, cases[i].username, cases[i].port, &err))
                        fail_msg("%s was taken", cases[i].host);
                assert_int_equal(err.code, ERR_INPUT);
                for (const char *at = err.text; *at != 0; at++)
                        assert_true((unsigned char)*at >= 0x20);
                assert_null(target.host);
        }
}

static void lengths_have_limits(void **state)
{
        char host[400];
        struct target target;
        struct err err;

        (void)state;
        memset(host, 'a', sizeof host);
        host[TARGET_HOST_MAX] = 0;
        assert_true(target_parse(&target, host, NULL, 0, &err));
        target_fini(&target);
        host[TARGET_HOST_MAX] = 'a';
        host[300] = 0;
        assert_false(target_parse(&target, host, NULL, 0, &err));
        host[TARGET_USER_MAX + 1] = 0;
        assert_false(target_parse(&target, "web", host, 0, &err));
        assert_false(target_check_shell_name(host, &err));
        host[SHELL_NAME_MAX] = 0;
        assert_true(target_check_shell_name(host, &err));
        assert_false(target_check_shell_name("a/b", &err));
        assert_false(target_check_shell_name("", &err));
        assert_true(target_check_key_path("~/.ssh/my key", &err));
        assert_false(target_check_key_path("a\nb", &err));
}

static void names_have_brackets_around_ipv6(void **state)
{
        char *plain = target_name("bob", "web", 22);
        char *v6 = target_name("bob", "::1", 2222);

        (void)state;
        assert_string_equal(plain, "bob@web:22");
        assert_string_equal(v6, "bob@[::1]:2222");
        free(plain);
        free(v6);
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(what_fits_the_grammar_is_taken_apart),
                cmocka_unit_test(what_does_not_fit_is_refused_with_advice),
                cmocka_unit_test(lengths_have_limits),
                cmocka_unit_test(names_have_brackets_around_ipv6),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
