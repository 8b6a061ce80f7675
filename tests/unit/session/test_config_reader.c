#include "base/alloc.h"
#include "base/scoped.h"
#include "session/config/config_reader.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static char host_name[] = "web1";
static char user_name[] = "bob";
static char home_dir[] = "/home/me";
static char account[] = "me";

static const struct home home = { .dir = home_dir, .account = home_dir, .user = account };
static struct target target = { .host = host_name };
static const char *included; /* the text of every Include; NULL: it means nothing */
static struct err err;

static bool include(void *arg, struct config_reader *reader, const char *pattern, struct err *why)
{
        (void)arg;
        (void)pattern;
        return included == NULL || config_reader_take(reader, str_of(included), why);
}

/* What is said for web1; NULL: it failed, see err. Yours, free(). */
static char *read_for_web1(const char *text)
{
        const struct config_reader_host host = { &target, &home, include, NULL };
        struct config_reader *reader = config_reader_new(&host);
        char *said = NULL;

        err = (struct err){ 0 };
        if (config_reader_take(reader, str_of(text), &err)) {
                struct str lines = config_reader_finish(reader);
                said = xstrndup(lines.ptr, lines.len);
        }
        config_reader_free(reader);
        return said;
}

static void assert_says(const char *text, const char *line)
{
        scoped_free char *said = read_for_web1(text);
        scoped_free char *whole = xasprintf("%s\n", line);

        assert_non_null(said);
        const char *at = strstr(said, whole);
        if (at == NULL || (at != said && at[-1] != '\n'))
                fail_msg("no line \"%s\" in:\n%s", line, said);
}

static void assert_says_not(const char *text, const char *part)
{
        scoped_free char *said = read_for_web1(text);

        assert_non_null(said);
        if (strstr(said, part) != NULL)
                fail_msg("\"%s\" in:\n%s", part, said);
}

static int forget(void **state)
{
        (void)state;
        target = (struct target){ .host = host_name };
        included = NULL;
        return 0;
}

static void an_empty_file_leaves_the_defaults(void **state)
{
        (void)state;
        assert_says("", "hostname web1");
        assert_says("", "user me");
        assert_says("", "port 22");
        assert_says("", "identityfile ~/.ssh/id_ed25519");
        assert_says("# Port 3\n\n   \n", "port 22");
}

static void the_first_value_counts(void **state)
{
        (void)state;
        assert_says("Host web*\n Port 1\nHost *\n Port 2\n", "port 1");
        assert_says("Port 7\nHost web1\n Port 1\n", "port 7");
        assert_says("Host other\n Port 1\nHost *\n Port 2\n", "port 2");
}

static void identity_files_add_up(void **state)
{
        (void)state;
        assert_says("IdentityFile ~/a b\nIdentityFile \"/c d\"\n", "identityfile ~/a b");
        assert_says("IdentityFile ~/a b\nIdentityFile \"/c d\"\n", "identityfile /c d");
        assert_says_not("IdentityFile ~/a\n", "id_rsa");
}

static void patterns_negate(void **state)
{
        (void)state;
        assert_says("Host !web1 *\n Port 1\n", "port 22");
        assert_says("Host * !web2\n Port 1\n", "port 1");
        assert_says("Host a \"web1\"\n Port 1\n", "port 1");
}

static void all_ways_of_writing_a_line(void **state)
{
        (void)state;
        assert_says("PORT=5\n", "port 5");
        assert_says("port = 5\n", "port 5");
        assert_says("  Port\t\"5\" # five\n", "port 5");
        assert_says("Port 5\r\n", "port 5");
        assert_says("Port\nPort 6\n", "port 6");
}

static void a_host_name_may_hold_the_name_as_given(void **state)
{
        (void)state;
        assert_says("HostName %h.example.org\n", "hostname web1.example.org");
        assert_says("HostName a%%b\n", "hostname a%b");
        assert_null(read_for_web1("HostName %x\n"));
        assert_int_equal(err.code, ERR_CONNECT);
}

static void match_asks_for_what_is_known_here(void **state)
{
        (void)state;
        assert_says("Match all\n Port 1\n", "port 1");
        assert_says("Match originalhost web1,x\n Port 1\n", "port 1");
        assert_says("Match originalhost !web1,*\n Port 1\n", "port 22");
        assert_says("HostName real\nMatch host real\n Port 1\n", "port 1");
        assert_says("Match localuser me user me\n Port 1\n", "port 1");
        assert_says("Match user bob\n Port 1\n", "port 22");
        assert_says("Match !user bob\n Port 1\n", "port 1");
        assert_says("Match canonical\n Port 1\nMatch !final\n Port 2\n", "port 2");
        target.user = user_name;
        assert_says("Match user bob\n Port 1\n", "port 1");
}

static void what_only_ssh_can_judge_is_an_error(void **state)
{
        (void)state;
        assert_null(read_for_web1("Match exec true\n Port 1\n"));
        assert_non_null(strstr(err.text, "Match exec"));
        assert_null(read_for_web1("Match host\n"));
        assert_says("Match user bob exec true\n Port 1\n", "port 22"); /* not asked any more */
}

static void the_call_comes_first(void **state)
{
        (void)state;
        target.user = user_name;
        target.port = 2222;
        assert_says("User alice\nPort 1\n", "user bob");
        assert_says("User alice\nPort 1\n", "port 2222");
        assert_says_not("User alice\nPort 1\n", "alice");
}

static void the_proxy_that_was_said_first_counts(void **state)
{
        (void)state;
        assert_says("ProxyJump a,b\nProxyCommand nc %h %p\n", "proxyjump a,b");
        assert_says_not("ProxyJump a,b\nProxyCommand nc %h %p\n", "proxycommand");
        assert_says("ProxyCommand nc -x \"a b\" %h %p\nProxyJump a\n",
                    "proxycommand nc -x \"a b\" %h %p");
}

static void an_include_stands_where_it_is_written(void **state)
{
        (void)state;
        included = "Port 9\nHost other\n Compression yes\n";
        assert_says("Include x\nPort 1\n", "port 9");
        assert_says_not("Include x\n", "compression");
        assert_says("Host web1\n Include x\n User ann\n", "user ann");
        assert_says("Host other\n Include x\n", "port 22");
}

static void includes_have_an_end(void **state)
{
        (void)state;
        included = "Include again\n";
        assert_null(read_for_web1("Include x\n"));
        assert_non_null(strstr(err.text, "deep"));
        included = "";
        scoped_free char *many = xcalloc(1, CONFIG_READER_FILES_MAX * 10 + 1);
        for (unsigned i = 0; i < CONFIG_READER_FILES_MAX; i++)
                memcpy(many + (size_t)i * 10, "Include x\n", 10);
        assert_null(read_for_web1(many));
        assert_non_null(strstr(err.text, "files"));
}

static void every_variable_of_a_line_is_set(void **state)
{
        (void)state;
        assert_says("SetEnv A=1 \"B=x y\"\nSetEnv C=3\n", "setenv A=1");
        assert_says("SetEnv A=1 \"B=x y\"\nSetEnv C=3\n", "setenv B=x y");
        assert_says_not("SetEnv A=1\nSetEnv C=3\n", "C=3");
        assert_says("SendEnv A\nSendEnv B\n", "sendenv B");
}

#define TEST(function) cmocka_unit_test_teardown(function, forget)

int main(void)
{
        const struct CMUnitTest tests[] = {
                TEST(an_empty_file_leaves_the_defaults),
                TEST(the_first_value_counts),
                TEST(identity_files_add_up),
                TEST(patterns_negate),
                TEST(all_ways_of_writing_a_line),
                TEST(a_host_name_may_hold_the_name_as_given),
                TEST(match_asks_for_what_is_known_here),
                TEST(what_only_ssh_can_judge_is_an_error),
                TEST(the_call_comes_first),
                TEST(the_proxy_that_was_said_first_counts),
                TEST(an_include_stands_where_it_is_written),
                TEST(includes_have_an_end),
                TEST(every_variable_of_a_line_is_set),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
