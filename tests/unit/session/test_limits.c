/*
 * The small pure parts: failed log-ins, lost sessions, the agent's filter, waits.
 */
#include "session/agent_filter.h"
#include "session/auth_limits.h"
#include "session/backoff.h"
#include "session/credentials.h"
#include "session/losses.h"
#include "session/overrides.h"
#include "session/sockets.h"
#include "session/waits.h"

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
                assert_int_equal(verdict, type == 11 || type == 13 ? AGENT_PASS : AGENT_REFUSE);
                assert_int_equal(used, 5);
        }
}

static void agent_messages_have_limits(void **state)
{
        static const uint8_t huge[] = { 0, 4, 0, 1, 13 };
        static const uint8_t empty[] = { 0, 0, 0, 0, 11 };
        static const uint8_t sign[] = { 0, 0, 0, 2, 13, 0, 99 };
        struct agent_filter filter = { 0 };
        size_t used = 0;

        (void)state;
        assert_int_equal(agent_filter_look(&filter, huge, sizeof huge, &used), AGENT_BAD);
        assert_int_equal(agent_filter_look(&filter, empty, sizeof empty, &used), AGENT_BAD);
        for (size_t len = 0; len < 6; len++)
                assert_int_equal(agent_filter_look(&filter, sign, len, &used), AGENT_MORE);
        for (int i = 0; i < AGENT_SIGN_MAX; i++)
                assert_int_equal(agent_filter_look(&filter, sign, sizeof sign, &used), AGENT_PASS);
        assert_int_equal(used, 6);
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
        struct agent_filter filter = { .allowed = allowed };
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
        static char kept[] = "KEPT=1";
        char *mine[] = { one, two, kept, three, four, NULL };
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
                cmocka_unit_test(a_wait_is_due_for_one_reason),
                cmocka_unit_test(overrides_leave_the_environment),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
