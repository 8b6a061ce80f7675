#include "base/regexp.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define MIB ((size_t)1024 * 1024)

/* What of the text is found; NULL: nothing. */
static const char *found(const char *pattern, const char *text)
{
        static char part[256];
        struct regexp_text line = { .text = str_of(text), .is_begin = true, .is_end = true };
        struct regexp *regexp = NULL;
        struct regexp_match match;
        uint64_t steps = 0;
        struct err err;

        if (!regexp_new(&regexp, str_of(pattern), &err))
                fail_msg("%s: %s", pattern, err.text);
        bool is_found = regexp_find(regexp, &line, &match, &steps);
        assert_true(steps <= (strlen(text) + 1) * REGEXP_STEPS * regexp_weight(regexp));
        regexp_free(regexp);
        if (!is_found)
                return NULL;
        assert_true(match.begin <= match.end && match.end <= strlen(text));
        memcpy(part, text + match.begin, match.end - match.begin);
        part[match.end - match.begin] = '\0';
        return part;
}

#define assert_finds(pattern, text, part)                                                          \
        do {                                                                                       \
                const char *got_ = found(pattern, text);                                           \
                if (got_ == NULL)                                                                  \
                        fail_msg("%s is not found in %s", pattern, text);                          \
                assert_string_equal(got_, part);                                                   \
        } while (0)
#define assert_no(pattern, text) assert_null(found(pattern, text))

static void literals_and_dots(void **state)
{
        (void)state;
        assert_finds("abc", "xxabcxx", "abc");
        assert_no("abc", "abxc");
        assert_finds("a.c", "a\xC3\xA4" "c", "a\xC3\xA4" "c"); /* one character, two bytes */
        assert_no("a.c", "ac");
        assert_finds("a\\.c", "abc a.c", "a.c");
        assert_finds("\\x41\\t", "xA\ty", "A\t");
        assert_finds("a{b", "xa{bx", "a{b");
        assert_finds("a{,2}", "a{,2}", "a{,2}");
        assert_finds("\xE2\x82\xAC\\d", "\xE2\x82\xAC" "5", "\xE2\x82\xAC" "5");
}

static void classes(void **state)
{
        (void)state;
        assert_finds("[a-c]x", "dx bx", "bx");
        assert_finds("[^a-c]x", "ax dx", "dx");
        assert_finds("[]a]+;", "]a];", "]a];");
        assert_finds("[^]]x", "]x yx", "yx");
        assert_finds("[a-]x", "-x", "-x");
        assert_finds("\\d\\d:\\d\\d", "at 12:34", "12:34");
        assert_finds("\\D\\W\\S", "1 1a b.c", "a b");
        assert_finds("[\\d.]+%", "done 12.5%", "12.5%");
        assert_finds("[[:upper:]_]+=", "x FOO_BAR=1", "FOO_BAR=");
        assert_finds("[\xC3\xA0-\xC3\xBC]", "x\xC3\xA4", "\xC3\xA4");
        assert_no("[^\\s\\S]", "anything");
        assert_no("\\d", "\xD9\xA1"); /* an Arabic digit: those of ASCII are meant */
}

static void anchors(void **state)
{
        (void)state;
        assert_finds("^ab", "ab", "ab");
        assert_no("^ab", "xab");
        assert_finds("ab$", "abab", "ab");
        assert_no("ab$", "abx");
        assert_finds("^$", "", "");
        assert_no("^$", "x");
        assert_finds("\\bcat\\b", "concat cat", "cat");
        assert_no("\\bcat\\b", "concat cats");
        assert_finds("\\Bcat", "concat", "cat");
}

static void groups_and_alternatives(void **state)
{
        (void)state;
        assert_finds("(foo|bar)baz", "xbarbaz", "barbaz");
        assert_finds("^(?:error|warning): ", "warning: x", "warning: ");
        assert_no("^(error|warning): ", "an error: x");
        assert_finds("a(|b)c", "xac", "ac");
        assert_finds("(((a)))", "a", "a");
}

static void repeats(void **state)
{
        (void)state;
        assert_finds("ab*c", "xac", "ac");
        assert_finds("ab+c", "ac abbc", "abbc");
        assert_finds("ab?c", "abbc abc", "abc");
        assert_finds("^a{3}$", "aaa", "aaa");
        assert_no("^a{3}$", "aaaa");
        assert_finds("^a{2,}$", "aaaaa", "aaaaa");
        assert_finds("^(ab){1,2}$", "abab", "abab");
        assert_no("^(ab){1,2}$", "ababab");
        assert_no("^a{0}$", "a");
        assert_finds("a.*?b", "xaccb", "accb");
        assert_finds("^(a*)*$", "aaa", "aaa");
        assert_finds("^(a|b|)*$", "abba", "abba");
}

static void capitals(void **state)
{
        (void)state;
        assert_finds("(?i)error [a-f]", "ERROR C", "ERROR C");
        assert_finds("(?i)[^x]Y", "xyXyzy", "zy");
        assert_no("error", "ERROR");
        assert_no("(?i)[@]", "`"); /* not a letter with another case */
}

static void what_ends_first_is_found(void **state)
{
        (void)state;
        assert_finds("abcd|bc", "abcd", "bc");
        assert_finds("a*b", "aaab", "aaab"); /* and of those what begins first */
        assert_finds("x|ax|aax", "aax", "aax");
}

static void a_match_may_have_to_end_later(void **state)
{
        struct regexp_text line = { .text = str_of("$ x $ "), .is_begin = true, .min_end = 3 };
        struct regexp *regexp = NULL;
        struct regexp_match match;
        uint64_t steps = 0;
        struct err err;

        (void)state;
        assert_true(regexp_new(&regexp, str_of("\\$ "), &err));
        assert_true(regexp_find(regexp, &line, &match, &steps));
        assert_int_equal(match.begin, 4);
        regexp_free(regexp);
        assert_true(regexp_new(&regexp, str_of("^.*x $"), &err));
        line.text.len = 4;
        assert_false(regexp_find(regexp, &line, &match, &steps)); /* the line goes on */
        line.is_end = true;
        assert_true(regexp_find(regexp, &line, &match, &steps));
        line.is_begin = false;
        assert_false(regexp_find(regexp, &line, &match, &steps));
        regexp_free(regexp);
}

static void wrong_patterns_are_explained(void **state)
{
        static const char *const cases[][2] = {
                { "", "empty" }, { "(a", "a ( has no )" }, { "a)", "a ) has no (" }, { "[a", "a [ has no ]" },
                { "*a", "nothing to repeat" }, { "a**", "one repeat follows another" }, { "a|+", "nothing to repeat" },
                { "(a)\\1", "back references" }, { "a(?=b)", "look-around" }, { "(?<!a)b", "look-around" },
                { "(?P<n>a)", "groups with ?" }, { "a\\", "backslash" }, { "\\q", "no such escape" }, { "a\\n", "without its end" },
                { "[z-a]", "range" }, { "[a-\\d]", "range" }, { "[[:nope:]]", "no such class" }, { "\\x4", "hexadecimal" },
                { "a{3,2}", "not above" }, { "a{501}", "500 at most" }, { "a{99999999999}", "500 at most" }, { "a\nb", "newline" },
                { "\xFF", "not UTF-8" }, { "(a{100}){100}", "more than 500 states" }, { "[abcdefghij]{400}", "states" },
                { "((((a{400}){400}){400}){400}){400}", "more than 500 states" }, { "a(?i)b", "beginning" },
        };
        struct regexp *regexp = NULL;
        char deep[2 * 60 + 1];

        (void)state;
        for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
                struct err err = { 0 };
                assert_false(regexp_new(&regexp, str_of(cases[i][0]), &err));
                if (strstr(err.text, cases[i][1]) == NULL)
                        fail_msg("%s: %s", cases[i][0], err.text);
                assert_true(err.code == ERR_INPUT || err.code == ERR_LIMIT);
        }
        memset(deep, '(', 60);
        memset(deep + 60, ')', 60);
        deep[120] = '\0';
        struct err err = { 0 };
        assert_false(regexp_new(&regexp, str_of(deep), &err));
        assert_non_null(strstr(err.text, "too deep"));
        assert_null(regexp);
}

/* Those that take a back-tracking matcher for ever: steps are counted, not time. */
static void hostile_patterns_take_linear_steps(void **state)
{
        static const char *const patterns[] = {
                "(a*)*b", "(x+x+)+y", "(a|a)*b", "(a|aa)+$", "^(([a-z])+.)+[A-Z]([a-z])+$", "(.*)(.*)(.*)(.*)=",
                "((a{0,20}){0,10})*b", "(a?){100}a{100}b", "(()*)*b", "((((){500}){500}){500}){500}b",
        };
        static const char fills[] = "ax";
        char *text = malloc(MIB);

        (void)state;
        assert_non_null(text);
        for (size_t i = 0; i < sizeof patterns / sizeof *patterns; i++)
                for (size_t fill = 0; fill < 2; fill++) {
                        struct regexp_text line = { .text = { text, i < 2 ? MIB : MIB / 16 } };
                        struct regexp *regexp = NULL;
                        struct regexp_match match;
                        uint64_t steps = 0;
                        struct err err = { 0 };

                        memset(text, fills[fill], MIB);
                        if (!regexp_new(&regexp, str_of(patterns[i]), &err))
                                fail_msg("%s: %s", patterns[i], err.text);
                        assert_false(regexp_find(regexp, &line, &match, &steps));
                        assert_true(steps <= (line.text.len + 1) * REGEXP_STEPS * regexp_weight(regexp));
                        regexp_free(regexp);
                }
        free(text);
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(literals_and_dots),
                cmocka_unit_test(classes),
                cmocka_unit_test(anchors),
                cmocka_unit_test(groups_and_alternatives),
                cmocka_unit_test(repeats),
                cmocka_unit_test(capitals),
                cmocka_unit_test(what_ends_first_is_found),
                cmocka_unit_test(a_match_may_have_to_end_later),
                cmocka_unit_test(wrong_patterns_are_explained),
                cmocka_unit_test(hostile_patterns_take_linear_steps),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
