/*
 * A host behind a jump host, with both workers played by the test: who is asked for what, and what
 * a client sees of it.
 */
#include "fake_worker.h"

#include "base/clock.h"
#include "session/connection.h"

#include <errno.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cmocka.h>

/* "far" and "beside" are the bench's own listener under another user, behind the bench's own host.
 */
static int setup(void **state)
{
        assert_int_equal(bench_setup(state), 0);
        const struct bench *bench = *state;
        char path[128];

        (void)snprintf(path, sizeof path, "%s/.ssh/config", bench->home);
        FILE *file = fopen(path, "w");
        assert_non_null(file);
        (void)fprintf(file,
                      "Host far beside\n  HostName 127.0.0.1\n  Port %d\n  User amy\n"
                      "  ProxyJump bob@127.0.0.1:%d\n",
                      bench->port, bench->port);
        (void)fprintf(file, "Host beside\n  Ciphers +aes128-cbc\n");
        (void)fprintf(file,
                      "Host slow\n  HostName 127.0.0.1\n  Port %d\n  ConnectTimeout 1\n"
                      "  ProxyJump bob@127.0.0.1:%d\n",
                      bench->port, bench->port);
        assert_int_equal(fclose(file), 0);
        return 0;
}

static command_id run_on(struct bench *bench, const char *host, const char *user)
{
        const struct run_request request = { .session = { .host = host, .username = user },
                                             .text = "id",
                                             .text_len = 2 };
        command_id id = { 0 };
        struct err err = { 0 };

        if (!bench_try(bench, &request, &id, &err))
                fail_msg("refused: %s", err.text);
        return id;
}

/* A worker that is not the newest one any more. */
struct other {
        int frames;
        uint64_t connection;
};

static struct other put_aside(struct bench *bench)
{
        struct other other = { bench->frames, bench->connection };

        bench->frames = -1;
        bench->in.len = 0;
        bench->used = 0;
        return other;
}

static struct other swap(struct bench *bench, struct other with)
{
        struct other now = put_aside(bench);

        bench->frames = with.frames;
        bench->connection = with.connection;
        return now;
}

static void read_open(const struct bench *bench, const uint8_t *bytes, size_t len, uint64_t *out_id)
{
        struct frame frame;
        size_t used;

        assert_int_equal(frame_parse(bytes, len, &frame, &used), FRAME_READY);
        assert_int_equal(frame.kind, WIRE_FORWARD_OPEN);
        assert_int_equal(used, len);
        struct wire_reader reader = wire_read(&frame);
        assert_int_equal(wire_get_u32(&reader), bench->port);
        uint32_t limit_ms = wire_get_u32(&reader);
        assert_true(limit_ms == 10000 || limit_ms == 1000 /* slow's */);
        assert_true(str_is(wire_get_bytes(&reader), "127.0.0.1"));
        assert_true(wire_read_done(&reader));
        *out_id = frame.id;
}

/* What the jump host's worker is asked for, and the socket that comes along; yours, close(). */
static int expect_open(struct bench *bench, uint64_t *out_id)
{
        char control[CMSG_SPACE(sizeof(int))];
        uint8_t bytes[1024];
        struct iovec room = { bytes, sizeof bytes };
        int64_t deadline = clock_now_ms() + BENCH_LIMIT_MS;
        struct msghdr message;
        ssize_t n;
        int fd;

        do {
                bench_turn(bench);
                message = (struct msghdr){ .msg_iov = &room,
                                           .msg_iovlen = 1,
                                           .msg_control = control,
                                           .msg_controllen = sizeof control };
                n = recvmsg(bench->frames, &message, 0);
                assert_true(clock_now_ms() < deadline);
        } while (n < 0 && errno == EAGAIN);
        assert_true(n > 0);
        read_open(bench, bytes, (size_t)n, out_id);
        struct cmsghdr *header = CMSG_FIRSTHDR(&message);
        if (header == NULL || header->cmsg_len != CMSG_LEN(sizeof fd)) {
                fail_msg("no socket came along");
                return -1;
        }
        memcpy(&fd, CMSG_DATA(header), sizeof fd);
        return fd;
}

static void opened(struct bench *bench, uint64_t id)
{
        assert_true(wire_write_bare(&bench->out, WIRE_FORWARD_OPENED, id));
        bench_send(bench);
}

static void ended(struct bench *bench, uint64_t id, const char *why)
{
        assert_true(wire_write_bytes(&bench->out, WIRE_FORWARD_ENDED, id, why, strlen(why)));
        bench_send(bench);
}

/* far runs a command; the newest worker is far's, the jump host's is given back. */
static struct other begin(struct bench *bench, command_id *out_id)
{
        uint64_t forward;
        uint64_t shell;

        *out_id = run_on(bench, "far", NULL);
        bench_log_in(bench); /* to the jump host: nobody asked for a shell there */
        int fd = expect_open(bench, &forward);
        opened(bench, forward);
        struct other jump = put_aside(bench);
        bench_log_in(bench);
        assert_int_equal(bench->connection, forward);
        char byte;
        assert_int_equal(recv(fd, &byte, 1, MSG_DONTWAIT),
                         0); /* the bench closed its host socket */
        (void)close(fd);
        (void)bench_open_shell(bench);
        assert_int_equal(bench_expect_run(bench, &shell, "id"), out_id->n);
        bench_started(bench, out_id->n);
        bench_until(bench, *out_id, COMMAND_RUNNING);
        return jump;
}

/* The teardown knows one worker only. */
static void finish(struct bench *bench, struct other other)
{
        struct other now;

        engine_stop(bench->engine);
        now = swap(bench, other);
        bench_dies(bench, 0);
        (void)swap(bench, now);
}

static void a_host_is_reached_through_a_forward_of_its_jump_host(void **state)
{
        struct bench *bench = *state;
        command_id id;
        struct other jump = begin(bench, &id);

        bench_ends(bench, id.n, WIRE_HOW_EXITED, 0);
        bench_until(bench, id, COMMAND_DONE);
        finish(bench, jump);
}

static void a_second_host_uses_the_same_jump_host(void **state)
{
        struct bench *bench = *state;
        uint64_t forward;
        command_id id;
        struct other far = swap(bench, begin(bench, &id));
        command_id beside = run_on(bench, "beside", "eve");

        (void)close(expect_open(bench, &forward)); /* asked at once of the worker that is there */
        assert_int_not_equal(forward, far.connection);
        ended(bench, forward, "no");
        bench_until(bench, beside, COMMAND_FAILED);
        assert_int_equal(bench_info(bench, id).state, COMMAND_RUNNING);
        finish(bench, swap(bench, far));
}

static void a_jump_host_that_is_lost_takes_the_host_with_it(void **state)
{
        struct bench *bench = *state;
        command_id id;
        struct other far = swap(bench, begin(bench, &id));

        bench_fails(bench, ERR_CONNECT, "connection lost: the cable was cut");
        bench_until(bench, id, COMMAND_LOST);
        struct command_info info = bench_info(bench, id);
        assert_false(info.status_known);
        assert_non_null(strstr(info.reason, "connection lost: the jump host bob@127.0.0.1:"));
        assert_non_null(strstr(info.reason, "is gone: the cable was cut"));
        bench_dies(bench, 0);
        (void)swap(bench, far);
}

static void the_jump_hosts_reason_counts_where_the_hosts_own_comes_first(void **state)
{
        struct bench *bench = *state;
        command_id id;
        struct other jump = begin(bench, &id);

        bench_fails(bench, ERR_CONNECT, "connection lost: Socket error: disconnected");
        for (int i = 0; i < 3; i++)
                bench_turn(bench);
        struct other far = swap(bench, jump);
        bench_fails(bench, ERR_CONNECT, "connection lost: the cable was cut");
        bench_until(bench, id, COMMAND_LOST);
        assert_non_null(strstr(bench_info(bench, id).reason, "is gone: the cable was cut"));
        bench_dies(bench, 0);
        (void)swap(bench, far);
}

static void a_worker_of_a_jump_host_that_dies_is_the_reason_too(void **state)
{
        struct bench *bench = *state;
        command_id id;
        struct other far = swap(bench, begin(bench, &id));

        (void)close(bench->frames); /* the report of the zygote comes later */
        bench->frames = -1;
        bench_until(bench, id, COMMAND_LOST);
        assert_non_null(strstr(bench_info(bench, id).reason, "its worker process has ended"));
        (void)swap(bench, far);
}

static void a_refused_forward_says_which_of_the_two_refused(void **state)
{
        struct bench *bench = *state;
        uint64_t forward;
        command_id id = run_on(bench, "far", NULL);

        bench_log_in(bench);
        (void)close(expect_open(bench, &forward));
        ended(bench, forward, "it gets no connection to 127.0.0.1 port 1: Connection\x1b refused");
        bench_until(bench, id, COMMAND_FAILED);
        const char *text = bench_info(bench, id).error.text;
        assert_non_null(strstr(text, "cannot connect to amy@127.0.0.1:"));
        assert_non_null(strstr(text, "its jump host bob@127.0.0.1:"));
        assert_non_null(strstr(text, "Connection  refused"));
        command_id again = run_on(bench, "far", NULL); /* over the same jump host */
        (void)close(expect_open(bench, &forward));
        assert_int_equal(bench_info(bench, again).state, COMMAND_QUEUED);
}

static void a_jump_host_that_refuses_the_log_in_is_named(void **state)
{
        struct bench *bench = *state;
        command_id id = run_on(bench, "far", NULL);

        bench_accept(bench);
        (void)bench_expect(bench, WIRE_CONNECT);
        bench_shows_key(bench, /* is_known= */ true);
        (void)bench_expect(bench, WIRE_HOST_KEY_OK);
        bench_fails(bench, ERR_AUTH, "the server refused user bob");
        bench_until(bench, id, COMMAND_FAILED);
        struct command_info info = bench_info(bench, id);
        assert_int_equal(info.error.code, ERR_AUTH);
        assert_non_null(strstr(info.error.text, "its jump host bob@127.0.0.1:"));
        assert_non_null(strstr(info.error.text, "the server refused user bob"));
}

static void a_jump_host_found_dead_is_asked_for_once_more(void **state)
{
        struct bench *bench = *state;
        uint64_t forward;
        command_id id = run_on(bench, "far", NULL);

        bench_log_in(bench);
        (void)close(expect_open(bench, &forward));
        bench_fails(bench, ERR_CONNECT, "connection lost: Broken pipe");
        uint64_t first = bench->connection;
        bench_log_in(bench); /* another worker for the jump host */
        assert_int_not_equal(bench->connection, first);
        (void)close(expect_open(bench, &forward));
        assert_int_equal(bench_info(bench, id).state, COMMAND_QUEUED);
        bench_fails(bench, ERR_CONNECT, "connection lost: Broken pipe");
        bench_until(bench, id, COMMAND_FAILED);
        assert_non_null(strstr(bench_info(bench, id).error.text, "Broken pipe"));
}

static bool has_via(void *arg, const struct session_info *info)
{
        bool *found = arg;

        *found = *found || (info->via[0] != 0 && strcmp(info->state, "connecting") == 0);
        return true;
}

static void until_it_waits_for_its_jump_host(struct bench *bench)
{
        int64_t deadline = clock_now_ms() + BENCH_LIMIT_MS;

        for (bool found = false; !found;) {
                bench_turn(bench);
                engine_each_session(bench->engine, has_via, &found);
                assert_true(clock_now_ms() < deadline);
        }
}

/* Its worker's socket has ended and the zygote has not told yet: a call comes in between. */
static void a_jump_host_whose_worker_is_dying_is_asked_for_once_more(void **state)
{
        struct bench *bench = *state;
        uint64_t forward;
        command_id first;
        struct other jump = begin(bench, &first);
        struct other far = swap(bench, jump);

        (void)close(bench->frames);
        bench->frames = -1;
        bench_until(bench, first, COMMAND_LOST);
        command_id id = run_on(bench, "far", NULL);
        until_it_waits_for_its_jump_host(bench);
        bench_dies(bench, SIGKILL);
        bench_log_in(bench); /* another worker for the jump host */
        assert_int_not_equal(bench->connection, jump.connection);
        (void)close(expect_open(bench, &forward));
        assert_int_equal(bench_info(bench, id).state, COMMAND_QUEUED);
        (void)close(far.frames);
}

static void closing_the_jump_host_interrupts_what_is_behind_it(void **state)
{
        struct bench *bench = *state;
        command_id id;
        struct other jump = begin(bench, &id);
        const struct session_ref session = { .host = "127.0.0.1", .username = "bob" };
        unsigned closed = 0;
        struct err err;

        assert_true(engine_close_session(bench->engine, &session, &closed, &err));
        assert_int_equal(closed, 2);
        bench_until(bench, id, COMMAND_INTERRUPTED);
        assert_non_null(strstr(bench_info(bench, id).reason, "its jump host bob@127.0.0.1:"));
        finish(bench, jump);
}

static void closing_the_host_while_it_asks_takes_the_question_back(void **state)
{
        struct bench *bench = *state;
        uint64_t forward;
        command_id id = run_on(bench, "far", NULL);
        const struct session_ref session = { .host = "far" };
        unsigned closed = 0;
        struct err err;

        bench_log_in(bench);
        (void)close(expect_open(bench, &forward));
        assert_true(engine_close_session(bench->engine, &session, &closed, &err));
        assert_int_equal(closed, 1);
        assert_int_equal(bench_info(bench, id).state, COMMAND_INTERRUPTED);
        assert_int_equal(bench_expect(bench, WIRE_FORWARD_CLOSE).id, forward);
        ended(bench, forward, ""); /* of one that is gone: nothing happens */
        opened(bench, forward);
        for (int i = 0; i < 3; i++)
                bench_turn(bench);
}

/* What comes in one turn of the loop: a call, and the jump host's answer right after it. */
struct call {
        uv_poll_t poll;
        struct bench *bench;
        unsigned closed;
};

static void on_call(uv_poll_t *poll, int status, int events)
{
        struct call *call = poll->data;
        const struct session_ref session = { .host = "far" };
        struct err err;

        (void)status, (void)events;
        assert_true(engine_close_session(call->bench->engine, &session, &call->closed, &err));
        uv_close((uv_handle_t *)poll, NULL);
}

static void a_forward_that_opens_while_the_host_is_closed_is_not_used(void **state)
{
        struct bench *bench = *state;
        struct call call = { .bench = bench };
        uint64_t forward;
        int ends[2];
        command_id id = run_on(bench, "far", NULL);

        bench_log_in(bench);
        (void)close(expect_open(bench, &forward));
        assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM, 0, ends), 0);
        assert_int_equal(uv_poll_init(&bench->loop, &call.poll, ends[0]), 0);
        call.poll.data = &call;
        assert_int_equal(uv_poll_start(&call.poll, UV_READABLE, on_call), 0);
        assert_int_equal(uv_run(&bench->loop, UV_RUN_NOWAIT), 1); /* both are waited for */
        assert_int_equal(send(ends[1], "x", 1, 0), 1);
        opened(bench, forward);
        for (int i = 0; i < 3; i++)
                bench_turn(bench);
        assert_int_equal(call.closed, 1);
        bench_until(bench, id, COMMAND_INTERRUPTED);
        assert_int_equal(bench_expect(bench, WIRE_FORWARD_CLOSE).id, forward);
        (void)close(ends[0]);
        (void)close(ends[1]);
}

/* Time is up, and what the jump host's worker has to say about it is still waited for. */
static void a_forward_that_opens_too_late_is_not_used(void **state)
{
        struct bench *bench = *state;
        uint64_t forward;
        char byte;
        command_id id = run_on(bench, "slow", NULL);

        bench_log_in(bench);
        (void)close(expect_open(bench, &forward));
        int64_t late_ms = clock_now_ms() + 1000 + 2000 + 30; /* limit, guard, less than 100 more */
        while (clock_now_ms() < late_ms)
                bench_turn(bench);
        opened(bench, forward);
        bench_until(bench, id, COMMAND_FAILED);
        assert_non_null(strstr(bench_info(bench, id).error.text, "does not answer"));
        assert_int_equal(recv(bench->zygote, &byte, 1, 0), -1); /* no worker was asked for */
}

static void a_forward_that_is_not_its_own_moves_nobody(void **state)
{
        struct bench *bench = *state;
        command_id id;
        struct other jump = begin(bench, &id);

        /* the host's worker speaks of itself, of the jump host and of nobody */
        opened(bench, bench->connection);
        opened(bench, jump.connection);
        ended(bench, jump.connection, "nonsense");
        ended(bench, 4711, "nonsense");
        bench_ends(bench, id.n, WIRE_HOW_EXITED, 0);
        bench_until(bench, id, COMMAND_DONE);
        finish(bench, jump);
}

static void the_same_machine_without_the_jump_host_is_another_connection(void **state)
{
        struct bench *bench = *state;
        command_id id;
        struct other jump = begin(bench, &id);
        struct other far = put_aside(bench);
        const struct run_request request = {
                .session = { .host = "127.0.0.1", .username = "amy", .port = bench->port },
                .text = "id",
                .text_len = 2,
        };
        command_id straight;
        struct err err;

        assert_true(bench_try(bench, &request, &straight, &err));
        bench_log_in(bench);
        assert_int_not_equal(bench->connection, far.connection);
        assert_int_not_equal(bench->connection, jump.connection);
        finish(bench, far);
        finish(bench, jump);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, bench_teardown)

int main(void)
{
        const struct CMUnitTest tests[] = {
                TEST(a_host_is_reached_through_a_forward_of_its_jump_host),
                TEST(a_second_host_uses_the_same_jump_host),
                TEST(the_same_machine_without_the_jump_host_is_another_connection),
                TEST(a_jump_host_that_is_lost_takes_the_host_with_it),
                TEST(the_jump_hosts_reason_counts_where_the_hosts_own_comes_first),
                TEST(a_worker_of_a_jump_host_that_dies_is_the_reason_too),
                TEST(a_refused_forward_says_which_of_the_two_refused),
                TEST(a_jump_host_that_refuses_the_log_in_is_named),
                TEST(a_jump_host_found_dead_is_asked_for_once_more),
                TEST(a_jump_host_whose_worker_is_dying_is_asked_for_once_more),
                TEST(closing_the_jump_host_interrupts_what_is_behind_it),
                TEST(closing_the_host_while_it_asks_takes_the_question_back),
                TEST(a_forward_that_opens_while_the_host_is_closed_is_not_used),
                TEST(a_forward_that_opens_too_late_is_not_used),
                TEST(a_forward_that_is_not_its_own_moves_nobody),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
