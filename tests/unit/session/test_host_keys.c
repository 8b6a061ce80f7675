/* What is written into known_hosts, who is let in as new, pins and revocation. */
#include "base/buf.h"
#include "session/digest.h"
#include "session/host_key/fingerprints.h"
#include "session/host_key/host_keys.h"
#include "session/host_key/key_blob.h"
#include "session/host_key/known_hosts.h"
#include "session/host_key/known_hosts_file.h"
#include "session/host_key/revoked_keys.h"

#include <fcntl.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#define KEY   "AAAAC3NzaC1lZDI1NTE5AAAAIO5VU8JRhTC5U7QbNvgnR9OA5o92Zmo7j/LRdsGu4vzc"
#define OTHER "AAAAC3NzaC1lZDI1NTE5AAAAIAai9wxqPCO9SA8kTYazScTRqHDzN0yJdJpsEWJtktX1"
#define PRINT "SHA256:2cAak+Z76fomnca2Wg2lxF9dqTG3xTUhmVmzx8aoRrw"
#define PIN2  "SHA256:AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"
#define ED    "ssh-ed25519 "

static char dir[64];
static struct buf key; /* KEY decoded */

/* ---- pure ---- */

static void base64_goes_both_ways(void **state)
{
        static const char *const texts[] = { "",         "Zg==",     "Zm8=",    "Zm9v",
                                             "Zm9vYg==", "Zm9vYmE=", "Zm9vYmFy" }; /* RFC 4648 10 */

        (void)state;
        for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
                struct buf text;
                buf_init(&text, 100);
                assert_true(key_blob_to_base64((struct str){ "foobar", i }, &text));
                assert_int_equal(text.len, strlen(texts[i]));
                assert_memory_equal(text.len > 0 ? (char *)text.data : "", texts[i], text.len);
                buf_fini(&text);
        }
        assert_true(str_is(key_blob_type(buf_str(&key)), "ssh-ed25519"));
        assert_int_equal(key_blob_type((struct str){ "\0\0\0\x05"
                                                     "abcd",
                                                     8 })
                                 .len,
                         0);
        assert_int_equal(key_blob_type((struct str){ "\xff\xff\xff\xff", 4 }).len, 0);
        assert_int_equal(key_blob_type((struct str){ "\0\0", 2 }).len, 0);
}

static void a_line_says_what_was_meant(void **state)
{
        static const uint8_t salt[SHA1_LEN] = { 1, 2, 3 };
        struct buf line;

        (void)state;
        buf_init(&line, 1024);
        assert_true(known_hosts_write_line(&line, "[web]:2222", NULL, buf_str(&key)));
        assert_true(str_is(buf_str(&line), "[web]:2222 " ED KEY "\n"));
        buf_reset(&line);
        assert_true(known_hosts_write_line(&line, "[web]:2222", salt, buf_str(&key)));
        assert_true(str_starts(buf_str(&line), "|1|"));
        assert_null(memmem(line.data, line.len, "web", 3));
        assert_int_equal(known_hosts_check(buf_str(&line), "[web]:2222", buf_str(&key)).verdict,
                         KNOWN_OK);
        assert_int_equal(known_hosts_check(buf_str(&line), "web", buf_str(&key)).verdict,
                         KNOWN_UNKNOWN);
        buf_fini(&line);
        buf_init(&line, 30);
        assert_false(known_hosts_write_line(&line, "web", NULL, buf_str(&key)));
        buf_fini(&line);
}

static void only_plain_names_are_written(void **state)
{
        static const char *const bad[] = { "",     "a b",  "a,b",  "*",     "w?b",  "!web",
                                           "#web", "@web", "|1|x", "[web]", "a\nb", "a\tb" };

        (void)state;
        assert_true(known_hosts_may_write("web-1.example.org"));
        assert_true(known_hosts_may_write("2001:db8::1"));
        for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
                assert_false(known_hosts_may_write(bad[i]));
}

static void note_name(void *arg, unsigned line, struct str names)
{
        struct buf *out = arg;

        assert_true(buf_printf(out, "%u:%.*s;", line, (int)names.len, names.ptr));
}

static void other_names_of_a_key_are_found(void **state)
{
        struct buf found;

        (void)state;
        buf_init(&found, 1024);
        known_hosts_find_key(str_of("web " ED KEY "\na,b " ED KEY "\nc " ED OTHER
                                    "\n@revoked d " ED KEY
                                    "\n|1|Hq0ACiOL5z1ZSr7ajE7zySUrTBE=|/rAxH5dzMCLqcaP6k1wsqggVr9g="
                                    " " ED KEY "\n"),
                             "x", buf_str(&key), note_name, &found);
        assert_true(str_is(buf_str(&found), "1:web;2:a,b;5:[hashed name];"));
        buf_reset(&found);
        known_hosts_find_key(str_of("web " ED KEY "\nb " ED KEY "\n"), "web", buf_str(&key),
                             note_name, &found);
        assert_true(str_is(buf_str(&found), "2:b;"));
        buf_fini(&found);
}

static void fingerprints_have_a_grammar(void **state)
{
        static const char *const bad[] = { "",
                                           " , ",
                                           "SHA256:x",
                                           PRINT "=",
                                           PRINT " x",
                                           "yes",
                                           "MD5:0:1",
                                           PRINT ";" PIN2,
                                           "sha256:2cAak+Z76fomnca"
                                           "2Wg2lxF9dqTG3xTUhmVm"
                                           "zx8aoRrw" };

        (void)state;
        assert_true(fingerprints_are_valid(str_of(PRINT)));
        assert_true(fingerprints_are_valid(str_of(PRINT ", " PIN2 " ")));
        for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
                assert_false(fingerprints_are_valid(str_of(bad[i])));
        assert_true(fingerprints_have(str_of(PIN2 "," PRINT), PRINT));
        assert_false(fingerprints_have(str_of(PIN2), PRINT));
        assert_false(fingerprints_have(str_of(""), ""));
}

static void revoked_keys_are_found_and_garbage_is_not_passed_over(void **state)
{
        static const struct {
                const char *text;
                enum revoked_verdict verdict;
                unsigned line;
        } cases[] = {
                { "", REVOKED_NO, 0 },
                { "# c\n\n" ED OTHER " c\n", REVOKED_NO, 3 },
                { ED OTHER "\n" ED KEY, REVOKED_YES, 2 },
                { ED KEY "\nno key\n", REVOKED_YES, 1 },
                { "no key\n" ED KEY "\n", REVOKED_UNREADABLE, 1 },
                { "ssh-rsa " KEY "\n", REVOKED_UNREADABLE, 1 },
                { "ssh-ed25519-cert-v01@openssh.com AAAA\n", REVOKED_UNREADABLE, 1 },
                { "SSHKRL\n\1", REVOKED_BINARY, 0 },
        };

        (void)state;
        for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
                unsigned line = 0;
                assert_int_equal(revoked_keys_check(str_of(cases[i].text), buf_str(&key), &line),
                                 cases[i].verdict);
                assert_int_equal(line, cases[i].line);
        }
}

/* ---- over files ---- */

static char *in_dir(char path[128], const char *name)
{
        (void)snprintf(path, 128, "%s/%s", dir, name);
        return path;
}

static void write_file(const char *name, const char *text)
{
        char path[128];
        FILE *file = fopen(in_dir(path, name), "w");

        assert_non_null(file);
        assert_true(fputs(text, file) >= 0);
        assert_int_equal(fclose(file), 0);
}

static void file_is(const char *name, const char *text)
{
        char path[128];
        char got[2048];
        FILE *file = fopen(in_dir(path, name), "r");

        assert_non_null(file);
        size_t len = fread(got, 1, sizeof got - 1, file);
        got[len] = 0;
        (void)fclose(file);
        assert_string_equal(got, text);
}

static bool append(const char *name, const char *line, struct err *err)
{
        struct home home = { .dir = dir, .account = dir, .user = dir };
        char path[128];

        return known_hosts_append(in_dir(path, name), &home, str_of(line), err);
}

static void a_line_is_appended_and_nothing_else_touched(void **state)
{
        char path[128];
        struct stat is;
        struct err err;

        (void)state;
        assert_true(append(".ssh/new", "a\n", &err));
        file_is(".ssh/new", "a\n");
        assert_int_equal(stat(in_dir(path, ".ssh"), &is), 0);
        assert_int_equal(is.st_mode & 0777, 0700);
        assert_int_equal(stat(in_dir(path, ".ssh/new"), &is), 0);
        assert_int_equal(is.st_mode & 0777, 0600);
        write_file("open", "# \xff\r\nx");
        assert_true(append("open", "a\n", &err));
        file_is("open", "# \xff\r\nx\na\n");
        assert_true(append("open", "b\n", &err));
        file_is("open", "# \xff\r\nx\na\nb\n");
}

static void what_cannot_be_written_is_told(void **state)
{
        char path[128];
        char target[128];
        struct err err;

        (void)state;
        assert_false(append("missing/file", "a\n", &err));
        assert_int_equal(err.code, ERR_SYSTEM);
        assert_false(append(".", "a\n", &err));
        assert_int_equal(symlink(in_dir(target, "nowhere"), in_dir(path, "dangling")), 0);
        assert_false(append("dangling", "a\n", &err));
        assert_non_null(strstr(err.text, "symbolic link"));
        assert_int_not_equal(access(target, F_OK), 0);
        assert_int_equal(mkfifo(in_dir(path, "fifo"), 0600), 0);
        assert_false(append("fifo", "a\n", &err));
        assert_non_null(strstr(err.text, "not a regular file"));
        write_file("real", "");
        assert_int_equal(symlink(in_dir(target, "real"), in_dir(path, "link")), 0);
        assert_true(append("link", "a\n", &err));
        file_is("real", "a\n");
}

static void half_a_line_is_taken_back(void **state)
{
        struct rlimit was;
        struct err err;

        (void)state;
        write_file("full", "123456");
        assert_int_equal(getrlimit(RLIMIT_FSIZE, &was), 0);
        struct rlimit small = { 10, was.rlim_max };
        (void)signal(SIGXFSZ, SIG_IGN);
        assert_int_equal(setrlimit(RLIMIT_FSIZE, &small), 0);
        bool ok = append("full", "a line that is too long\n", &err);
        assert_int_equal(setrlimit(RLIMIT_FSIZE, &was), 0);
        assert_false(ok);
        assert_non_null(strstr(err.text, "space"));
        file_is("full", "123456");
}

struct place {
        const char *more; /* lines of ssh -G */
        const char *pins;
        const char *alias;
        int port;
};

static struct host_keys *load(const struct place *place, struct err *err)
{
        static struct home home = { .dir = dir, .account = dir, .user = dir };
        struct host_keys *keys = NULL;
        struct ssh_config *config = NULL;
        char text[1024];

        (void)snprintf(text, sizeof text,
                       "hostname web\nuser bob\nport 22\nuserknownhostsfile %s/known\n%s", dir,
                       place->more != NULL ? place->more : "");
        assert_true(ssh_config_parse(&config, str_of(text), err));
        struct host_keys_place at = { .host = "web",
                                      .alias = place->alias,
                                      .user = "bob",
                                      .typed = "bob@[x]",
                                      .ssh_config = "/a b/config",
                                      .pins = place->pins,
                                      .port = place->port != 0 ? place->port : 22 };
        bool ok = host_keys_load(&keys, config, &at, &home, err);
        ssh_config_free(config);
        return ok ? keys : NULL;
}

enum outcome { KNOWN, NEW, REFUSED };

static enum outcome outcome(const struct place *place, enum host_key_policy policy, struct err *err)
{
        struct host_keys *keys = load(place, err);
        bool is_new = false;

        if (keys == NULL)
                return REFUSED;
        bool ok = host_keys_check(keys, policy, buf_str(&key), &is_new, err);
        host_keys_free(keys);
        return !ok ? REFUSED : is_new ? NEW : KNOWN;
}

static void only_an_unknown_key_is_new(void **state)
{
        static const struct place web = { 0 };
        static const struct place web_port = { .port = 2222 };
        static const struct place odd = { .alias = "a*" };
        static const struct place none = { .more = "userknownhostsfile none\n" };
        struct err err;

        (void)state;
        write_file("known", "");
        assert_int_equal(outcome(&web, HOST_KEY_STRICT, &err), REFUSED);
        assert_non_null(
                strstr(err.text, "`mcp-ssh-session --ssh-config '/a b/config' trust 'bob@[x]'`"));
        assert_int_equal(outcome(&web, HOST_KEY_ACCEPT_NEW, &err), NEW);
        assert_int_equal(outcome(&odd, HOST_KEY_ACCEPT_NEW, &err), REFUSED);
        assert_non_null(strstr(err.text, "no file to add it to"));
        assert_int_equal(outcome(&none, HOST_KEY_STRICT, &err), REFUSED);
        write_file("known", "web " ED OTHER "\n");
        assert_int_equal(outcome(&web, HOST_KEY_ACCEPT_NEW, &err), REFUSED);
        assert_int_equal(outcome(&web_port, HOST_KEY_ACCEPT_NEW, &err), NEW);
        write_file("known", "@revoked web " ED KEY "\n");
        assert_int_equal(outcome(&web, HOST_KEY_ACCEPT_NEW, &err), REFUSED);
        assert_int_equal(outcome(&web_port, HOST_KEY_ACCEPT_NEW, &err), REFUSED);
        assert_non_null(strstr(err.text, "REVOKED"));
        write_file("known", "web " ED KEY "\n");
        assert_int_equal(outcome(&web, HOST_KEY_ACCEPT_NEW, &err), KNOWN);
}

static void pins_replace_known_hosts_but_for_revoked_keys(void **state)
{
        static const struct place good = { .pins = PIN2 "," PRINT };
        static const struct place bad = { .pins = PIN2 };
        struct err err;

        (void)state;
        write_file("known", "web " ED OTHER "\n");
        assert_int_equal(outcome(&good, HOST_KEY_STRICT, &err), KNOWN);
        write_file("known", "web " ED KEY "\n");
        assert_int_equal(outcome(&bad, HOST_KEY_ACCEPT_NEW, &err), REFUSED);
        assert_non_null(strstr(err.text, "not the pinned one"));
        write_file("known", "@revoked * " ED KEY "\n");
        assert_int_equal(outcome(&good, HOST_KEY_STRICT, &err), REFUSED);
        assert_non_null(strstr(err.text, "REVOKED"));
}

static void a_missing_revocation_file_refuses(void **state)
{
        static const struct place place = { .more = "revokedhostkeys /nonexistent/revoked\n" };
        struct err err;

        (void)state;
        write_file("known", "web " ED KEY "\n");
        assert_int_equal(outcome(&place, HOST_KEY_STRICT, &err), REFUSED);
        assert_non_null(strstr(err.text, "/nonexistent/revoked"));
}

static void a_key_of_a_kind_that_is_not_asked_for_is_refused(void **state)
{
        static const struct place web = { 0 };
        static const char dsa[] = "\0\0\0\7ssh-dss....";
        struct host_keys *keys;
        struct err err;
        bool is_new;

        (void)state;
        write_file("known", "");
        keys = load(&web, &err);
        assert_false(host_keys_check(keys, HOST_KEY_ACCEPT_NEW, (struct str){ dsa, sizeof dsa - 1 },
                                     &is_new, &err));
        assert_non_null(strstr(err.text, "not supported"));
        assert_false(host_keys_check(keys, HOST_KEY_ACCEPT_NEW, (struct str){ "\xff", 1 }, &is_new,
                                     &err));
        host_keys_free(keys);
}

static void another_program_may_have_been_quicker(void **state)
{
        static const struct place web = { 0 };
        struct host_keys *keys;
        struct err err = { 0 };

        (void)state;
        write_file("known", "");
        keys = load(&web, &err);
        write_file("known", "web " ED OTHER "\n");
        assert_false(host_keys_add(keys, buf_str(&key), &err));
        assert_int_equal(err.code, ERR_HOST_KEY);
        file_is("known", "web " ED OTHER "\n");
        write_file("known", "web " ED KEY "\n");
        assert_true(host_keys_add(keys, buf_str(&key), &err));
        file_is("known", "web " ED KEY "\n");
        write_file("known", "# x");
        assert_true(host_keys_add(keys, buf_str(&key), &err));
        file_is("known", "# x\nweb " ED KEY "\n");
        char *note = host_keys_note_new(keys, buf_str(&key), NULL);
        assert_non_null(strstr(note, PRINT));
        assert_non_null(strstr(note, "/known"));
        free(note);
        host_keys_free(keys);
}

static void what_decides_is_part_of_the_basis(void **state)
{
        static const char *const texts[] = { "", "hostkeyalias x\n", "userknownhostsfile /a\n",
                                             "globalknownhostsfile /b\n", "revokedhostkeys /c\n" };
        char *basis[8];
        struct ssh_config *config;
        struct err err;
        size_t count = 0;

        (void)state;
        for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
                char text[256];
                (void)snprintf(text, sizeof text, "hostname web\nuser bob\nport 22\n%s", texts[i]);
                assert_true(ssh_config_parse(&config, str_of(text), &err));
                basis[count++] = host_keys_basis(config, HOST_KEY_STRICT, NULL);
                if (i == 0) {
                        basis[count++] = host_keys_basis(config, HOST_KEY_ACCEPT_NEW, NULL);
                        basis[count++] = host_keys_basis(config, HOST_KEY_STRICT, PRINT);
                }
                ssh_config_free(config);
        }
        for (size_t i = 0; i < count; i++)
                for (size_t k = 0; k < i; k++)
                        assert_string_not_equal(basis[i], basis[k]);
        for (size_t i = 0; i < count; i++)
                free(basis[i]);
}

static int make_dir(void **state)
{
        (void)state;
        (void)snprintf(dir, sizeof dir, "/tmp/mcp-ssh-test.XXXXXX");
        buf_init(&key, KEY_BLOB_MAX);
        return mkdtemp(dir) == NULL || !key_blob_from_base64(str_of(KEY), &key);
}

static int remove_dir(void **state)
{
        static const char *const files[] = { ".ssh/new", ".ssh", "open", "dangling", "fifo",
                                             "real",     "link", "full", "known" };
        char path[128];

        (void)state;
        for (size_t i = 0; i < sizeof files / sizeof *files; i++)
                (void)remove(in_dir(path, files[i]));
        buf_fini(&key);
        return rmdir(dir);
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(base64_goes_both_ways),
                cmocka_unit_test(a_line_says_what_was_meant),
                cmocka_unit_test(only_plain_names_are_written),
                cmocka_unit_test(other_names_of_a_key_are_found),
                cmocka_unit_test(fingerprints_have_a_grammar),
                cmocka_unit_test(revoked_keys_are_found_and_garbage_is_not_passed_over),
                cmocka_unit_test(a_line_is_appended_and_nothing_else_touched),
                cmocka_unit_test(what_cannot_be_written_is_told),
                cmocka_unit_test(half_a_line_is_taken_back),
                cmocka_unit_test(only_an_unknown_key_is_new),
                cmocka_unit_test(pins_replace_known_hosts_but_for_revoked_keys),
                cmocka_unit_test(a_missing_revocation_file_refuses),
                cmocka_unit_test(a_key_of_a_kind_that_is_not_asked_for_is_refused),
                cmocka_unit_test(another_program_may_have_been_quicker),
                cmocka_unit_test(what_decides_is_part_of_the_basis),
        };

        return cmocka_run_group_tests(tests, make_dir, remove_dir);
}
