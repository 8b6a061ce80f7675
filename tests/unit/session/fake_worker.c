#include "fake_worker.h"

#include "base/alloc.h"
#include "base/clock.h"
#include "wire/spawn.h"

#include <arpa/inet.h>
#include <errno.h>
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
#include <unistd.h>

#include <cmocka.h>

#define BLOB_LEN (4 + 11 + 4 + 32)

static void make_blob(uint8_t blob[BLOB_LEN], uint8_t filler)
{
        static const uint8_t head[] = { 0,   0,   0,   11,  's', 's', 'h', '-', 'e', 'd',
                                        '2', '5', '5', '1', '9', 0,   0,   0,   32 };

        memset(blob, filler, BLOB_LEN);
        memcpy(blob, head, sizeof head);
}

static void write_base64(FILE *file, const uint8_t *bytes,
                         size_t len) /* len: a multiple of three */
{
        static const char digits[] =
                "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

        assert_int_equal(len % 3, 0);
        for (size_t i = 0; i < len; i += 3) {
                unsigned group =
                        (unsigned)bytes[i] << 16 | (unsigned)bytes[i + 1] << 8 | bytes[i + 2];
                (void)fprintf(file, "%c%c%c%c", digits[group >> 18], digits[group >> 12 & 63],
                              digits[group >> 6 & 63], digits[group & 63]);
        }
}

static void write_known_hosts(const struct bench *bench)
{
        char path[128];
        uint8_t blob[BLOB_LEN];

        (void)snprintf(path, sizeof path, "%s/.ssh", bench->home);
        assert_int_equal(mkdir(path, 0700), 0);
        (void)snprintf(path, sizeof path, "%s/.ssh/known_hosts", bench->home);
        FILE *file = fopen(path, "w");
        assert_non_null(file);
        make_blob(blob, 'k');
        (void)fprintf(file, "[127.0.0.1]:%d ssh-ed25519 ", bench->port);
        write_base64(file, blob, sizeof blob);
        (void)fprintf(file, "\n");
        assert_int_equal(fclose(file), 0);
}

static void listen_somewhere(struct bench *bench)
{
        struct sockaddr_in address = { .sin_family = AF_INET,
                                       .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
        socklen_t len = sizeof address;

        bench->listener = socket(AF_INET, SOCK_STREAM, 0);
        assert_true(bench->listener >= 0);
        assert_int_equal(bind(bench->listener, (struct sockaddr *)&address, sizeof address), 0);
        assert_int_equal(listen(bench->listener, 64), 0);
        assert_int_equal(getsockname(bench->listener, (struct sockaddr *)&address, &len), 0);
        bench->port = ntohs(address.sin_port);
}

static void set_nonblocking(int fd)
{
        assert_int_equal(fcntl(fd, F_SETFL, fcntl(fd, F_GETFL) | O_NONBLOCK), 0);
}

int bench_setup(void **state)
{
        struct bench *bench = xcalloc(1, sizeof *bench);
        struct engine_config config = { 0 };
        struct err err;
        int ends[2];

        (void)signal(SIGPIPE, SIG_IGN); /* as main() does */
        bench->frames = -1;
        (void)snprintf(bench->home, sizeof bench->home, "/tmp/mcp-ssh-test.XXXXXX");
        assert_non_null(mkdtemp(bench->home));
        assert_int_equal(setenv("HOME", bench->home, 1), 0);
        assert_int_equal(unsetenv("SSH_AUTH_SOCK"), 0);
        listen_somewhere(bench);
        write_known_hosts(bench);
        buf_init(&bench->in, 8 * 1024 * 1024);
        buf_init(&bench->out, 8 * 1024 * 1024);
        assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM, 0, ends), 0);
        set_nonblocking(ends[0]);
        set_nonblocking(ends[1]);
        bench->zygote = ends[1];
        bench->zygote_is_there = true;
        config.zygote_fd = ends[0];
        assert_int_equal(uv_loop_init(&bench->loop), 0);
        assert_true(engine_new(&bench->engine, &bench->loop, &config, &err));
        *state = bench;
        return 0;
}

void bench_write_key(const struct bench *bench, const char *name, mode_t mode)
{
        char path[128];

        (void)snprintf(path, sizeof path, "%s/.ssh/%s", bench->home, name);
        FILE *file = fopen(path, "w");
        assert_non_null(file);
        assert_true(fputs("-----BEGIN OPENSSH PRIVATE KEY-----\n", file) >= 0);
        assert_int_equal(fclose(file), 0);
        assert_int_equal(chmod(path, mode), 0);
}

static void remove_home(const struct bench *bench)
{
        static const char *const files[] = { ".ssh/known_hosts", ".ssh/id_rsa", ".ssh/id_ed25519",
                                             ".ssh/config", ".ssh/new" };
        char path[128];

        for (size_t i = 0; i < sizeof files / sizeof *files; i++) {
                (void)snprintf(path, sizeof path, "%s/%s", bench->home, files[i]);
                (void)unlink(path);
        }
        (void)snprintf(path, sizeof path, "%s/.ssh", bench->home);
        (void)rmdir(path);
        (void)rmdir(bench->home);
}

int bench_teardown(void **state)
{
        struct bench *bench = *state;

        engine_stop(bench->engine);
        if (bench->frames >= 0 && bench->zygote_is_there)
                bench_dies(bench, 0); /* a worker that was told to stop */
        int64_t deadline = clock_now_ms() + BENCH_LIMIT_MS;
        while (uv_run(&bench->loop, UV_RUN_ONCE) != 0)
                assert_true(clock_now_ms() < deadline);
        assert_int_equal(uv_loop_close(&bench->loop), 0);
        engine_free(bench->engine);
        (void)close(bench->listener);
        (void)close(bench->zygote);
        if (bench->frames >= 0)
                (void)close(bench->frames);
        remove_home(bench);
        buf_fini(&bench->in);
        buf_fini(&bench->out);
        free(bench);
        return 0;
}

void bench_turn(struct bench *bench)
{
        struct pollfd fds[3] = { { uv_backend_fd(&bench->loop), POLLIN, 0 },
                                 { bench->zygote, POLLIN, 0 },
                                 { bench->frames, POLLIN, 0 } };

        (void)uv_run(&bench->loop, UV_RUN_NOWAIT);
        int wait_ms = uv_backend_timeout(&bench->loop);
        (void)poll(fds, 3, wait_ms < 0 || wait_ms > 20 ? 20 : wait_ms);
        (void)uv_run(&bench->loop, UV_RUN_NOWAIT);
}

/* ---- the client's side ---- */

struct run_request bench_request(const struct bench *bench, const char *shell, const char *text)
{
        return (struct run_request){
                .session = { .host = "127.0.0.1",
                             .username = "bob",
                             .port = bench->port,
                             .shell = shell },
                .text = text,
                .text_len = strlen(text),
        };
}

bool bench_try(struct bench *bench, const struct run_request *request, command_id *out_id,
               struct err *err)
{
        command_id busy;

        return engine_run(bench->engine, request, out_id, &busy, err);
}

command_id bench_run(struct bench *bench, const char *shell, const char *text)
{
        struct run_request request = bench_request(bench, shell, text);
        command_id id = { 0 };
        struct err err = { 0 };

        if (!bench_try(bench, &request, &id, &err))
                fail_msg("refused: %s", err.text);
        return id;
}

struct command_info bench_info(struct bench *bench, command_id id)
{
        struct command_info info;

        assert_true(engine_info(bench->engine, id, &info));
        return info;
}

void bench_until(struct bench *bench, command_id id, enum command_state state)
{
        int64_t deadline = clock_now_ms() + BENCH_LIMIT_MS;

        while (bench_info(bench, id).state != state) {
                struct command_info info = bench_info(bench, id);
                if (clock_now_ms() > deadline || command_state_is_final(info.state))
                        fail_msg("state %s (%s), expected %s", command_state_name(info.state),
                                 info.error.text, command_state_name(state));
                bench_turn(bench);
        }
}

void bench_output_is(struct bench *bench, command_id id, const char *text)
{
        char got[4096];
        uint64_t skipped;
        struct command_info info = bench_info(bench, id);
        size_t n = output_read(info.out, 0, got, sizeof got - 1, &skipped);

        got[n] = 0;
        assert_string_equal(got, text);
}

/* ---- the worker's side ---- */

static bool receive_order(struct bench *bench, struct spawn_record *record)
{
        ssize_t n = recv(bench->zygote, record, sizeof *record, 0);

        if (n < 0)
                return false;
        assert_int_equal(n, sizeof *record);
        return true;
}

static void receive_fds(struct bench *bench, const struct spawn_record *record)
{
        char control[CMSG_SPACE(SPAWN_FDS_MAX * sizeof(int))];
        char byte;
        struct iovec bytes = { &byte, 1 };
        struct msghdr message = { .msg_iov = &bytes,
                                  .msg_iovlen = 1,
                                  .msg_control = control,
                                  .msg_controllen = sizeof control };
        int fds[SPAWN_FDS_MAX];

        assert_int_equal(recvmsg(bench->zygote, &message, 0), 1);
        struct cmsghdr *header = CMSG_FIRSTHDR(&message);
        assert_non_null(header);
        size_t count = 2 + (record->has_agent != 0);
        assert_int_equal(header->cmsg_len, CMSG_LEN(count * sizeof(int)));
        memcpy(fds, CMSG_DATA(header), count * sizeof(int));
        (void)close(fds[0]);
        if (bench->frames >= 0)
                (void)close(bench->frames);
        bench->frames = fds[1];
        if (count == 3)
                (void)close(fds[2]);
        set_nonblocking(bench->frames);
        bench->connection = record->id;
        bench->in.len = 0;
        bench->used = 0;
}

void bench_accept(struct bench *bench)
{
        int64_t deadline = clock_now_ms() + BENCH_LIMIT_MS;
        struct spawn_record record;

        for (;;) {
                if (!receive_order(bench, &record)) {
                        assert_true(clock_now_ms() < deadline);
                        bench_turn(bench);
                } else if (record.kind == SPAWN_MAKE) {
                        break;
                } else {
                        assert_int_equal(record.kind, SPAWN_KILL); /* of an earlier one */
                }
        }
        receive_fds(bench, &record);
}

struct frame bench_expect(struct bench *bench, enum wire_kind kind)
{
        int64_t deadline = clock_now_ms() + BENCH_LIMIT_MS;
        struct frame frame;

        buf_consume(&bench->in, bench->used);
        bench->used = 0;
        while (frame_parse(bench->in.data, bench->in.len, &frame, &bench->used) != FRAME_READY) {
                assert_true(clock_now_ms() < deadline);
                assert_true(buf_reserve(&bench->in, 65536));
                ssize_t n = recv(bench->frames, bench->in.data + bench->in.len, 65536, 0);
                if (n > 0)
                        bench->in.len += (size_t)n;
                else
                        bench_turn(bench);
        }
        assert_int_equal(frame.kind, kind);
        return frame;
}

void bench_send(struct bench *bench)
{
        while (bench->out.len > 0) {
                ssize_t n = send(bench->frames, bench->out.data, bench->out.len, MSG_NOSIGNAL);
                if (n > 0)
                        buf_consume(&bench->out, (size_t)n);
                else
                        bench_turn(bench);
        }
}

void bench_shows_key(struct bench *bench, bool is_known)
{
        uint8_t blob[BLOB_LEN];

        make_blob(blob, is_known ? 'k' : 'x');
        assert_true(wire_write_two_bytes(&bench->out, WIRE_HOST_KEY, 0, str_of("ssh-ed25519"),
                                         (struct str){ (const char *)blob, sizeof blob }));
        bench_send(bench);
}

void bench_log_in(struct bench *bench)
{
        bench_accept(bench);
        (void)bench_expect(bench, WIRE_CONNECT);
        bench_shows_key(bench, /* is_known= */ true);
        (void)bench_expect(bench, WIRE_HOST_KEY_OK);
        assert_true(wire_write_ready(&bench->out, str_of("SSH-2.0-Test"),
                                     str_of("publickey (id_test)"), str_of("")));
        bench_send(bench);
}

uint64_t bench_open_shell(struct bench *bench)
{
        struct frame open = bench_expect(bench, WIRE_SHELL_OPEN);
        uint64_t id = open.id;
        struct wire_writer ready = wire_begin(&bench->out, WIRE_SHELL_READY, id);

        wire_put_text(&ready, "bash");
        wire_put_i64(&ready, 4711);
        assert_true(wire_end(&ready));
        bench_send(bench);
        return id;
}

uint64_t bench_expect_run(struct bench *bench, uint64_t *out_shell, const char *text)
{
        struct frame begin = bench_expect(bench, WIRE_RUN_BEGIN);
        struct wire_reader reader = wire_read(&begin);
        uint64_t id = begin.id;

        *out_shell = (uint64_t)wire_get_i64(&reader);
        assert_true(wire_read_done(&reader));
        struct frame piece = bench_expect(bench, WIRE_RUN_TEXT);
        assert_int_equal(piece.id, id);
        reader = wire_read(&piece);
        assert_true(str_is(wire_get_bytes(&reader), text));
        assert_int_equal(bench_expect(bench, WIRE_RUN_GO).id, id);
        return id;
}

void bench_started(struct bench *bench, uint64_t id)
{
        assert_true(wire_write_bare(&bench->out, WIRE_STARTED, id));
        bench_send(bench);
}

void bench_prints(struct bench *bench, uint64_t id, const char *text)
{
        assert_true(wire_write_u32_bytes(&bench->out, WIRE_OUTPUT, id, 1, text, strlen(text)));
        bench_send(bench);
}

void bench_awaits(struct bench *bench, uint64_t id, enum wire_awaiting awaiting,
                  const char *question)
{
        assert_true(wire_write_u32_bytes(&bench->out, WIRE_AWAITING, id, awaiting, question,
                                         strlen(question)));
        bench_send(bench);
}

void bench_ends(struct bench *bench, uint64_t id, enum wire_how how, int status)
{
        struct wire_end end = { .how = how, .status = status };

        assert_true(wire_write_end(&bench->out, WIRE_ENDED, id, &end));
        bench_send(bench);
}

void bench_fails(struct bench *bench, enum err_code code, const char *text)
{
        assert_true(wire_write_u32_bytes(&bench->out, WIRE_FAILED, 0, code, text, strlen(text)));
        bench_send(bench);
}

void bench_dies(struct bench *bench, int status)
{
        struct spawn_record record = { .kind = SPAWN_ENDED,
                                       .id = bench->connection,
                                       .status = status };

        (void)close(bench->frames);
        bench->frames = -1;
        assert_int_equal(send(bench->zygote, &record, sizeof record, 0), sizeof record);
}
