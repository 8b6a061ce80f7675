/*
 * Each case runs in a child process, because stdio_new() takes descriptors 0 and 1 for good. The
 * child echoes every line; the test is the client at the other end.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "transport/stdio.h"

#include "base/alloc.h"
#include "base/fault.h"
#include "transport/lines.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>
#include <uv.h>

struct echo {
        uv_loop_t loop;
        struct stdio *stdio;
        int flood; /* how many times each line comes back */
};

static void on_line(void *arg, const char *bytes, size_t len)
{
        struct echo *echo = arg;
        char *line = xcalloc(1, len + 1);

        memcpy(line, bytes, len);
        line[len] = '\n';
        for (int i = 0; i < echo->flood; i++)
                (void)stdio_send(echo->stdio, line, len + 1);
        free(line);
        (void)printf("stray output\n");
        (void)fflush(stdout);
}

static void on_too_long(void *arg)
{
        struct echo *echo = arg;

        (void)stdio_send(echo->stdio, "too long\n", 9);
}

static void on_eof(void *arg)
{
        struct echo *echo = arg;

        stdio_stop(echo->stdio);
}

static const struct stdio_callbacks callbacks = { on_line, on_too_long, on_eof };

/* In the child: serves until the client is gone, and exits with 0. */
static void serve(int in, int out, int flood)
{
        struct echo *echo = xcalloc(1, sizeof *echo);
        struct err err;
        int null_fd = open("/dev/null", O_RDWR | O_CLOEXEC);
        int out_copy = fcntl(out, F_DUPFD_CLOEXEC, 10);

        if (dup2(in, 0) < 0 || dup2(out_copy, 1) < 0 || dup2(null_fd, 2) < 0)
                _exit(10);
        for (int fd = 3; fd < 64; fd++)
                (void)close(fd);
        echo->flood = flood;
        if (uv_loop_init(&echo->loop) != 0
            || !stdio_new(&echo->stdio, &echo->loop, &callbacks, echo, &err))
                _exit(11);
        if (uv_run(&echo->loop, UV_RUN_DEFAULT) != 0)
                _exit(12);
        stdio_free(echo->stdio);
        if (uv_loop_close(&echo->loop) != 0)
                _exit(13);
        free(echo);
        _exit(0);
}

struct talk {
        pid_t child;
        int to;   /* -1: closed */
        int from;
};

static void close_one(int *fd)
{
        if (*fd >= 0)
                (void)close(*fd);
        *fd = -1;
}

static void begin(struct talk *talk, int flood, bool is_socket)
{
        int in[2];
        int out[2];

        assert_int_equal(is_socket ? socketpair(AF_UNIX, SOCK_STREAM, 0, in) : pipe(in), 0);
        assert_int_equal(is_socket ? socketpair(AF_UNIX, SOCK_STREAM, 0, out) : pipe(out), 0);
        talk->child = fork();
        assert_true(talk->child >= 0);
        if (talk->child == 0)
                serve(in[0], out[1], flood);
        (void)close(in[0]);
        (void)close(out[1]);
        talk->to = in[1];
        talk->from = out[0];
}

static int end(struct talk *talk)
{
        int status;

        close_one(&talk->to);
        close_one(&talk->from);
        assert_int_equal(waitpid(talk->child, &status, 0), talk->child);
        assert_true(WIFEXITED(status));
        return WEXITSTATUS(status);
}

static void say(struct talk *talk, const char *bytes, size_t len)
{
        while (len > 0) {
                ssize_t done = write(talk->to, bytes, len);

                assert_true(done > 0);
                bytes += done;
                len -= (size_t)done;
        }
}

static void hear(struct talk *talk, const char *text)
{
        char got[256] = "";
        size_t len = 0;

        while (len < strlen(text)) {
                ssize_t done = read(talk->from, got + len, strlen(text) - len);

                assert_true(done > 0);
                len += (size_t)done;
        }
        assert_string_equal(got, text);
}

static void hear_end(struct talk *talk)
{
        char byte;

        assert_int_equal(read(talk->from, &byte, 1), 0);
}

static void lines_come_back_and_nothing_else(void **state)
{
        (void)state;
        for (int is_socket = 0; is_socket < 2; is_socket++) {
                struct talk talk;

                begin(&talk, 1, is_socket != 0);
                say(&talk, "one\ntw", 6);
                hear(&talk, "one\n");
                say(&talk, "o\r\n\nthree\nlast", 14);
                hear(&talk, "two\nthree\n");
                close_one(&talk.to);
                hear(&talk, "last\n");
                hear_end(&talk);
                assert_int_equal(end(&talk), 0);
        }
}

static void a_long_line_is_told_once(void **state)
{
        static char block[1024 * 1024];
        struct talk talk;

        (void)state;
        memset(block, 'x', sizeof block);
        begin(&talk, 1, false);
        for (int i = 0; i < 100; i++)
                say(&talk, block, sizeof block);
        say(&talk, "\nnext\n", 6);
        hear(&talk, "too long\nnext\n");
        assert_int_equal(end(&talk), 0);
}

static void a_client_that_reads_late_gets_everything(void **state)
{
        static char line[100001];
        struct talk talk;
        size_t total = 0;
        static char got[65536];

        (void)state;
        memset(line, 'y', sizeof line - 1);
        line[sizeof line - 1] = '\n';
        begin(&talk, 100, false); /* 10 MB */
        say(&talk, line, sizeof line);
        while (total < sizeof line * 100) {
                ssize_t done = read(talk.from, got, sizeof got);

                assert_true(done > 0);
                total += (size_t)done;
        }
        assert_int_equal(end(&talk), 0);
}

static void a_client_that_never_reads_is_left(void **state)
{
        static char line[1000001];
        struct talk talk;

        (void)state;
        memset(line, 'y', sizeof line - 1);
        line[sizeof line - 1] = '\n';
        begin(&talk, 100, false); /* 100 MB: more than STDIO_QUEUE_MAX */
        say(&talk, line, sizeof line);
        int status;
        assert_int_equal(waitpid(talk.child, &status, 0), talk.child);
        assert_true(WIFEXITED(status) && WEXITSTATUS(status) == 0);
        close_one(&talk.to);
        close_one(&talk.from);
}

static void a_closed_stdout_is_the_end(void **state)
{
        struct talk talk;
        int status;

        (void)state;
        begin(&talk, 1, false);
        close_one(&talk.from);
        say(&talk, "one\n", 4);
        assert_int_equal(waitpid(talk.child, &status, 0), talk.child);
        assert_true(WIFEXITED(status) && WEXITSTATUS(status) == 0);
        close_one(&talk.to);
}

static void unsent_bytes_do_not_hold_the_end(void **state)
{
        static char line[100001];
        struct talk talk;
        int status;

        (void)state;
        memset(line, 'y', sizeof line - 1);
        line[sizeof line - 1] = '\n';
        begin(&talk, 100, false);
        say(&talk, line, sizeof line);
        close_one(&talk.to); /* and nobody reads: STDIO_FLUSH_MS decides */
        assert_int_equal(waitpid(talk.child, &status, 0), talk.child);
        assert_true(WIFEXITED(status) && WEXITSTATUS(status) == 0);
        close_one(&talk.from);
}

static void files_and_devices_will_do(void **state)
{
        FILE *in = tmpfile();
        FILE *out = tmpfile();
        struct talk talk = { .to = -1, .from = -1 };
        char got[64] = "";

        (void)state;
        assert_true(in != NULL && out != NULL);
        assert_true(fputs("one\ntwo", in) >= 0);
        rewind(in);
        talk.child = fork();
        assert_true(talk.child >= 0);
        if (talk.child == 0)
                serve(fileno(in), fileno(out), 1);
        assert_int_equal(end(&talk), 0);
        rewind(out);
        assert_int_equal(fread(got, 1, sizeof got - 1, out), 8);
        assert_string_equal(got, "one\ntwo\n");
        (void)fclose(in);
        (void)fclose(out);

        int null_fd = open("/dev/null", O_RDWR | O_CLOEXEC);
        talk.child = fork();
        assert_true(talk.child >= 0);
        if (talk.child == 0)
                serve(null_fd, null_fd, 1);
        assert_int_equal(end(&talk), 0);
        (void)close(null_fd);
}

#ifdef FAULT_INJECTION
/* In the child: each step of stdio_new() fails once, and nothing is left open. */
static void fail_to_begin(void)
{
        struct echo echo = { 0 };
        struct err err = { 0 };
        bool ok = false;

        for (unsigned n = 1; !ok; n++) {
                if (uv_loop_init(&echo.loop) != 0)
                        _exit(20);
                fault_at(n);
                ok = stdio_new(&echo.stdio, &echo.loop, &callbacks, &echo, &err);
                fault_off();
                if (!ok && (echo.stdio != NULL || err.code == ERR_NONE))
                        _exit(21);
                stdio_free(echo.stdio);
                if (uv_run(&echo.loop, UV_RUN_DEFAULT) != 0 || uv_loop_close(&echo.loop) != 0)
                        _exit(22);
        }
        _exit(0);
}

static void a_beginning_that_fails_leaves_nothing(void **state)
{
        struct talk talk = { .child = fork(), .to = -1, .from = -1 };

        (void)state;
        assert_true(talk.child >= 0);
        if (talk.child == 0)
                fail_to_begin();
        assert_int_equal(end(&talk), 0);
}
#endif

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(lines_come_back_and_nothing_else),
                cmocka_unit_test(a_long_line_is_told_once),
                cmocka_unit_test(a_client_that_reads_late_gets_everything),
                cmocka_unit_test(a_client_that_never_reads_is_left),
                cmocka_unit_test(a_closed_stdout_is_the_end),
                cmocka_unit_test(unsent_bytes_do_not_hold_the_end),
                cmocka_unit_test(files_and_devices_will_do),
#ifdef FAULT_INJECTION
                cmocka_unit_test(a_beginning_that_fails_leaves_nothing),
#endif
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
