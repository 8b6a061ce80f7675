/*
 * The relay between a worker and the agent, both played by the test.
 */
#include "session/login/agent.h"

#include "base/clock.h"

#include <fcntl.h>
#include <poll.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <cmocka.h>

#define LIMIT_MS 10000

static const uint8_t ask[] = { 0, 0, 0, 1, 11 };
static const uint8_t answer[] = { 0, 0, 0, 5, 12, 0, 0, 0, 0 };
static const uint8_t remove_all[] = { 0, 0, 0, 1, 19 };
static const uint8_t failure[] = { 0, 0, 0, 1, 5 };

struct relay {
        uv_loop_t loop;
        struct agent *agent;
        int worker;
        int program; /* the agent's own end */
};

static int start(void **state)
{
        static struct relay relay;
        struct key_blobs *all = NULL;
        struct err err;
        int ends[2];

        (void)signal(SIGPIPE, SIG_IGN);
        assert_int_equal(uv_loop_init(&relay.loop), 0);
        assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM, 0, ends), 0);
        relay.program = ends[1];
        assert_true(agent_new(&relay.agent, &relay.loop, &ends[0], &all, false,
                              NULL, &relay.worker, &err));
        assert_int_equal(fcntl(relay.program, F_SETFL, O_NONBLOCK), 0);
        *state = &relay;
        return 0;
}

static int stop(void **state)
{
        struct relay *relay = *state;

        agent_free(relay->agent);
        (void)uv_run(&relay->loop, UV_RUN_DEFAULT);
        assert_int_equal(uv_loop_close(&relay->loop), 0);
        if (relay->program >= 0)
                (void)close(relay->program);
        (void)close(relay->worker);
        return 0;
}

static void turn(struct relay *relay, int fd)
{
        struct pollfd fds[2] = { { uv_backend_fd(&relay->loop), POLLIN, 0 }, { fd, POLLIN, 0 } };

        (void)uv_run(&relay->loop, UV_RUN_NOWAIT);
        (void)poll(fds, 2, 20);
        (void)uv_run(&relay->loop, UV_RUN_NOWAIT);
}

static void expect(struct relay *relay, int fd, const uint8_t *bytes, size_t len)
{
        int64_t deadline = clock_now_ms() + LIMIT_MS;
        uint8_t got[64];
        size_t have = 0;

        while (have < len) {
                assert_true(clock_now_ms() < deadline);
                ssize_t n = recv(fd, got + have, len - have, 0);
                have += n > 0 ? (size_t)n : 0;
                turn(relay, fd);
        }
        assert_memory_equal(got, bytes, len);
}

static void expect_end(struct relay *relay, int fd)
{
        int64_t deadline = clock_now_ms() + LIMIT_MS;
        char byte;

        while (recv(fd, &byte, 1, 0) != 0) {
                assert_true(clock_now_ms() < deadline);
                turn(relay, fd);
        }
}

static void say(int fd, const uint8_t *bytes, size_t len)
{
        assert_int_equal(send(fd, bytes, len, 0), len);
}

static void a_list_of_keys_goes_there_and_back(void **state)
{
        struct relay *relay = *state;

        say(relay->worker, ask, 3); /* in two pieces */
        turn(relay, relay->worker);
        say(relay->worker, ask + 3, sizeof ask - 3);
        expect(relay, relay->program, ask, sizeof ask);
        say(relay->program, answer, sizeof answer);
        expect(relay, relay->worker, answer, sizeof answer);
}

static void other_requests_never_reach_the_agent(void **state)
{
        struct relay *relay = *state;

        say(relay->worker, remove_all, sizeof remove_all);
        expect(relay, relay->worker, failure, sizeof failure);
        say(relay->worker, ask, sizeof ask);
        expect(relay, relay->program, ask, sizeof ask); /* and nothing before it */
}

static void an_agent_that_closes_ends_the_relay(void **state)
{
        struct relay *relay = *state;

        (void)close(relay->program);
        relay->program = -1;
        expect_end(relay, relay->worker); /* the owner lets go later, in stop() */
}

static void an_agent_that_speaks_unasked_ends_the_relay(void **state)
{
        struct relay *relay = *state;

        say(relay->program, answer, sizeof answer);
        expect_end(relay, relay->worker);
}

static void a_worker_that_talks_nonsense_ends_the_relay(void **state)
{
        static const uint8_t nonsense[] = { 0xFF, 0xFF, 0xFF, 0xFF, 0xFF };
        struct relay *relay = *state;

        say(relay->worker, nonsense, sizeof nonsense);
        expect_end(relay, relay->program);
}

/* ---- finding ---- */

static int listen_at(const char *path)
{
        struct sockaddr_un address = { .sun_family = AF_UNIX };
        int fd = socket(AF_UNIX, SOCK_STREAM, 0);

        assert_true(fd >= 0);
        (void)snprintf(address.sun_path, sizeof address.sun_path, "%s", path);
        assert_int_equal(bind(fd, (struct sockaddr *)&address, sizeof address), 0);
        assert_int_equal(listen(fd, 1), 0);
        return fd;
}

static void an_agent_is_found_where_it_listens(void **state)
{
        char dir[] = "/tmp/mcp-ssh-test.XXXXXX";
        char path[64];
        char ssh_dir[64];
        struct home home = { dir, dir, dir, true };

        (void)state;
        assert_non_null(mkdtemp(dir));
        (void)snprintf(ssh_dir, sizeof ssh_dir, "%s/.1password", dir);
        assert_int_equal(mkdir(ssh_dir, 0700), 0);
        (void)snprintf(path, sizeof path, "%s/.1password/agent.sock", dir);
        assert_int_equal(agent_connect(path, &home), -1);
        int listener = listen_at(path);
        assert_int_equal(agent_connect("none", &home), -1);
        int fd = agent_connect("~/.1password/agent.sock", &home);
        assert_true(fd >= 0);
        (void)close(fd);
        assert_int_equal(setenv("MY_AGENT", path, 1), 0);
        fd = agent_connect("$MY_AGENT", &home);
        assert_true(fd >= 0);
        (void)close(fd);
        (void)close(listener);
        (void)unlink(path);
        (void)rmdir(ssh_dir);
        (void)rmdir(dir);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, start, stop)

int main(void)
{
        const struct CMUnitTest tests[] = {
                TEST(a_list_of_keys_goes_there_and_back),
                TEST(other_requests_never_reach_the_agent),
                TEST(an_agent_that_closes_ends_the_relay),
                TEST(an_agent_that_speaks_unasked_ends_the_relay),
                TEST(a_worker_that_talks_nonsense_ends_the_relay),
                cmocka_unit_test(an_agent_is_found_where_it_listens),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
