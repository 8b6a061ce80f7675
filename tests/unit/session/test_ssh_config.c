#include "session/config/ssh_config.h"
#include "session/login/identities.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define MINIMUM "hostname web\nuser bob\nport 22\n"

static struct ssh_config *parse(const char *text)
{
        struct ssh_config *config = NULL;
        struct err err = { 0 };

        if (!ssh_config_parse(&config, str_of(text), &err))
                fail_msg("%s", err.text);
        return config;
}

static void a_real_output_is_read(void **state)
{
        struct ssh_config *config =
                parse("host web\nuser bob\nhostname web.example.org\nport 2222\n"
                      "addressfamily inet6\nbatchmode no\ncompression yes\n"
                      "identitiesonly yes\nstricthostkeychecking ask\n"
                      "serveraliveinterval 7\nserveralivecountmax 2\n"
                      "hostkeyalgorithms ssh-ed25519,rsa-sha2-512\nhostkeyalias w\n"
                      "identityagent none\nidentityfile ~/.ssh/my key\n"
                      "identityfile /keys/%r\nconnecttimeout 4\nproxyjump none\n"
                      "globalknownhostsfile /etc/a /etc/b\n"
                      "userknownhostsfile /home/bob/k h /tmp/kk ~/x\n"
                      "somethingnew 1 2 3\n\n");

        (void)state;
        assert_string_equal(config->hostname, "web.example.org");
        assert_string_equal(config->user, "bob");
        assert_int_equal(config->port, 2222);
        assert_int_equal(config->family, ADDRESS_INET6);
        assert_true(config->compression);
        assert_true(config->identities_only);
        assert_int_equal(config->keepalive_s, 7);
        assert_int_equal(config->keepalive_count, 2);
        assert_string_equal(config->host_key_algorithms, "ssh-ed25519,rsa-sha2-512");
        assert_string_equal(config->host_key_alias, "w");
        assert_string_equal(config->identity_agent, "none");
        assert_int_equal(config->identities.count, 2);
        assert_string_equal(config->identities.paths[0], "~/.ssh/my key");
        assert_int_equal(config->connect_timeout_s, 4);
        assert_null(config->proxy_jump);
        assert_null(config->proxy_command);
        assert_int_equal(config->global_known_hosts.count, 2);
        assert_int_equal(config->user_known_hosts.count, 3);
        assert_string_equal(config->user_known_hosts.paths[0], "/home/bob/k h");
        assert_string_equal(config->user_known_hosts.paths[2], "~/x");
        ssh_config_free(config);
}

static void proxies_are_noticed(void **state)
{
        struct ssh_config *config = parse(MINIMUM "proxyjump a,b\nproxycommand nc %h %p\n");

        (void)state;
        assert_string_equal(config->proxy_jump, "a,b");
        assert_string_equal(config->proxy_command, "nc %h %p");
        ssh_config_free(config);
        ssh_config_free(NULL);
}

static void the_long_tail_is_read(void **state)
{
        struct ssh_config *config =
                parse(MINIMUM "bindaddress 10.0.0.1\nbindinterface eth1\nproxyusefdpass yes\n"
                              "revokedhostkeys /etc/revoked ~/more\nhashknownhosts yes\n"
                              "stricthostkeychecking accept-new\nrequiredrsasize 3072\n"
                              "kexalgorithms curve25519-sha256\nciphers aes256-ctr\n"
                              "macs hmac-sha2-256\npubkeyacceptedalgorithms ssh-rsa\n"
                              "certificatefile ~/.ssh/a-cert.pub\ncertificatefile /b\n"
                              "preferredauthentications password,publickey\n"
                              "passwordauthentication no\nkbdinteractiveauthentication no\n"
                              "numberofpasswordprompts 1\n"
                              "sendenv LANG\nsendenv LC_*\nsetenv A=x y\nsetenv B=\n");

        (void)state;
        assert_string_equal(config->bind_address, "10.0.0.1");
        assert_string_equal(config->bind_interface, "eth1");
        assert_true(config->proxy_passes_fd);
        assert_int_equal(config->revoked_host_keys.count, 2);
        assert_string_equal(config->revoked_host_keys.paths[0], "/etc/revoked");
        assert_string_equal(config->revoked_host_keys.paths[1], "~/more");
        assert_true(config->hash_known_hosts);
        assert_int_equal(config->host_key_policy, HOST_KEY_ACCEPT_NEW);
        assert_int_equal(config->rsa_min_bits, 3072);
        assert_string_equal(config->kex_algorithms, "curve25519-sha256");
        assert_string_equal(config->ciphers, "aes256-ctr");
        assert_string_equal(config->macs, "hmac-sha2-256");
        assert_string_equal(config->public_key_algorithms, "ssh-rsa");
        assert_int_equal(config->certificates.count, 2);
        assert_string_equal(config->certificates.paths[0], "~/.ssh/a-cert.pub");
        assert_string_equal(config->auth_methods, "password,publickey");
        assert_true(config->no_passwords);
        assert_true(config->no_interactive);
        assert_int_equal(config->password_prompts, 1);
        assert_int_equal(config->send_env.count, 2);
        assert_string_equal(config->send_env.words[1], "LC_*");
        assert_int_equal(config->set_env.count, 2);
        assert_string_equal(config->set_env.words[0], "A=x y");
        assert_null(config->not_honoured);
        ssh_config_free(config);
}

static void a_policy_is_never_weaker_than_accept_new(void **state)
{
        static const struct {
                const char *value;
                enum host_key_policy policy;
        } cases[] = {
                { "ask", HOST_KEY_STRICT },         { "yes", HOST_KEY_STRICT },
                { "true", HOST_KEY_STRICT },        { "whatever", HOST_KEY_STRICT },
                { "no", HOST_KEY_ACCEPT_NEW },      { "false", HOST_KEY_ACCEPT_NEW },
                { "off", HOST_KEY_ACCEPT_NEW },     { "accept-new", HOST_KEY_ACCEPT_NEW },
        };

        (void)state;
        for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
                char text[128];
                (void)snprintf(text, sizeof text, MINIMUM "stricthostkeychecking %s\n",
                               cases[i].value);
                struct ssh_config *config = parse(text);
                assert_int_equal(config->host_key_policy, cases[i].policy);
                assert_true(config->host_key_checks_off
                            == (cases[i].policy == HOST_KEY_ACCEPT_NEW
                                && strcmp(cases[i].value, "accept-new") != 0));
                ssh_config_free(config);
        }
}

static void what_has_no_effect_is_named(void **state)
{
        struct ssh_config *config =
                parse(MINIMUM "knownhostscommand /bin/keys\nverifyhostkeydns false\n"
                              "checkhostip no\nsecuritykeyprovider internal\ntunnel false\n"
                              "remotecommand none\nrekeylimit 0 0\npkcs11provider /lib/p11.so\n");

        (void)state;
        assert_string_equal(config->not_honoured, "KnownHostsCommand, PKCS11Provider");
        ssh_config_free(config);
}

static void nonsense_is_an_error(void **state)
{
        static const char *const cases[] = {
                "",
                "hostname web\nuser bob\n",
                "hostname web\nport 22\n",
                "hostname a b\nuser bob\nport 22\n",
                "hostname -oX\nuser bob\nport 22\n",
                "hostname web\nuser a;b\nport 22\n",
                "hostname web\nuser bob\nport 99999\n",
                "hostname web\nuser bob\nport x\n",
        };

        (void)state;
        for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
                struct ssh_config *config = NULL;
                struct err err = { 0 };
                assert_false(ssh_config_parse(&config, str_of(cases[i]), &err));
                assert_null(config);
                assert_int_equal(err.code, ERR_CONNECT);
        }
}

static void more_files_than_there_is_room_for_are_left_out(void **state)
{
        char text[64 * 40] = MINIMUM;

        (void)state;
        for (int i = 0; i < CONFIG_FILES_MAX + 5; i++)
                strcat(text, "identityfile /some/file\n");
        struct ssh_config *config = parse(text);
        assert_int_equal(config->identities.count, CONFIG_FILES_MAX);
        ssh_config_free(config);
}

static void tokens_and_home_are_expanded(void **state)
{
        static const struct {
                const char *path;
                const char *expanded; /* NULL: not supported */
        } cases[] = {
                { "~/.ssh/id_rsa", "/moved/.ssh/id_rsa" },
                { "/home/bob/.ssh/id_rsa", "/moved/.ssh/id_rsa" },
                { "/home/bob/keys/x", "/home/bob/keys/x" },
                { "%d/k", "/moved/k" },
                { "/k/%h-%p-%r-%n-%u-%%", "/k/web-22-bob-alias-root-%" },
                { "/k/%C", NULL },
                { "/k/%", NULL },
        };
        char dir[] = "/moved";
        char account[] = "/home/bob";
        char user[] = "root";
        struct home home = { dir, account, user, true };
        struct ssh_config *config = parse(MINIMUM);

        (void)state;
        for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
                char *got = identities_expand(cases[i].path, config, "alias", &home);
                assert_int_equal(got == NULL, cases[i].expanded == NULL);
                if (got != NULL)
                        assert_string_equal(got, cases[i].expanded);
                free(got);
        }
        char *shown = home_shorten(&home, "/moved/.ssh/k");
        assert_string_equal(shown, "~/.ssh/k");
        free(shown);
        ssh_config_free(config);
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(a_real_output_is_read),
                cmocka_unit_test(proxies_are_noticed),
                cmocka_unit_test(the_long_tail_is_read),
                cmocka_unit_test(a_policy_is_never_weaker_than_accept_new),
                cmocka_unit_test(what_has_no_effect_is_named),
                cmocka_unit_test(nonsense_is_an_error),
                cmocka_unit_test(more_files_than_there_is_room_for_are_left_out),
                cmocka_unit_test(tokens_and_home_are_expanded),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
