/*
 * The order of methods, against a server played by the test: the calls of libssh that would talk
 * to one are defined here and read from a script; keys are libssh's own.
 */
#include "worker/login/auth.h"

#include "base/alloc.h"
#include "wire/message.h"

#include <fcntl.h>
#include <libssh/libssh.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cmocka.h>

#define PUBLICKEY   SSH_AUTH_METHOD_PUBLICKEY
#define PASSWORD    SSH_AUTH_METHOD_PASSWORD
#define INTERACTIVE SSH_AUTH_METHOD_INTERACTIVE
#define KEYS        8

/* What the server does, and what came to it. */
static struct {
        int offered;        /* at first */
        int then;           /* after a partial success; 0: everything is accepted in full */
        const char *wanted; /* numbers of the keys that it takes, "13" */
        const char *password;
        const char *question; /* of keyboard-interactive, echo off */
        int slow;             /* how often it makes a caller wait */
        char calls[512];      /* "none probe0 sign0 password:secret " */
        char answer[64];
        bool is_asking;
} server;

static char *public_keys[KEYS];
static char *private_keys[KEYS];

static void note(const char *call)
{
        strncat(server.calls, call, sizeof server.calls - strlen(server.calls) - 1);
        strncat(server.calls, " ", sizeof server.calls - strlen(server.calls) - 1);
}

static int take(void)
{
        if (server.then == 0)
                return SSH_AUTH_SUCCESS;
        server.offered = server.then;
        server.then = 0;
        return SSH_AUTH_PARTIAL;
}

/* ---- libssh, as far as it talks ---- */

int ssh_userauth_none(ssh_session session, const char *username)
{
        (void)session, (void)username;
        if (server.slow-- > 0)
                return SSH_AUTH_AGAIN;
        note("none");
        return server.offered == 0 ? SSH_AUTH_SUCCESS : SSH_AUTH_DENIED;
}

int ssh_userauth_list(ssh_session session, const char *username)
{
        (void)session, (void)username;
        return server.offered;
}

static int number_of(ssh_key key)
{
        char *base64 = NULL;
        int number = -1;

        assert_int_equal(ssh_pki_export_pubkey_base64(key, &base64), SSH_OK);
        for (int i = 0; i < KEYS; i++)
                if (strstr(public_keys[i], base64) != NULL)
                        number = i;
        ssh_string_free_char(base64);
        return number;
}

static bool is_key_wanted(int number)
{
        return strchr(server.wanted, '0' + number) != NULL;
}

int ssh_userauth_try_publickey(ssh_session session, const char *username, const ssh_key key)
{
        char call[16];

        (void)session, (void)username;
        (void)snprintf(call, sizeof call, "probe%d", number_of(key));
        note(call);
        return is_key_wanted(number_of(key)) ? SSH_AUTH_SUCCESS : SSH_AUTH_DENIED;
}

int ssh_userauth_publickey(ssh_session session, const char *username, const ssh_key key)
{
        char call[16];

        (void)session, (void)username;
        (void)snprintf(call, sizeof call, "sign%d", number_of(key));
        note(call);
        return is_key_wanted(number_of(key)) ? take() : SSH_AUTH_DENIED;
}

int ssh_userauth_password(ssh_session session, const char *username, const char *password)
{
        char call[80];

        (void)session, (void)username;
        (void)snprintf(call, sizeof call, "password:%s", password);
        note(call);
        return server.password != NULL && strcmp(password, server.password) == 0 ? take()
                                                                                 : SSH_AUTH_DENIED;
}

int ssh_userauth_kbdint(ssh_session session, const char *user, const char *submethods)
{
        char call[80];

        (void)session, (void)user, (void)submethods;
        if (!server.is_asking) {
                note("ask");
                server.is_asking = true;
                return SSH_AUTH_INFO;
        }
        server.is_asking = false;
        (void)snprintf(call, sizeof call, "answer:%s", server.answer);
        note(call);
        return server.password != NULL && strcmp(server.answer, server.password) == 0
                       ? take()
                       : SSH_AUTH_DENIED;
}

int ssh_userauth_kbdint_getnprompts(ssh_session session)
{
        (void)session;
        return 1;
}

const char *ssh_userauth_kbdint_getprompt(ssh_session session, unsigned int i, char *echo)
{
        (void)session, (void)i;
        *echo = 0;
        return server.question;
}

const char *ssh_userauth_kbdint_getname(ssh_session session)
{
        (void)session;
        return "";
}

const char *ssh_userauth_kbdint_getinstruction(ssh_session session)
{
        (void)session;
        return "";
}

int ssh_userauth_kbdint_setanswer(ssh_session session, unsigned int i, const char *answer)
{
        (void)session, (void)i;
        (void)snprintf(server.answer, sizeof server.answer, "%s", answer);
        return 0;
}

int ssh_is_connected(ssh_session session)
{
        (void)session;
        return 1;
}

const char *ssh_get_error(void *error)
{
        (void)error;
        return "";
}

int ssh_get_error_code(void *error)
{
        (void)error;
        return SSH_NO_ERROR;
}

socket_t ssh_get_fd(ssh_session session)
{
        (void)session;
        return -1;
}

/* ---- one log-in ---- */

struct result {
        bool ok;
        char method[AUTH_METHOD_MAX];
        struct err err;
        uint32_t advice;           /* WIRE_ADVICE_KINDS: none came */
        struct wire_secret secret; /* the last that came */
        bool has_secret;
        bool has_prompt;
};

static void read_frames(const struct buf *sent, struct result *result)
{
        struct frame frame;
        size_t used;

        result->advice = WIRE_ADVICE_KINDS;
        for (size_t at = 0;
             frame_parse(sent->data + at, sent->len - at, &frame, &used) == FRAME_READY;
             at += used) {
                struct wire_reader reader = wire_read(&frame);
                if (frame.kind == WIRE_ADVICE)
                        result->advice = wire_get_u32(&reader);
                if (frame.kind == WIRE_SECRET)
                        result->has_secret = wire_read_secret(&frame, &result->secret);
                result->has_prompt |= frame.kind == WIRE_PROMPT;
        }
}

/* heard: what the supervisor has to say meanwhile. */
static struct result log_in(const struct auth_offer *offer, const struct buf *heard)
{
        struct frame_socket frames;
        struct result result = { 0 };
        struct buf sent;
        int ends[2];

        assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM, 0, ends), 0);
        assert_int_equal(fcntl(ends[1], F_SETFL, O_NONBLOCK), 0);
        if (heard != NULL)
                assert_int_equal(send(ends[1], heard->data, heard->len, 0), heard->len);
        frame_socket_init(&frames, ends[0]);
        result.ok = auth_run((ssh_session)&server, &frames, offer, result.method, &result.err);
        assert_true(frame_socket_send(&frames));
        buf_init(&sent, 65536);
        assert_true(buf_reserve(&sent, 32768));
        ssize_t n = recv(ends[1], sent.data, 32768, 0);
        sent.len = n > 0 ? (size_t)n : 0;
        read_frames(&sent, &result);
        buf_fini(&sent);
        frame_socket_fini(&frames);
        (void)close(ends[1]);
        return result;
}

static struct auth_key keys[KEYS];

static struct auth_offer offer_of(const char *methods, size_t key_count, const char *password)
{
        return (struct auth_offer){
                .user = str_of("bob"),
                .methods = str_of(methods),
                .password = str_of(password),
                .agent_fd = -1,
                .keys = keys,
                .key_count = key_count,
                .password_prompts = 3,
        };
}

#define OPENSSH_ORDER "publickey,keyboard-interactive,password"

static int make_keys(void **state)
{
        static const char *const names[KEYS] = { "k0", "k1", "k2", "k3", "k4", "k5", "k6", "k7" };

        (void)state;
        for (int i = 0; i < KEYS; i++) {
                ssh_key key;
                char *base64;
                assert_int_equal(ssh_pki_generate(SSH_KEYTYPE_ED25519, 0, &key), SSH_OK);
                assert_int_equal(ssh_pki_export_pubkey_base64(key, &base64), SSH_OK);
                public_keys[i] = xasprintf("ssh-ed25519 %s", base64);
                ssh_string_free_char(base64);
                assert_int_equal(ssh_pki_export_privkey_base64(key, i == 7 ? "open sesame" : NULL,
                                                               NULL, NULL, &private_keys[i]),
                                 SSH_OK);
                ssh_key_free(key);
                keys[i] = (struct auth_key){
                        .name = xstrdup(names[i]),
                        .pem = private_keys[i],
                        .passphrase = xstrdup(""),
                        .certificate = xstrdup(""),
                        .public_key = public_keys[i],
                };
        }
        return 0;
}

static int free_keys(void **state)
{
        (void)state;
        for (int i = 0; i < KEYS; i++) {
                free(keys[i].name);
                free(keys[i].passphrase);
                free(keys[i].certificate);
                free(public_keys[i]);
                ssh_string_free_char(private_keys[i]);
        }
        return 0;
}

static int begin(void **state)
{
        (void)state;
        memset(&server, 0, sizeof server);
        server.offered = PUBLICKEY | PASSWORD | INTERACTIVE;
        server.wanted = "";
        server.question = "Password: ";
        return 0;
}

/* ---- the cases ---- */

static void none_may_be_enough(void **state)
{
        struct auth_offer offer = offer_of(OPENSSH_ORDER, 2, "secret");

        (void)state;
        server.offered = 0;
        struct result result = log_in(&offer, NULL);
        assert_true(result.ok);
        assert_string_equal(result.method, "none");
        assert_string_equal(server.calls, "none ");
}

static void methods_come_in_openssh_s_order(void **state)
{
        struct auth_offer offer = offer_of(OPENSSH_ORDER, 2, "secret");

        (void)state;
        server.question = "Code: ";
        struct result result = log_in(&offer, NULL);
        assert_false(result.ok);
        assert_int_equal(result.err.code, ERR_AUTH);
        assert_string_equal(server.calls, "none probe0 probe1 ask password:secret ");
}

static void the_configuration_may_change_the_order(void **state)
{
        struct auth_offer offer = offer_of("password,publickey", 1, "secret");

        (void)state;
        (void)log_in(&offer, NULL);
        assert_string_equal(server.calls, "none password:secret probe0 ");
}

static void what_the_server_does_not_offer_is_not_tried(void **state)
{
        struct auth_offer offer = offer_of(OPENSSH_ORDER, 1, "secret");

        (void)state;
        server.offered = PASSWORD;
        (void)log_in(&offer, NULL);
        assert_string_equal(server.calls, "none password:secret ");
}

static void only_a_wanted_key_signs(void **state)
{
        struct auth_offer offer = offer_of(OPENSSH_ORDER, 3, "");

        (void)state;
        server.wanted = "2";
        struct result result = log_in(&offer, NULL);
        assert_true(result.ok);
        assert_string_equal(result.method, "publickey (k2)");
        assert_string_equal(server.calls, "none probe0 probe1 probe2 sign2 ");
}

static void a_partial_success_goes_on(void **state)
{
        struct auth_offer offer = offer_of(OPENSSH_ORDER, 2, "secret");

        (void)state;
        server.wanted = "1";
        server.password = "secret";
        server.then = PASSWORD;
        struct result result = log_in(&offer, NULL);
        assert_true(result.ok);
        assert_string_equal(result.method, "password");
        assert_string_equal(server.calls, "none probe0 probe1 sign1 password:secret ");
}

static void a_partial_success_with_nothing_left_is_told(void **state)
{
        struct auth_offer offer = offer_of(OPENSSH_ORDER, 2, "");

        (void)state;
        server.wanted = "0";
        server.then = PASSWORD;
        struct result result = log_in(&offer, NULL);
        assert_false(result.ok);
        assert_non_null(strstr(result.err.text, "publickey (k0) (accepted)"));
        assert_non_null(strstr(result.err.text, "it accepts password"));
        assert_int_equal(result.advice, WIRE_ADVICE_LOGIN);
}

static void two_keys_are_two_different_ones(void **state)
{
        struct auth_offer offer = offer_of(OPENSSH_ORDER, 2, "");

        (void)state;
        server.wanted = "01";
        server.then = PUBLICKEY;
        struct result result = log_in(&offer, NULL);
        assert_true(result.ok);
        assert_string_equal(server.calls, "none probe0 sign0 probe1 sign1 ");
}

static void six_refusals_are_enough(void **state)
{
        struct auth_offer offer = offer_of(OPENSSH_ORDER, 7, "");

        (void)state;
        struct result result = log_in(&offer, NULL);
        assert_false(result.ok);
        assert_string_equal(server.calls, "none probe0 probe1 probe2 probe3 probe4 probe5 ");
}

static void a_password_at_hand_gets_the_last_attempt(void **state)
{
        struct auth_offer offer = offer_of("publickey,password", 7, "secret");

        (void)state;
        server.password = "secret";
        assert_true(log_in(&offer, NULL).ok);
        assert_string_equal(server.calls,
                            "none probe0 probe1 probe2 probe3 probe4 password:secret ");
}

static void a_refused_password_is_sent_once(void **state)
{
        struct auth_offer offer = offer_of(OPENSSH_ORDER, 0, "secret");

        (void)state;
        struct result result = log_in(&offer, NULL);
        assert_false(result.ok);
        assert_string_equal(server.calls, "none ask answer:secret ");
        assert_true(result.has_secret);
        assert_int_equal(result.secret.kind, WIRE_PROMPT_PASSWORD);
        assert_int_equal(result.secret.is_good, 0);
        assert_int_equal(result.advice, WIRE_ADVICE_CHECK);
}

static void a_new_host_gets_no_password_and_no_answer(void **state)
{
        struct auth_offer offer = offer_of(OPENSSH_ORDER, 1, "secret");

        (void)state;
        server.password = "secret";
        offer.is_new_host = true;
        offer.may_prompt = true;
        struct result result = log_in(&offer, NULL);
        assert_false(result.ok);
        assert_false(result.has_prompt);
        assert_string_equal(server.calls, "none probe0 ");
        assert_int_equal(result.advice, WIRE_ADVICE_TRUST);
}

static void a_new_host_may_be_shown_a_key(void **state)
{
        struct auth_offer offer = offer_of(OPENSSH_ORDER, 1, "secret");

        (void)state;
        server.wanted = "0";
        offer.is_new_host = true;
        assert_true(log_in(&offer, NULL).ok);
}

static void an_encrypted_key_needs_a_person(void **state)
{
        struct auth_offer offer = offer_of("publickey", 8, "");

        (void)state;
        offer.keys = keys + 7;
        offer.key_count = 1;
        server.wanted = "7";
        server.offered = PUBLICKEY;
        struct result result = log_in(&offer, NULL);
        assert_false(result.ok);
        assert_string_equal(server.calls, "none probe7 ");
        assert_non_null(strstr(result.err.text, "encrypted"));
        assert_int_equal(result.advice, WIRE_ADVICE_LOGIN);
}

static void a_known_passphrase_opens_it(void **state)
{
        struct auth_key key = keys[7];
        struct auth_offer offer = offer_of("publickey", 1, "");

        (void)state;
        key.passphrase = (char[]){ "open sesame" };
        offer.keys = &key;
        server.wanted = "7";
        struct result result = log_in(&offer, NULL);
        assert_true(result.ok);
        assert_int_equal(result.secret.kind, WIRE_PROMPT_PASSPHRASE);
        assert_int_equal(result.secret.is_good, 1);
}

static struct buf answers(const char *first, const char *second)
{
        struct buf heard;

        buf_init(&heard, 4096);
        assert_true(wire_write_u32_bytes(&heard, WIRE_ANSWER, 0, 1, first, strlen(first)));
        if (second != NULL)
                assert_true(
                        wire_write_u32_bytes(&heard, WIRE_ANSWER, 0, 1, second, strlen(second)));
        return heard;
}

static void a_person_is_asked_again_after_a_wrong_password(void **state)
{
        struct auth_offer offer = offer_of("password", 0, "");
        struct buf heard = answers("wrong", "secret");

        (void)state;
        server.password = "secret";
        offer.may_prompt = true;
        struct result result = log_in(&offer, &heard);
        assert_true(result.ok);
        assert_true(result.has_prompt);
        assert_string_equal(server.calls, "none password:wrong password:secret ");
        buf_fini(&heard);
}

static void a_stop_ends_the_waiting_for_a_person(void **state)
{
        struct auth_offer offer = offer_of("password", 0, "");
        struct buf heard;

        (void)state;
        buf_init(&heard, 64);
        assert_true(wire_write_bare(&heard, WIRE_STOP, 0));
        offer.may_prompt = true;
        struct result result = log_in(&offer, &heard);
        assert_false(result.ok);
        assert_int_equal(result.err.code, ERR_CANCELLED);
        assert_string_equal(server.calls, "none ");
        buf_fini(&heard);
}

static void a_declined_question_ends_it(void **state)
{
        struct auth_offer offer = offer_of("keyboard-interactive,password", 0, "");
        struct buf heard;

        (void)state;
        buf_init(&heard, 64);
        assert_true(wire_write_u32_bytes(&heard, WIRE_ANSWER, 0, 0, "", 0));
        offer.may_prompt = true;
        struct result result = log_in(&offer, &heard);
        assert_false(result.ok);
        assert_int_equal(result.err.code, ERR_AUTH);
        assert_string_equal(server.calls, "none ask ");
        buf_fini(&heard);
}

static void a_slow_server_is_waited_for(void **state)
{
        struct auth_offer offer = offer_of(OPENSSH_ORDER, 1, "");

        (void)state;
        server.slow = 3;
        server.wanted = "0";
        assert_true(log_in(&offer, NULL).ok);
}

#define TEST(function) cmocka_unit_test_setup(function, begin)

int main(void)
{
        const struct CMUnitTest tests[] = {
                TEST(none_may_be_enough),
                TEST(methods_come_in_openssh_s_order),
                TEST(the_configuration_may_change_the_order),
                TEST(what_the_server_does_not_offer_is_not_tried),
                TEST(only_a_wanted_key_signs),
                TEST(a_partial_success_goes_on),
                TEST(a_partial_success_with_nothing_left_is_told),
                TEST(two_keys_are_two_different_ones),
                TEST(six_refusals_are_enough),
                TEST(a_password_at_hand_gets_the_last_attempt),
                TEST(a_refused_password_is_sent_once),
                TEST(a_new_host_gets_no_password_and_no_answer),
                TEST(a_new_host_may_be_shown_a_key),
                TEST(an_encrypted_key_needs_a_person),
                TEST(a_known_passphrase_opens_it),
                TEST(a_person_is_asked_again_after_a_wrong_password),
                TEST(a_stop_ends_the_waiting_for_a_person),
                TEST(a_declined_question_ends_it),
                TEST(a_slow_server_is_waited_for),
        };

        return cmocka_run_group_tests(tests, make_keys, free_keys);
}
