#include "base/buf.h"
#include "session/digest.h"
#include "session/host_key/host_key_algorithms.h"
#include "session/host_key/host_keys.h"
#include "session/host_key/known_hosts.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#define KEY   "AAAAC3NzaC1lZDI1NTE5AAAAIO5VU8JRhTC5U7QbNvgnR9OA5o92Zmo7j/LRdsGu4vzc"
#define OTHER "AAAAC3NzaC1lZDI1NTE5AAAAIAai9wxqPCO9SA8kTYazScTRqHDzN0yJdJpsEWJtktX1"
#define ECDSA                                                                                      \
        "AAAAE2VjZHNhLXNoYTItbmlzdHAyNTYAAAAIbmlzdHAyNTYAAABBBFfYkUSY2BnoA7rLboYPv0SQ3hqfxXa6HOT0" \
        "4"                                                                                        \
        "M3YbPo2CamsJK4oBx5+iTFN2T6XL0XOHGjYtJGc3al3XzZeWxU="
#define ED "ssh-ed25519 "

/* "web" and "[web]:2222" as ssh-keygen -H writes them */
#define HASHED      "|1|Hq0ACiOL5z1ZSr7ajE7zySUrTBE=|/rAxH5dzMCLqcaP6k1wsqggVr9g="
#define HASHED_PORT "|1|nLN4+LsavTnCBLfrQSPY9yl8BI4=|Bhg6Jhb9DPZYsVjEJt6w0iZhwkk="

static size_t decode(const char *text, char *out)
{
        static const char digits[] =
                "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
        size_t len = 0;
        unsigned group = 0;

        for (size_t i = 0; text[i] != 0 && text[i] != '='; i++) {
                group = group << 6 | (unsigned)(strchr(digits, text[i]) - digits);
                if (i % 4 == 0)
                        continue;
                out[len++] = (char)(group >> (6 - 2 * (i % 4)));
        }
        return len;
}

struct question {
        const char *text;
        const char *name;
        enum known_verdict verdict;
        unsigned line;
};

static void verdicts_are_those_of_openssh(void **state)
{
        static const struct question cases[] = {
                { "", "web", KNOWN_UNKNOWN, 0 },
                { "web " ED KEY "\n", "web", KNOWN_OK, 1 },
                { "web " ED KEY, "web", KNOWN_OK, 1 },
                { "web " ED KEY "\r\n", "web", KNOWN_OK, 1 },
                { "# c\n\n  web\t" ED KEY " some comment\n", "web", KNOWN_OK, 3 },
                { "#web " ED KEY "\n", "web", KNOWN_UNKNOWN, 0 },
                { "WEB " ED KEY "\n", "web", KNOWN_OK, 1 },
                { "web " ED OTHER "\n", "web", KNOWN_CHANGED, 1 },
                { "web ecdsa-sha2-nistp256 " ECDSA "\n", "web", KNOWN_CHANGED,
                  1 }, /* another type, too */
                { "web " ED OTHER "\nweb " ED KEY "\n", "web", KNOWN_OK, 2 },
                { "web " ED KEY "\nweb " ED OTHER "\n", "web", KNOWN_OK, 1 },
                { "[web]:2222 " ED KEY "\n", "web", KNOWN_UNKNOWN, 0 },
                { "[web]:2222 " ED KEY "\n", "[web]:2222", KNOWN_OK, 1 },
                { "web " ED KEY "\n", "[web]:2222", KNOWN_UNKNOWN, 0 },
                { "db,web,192.0.2.1 " ED KEY "\n", "web", KNOWN_OK, 1 },
                { "db,web,192.0.2.1 " ED KEY "\n", "192.0.2.1", KNOWN_OK, 1 },
                { "*.example.org " ED KEY "\n", "a.example.org", KNOWN_OK, 1 },
                { "*.example.org " ED KEY "\n", "example.org", KNOWN_UNKNOWN, 0 },
                { "w?b " ED KEY "\n", "web", KNOWN_OK, 1 },
                { "w*b* " ED KEY "\n", "web", KNOWN_OK, 1 },
                { "*,!web " ED KEY "\n", "web", KNOWN_UNKNOWN, 0 },
                { "!web,* " ED KEY "\n", "web", KNOWN_UNKNOWN, 0 },
                { "!db,* " ED KEY "\n", "web", KNOWN_OK, 1 },
                { "!db " ED KEY "\n", "web", KNOWN_UNKNOWN, 0 },
                { HASHED " " ED KEY "\n", "web", KNOWN_OK, 1 },
                { HASHED " " ED OTHER "\n", "web", KNOWN_CHANGED, 1 },
                { HASHED " " ED KEY "\n", "db", KNOWN_UNKNOWN, 0 },
                { HASHED_PORT " " ED KEY "\n", "[web]:2222", KNOWN_OK, 1 },
                { "|1|broken| " ED KEY "\n", "web", KNOWN_UNKNOWN, 0 },
                { "|2|a|b " ED KEY "\n", "web", KNOWN_UNKNOWN, 0 },
                { "@revoked web " ED KEY "\n", "web", KNOWN_REVOKED, 1 },
                { "web " ED KEY "\n@revoked * " ED KEY "\n", "web", KNOWN_REVOKED, 2 },
                { "@revoked * " ED KEY "\nweb " ED KEY "\n", "web", KNOWN_REVOKED, 1 },
                { "@revoked * " ED OTHER "\nweb " ED KEY "\n", "web", KNOWN_OK, 2 },
                { "@revoked * " ED OTHER "\n", "web", KNOWN_UNKNOWN, 0 },
                { "@cert-authority * " ED KEY "\n", "web", KNOWN_UNKNOWN, 0 },
                { "@unheard-of web " ED KEY "\n", "web", KNOWN_UNKNOWN, 0 },
                { "web\nweb ssh-ed25519\nweb " ED "%%%%\nweb " ED KEY "\n", "web", KNOWN_OK, 4 },
                { "web ssh-rsa " KEY "\n", "web", KNOWN_UNKNOWN,
                  0 }, /* the key says another type */
                { "web 1024 35 12345\n", "web", KNOWN_UNKNOWN, 0 },
                { "web unknown-type AAAA\n", "web", KNOWN_UNKNOWN, 0 },
        };
        char blob[256];
        struct str key = { blob, decode(KEY, blob) };

        (void)state;
        assert_int_equal(key.len, 51);
        for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
                struct known_finding found =
                        known_hosts_check(str_of(cases[i].text), cases[i].name, key);
                if (found.verdict != cases[i].verdict || found.line != cases[i].line)
                        fail_msg("case %zu: verdict %d, line %u", i, found.verdict, found.line);
        }
}

static void an_authority_is_noticed(void **state)
{
        char blob[256];
        struct str key = { blob, decode(KEY, blob) };
        struct known_finding found =
                known_hosts_check(str_of("db " ED KEY "\n@cert-authority *.org " ED OTHER "\n"),
                                  "a.org", key);

        (void)state;
        assert_int_equal(found.verdict, KNOWN_UNKNOWN);
        assert_int_equal(found.ca_line, 2);
}

static void a_pattern_takes_linear_time(void **state)
{
        static char text[64 * 1024];
        char blob[256];
        char name[254];
        struct str key = { blob, decode(KEY, blob) };

        (void)state;
        memset(name, 'a', sizeof name - 1);
        name[sizeof name - 1] = 0;
        for (size_t i = 0; i < 60000; i++)
                text[i] = "*a"[i % 2];
        (void)snprintf(text + 60000, sizeof text - 60000, "b " ED KEY "\n");
        assert_int_equal(known_hosts_check(str_of(text), name, key).verdict, KNOWN_UNKNOWN);
}

static void known_types_come_first(void **state)
{
        static const struct {
                unsigned known;
                const char *configured;
                const char *list;
        } cases[] = {
                { 0, NULL,
                  "ssh-ed25519,ecdsa-sha2-nistp256,ecdsa-sha2-nistp384,ecdsa-sha2-nistp521,rsa-"
                  "sha2-512,"
                  "rsa-sha2-256" },
                { 1u << KEY_RSA, NULL,
                  "rsa-sha2-512,rsa-sha2-256,ssh-ed25519,ecdsa-sha2-nistp256,ecdsa-sha2-nistp384,"
                  "ecdsa-sha2-nistp521" },
                { 1u << KEY_ECDSA_256, "rsa-sha2-512,ssh-dss,ecdsa-sha2-nistp256",
                  "ecdsa-sha2-nistp256,rsa-sha2-512" },
                { 0, "ssh-rsa", "ssh-rsa" },
                { 1u << KEY_OTHER, "ssh-dss",
                  "ssh-ed25519,ecdsa-sha2-nistp256,ecdsa-sha2-nistp384,ecdsa-sha2-nistp521,rsa-"
                  "sha2-512,"
                  "rsa-sha2-256" },
        };

        (void)state;
        for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
                char *list = host_key_algorithms_for(cases[i].known, cases[i].configured);
                assert_string_equal(list, cases[i].list);
                free(list);
        }
        assert_int_equal(known_hosts_types(str_of("web " ED KEY "\nweb ecdsa-sha2-nistp256 " ECDSA
                                                  "\n@revoked web " ED OTHER "\ndb " ED KEY "\n"),
                                           "web"),
                         1u << KEY_ED25519 | 1u << KEY_ECDSA_256);
}

static void names_have_the_port_where_it_is_not_22(void **state)
{
        char *plain = known_hosts_name("Web", 22);
        char *with_port = known_hosts_name("::1", 2222);

        (void)state;
        assert_string_equal(plain, "web");
        assert_string_equal(with_port, "[::1]:2222");
        free(plain);
        free(with_port);
}

/* ---- over files ---- */

static char dir[64];

static void write_file(const char *name, const char *text)
{
        char path[128];

        (void)snprintf(path, sizeof path, "%s/%s", dir, name);
        FILE *file = fopen(path, "w");
        assert_non_null(file);
        assert_true(fputs(text, file) >= 0);
        assert_int_equal(fclose(file), 0);
}

static bool check(const char *first, const char *second, const char *alias, int port,
                  struct err *err)
{
        char a[128];
        char b[128];
        char text[512];
        char blob[256];
        char home_dir[] = "/nowhere";
        struct home home = { home_dir, home_dir, home_dir, false };
        struct str key = { blob, decode(KEY, blob) };
        struct host_keys_place place = {
                .host = "web", .alias = alias, .user = "bob", .typed = "bob@web", .port = port
        };
        bool is_new;
        struct host_keys *keys = NULL;
        struct ssh_config *config = NULL;

        (void)snprintf(a, sizeof a, "%s/%s", dir, first);
        (void)snprintf(b, sizeof b, "%s/%s", dir, second);
        (void)snprintf(
                text, sizeof text,
                "hostname web\nuser bob\nport 22\nuserknownhostsfile %s\nglobalknownhostsfile %s\n",
                a, b);
        assert_true(ssh_config_parse(&config, str_of(text), err));
        bool ok = host_keys_load(&keys, config, &place, &home, err)
                  && host_keys_check(keys, HOST_KEY_STRICT, key, &is_new, err);
        host_keys_free(keys);
        ssh_config_free(config);
        return ok;
}

static void errors_say_where_and_what_to_do(void **state)
{
        struct err err = { 0 };

        (void)state;
        assert_false(check("none", "none", NULL, 2222, &err));
        assert_int_equal(err.code, ERR_HOST_KEY);
        assert_non_null(
                strstr(err.text, "ssh-ed25519 SHA256:2cAak+Z76fomnca2Wg2lxF9dqTG3xTUhmVmzx8aoRrw"));
        assert_non_null(strstr(err.text, "ssh -p 2222 -o UserKnownHostsFile='"));
        assert_non_null(strstr(err.text, " bob@web`)"));
        write_file("user", "# x\nweb " ED OTHER "\n");
        assert_false(check("user", "none", NULL, 22, &err));
        assert_non_null(strstr(err.text, "/user:2"));
        assert_non_null(strstr(err.text, "ssh-keygen -R 'web' -f '"));
        write_file("global", "@revoked * " ED KEY "\n");
        assert_false(check("user", "global", NULL, 22, &err));
        assert_non_null(strstr(err.text, "REVOKED"));
        assert_non_null(strstr(err.text, "/global:1"));
}

static void any_file_may_know_the_host(void **state)
{
        struct err err = { 0 };

        (void)state;
        write_file("user", "web " ED OTHER "\n");
        write_file("global", "web " ED KEY "\n");
        assert_true(check("user", "global", NULL, 22, &err));
        assert_true(check("none", "global", NULL, 2222, &err)); /* as OpenSSH: without its port */
        assert_false(check("none", "global", "alias", 22, &err));
        write_file("user", "alias " ED KEY "\n");
        assert_true(check("user", "none", "Alias", 2222, &err));
        write_file("user", "[web]:2222 " ED OTHER "\n");
        assert_false(check("user", "global", NULL, 2222, &err));
}

static void a_file_that_cannot_be_judged_is_refused(void **state)
{
        char path[128];
        struct err err = { 0 };

        (void)state;
        write_file("global", "web " ED KEY "\n");
        (void)snprintf(path, sizeof path, "%s/fifo", dir);
        assert_int_equal(mkfifo(path, 0600), 0);
        assert_false(check("fifo", "global", NULL, 22, &err));
        assert_int_equal(err.code, ERR_HOST_KEY);
        assert_non_null(strstr(err.text, "not a regular file"));
        (void)snprintf(path, sizeof path, "%s/huge", dir);
        write_file("huge", "");
        assert_int_equal(truncate(path, 5 * 1024 * 1024), 0);
        assert_false(check("huge", "global", NULL, 22, &err));
        assert_non_null(strstr(err.text, "larger than"));
}

static int make_dir(void **state)
{
        (void)state;
        (void)snprintf(dir, sizeof dir, "/tmp/mcp-ssh-test.XXXXXX");
        return mkdtemp(dir) == NULL;
}

static int remove_dir(void **state)
{
        static const char *const names[] = { "user", "global", "fifo", "huge" };
        char path[128];

        (void)state;
        for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
                (void)snprintf(path, sizeof path, "%s/%s", dir, names[i]);
                (void)unlink(path);
        }
        return rmdir(dir);
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(verdicts_are_those_of_openssh),
                cmocka_unit_test(an_authority_is_noticed),
                cmocka_unit_test(a_pattern_takes_linear_time),
                cmocka_unit_test(known_types_come_first),
                cmocka_unit_test(names_have_the_port_where_it_is_not_22),
                cmocka_unit_test_setup_teardown(errors_say_where_and_what_to_do, make_dir,
                                                remove_dir),
                cmocka_unit_test_setup_teardown(any_file_may_know_the_host, make_dir, remove_dir),
                cmocka_unit_test_setup_teardown(a_file_that_cannot_be_judged_is_refused, make_dir,
                                                remove_dir),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
