#include "session/secrecy/hidden_names.h"

#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

static void check(const char *text, const char *expected)
{
        struct hidden_names names = { .count = 0 };
        struct buf out;

        buf_init(&out, 1024);
        hidden_names_add(&names, "10.0.0.5", "$HOST");
        hidden_names_add(&names, "root", "$USER");
        hidden_names_add(&names, "/k/id", "$KEY");
        hidden_names_add(&names, NULL, "x");
        hidden_names_add(&names, "", "x");
        hidden_names_replace(&names, text, &out);
        assert_true(str_is(buf_str(&out), expected));
        buf_fini(&out);
        hidden_names_fini(&names);
}

static void whole_words_and_paths_are_replaced(void **state)
{
        (void)state;
        check("", "");
        check("10.0.0.5", "$HOST");
        check("cannot reach 10.0.0.5: refused", "cannot reach $HOST: refused");
        check("root@[10.0.0.5]:22.", "$USER@[$HOST]:22.");
        check("It is 10.0.0.5. root, root!", "It is $HOST. $USER, $USER!");
        check("\"/k/id\" (/k/id)", "\"$KEY\" ($KEY)");
        check("Root@[10.0.0.5]:22", "$USER@[$HOST]:22");
}

static void parts_of_other_words_stay(void **state)
{
        (void)state;
        check("10.0.0.51 110.0.0.5 x.10.0.0.5 10.0.0.5.x 10.0.0.5-x", "10.0.0.51 110.0.0.5 x.10.0.0.5 10.0.0.5.x 10.0.0.5-x");
        check("/root/.ssh rooted chroot root_ /k/id_rsa /x/k/id", "/root/.ssh rooted chroot root_ /k/id_rsa /x/k/id");
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(whole_words_and_paths_are_replaced),
                cmocka_unit_test(parts_of_other_words_stay),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
