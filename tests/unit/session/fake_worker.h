#pragma once
/*
 * fake_worker.h - the test plays zygote and worker: a real engine on one side, the wire on the
 * other.
 *
 * A throw-away HOME, a listener on a loopback port that nobody speaks SSH on, and an engine whose
 * zygote socket ends here. Everything waits for a condition, at most BENCH_LIMIT_MS.
 */
#include "session/engine.h"
#include "wire/message.h"

#include <sys/types.h>
#include <uv.h>

#define BENCH_LIMIT_MS 10000

struct bench {
        uv_loop_t loop;
        struct engine *engine;
        char home[64];
        int listener;
        int port;
        int zygote; /* the test's end */
        bool zygote_is_there;
        int frames; /* the worker's end of the newest connection, -1 none */
        uint64_t connection;
        struct buf in;
        struct buf out;
        size_t used; /* bytes of the frame handed out last */
};

int bench_setup(void **state);
int bench_teardown(void **state);

/* ---- the client's side ---- */

/* Runs it on the bench's own host as user bob; fails the test if it is refused. */
command_id bench_run(struct bench *bench, const char *shell, const char *text);
bool bench_try(struct bench *bench, const struct run_request *request, command_id *out_id,
               struct err *err);
struct run_request bench_request(const struct bench *bench, const char *shell, const char *text);
struct command_info bench_info(struct bench *bench, command_id id);
void bench_until(struct bench *bench, command_id id, enum command_state state);
void bench_output_is(struct bench *bench, command_id id, const char *text);

/* A file in .ssh of the bench's home, removed with it. */
void bench_write_key(const struct bench *bench, const char *name, mode_t mode);

/* ---- the worker's side ---- */

void bench_accept(struct bench *bench); /* a worker is asked for; its frames are ours now */
void bench_log_in(struct bench *bench); /* accept, WIRE_CONNECT … WIRE_READY */
struct frame bench_expect(struct bench *bench,
                          enum wire_kind kind); /* borrowed until the next one */
uint64_t bench_expect_run(struct bench *bench, uint64_t *out_shell, const char *text);
uint64_t bench_open_shell(struct bench *bench); /* WIRE_SHELL_OPEN, answered with READY */
void bench_send(struct bench *bench);           /* what was written to bench->out */
void bench_started(struct bench *bench, uint64_t id);
void bench_prints(struct bench *bench, uint64_t id, const char *text);
void bench_awaits(struct bench *bench, uint64_t id, enum wire_awaiting awaiting,
                  const char *question);
void bench_ends(struct bench *bench, uint64_t id, enum wire_how how, int status);
void bench_fails(struct bench *bench, enum err_code code, const char *text);
void bench_dies(struct bench *bench, int status); /* socket closed and the end reported */
void bench_shows_key(struct bench *bench, bool is_known);
void bench_turn(struct bench *bench); /* one turn of the loop, not longer than a few ms */
