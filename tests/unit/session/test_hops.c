#include "session/config/hops.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

struct good {
        const char *list;
        const char *host;
        const char *user; /* NULL: none */
        int port;
        const char *rest; /* NULL: none */
};

static void the_last_hop_is_taken_off(void **state)
{
        static const struct good cases[] = {
                { "gate", "gate", NULL, 0, NULL },
                { "Gate", "Gate", NULL, 0, NULL },
                { "bob@gate:2222", "gate", "bob", 2222, NULL },
                { "a,b", "b", NULL, 0, "a" },
                { "a,bob@b:22, c", "c", NULL, 0, "a,bob@b:22" },
                { "[::1]:99", "::1", NULL, 99, NULL },
                { "[192.0.2.1]:99", "192.0.2.1", NULL, 99, NULL },
                { "bob@[192.0.2.1]", "192.0.2.1", "bob", 0, NULL },
                { "u@d@gate:22", "gate", "u@d", 22, NULL },
                { "ssh://gate", "gate", NULL, 0, NULL },
                { "SSH://bob@gate:2222", "gate", "bob", 2222, NULL },
                { "ssh://bob@gate:2222/", "gate", "bob", 2222, NULL },
                { "ssh://bob%40corp@[::1]:22", "::1", "bob@corp", 22, NULL },
                { "ssh://a,ssh://b:1", "b", NULL, 1, "ssh://a" },
                { "1,2,3,4,5,6,7,8", "8", NULL, 0, "1,2,3,4,5,6,7" },
        };

        (void)state;
        for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
                const struct good *at = &cases[i];
                struct hop hop;
                struct err err = { 0 };
                char *rest = NULL;
                if (!hops_take_last(at->list, &hop, &rest, &err))
                        fail_msg("%s: %s", at->list, err.text);
                assert_string_equal(hop.target.host, at->host);
                assert_int_equal(hop.target.port, at->port);
                assert_int_equal(hop.target.user == NULL, at->user == NULL);
                if (at->user != NULL)
                        assert_string_equal(hop.target.user, at->user);
                assert_int_equal(rest == NULL, at->rest == NULL);
                if (rest != NULL)
                        assert_string_equal(rest, at->rest);
                free(rest);
                hop_fini(&hop);
        }
}

static void what_is_no_jump_host_is_refused_wherever_it_stands(void **state)
{
        static const char *const cases[] = {
                "",
                ",",
                "a,",
                ",a",
                "a,,b",
                "-oX,b",
                "a,-oX",
                "a b",
                "a/b",
                "$(x),b",
                "ssh://",
                "ssh://@a",
                "ssh://%zz@a",
                "ssh://%0Aa@b",
                "ssh://-x@b",
                "a:0",
                "a:99999",
                "a:x",
                "[-x]:22",
                "bob;x@a",
                "[]",
                "[a",
                "[[a]]",
                "ssh://a/p",
                "ssh://%4@a",
                "ssh://b%00@a",
                "http://a",
        };

        (void)state;
        for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
                struct hop hop = { 0 };
                struct err err = { 0 };
                char *rest = NULL;
                if (hops_take_last(cases[i], &hop, &rest, &err))
                        fail_msg("%s was taken", cases[i]);
                assert_int_equal(err.code, ERR_CONNECT);
                assert_non_null(strstr(err.text, "ProxyJump"));
                assert_null(rest);
        }
}

static void a_ninth_hop_is_refused(void **state)
{
        struct hop hop;
        struct err err = { 0 };
        char *rest = NULL;

        (void)state;
        assert_false(hops_take_last("1,2,3,4,5,6,7,8,9", &hop, &rest, &err));
        assert_int_equal(err.code, ERR_LIMIT);
        assert_non_null(strstr(err.text, "8 jump hosts"));
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(the_last_hop_is_taken_off),
                cmocka_unit_test(what_is_no_jump_host_is_refused_wherever_it_stands),
                cmocka_unit_test(a_ninth_hop_is_refused),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
