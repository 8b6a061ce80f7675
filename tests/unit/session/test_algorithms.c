#include "base/scoped.h"
#include "session/config/algorithms.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static char *choose(enum algorithm_kind kind, const char *configured)
{
        char *list = NULL;
        struct err err = { 0 };

        if (!algorithms_choose(kind, configured, &list, &err))
                fail_msg("%s", err.text);
        return list;
}

static void assert_chosen(enum algorithm_kind kind, const char *configured, const char *expected)
{
        scoped_free char *list = choose(kind, configured);

        assert_string_equal(list, expected);
}

static void nothing_legacy_is_offered_by_itself(void **state)
{
        static const enum algorithm_kind kinds[] = { ALGORITHM_KEX, ALGORITHM_CIPHER,
                                                     ALGORITHM_MAC };

        (void)state;
        for (size_t i = 0; i < sizeof kinds / sizeof *kinds; i++) {
                scoped_free char *list = choose(kinds[i], NULL);
                scoped_free char *legacy = algorithms_legacy(str_of(list));
                assert_true(strlen(list) > 10);
                assert_string_equal(legacy, "");
                assert_null(strstr(list, "cbc"));
                assert_null(strstr(list, "group1-sha1"));
        }
}

static void the_configuration_decides_which_and_we_in_which_order(void **state)
{
        (void)state;
        assert_chosen(ALGORITHM_CIPHER, "aes128-ctr,aes256-ctr", "aes256-ctr,aes128-ctr");
        assert_chosen(ALGORITHM_KEX,
                      "diffie-hellman-group14-sha256,sntrup761x25519-sha512,ecdh-sha2-nistp256",
                      "ecdh-sha2-nistp256,diffie-hellman-group14-sha256");
        assert_chosen(ALGORITHM_MAC, "umac-64@openssh.com,hmac-sha1", "hmac-sha1");
}

static void legacy_is_last_and_only_by_name(void **state)
{
        (void)state;
        assert_chosen(ALGORITHM_KEX, "diffie-hellman-group1-sha1,curve25519-sha256",
                      "curve25519-sha256,diffie-hellman-group1-sha1");
        assert_chosen(ALGORITHM_CIPHER, "3des-cbc", "3des-cbc");
}

static void a_name_is_a_whole_name(void **state)
{
        char *list = NULL;
        struct err err = { 0 };

        (void)state;
        assert_chosen(ALGORITHM_CIPHER, "aes256-ctrx,aes128-ctr,", "aes128-ctr");
        assert_false(algorithms_choose(ALGORITHM_CIPHER, "aes256-ct,,es256-ctr", &list, &err));
        assert_null(list);
}

static void nothing_in_common_says_what_would_do(void **state)
{
        char *list = NULL;
        struct err err = { 0 };

        (void)state;
        assert_false(algorithms_choose(ALGORITHM_KEX, "sntrup761x25519-sha512", &list, &err));
        assert_int_equal(err.code, ERR_CONNECT);
        assert_non_null(strstr(err.text, "KexAlgorithms"));
        assert_non_null(strstr(err.text, "curve25519-sha256"));
        assert_null(strstr(err.text, "group1-sha1"));
}

static void what_was_agreed_on_is_judged(void **state)
{
        scoped_free char *both = algorithms_legacy(
                str_of("diffie-hellman-group1-sha1,aes128-cbc,aes128-cbc,hmac-sha2-256,unknown"));
        scoped_free char *none = algorithms_legacy(str_of(""));

        (void)state;
        assert_string_equal(both, "diffie-hellman-group1-sha1,aes128-cbc");
        assert_string_equal(none, "");
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(nothing_legacy_is_offered_by_itself),
                cmocka_unit_test(the_configuration_decides_which_and_we_in_which_order),
                cmocka_unit_test(legacy_is_last_and_only_by_name),
                cmocka_unit_test(a_name_is_a_whole_name),
                cmocka_unit_test(nothing_in_common_says_what_would_do),
                cmocka_unit_test(what_was_agreed_on_is_judged),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
