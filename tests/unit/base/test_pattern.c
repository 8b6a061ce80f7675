#include "base/pattern.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

static bool matches(const char *pattern, const char *text)
{
        return pattern_matches(str_of(pattern), str_of(text));
}

static void a_pattern_is_of_the_whole_text(void **state)
{
        (void)state;
        assert_true(matches("LANG", "LANG"));
        assert_false(matches("LANG", "LANGUAGE"));
        assert_false(matches("ANG", "LANG"));
        assert_true(matches("", ""));
        assert_false(matches("", "x"));
        assert_false(matches("x", ""));
}

static void stars_and_question_marks(void **state)
{
        (void)state;
        assert_true(matches("*", ""));
        assert_true(matches("**", "anything"));
        assert_true(matches("LC_*", "LC_"));
        assert_true(matches("*_*_C", "A_B_C_C"));
        assert_true(matches("web?", "web1"));
        assert_true(matches("*.example.org", "a.b.example.org"));
        assert_false(matches("web?", "web"));
        assert_false(matches("LC_*", "XLC_A"));
        assert_false(matches("*?", ""));
}

static void many_stars_take_no_time(void **state)
{
        char pattern[400];
        char text[4000];

        (void)state;
        for (size_t i = 0; i + 1 < sizeof pattern; i++)
                pattern[i] = i % 2 == 0 ? '*' : 'a';
        memset(text, 'a', sizeof text);
        assert_false(pattern_matches((struct str){ pattern, sizeof pattern - 1 },
                                     (struct str){ "b", 1 }));
        pattern[sizeof pattern - 1] = 'b';
        assert_false(pattern_matches((struct str){ pattern, sizeof pattern },
                                     (struct str){ text, sizeof text }));
}

static bool list_matches(const char *list, const char *text)
{
        return pattern_list_matches(str_of(list), str_of(text));
}

static void what_a_list_excludes_is_out_wherever_it_stands(void **state)
{
        (void)state;
        assert_true(list_matches("a,web*", "web1"));
        assert_false(list_matches("a,b", "web1"));
        assert_false(list_matches("", "web1"));
        assert_false(list_matches("web*,!web1", "web1"));
        assert_false(list_matches("!web1,web*", "web1"));
        assert_true(list_matches("!web1,web*", "web2"));
        assert_false(list_matches("!web1", "web2"));
        assert_true(list_matches(",,web1,", "web1"));
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(a_pattern_is_of_the_whole_text),
                cmocka_unit_test(stars_and_question_marks),
                cmocka_unit_test(many_stars_take_no_time),
                cmocka_unit_test(what_a_list_excludes_is_out_wherever_it_stands),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
