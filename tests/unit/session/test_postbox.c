/*
 * The postbox against the worker's own end of the socket: every fd comes with the frame that it
 * was given with, however the bytes are cut on the way.
 */
#include "session/worker_link/postbox.h"

#include "base/alloc.h"
#include "session/reach/sockets.h"
#include "wire/message.h"
#include "worker/frame_socket.h"

#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cmocka.h>

#define SMALL_BUFFER 4608 /* bytes the kernel takes at once, about: every frame is cut somewhere \
                           */
#define FRAMES       300

struct bench {
        uv_loop_t loop;
        uint8_t *scratch;
        struct postbox *postbox;
        struct frame_socket worker;
        unsigned ended;
        unsigned frames;
};

static void on_frame(void *arg, const struct frame *frame)
{
        struct bench *bench = arg;

        assert_int_equal(frame->kind, WIRE_LOG);
        bench->frames++;
}

static void on_end(void *arg, enum postbox_end end)
{
        struct bench *bench = arg;

        assert_int_equal(end, POSTBOX_EOF);
        bench->ended++;
}

static int setup(void **state)
{
        struct bench *bench = xcalloc(1, sizeof *bench);
        const struct postbox_owner owner = { on_frame, on_end, bench };
        int size = SMALL_BUFFER;
        struct err err;
        int ends[2];

        (void)signal(SIGPIPE, SIG_IGN); /* as main() does */
        assert_int_equal(uv_loop_init(&bench->loop), 0);
        assert_true(socket_pair(ends, &err));
        assert_int_equal(setsockopt(ends[0], SOL_SOCKET, SO_SNDBUF, &size, sizeof size), 0);
        bench->scratch = xcalloc(1, POSTBOX_SCRATCH_LEN);
        assert_true(
                postbox_new(&bench->postbox, &bench->loop, &ends[0], bench->scratch, &owner, &err));
        frame_socket_init(&bench->worker, ends[1]);
        *state = bench;
        return 0;
}

static int teardown(void **state)
{
        struct bench *bench = *state;

        postbox_free(bench->postbox);
        while (uv_run(&bench->loop, UV_RUN_DEFAULT) != 0)
                ;
        assert_int_equal(uv_loop_close(&bench->loop), 0);
        if (bench->worker.fd >= 0)
                frame_socket_fini(&bench->worker);
        free(bench->scratch);
        free(bench);
        return 0;
}

/* A socket out of which the byte can be read. */
static int fd_with(uint8_t byte)
{
        int ends[2];

        assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM, 0, ends), 0);
        assert_int_equal(write(ends[0], &byte, 1), 1);
        assert_int_equal(close(ends[0]), 0);
        return ends[1];
}

static uint8_t byte_of(int fd)
{
        uint8_t byte = 0;

        assert_true(fd >= 0);
        assert_int_equal(read(fd, &byte, 1), 1);
        assert_int_equal(close(fd), 0);
        return byte;
}

static bool has_fd(uint64_t id)
{
        return id % 3 == 0 || id % 7 == 0;
}

static void write_one(struct bench *bench, uint64_t id)
{
        static const char filler[4000];
        int fd = has_fd(id) ? fd_with((uint8_t)id) : -1;

        if (fd >= 0)
                assert_true(postbox_pass_fd(bench->postbox, &fd));
        assert_int_equal(fd, -1); /* taken */
        assert_true(wire_write_bytes(postbox_out(bench->postbox),
                                     has_fd(id) ? WIRE_FORWARD_OPEN : WIRE_INPUT, id, filler,
                                     (size_t)(id * 613 % sizeof filler)));
        postbox_flush(bench->postbox);
}

/* Takes what has come; returns the id of the last frame, or the one before the first. */
static uint64_t take_all(struct bench *bench, uint64_t last)
{
        struct frame frame;

        assert_true(frame_socket_receive(&bench->worker));
        while (frame_socket_next(&bench->worker, &frame)) {
                assert_int_equal(frame.id, ++last);
                if (has_fd(frame.id))
                        assert_int_equal(byte_of(frame_socket_take_fd(&bench->worker)),
                                         (uint8_t)frame.id);
        }
        return last;
}

static void every_fd_comes_with_its_frame(void **state)
{
        struct bench *bench = *state;
        uint64_t last = 0;

        for (uint64_t id = 1; id <= FRAMES; id++) {
                write_one(bench, id);
                if (id % 5 == 0 || id - last > 40) /* before too many fds wait */
                        last = take_all(bench, last);
                (void)uv_run(&bench->loop, UV_RUN_NOWAIT);
        }
        while (last < FRAMES) {
                (void)uv_run(&bench->loop, UV_RUN_NOWAIT);
                last = take_all(bench, last);
        }
        assert_int_equal(frame_socket_take_fd(&bench->worker), -1);
}

static void too_many_fds_are_refused_and_stay_the_callers(void **state)
{
        struct bench *bench = *state;
        int fd;

        for (int i = 0; i < POSTBOX_FDS_MAX; i++) {
                fd = fd_with(1);
                assert_true(
                        postbox_pass_fd(bench->postbox, &fd)); /* and never sent: freed with it */
                assert_true(wire_write_bare(postbox_out(bench->postbox), WIRE_FORWARD_OPEN, 1));
        }
        fd = fd_with(9);
        assert_false(postbox_pass_fd(bench->postbox, &fd));
        assert_int_equal(byte_of(fd), 9);
}

static void the_last_words_of_a_worker_that_left_frames_unread_are_heard(void **state)
{
        struct bench *bench = *state;

        write_one(bench, 1);
        assert_true(wire_write_u32_bytes(&bench->worker.out, WIRE_LOG, 0, 1, "bye", 3));
        assert_true(frame_socket_send(&bench->worker));
        frame_socket_fini(&bench->worker);
        while (bench->ended == 0)
                (void)uv_run(&bench->loop, UV_RUN_ONCE);
        assert_int_equal(bench->frames, 1);
        assert_int_equal(bench->ended, 1);
        write_one(bench, 3); /* to nobody: dropped, with its fd */
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
        const struct CMUnitTest tests[] = {
                TEST(every_fd_comes_with_its_frame),
                TEST(too_many_fds_are_refused_and_stay_the_callers),
                TEST(the_last_words_of_a_worker_that_left_frames_unread_are_heard),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
