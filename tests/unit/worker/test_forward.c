/* Forwards before their host has answered: limits, deadlines, and giving up. No host is there. */
#include "worker/forward.h"

#include "base/alloc.h"
#include "wire/message.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cmocka.h>

struct bench {
        ssh_session ssh;
        struct buf frames;
        size_t used; /* bytes of frames that were looked at */
        struct forwards forwards;
};

static int setup(void **state)
{
        struct bench *bench = xcalloc(1, sizeof *bench);

        bench->ssh = ssh_new();
        assert_non_null(bench->ssh);
        buf_init(&bench->frames, 1024 * 1024);
        forwards_init(&bench->forwards, bench->ssh, &bench->frames);
        *state = bench;
        return 0;
}

static int teardown(void **state)
{
        struct bench *bench = *state;

        forwards_fini(&bench->forwards);
        ssh_free(bench->ssh);
        buf_fini(&bench->frames);
        free(bench);
        return 0;
}

/* The other end of the socket that was handed over; yours, close(). */
static int open_one(struct bench *bench, uint64_t id, int64_t open_by_ms)
{
        const struct forward_request request = { id, { "web", 3 }, 22, open_by_ms };
        int ends[2];

        assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM, 0, ends), 0);
        forwards_open(&bench->forwards, &request, ends[0]);
        return ends[1];
}

static bool is_closed(int fd)
{
        char byte;

        return recv(fd, &byte, 1, MSG_DONTWAIT) == 0;
}

static void expect_end(struct bench *bench, uint64_t id, const char *words)
{
        struct frame frame;
        size_t used;

        assert_int_equal(frame_parse(bench->frames.data + bench->used,
                                     bench->frames.len - bench->used, &frame, &used),
                         FRAME_READY);
        bench->used += used;
        assert_int_equal(frame.kind, WIRE_FORWARD_ENDED);
        assert_int_equal(frame.id, id);
        struct wire_reader reader = wire_read(&frame);
        struct str why = wire_get_bytes(&reader);
        assert_true(wire_read_done(&reader));
        assert_non_null(memmem(why.ptr, why.len, words, strlen(words)));
}

static void one_too_many_is_refused_and_its_socket_closed(void **state)
{
        struct bench *bench = *state;

        for (uint64_t id = 1; id <= FORWARDS_MAX; id++) {
                int fd = open_one(bench, id, 1000);
                assert_false(is_closed(fd));
                assert_int_equal(close(fd), 0);
        }
        assert_int_equal(bench->frames.len, 0);
        int fd = open_one(bench, FORWARDS_MAX + 1, 1000);
        expect_end(bench, FORWARDS_MAX + 1, "256 connections to hosts behind it");
        assert_int_equal(bench->frames.len, bench->used);
        assert_true(is_closed(fd));
        assert_int_equal(close(fd), 0);
}

static void one_that_opens_waits_for_nothing_but_its_deadline(void **state)
{
        struct bench *bench = *state;
        struct pollfd fds[FORWARDS_MAX];

        assert_true(forwards_deadline_ms(&bench->forwards) == INT64_MAX);
        int late = open_one(bench, 1, 5000);
        int soon = open_one(bench, 2, 3000);
        assert_int_equal(forwards_deadline_ms(&bench->forwards), 3000);
        assert_int_equal(forwards_poll(&bench->forwards, fds), 0);
        assert_int_equal(close(late), 0);
        assert_int_equal(close(soon), 0);
        assert_int_equal(forwards_poll(&bench->forwards, fds), 0);
}

static void one_that_is_closed_while_it_opens_is_told_once(void **state)
{
        struct bench *bench = *state;
        int fd = open_one(bench, 7, 1000);
        int other = open_one(bench, 8, 2000);

        forwards_close(&bench->forwards, 7);
        expect_end(bench, 7, "");
        assert_true(is_closed(fd));
        assert_false(is_closed(other));
        assert_int_equal(forwards_deadline_ms(&bench->forwards), 2000);
        forwards_close(&bench->forwards, 7); /* it waits for the host's answer, without its socket */
        forwards_close(&bench->forwards, 4711);
        assert_int_equal(bench->frames.len, bench->used);
        assert_int_equal(bench->forwards.count, 2);
        assert_int_equal(close(fd), 0);
        assert_int_equal(close(other), 0);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
        const struct CMUnitTest tests[] = {
                TEST(one_too_many_is_refused_and_its_socket_closed),
                TEST(one_that_opens_waits_for_nothing_but_its_deadline),
                TEST(one_that_is_closed_while_it_opens_is_told_once),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
