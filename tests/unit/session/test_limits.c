/*
 * The small pure parts: failed log-ins, lost sessions, the agent's filter, waits.
 */
#include "session/command/losses.h"
#include "session/command/waits.h"
#include "session/config/overrides.h"
#include "session/login/agent_filter.h"
#include "session/login/auth_limits.h"
#include "session/login/credentials.h"
#include "session/login/keyring.h"
#include "session/reach/backoff.h"
#include "session/reach/sockets.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cmocka.h>

static void the_fourth_log_in_waits_for_the_window(void **state)
{
        struct auth_limits *limits = auth_limits_new();
        struct err err = { 0 };

        (void)state;
        for (int i = 0; i < AUTH_FAILURES_MAX; i++) {
                assert_true(auth_limits_allow(limits, "web port 22", 1000 * i + 1, &err));
                auth_limits_failed(limits, "web port 22", 1000 * i + 1);
        }
        assert_false(auth_limits_allow(limits, "web port 22", 5000, &err));
        assert_int_equal(err.code, ERR_AUTH);
        assert_non_null(strstr(err.text, "596 s"));
        assert_true(auth_limits_allow(limits, "web port 2222", 5000, &err));
        assert_true(auth_limits_allow(limits, "web port 22", AUTH_WINDOW_MS + 1, &err));
        auth_limits_succeeded(limits, "web port 22");
        assert_true(auth_limits_allow(limits, "web port 22", 5000, &err));
        auth_limits_free(limits);
}

static void the_pause_after_a_failed_connect_doubles_up_to_a_minute(void **state)
{
        static const int64_t pauses_s[] = { 1, 2, 4, 8, 16, 32, 60, 60 };
        struct backoff *backoff = backoff_new();
        int64_t now_ms = 1000;
        int64_t pause_ms;

        (void)state;
        assert_int_equal(backoff_wait_ms(backoff, "web port 22", now_ms), 0);
        for (unsigned i = 0; i < sizeof pauses_s / sizeof *pauses_s; i++) {
                assert_int_equal(backoff_failed(backoff, "web port 22", now_ms, &pause_ms), i + 1);
                assert_int_equal(pause_ms, pauses_s[i] * 1000);
                assert_int_equal(backoff_wait_ms(backoff, "web port 22", now_ms + 1), pause_ms - 1);
                assert_int_equal(backoff_wait_ms(backoff, "web port 23", now_ms + 1), 0);
                now_ms += pause_ms;
                assert_int_equal(backoff_wait_ms(backoff, "web port 22", now_ms), 0);
        }
        backoff_succeeded(backoff, "web port 22");
        assert_int_equal(backoff_failed(backoff, "web port 22", now_ms, &pause_ms), 1);
        assert_int_equal(pause_ms, BACKOFF_FIRST_MS);
        backoff_free(backoff);
}

static void backoff_forgets_the_host_that_failed_longest_ago(void **state)
{
        struct backoff *backoff = backoff_new();
        int64_t pause_ms;
        char host[32];

        (void)state;
        for (int i = 0; i <= BACKOFF_HOSTS; i++) {
                (void)snprintf(host, sizeof host, "h%d", i);
                (void)backoff_failed(backoff, host, 1000 + i, &pause_ms);
        }
        assert_int_equal(backoff_wait_ms(backoff, "h0", 1300), 0);
        assert_int_not_equal(backoff_wait_ms(backoff, "h1", 1300), 0);
        assert_int_not_equal(backoff_wait_ms(backoff, host, 1300), 0);
        backoff_free(backoff);
        backoff_free(NULL);
}

static int option_of(int fd, int level, int name)
{
        int value = -1;
        socklen_t len = sizeof value;

        assert_int_equal(getsockopt(fd, level, name, &value, &len), 0);
        return value;
}

static void a_silent_network_is_noticed_by_the_kernel(void **state)
{
        int fd = socket(AF_INET, SOCK_STREAM, 0);

        (void)state;
        socket_tune_tcp(fd);
        assert_int_equal(option_of(fd, SOL_SOCKET, SO_KEEPALIVE), 1);
        assert_int_not_equal(option_of(fd, IPPROTO_TCP, TCP_NODELAY), 0);
#ifdef TCP_USER_TIMEOUT
        assert_int_equal(option_of(fd, IPPROTO_TCP, TCP_USER_TIMEOUT), 30000);
#endif
#ifdef TCP_KEEPIDLE
        assert_int_equal(option_of(fd, IPPROTO_TCP, TCP_KEEPIDLE), 15);
        assert_int_equal(option_of(fd, IPPROTO_TCP, TCP_KEEPINTVL), 5);
        assert_int_equal(option_of(fd, IPPROTO_TCP, TCP_KEEPCNT), 3);
#endif
        (void)close(fd);
}

static void many_hosts_do_not_grow_the_table(void **state)
{
        struct auth_limits *limits = auth_limits_new();
        struct err err;
        char host[32];

        (void)state;
        for (int i = 0; i < AUTH_LIMITED_HOSTS * 2; i++) {
                (void)snprintf(host, sizeof host, "h%d", i);
                for (int k = 0; k < AUTH_FAILURES_MAX; k++)
                        auth_limits_failed(limits, host, 1000 + i);
        }
        assert_true(auth_limits_allow(limits, "h0", 2000, &err)); /* forgotten */
        assert_false(auth_limits_allow(limits, host, 2000, &err));
        auth_limits_free(limits);
}

static void a_loss_is_told_once(void **state)
{
        struct losses *losses = losses_new();

        (void)state;
        losses_remember(losses, "a/default", "first");
        losses_remember(losses, "a/default", "second");
        losses_remember(losses, "b/default", "other");
        char *why = losses_take(losses, "a/default");
        assert_string_equal(why, "second");
        free(why);
        assert_null(losses_take(losses, "a/default"));
        for (int i = 0; i < LOSSES_MAX * 2; i++) {
                char name[32];
                (void)snprintf(name, sizeof name, "s%d", i);
                losses_remember(losses, name, "x");
        }
        assert_null(losses_take(losses, "b/default"));
        losses_free(losses);
}

static void credentials_are_not_shared_silently(void **state)
{
        struct secret *word = secret_new("x", 1);
        struct secret *other = secret_new("y", 1);
        struct credentials none = credentials_of(NULL, NULL);
        struct credentials key = credentials_of("k", NULL);
        struct credentials with_word = credentials_of(NULL, word);
        struct credentials with_other = credentials_of(NULL, other);

        (void)state;
        assert_false(credentials_are_same(&none, &key));
        assert_true(credentials_are_same(&key, &key));
        assert_false(credentials_are_same(&key, &none));
        assert_false(credentials_are_same(&with_word, &with_other));
        assert_false(credentials_are_same(&with_word, &key));
        secret_free(word);
        secret_free(other);
}

/* ---- agent ---- */

static void only_identities_and_signatures_pass(void **state)
{
        (void)state;
        for (unsigned type = 0; type < 256; type++) {
                struct agent_filter filter = { 0 };
                uint8_t message[5] = { 0, 0, 0, 1, (uint8_t)type };
                size_t used = 0;
                enum agent_verdict verdict =
                        agent_filter_look(&filter, message, sizeof message, &used);
                assert_int_equal(verdict, type == 11 ? AGENT_PASS : AGENT_REFUSE);
                assert_int_equal(used, 5);
        }
}

static void agent_messages_have_limits(void **state)
{
        static const uint8_t huge[] = { 0, 4, 0, 1, 13 };
        static const uint8_t empty[] = { 0, 0, 0, 0, 11 };
        static const uint8_t sign[] = { 0, 0, 0, 6, 13, 0, 0, 0, 1, 'k', 99 };
        struct agent_filter filter = { 0 };
        size_t used = 0;

        (void)state;
        assert_int_equal(agent_filter_look(&filter, huge, sizeof huge, &used), AGENT_BAD);
        assert_int_equal(agent_filter_look(&filter, empty, sizeof empty, &used), AGENT_BAD);
        for (size_t len = 0; len < 10; len++)
                assert_int_equal(agent_filter_look(&filter, sign, len, &used), AGENT_MORE);
        for (int i = 0; i < AGENT_SIGN_MAX; i++)
                assert_int_equal(agent_filter_look(&filter, sign, sizeof sign, &used), AGENT_PASS);
        assert_int_equal(used, 10);
        assert_int_equal(agent_filter_look(&filter, sign, sizeof sign, &used), AGENT_REFUSE);
}

/* A string as the agent protocol has it. */
static void put_string(struct buf *out, const char *text)
{
        uint8_t len[4] = { 0, 0, 0, (uint8_t)strlen(text) };

        assert_true(buf_append(out, len, sizeof len) && buf_append_str(out, text));
}

static struct buf identities_answer(const char *first, const char *second)
{
        static const uint8_t head[] = { 0, 0, 0, 0, 12, 0, 0, 0, 0 };
        struct buf answer;

        buf_init(&answer, 256);
        assert_true(buf_append(&answer, head, sizeof head));
        const char *const blobs[] = { first, second };
        for (size_t i = 0; i < 2; i++) {
                if (blobs[i] == NULL)
                        continue;
                put_string(&answer, blobs[i]);
                put_string(&answer, "comment");
                answer.data[8]++;
        }
        answer.data[3] = (uint8_t)(answer.len - 4);
        return answer;
}

static void only_the_allowed_keys_are_shown_and_used(void **state)
{
        struct key_blobs *allowed = calloc(1, sizeof *allowed);
        struct agent_filter filter = { .preferred = allowed, .preferred_only = true };
        struct buf all = identities_answer("good", "bad");
        struct buf some = identities_answer("good", NULL);
        static const uint8_t sign_good[] = { 0, 0, 0, 9, 13, 0, 0, 0, 4, 'g', 'o', 'o', 'd' };
        static const uint8_t sign_bad[] = { 0, 0, 0, 8, 13, 0, 0, 0, 3, 'b', 'a', 'd' };
        static const uint8_t sign_short[] = { 0, 0, 0, 5, 13, 0, 0, 0, 9 };
        struct buf out;
        size_t used;

        (void)state;
        assert_non_null(allowed);
        buf_init(&allowed->items[0], 16);
        assert_true(buf_append_str(&allowed->items[0], "good"));
        allowed->count = 1;
        buf_init(&out, 256);
        assert_true(agent_answer_pass(&filter, buf_str(&all), &out));
        assert_int_equal(out.len, some.len);
        assert_memory_equal(out.data, some.data, some.len);
        all.data[8] = 99; /* says more keys than there are */
        buf_reset(&out);
        assert_false(agent_answer_pass(&filter, buf_str(&all), &out));
        assert_int_equal(out.len, 0);
        assert_int_equal(agent_filter_look(&filter, sign_good, sizeof sign_good, &used),
                         AGENT_PASS);
        assert_int_equal(agent_filter_look(&filter, sign_bad, sizeof sign_bad, &used),
                         AGENT_REFUSE);
        assert_int_equal(agent_filter_look(&filter, sign_short, sizeof sign_short, &used),
                         AGENT_REFUSE);
        buf_fini(&out);
        buf_fini(&all);
        buf_fini(&some);
        key_blobs_free(allowed);
}

static void add_blob(struct key_blobs *blobs, const char *text)
{
        struct buf *blob = &blobs->items[blobs->count++];

        buf_init(blob, 64);
        assert_true(buf_append_str(blob, text));
}

/* Appends one more key to an identities answer. */
static void add_identity(struct buf *answer, const char *blob)
{
        put_string(answer, blob);
        put_string(answer, "comment");
        answer->data[8]++;
        answer->data[2] = (uint8_t)((answer->len - 4) >> 8);
        answer->data[3] = (uint8_t)(answer->len - 4);
}

static void configured_keys_come_first_and_the_list_is_short(void **state)
{
        struct key_blobs *preferred = calloc(1, sizeof *preferred);
        struct agent_filter filter = { .preferred = preferred };
        struct buf all = { .max = 4096 };
        struct buf wanted = { .max = 4096 };
        struct buf out;
        char name[16];

        (void)state;
        assert_non_null(preferred);
        add_blob(preferred, "k19"); /* in the order of the configuration, not of the agent */
        add_blob(preferred, "nowhere");
        add_blob(preferred, "k04");
        static const uint8_t head[] = { 0, 0, 0, 0, 12, 0, 0, 0, 0 };
        assert_true(buf_append(&all, head, sizeof head) && buf_append(&wanted, head, sizeof head));
        add_identity(&wanted, "k19");
        add_identity(&wanted, "k04");
        for (int i = 0; i < 20; i++) {
                (void)snprintf(name, sizeof name, "k%02d", i);
                add_identity(&all, name);
                if (i != 4 && i != 19 && wanted.data[8] < AGENT_SHOWN_MAX)
                        add_identity(&wanted, name);
        }
        buf_init(&out, 4096);
        assert_true(agent_answer_pass(&filter, buf_str(&all), &out));
        assert_int_equal(out.len, wanted.len);
        assert_memory_equal(out.data, wanted.data, wanted.len);
        buf_fini(&out);
        buf_fini(&all);
        buf_fini(&wanted);
        key_blobs_free(preferred);
}

static struct buf select_message(const char *name, const char *blob)
{
        static const uint8_t head[] = { 0, 0, 0, 0, 27 };
        struct buf message;

        buf_init(&message, 256);
        assert_true(buf_append(&message, head, sizeof head));
        put_string(&message, name);
        put_string(&message, blob);
        message.data[3] = (uint8_t)(message.len - 4);
        return message;
}

static enum agent_verdict select_key(struct agent_filter *filter, const char *name, const char *blob)
{
        struct buf message = select_message(name, blob);
        size_t used;
        enum agent_verdict verdict = agent_filter_look(filter, message.data, message.len, &used);

        buf_fini(&message);
        return verdict;
}

static void a_selected_key_is_the_only_one(void **state)
{
        struct agent_filter filter = { 0 };
        struct buf all = identities_answer("good", "bad");
        struct buf one = identities_answer("bad", NULL);
        static const uint8_t sign_good[] = { 0, 0, 0, 9, 13, 0, 0, 0, 4, 'g', 'o', 'o', 'd' };
        struct buf out;
        size_t used;

        (void)state;
        buf_init(&out, 256);
        assert_int_equal(select_key(&filter, "select@example", "bad"), AGENT_REFUSE);
        assert_int_equal(select_key(&filter, "select@mcp-ssh-session", "bad"), AGENT_TAKEN);
        assert_true(agent_answer_pass(&filter, buf_str(&all), &out));
        assert_int_equal(out.len, one.len);
        assert_memory_equal(out.data, one.data, one.len);
        assert_int_equal(agent_filter_look(&filter, sign_good, sizeof sign_good, &used),
                         AGENT_REFUSE);
        assert_int_equal(select_key(&filter, "select@mcp-ssh-session", ""), AGENT_TAKEN);
        buf_reset(&out);
        assert_true(agent_answer_pass(&filter, buf_str(&all), &out));
        assert_int_equal(out.len, all.len);
        buf_fini(&out);
        buf_fini(&all);
        buf_fini(&one);
}

static void a_key_that_is_not_allowed_cannot_be_selected(void **state)
{
        struct key_blobs none = { 0 };
        struct agent_filter filter = { .preferred = &none, .preferred_only = true };

        (void)state;
        assert_int_equal(select_key(&filter, "select@mcp-ssh-session", "good"), AGENT_REFUSE);
}

/* A request to sign a log-in of this user with this key, asked for with another perhaps. */
static struct buf sign_request(const char *asked, const char *user, const char *method,
                               const char *key)
{
        static const uint8_t head[] = { 0, 0, 0, 0, 13 };
        struct buf data;
        struct buf message;

        buf_init(&data, 128);
        buf_init(&message, 256);
        put_string(&data, "session");
        assert_true(buf_append_byte(&data, 50));
        put_string(&data, user);
        put_string(&data, "ssh-connection");
        put_string(&data, method);
        assert_true(buf_append_byte(&data, 1));
        put_string(&data, "ssh-ed25519");
        put_string(&data, key);
        assert_true(buf_append(&message, head, sizeof head));
        put_string(&message, asked);
        const uint8_t len[4] = { 0, 0, 0, (uint8_t)data.len };
        assert_true(buf_append(&message, len, 4) && buf_append(&message, data.data, data.len));
        assert_true(buf_append(&message, (const uint8_t[4]){ 0 }, 4)); /* flags */
        message.data[3] = (uint8_t)(message.len - 4);
        buf_fini(&data);
        return message;
}

static enum agent_verdict try_to_sign(const char *asked, const char *user, const char *method,
                                      const char *key)
{
        struct agent_filter filter = { .user = "bob" };
        struct buf message = sign_request(asked, user, method, key);
        size_t used;
        enum agent_verdict verdict = agent_filter_look(&filter, message.data, message.len, &used);

        buf_fini(&message);
        return verdict;
}

static void only_log_ins_of_this_user_are_signed(void **state)
{
        struct agent_filter filter = { .user = "bob" };
        static const uint8_t other[] = { 0, 0, 0, 17, 13, 0, 0,   0,   1,   'k', 0,
                                         0, 0, 3, 'a', 'n', 'y', 0, 0, 0, 0 };
        size_t used;

        (void)state;
        assert_int_equal(try_to_sign("k", "bob", "publickey", "k"), AGENT_PASS);
        assert_int_equal(try_to_sign("k", "root", "publickey", "k"), AGENT_REFUSE);
        assert_int_equal(try_to_sign("k", "bob", "hostbased", "k"), AGENT_REFUSE);
        assert_int_equal(try_to_sign("k", "bob", "publickey", "j"), AGENT_REFUSE);
        assert_int_equal(agent_filter_look(&filter, other, sizeof other, &used), AGENT_REFUSE);
}

/* ---- what was typed ---- */

static void typed_secrets_are_kept_until_refused(void **state)
{
        struct keyring *keyring = keyring_new();
        struct secret *first = secret_new("first", 5);
        struct secret *second = secret_new("second", 6);

        (void)state;
        assert_null(keyring_find(keyring, KEYRING_PASSWORD, "bob@h:22"));
        keyring_keep(keyring, KEYRING_PASSWORD, "bob@h:22", first);
        keyring_keep(keyring, KEYRING_PASSPHRASE, "bob@h:22", second);
        assert_true(secret_equal(keyring_find(keyring, KEYRING_PASSWORD, "bob@h:22"), first));
        assert_null(keyring_find(keyring, KEYRING_PASSWORD, "eve@h:22"));
        keyring_keep(keyring, KEYRING_PASSWORD, "bob@h:22", second);
        assert_true(secret_equal(keyring_find(keyring, KEYRING_PASSWORD, "bob@h:22"), second));
        keyring_forget(keyring, KEYRING_PASSWORD, "bob@h:22");
        assert_null(keyring_find(keyring, KEYRING_PASSWORD, "bob@h:22"));
        assert_non_null(keyring_find(keyring, KEYRING_PASSPHRASE, "bob@h:22"));
        secret_free(first);
        secret_free(second);
        keyring_free(keyring);
}

static void the_oldest_secret_makes_room(void **state)
{
        struct keyring *keyring = keyring_new();
        struct secret *secret = secret_new("x", 1);
        char name[16];

        (void)state;
        for (int i = 0; i <= KEYRING_MAX; i++) {
                (void)snprintf(name, sizeof name, "%d", i);
                keyring_keep(keyring, KEYRING_PASSPHRASE, name, secret);
        }
        assert_null(keyring_find(keyring, KEYRING_PASSPHRASE, "0"));
        assert_non_null(keyring_find(keyring, KEYRING_PASSPHRASE, "1"));
        secret_free(secret);
        keyring_free(keyring);
}

/* ---- waits ---- */

static enum wait_reason due(const struct wait_spec *spec, const struct wait_view *view, int64_t now)
{
        enum wait_reason reason;
        int64_t next;

        assert_true(wait_is_due(spec, view, now, &reason, &next));
        return reason;
}

static int64_t not_before(const struct wait_spec *spec, const struct wait_view *view, int64_t now)
{
        enum wait_reason reason;
        int64_t next = -1;

        assert_false(wait_is_due(spec, view, now, &reason, &next));
        return next;
}

static void a_wait_is_due_for_one_reason(void **state)
{
        struct wait_spec spec = { .deadline_ms = 10000, .quiet_ms = 500, .tick_ms = 2000 };
        struct wait_view view = { .is_there = true,
                                  .state = COMMAND_RUNNING,
                                  .output_ms = 100,
                                  .began_ms = 1000,
                                  .ticked_ms = 1000 };

        (void)state;
        assert_int_equal(not_before(&spec, &view, 1000), 1500);
        assert_int_equal(due(&spec, &view, 1500), WAIT_QUIET);
        view.output_ms = 2900;
        assert_int_equal(due(&spec, &view, 3000), WAIT_TICK);
        view.ticked_ms = 3000;
        assert_int_equal(not_before(&spec, &view, 3000), 3400);
        spec.quiet_ms = 0;
        assert_int_equal(not_before(&spec, &view, 3000), 5000);
        spec.tick_ms = 0;
        assert_int_equal(not_before(&spec, &view, 9999), 10000);
        assert_int_equal(due(&spec, &view, 10000), WAIT_DEADLINE);
        view.state = COMMAND_AWAITING;
        assert_int_equal(due(&spec, &view, 10000), WAIT_AWAITING);
        spec.until_stopped = true;
        view.stopping = WIRE_STOPPING_UNDER_WAY;
        assert_int_equal(not_before(&spec, &view, 9999), 10000);
        view.stopping = WIRE_STOPPING_RUNS;
        assert_int_equal(due(&spec, &view, 0), WAIT_STOPPING);
        view.state = COMMAND_LOST;
        assert_int_equal(due(&spec, &view, 0), WAIT_ENDED);
        view.is_there = false;
        assert_int_equal(due(&spec, &view, 0), WAIT_GONE);
}

/* ---- overrides ---- */

extern char **environ;

static void overrides_leave_the_environment(void **state)
{
        static char one[] = "OVRD_web.1_PASS=hunter2";
        static char two[] = "OVRD_web.1_PORT=2222";
        static char three[] = "OVRD_web.1_SUDO_PASS=canary";
        static char four[] = "OVRD_bad_HOST=-oX";
        static char five[] = "OVRD_pin_FINGERPRINT=SHA256:"
                             "2cAak+Z76fomnca2Wg2lxF9dqTG3xTUhmVmzx8aoRrw";
        static char six[] = "OVRD_nopin_FINGERPRINT=MD5:00:11";
        static char kept[] = "KEPT=1";
        char *mine[] = { one, two, kept, three, four, five, six, NULL };
        char **was = environ;
        struct override found;
        struct err err;

        (void)state;
        environ = mine;
        struct overrides *overrides = overrides_new();
        assert_string_equal(getenv("KEPT"), "1");
        assert_null(getenv("OVRD_web.1_PASS"));
        environ = was;
        assert_null(memmem(one, sizeof one, "hunter2", 7));
        assert_null(memmem(three, sizeof three, "canary", 6));
        assert_true(overrides_find(overrides, "web.1", &found, &err));
        assert_string_equal(secret_bytes(found.password), "hunter2");
        assert_int_equal(found.port, 2222);
        assert_string_equal(secret_bytes(found.sudo_password), "canary");
        assert_null(found.enable_password);
        assert_true(overrides_find(overrides, "WEB.1", &found, &err)); /* hosts have no case */
        assert_int_equal(found.port, 2222);
        assert_true(overrides_find(overrides, "web.1_SUDO", &found, &err));
        assert_null(found.password); /* it is web.1's, for sudo */
        assert_true(overrides_find(overrides, "web.1", &found, &err));
        assert_null(found.host);
        assert_true(overrides_find(overrides, "web", &found, &err));
        assert_null(found.password);
        assert_false(overrides_find(overrides, "bad", &found, &err));
        assert_true(overrides_find(overrides, "pin", &found, &err));
        assert_true(strncmp(found.fingerprints, "SHA256:2cAak", 12) == 0);
        assert_false(overrides_find(overrides, "nopin", &found, &err));
        assert_non_null(strstr(err.text, "OVRD_nopin_FINGERPRINT"));
        assert_non_null(strstr(err.text, "SHA256:"));
        overrides_free(overrides);
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(the_fourth_log_in_waits_for_the_window),
                cmocka_unit_test(many_hosts_do_not_grow_the_table),
                cmocka_unit_test(the_pause_after_a_failed_connect_doubles_up_to_a_minute),
                cmocka_unit_test(backoff_forgets_the_host_that_failed_longest_ago),
                cmocka_unit_test(a_silent_network_is_noticed_by_the_kernel),
                cmocka_unit_test(a_loss_is_told_once),
                cmocka_unit_test(credentials_are_not_shared_silently),
                cmocka_unit_test(only_identities_and_signatures_pass),
                cmocka_unit_test(agent_messages_have_limits),
                cmocka_unit_test(only_the_allowed_keys_are_shown_and_used),
                cmocka_unit_test(configured_keys_come_first_and_the_list_is_short),
                cmocka_unit_test(a_selected_key_is_the_only_one),
                cmocka_unit_test(only_log_ins_of_this_user_are_signed),
                cmocka_unit_test(a_key_that_is_not_allowed_cannot_be_selected),
                cmocka_unit_test(typed_secrets_are_kept_until_refused),
                cmocka_unit_test(the_oldest_secret_makes_room),
                cmocka_unit_test(a_wait_is_due_for_one_reason),
                cmocka_unit_test(overrides_leave_the_environment),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
