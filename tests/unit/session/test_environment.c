#include "base/alloc.h"
#include "base/buf.h"
#include "base/scoped.h"
#include "session/config/environment.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define TEXT_MAX 4096

static struct ssh_config config;

static char *environ_now[ENVIRONMENT_MAX];
static const char *const variables[] = {
        "HOME=/h", "LANG=C.UTF-8", "LC_TIME=de", "LCX=1", "BAD-NAME=1", "1ST=1", "EMPTY=", NULL,
};

static bool write_one(void *arg, struct str name, struct str value)
{
        return buf_printf(arg, "%.*s=%.*s;", (int)name.len, name.ptr, (int)value.len, value.ptr);
}

static void add(struct word_list *list, const char *word)
{
        list->words[list->count++] = xstrdup(word);
}

static void assert_sent(const char *expected)
{
        scoped_buf struct buf text;

        buf_init(&text, TEXT_MAX);
        assert_true(environment_each(&config, environ_now, write_one, &text));
        assert_string_equal(text.len > 0 ? (char *)text.data : "", expected);
}

static int fill_environ(void **state)
{
        (void)state;
        for (size_t i = 0; variables[i] != NULL; i++)
                environ_now[i] = xstrdup(variables[i]);
        return 0;
}

static int empty_environ(void **state)
{
        (void)state;
        for (size_t i = 0; environ_now[i] != NULL; i++)
                free(environ_now[i]);
        return 0;
}

static int forget(void **state)
{
        (void)state;
        for (unsigned i = 0; i < CONFIG_WORDS_MAX; i++) {
                free(config.send_env.words[i]);
                free(config.set_env.words[i]);
        }
        config = (struct ssh_config){ 0 };
        return 0;
}

static void nothing_is_sent_unasked(void **state)
{
        (void)state;
        assert_sent("");
}

static void patterns_pick_from_our_environment(void **state)
{
        (void)state;
        add(&config.send_env, "LANG");
        add(&config.send_env, "LC_*");
        add(&config.send_env, "NONE");
        add(&config.send_env, "EMPT?");
        assert_sent("LANG=C.UTF-8;LC_TIME=de;EMPTY=;");
}

static void what_is_no_name_is_not_sent(void **state)
{
        (void)state;
        add(&config.send_env, "*");
        assert_sent("HOME=/h;LANG=C.UTF-8;LC_TIME=de;LCX=1;EMPTY=;");
}

static void a_set_value_wins_and_the_first_one_counts(void **state)
{
        (void)state;
        add(&config.send_env, "LANG");
        add(&config.set_env, "LANG=fr");
        add(&config.set_env, "A=x y=z");
        add(&config.set_env, "A=2");
        add(&config.set_env, "no-name=1");
        add(&config.set_env, "=");
        assert_sent("LANG=fr;A=x y=z;");
}

static bool refuse(void *arg, struct str name, struct str value)
{
        (void)arg;
        (void)name;
        (void)value;
        return false;
}

static void a_refusal_ends_it(void **state)
{
        (void)state;
        add(&config.set_env, "A=1");
        assert_false(environment_each(&config, environ_now, refuse, NULL));
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test_teardown(nothing_is_sent_unasked, forget),
                cmocka_unit_test_teardown(patterns_pick_from_our_environment, forget),
                cmocka_unit_test_teardown(what_is_no_name_is_not_sent, forget),
                cmocka_unit_test_teardown(a_set_value_wins_and_the_first_one_counts, forget),
                cmocka_unit_test_teardown(a_refusal_ends_it, forget),
        };

        return cmocka_run_group_tests(tests, fill_environ, empty_environ);
}
