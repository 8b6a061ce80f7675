#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "session/command/sudo_text.h"

static void one_call_is_known_by_its_first_word(void **state)
{
        (void)state;
        assert_int_equal(sudo_text_own(str_of("sudo id")), 4);
        assert_int_equal(sudo_text_own(str_of("  sudo\t-u postgres psql -c 'select 1; select 2'\n")), 6);
        assert_int_equal(sudo_text_own(str_of("sudo tee \"a b|c\" > /tmp/x <<<y")), 4);
        assert_int_equal(sudo_text_own(str_of("sudo echo a\\;b $HOME")), 4);
        assert_int_equal(sudo_text_own(str_of("sudo -i")), 4);
}

static void more_than_one_call_is_none(void **state)
{
        static const char *const texts[] = {
                "", "id", "sudo", "sudo ", "sudoedit x", "sudo-rs x", "'sudo' x", "\\sudo x", "FOO=1 sudo x",
                "sudo a && b", "sudo a | b", "sudo a; b", "sudo a &", "sudo a\nb", "sudo a\rb",
                "sudo a $(b)", "sudo a `b`", "sudo a \"$(b)\"", "sudo a \"`b`\"", "sudo a <(b)",
                "sudo echo 'open", "sudo echo \"open", "sudo sh -c \"a\" ; b", "cd x && sudo a",
        };

        (void)state;
        for (size_t i = 0; i < sizeof texts / sizeof *texts; i++)
                if (sudo_text_own(str_of(texts[i])) != 0)
                        fail_msg("%s", texts[i]);
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(one_call_is_known_by_its_first_word),
                cmocka_unit_test(more_than_one_call_is_none),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
