/*
 * One poll loop: frames from the supervisor, bytes from the host, and what is due.
 *
 * libssh reads the socket whenever any channel is looked at, for all channels. So one sweep over
 * the channels can leave bytes behind for one that was looked at before; a sweep is repeated
 * until nothing was taken and no byte came in from the socket meanwhile. A jump host may have no
 * channel at all for a while; worker.ear is there to be looked at then.
 *
 * How a worker ends.
 * - the supervisor says WIRE_STOP or is gone   -> disconnect, exit
 * - the connection breaks, or never came about -> WIRE_FAILED, exit; the supervisor ends commands
 * - it hangs or crashes                        -> the zygote kills or reaps it, and tells
 */
#include "worker/worker_private.h"

#include "base/alloc.h"
#include "base/clock.h"
#include "base/log.h"
#include "wire/message.h"
#include "worker/connect.h"
#include "worker/sandbox.h"

#include <libssh/server.h> /* ssh_send_keepalive() lives there */
#include <poll.h>
#include <stdlib.h>

#define READ_PER_TURN (256 * 1024) /* bytes; one chatty channel must not starve the others */
#define SWEEPS_MAX    8            /* per turn; then frames are looked at again */
#define DRAIN_MS      500          /* for the last words to leave */

/* ---- what is due ---- */

static bool is_backed_up(const struct worker *worker)
{
        return frame_socket_unsent(&worker->frames) > FRAME_SOCKET_OUT_HIGH;
}

static void sweep(struct worker *worker, int64_t now_ms)
{
        worker_start_next_shell(worker, now_ms);
        (void)ssh_channel_poll(worker->ear, /* is_stderr= */ 0);
        forwards_turn(&worker->forwards, now_ms);
        for (size_t i = 0; i < SHELLS_MAX && !is_backed_up(worker); i++)
                if (worker->shells[i] != NULL)
                        shell_turn(worker->shells[i], READ_PER_TURN, now_ms);
        for (size_t i = 0; i < ISOLATED_MAX && !is_backed_up(worker); i++)
                if (worker->isolated[i] != NULL
                    && !isolated_turn(worker->isolated[i], READ_PER_TURN, now_ms)) {
                        isolated_free(worker->isolated[i]);
                        worker->isolated[i] = NULL;
                }
        worker_turn_probe(worker, now_ms);
        for (size_t i = 0; i < SHELLS_MAX; i++)
                if (worker->shells[i] != NULL && shell_is_over(worker->shells[i]))
                        worker_drop_shell(worker, i);
}

/* True: there may be more to take at once. */
static bool sweep_all(struct worker *worker, int64_t now_ms)
{
        for (int i = 0; i < SWEEPS_MAX; i++) {
                uint64_t bytes_before = worker->counter.in_bytes;
                size_t unsent_before = frame_socket_unsent(&worker->frames);
                sweep(worker, now_ms);
                if (worker->counter.in_bytes == bytes_before
                    && frame_socket_unsent(&worker->frames) == unsent_before)
                        return worker->forwards.has_more;
                if (is_backed_up(worker))
                        return worker->forwards.has_more;
        }
        return true;
}

static struct liveness_now liveness_now(const struct worker *worker, int64_t now_ms)
{
        return (struct liveness_now){ now_ms, clock_boot_ms(), worker->counter.in_bytes };
}

static bool look_after_connection(struct worker *worker, int64_t now_ms, struct err *err)
{
        struct liveness_now now = liveness_now(worker, now_ms);

        if (!ssh_is_connected(worker->ssh) || ssh_get_error_code(worker->ssh) == SSH_FATAL)
                return err_set(err, ERR_CONNECT, "connection lost: %s", ssh_get_error(worker->ssh));
        if (is_backed_up(worker))
                return true; /* we do not listen: the host may well be talking */
        switch (liveness_look(&worker->liveness, &now)) {
        case LIVENESS_FINE: return true;
        case LIVENESS_ASK:
                (void)ssh_send_keepalive(worker->ssh); /* a broken session shows above, next turn */
                return true;
        case LIVENESS_LOST: break;
        }
        return err_set(err, ERR_CONNECT,
                       "connection lost: the server has answered nothing for %lld s%s",
                       (long long)(liveness_silent_ms(&worker->liveness, now_ms) / 1000),
                       worker->liveness.awake_by_ms != 0 ? ", after this machine had slept" : "");
}

static int64_t min_of(int64_t a, int64_t b)
{
        return a < b ? a : b;
}

static int64_t next_deadline_ms(const struct worker *worker, int64_t now_ms)
{
        int64_t due = INT64_MAX;

        for (size_t i = 0; i < SHELLS_MAX; i++)
                if (worker->shells[i] != NULL) {
                        int64_t shell_due = shell_deadline_ms(worker->shells[i]);
                        due = min_of(due, shell_due);
                }
        for (size_t i = 0; i < ISOLATED_MAX; i++)
                if (worker->isolated[i] != NULL)
                        due = min_of(due, isolated_deadline_ms(worker->isolated[i]));
        if (worker->probe != NULL)
                due = min_of(due, probe_deadline_ms(worker->probe));
        due = min_of(due, forwards_deadline_ms(&worker->forwards));
        due = min_of(due, liveness_due_ms(&worker->liveness, now_ms));
        return due;
}

static int poll_timeout_ms(const struct worker *worker, bool is_busy, int64_t now_ms)
{
        int64_t due_ms = next_deadline_ms(worker, now_ms);

        if (is_busy || due_ms <= now_ms)
                return is_busy ? 0 : 1; /* due, but waiting for an answer of the host's */
        return due_ms - now_ms < 60000 ? (int)(due_ms - now_ms) : 60000;
}

static bool turn(struct worker *worker, bool *is_busy, struct err *err)
{
        bool host_wants_out = (ssh_get_poll_flags(worker->ssh) & SSH_WRITE_PENDING) != 0;
        bool backed_up = is_backed_up(worker);
        struct pollfd fds[2 + FORWARDS_MAX] = {
                { .fd = worker->frames.fd,
                  .events = (short)(POLLIN
                                    | (frame_socket_unsent(&worker->frames) > 0 ? POLLOUT : 0)) },
                { .fd = worker->fds.host,
                  .events = (short)((backed_up ? 0 : POLLIN) | (host_wants_out ? POLLOUT : 0)) },
        };
        struct frame frame;

        size_t fd_count = 2 + forwards_poll(&worker->forwards, fds + 2);
        (void)poll(fds, fd_count, poll_timeout_ms(worker, *is_busy, clock_now_ms()));
        int64_t now_ms = clock_now_ms();
        if ((fds[0].revents & (POLLIN | POLLHUP)) != 0) {
                if (!frame_socket_receive(&worker->frames))
                        return err_set(err, ERR_SYSTEM, "the supervisor is gone");
                while (frame_socket_next(&worker->frames, &frame))
                        worker_serve_frame(worker, &frame, now_ms);
        }
        if (worker->stopping)
                return err_set(err, ERR_CANCELLED, "stopped");
        *is_busy = sweep_all(worker, now_ms);
        bool alive = look_after_connection(worker, now_ms, err);
        if (!frame_socket_send(&worker->frames))
                return err_set(err, ERR_SYSTEM, "the supervisor is gone");
        return alive;
}

/* ---- life ---- */

static void on_log(void *arg, enum log_level level, const char *text)
{
        struct worker *worker = arg;

        /* no room: a log line is not worth more */
        (void)wire_write_u32_bytes(&worker->frames.out, WIRE_LOG, 0, level, text, str_of(text).len);
}

static void tell_sandbox(struct worker *worker, uint32_t in_force)
{
        struct wire_writer writer = wire_begin(&worker->frames.out, WIRE_SANDBOX, 0);

        wire_put_u32(&writer, in_force);
        if (!wire_end(&writer))
                bug("no room for the first frame");
}

/* Commands that have not been told an end are the supervisor's to end, as lost. */
static void free_all(struct worker *worker)
{
        for (size_t i = 0; i < SHELLS_MAX; i++)
                shell_free(worker->shells[i]);
        for (size_t i = 0; i < ISOLATED_MAX; i++)
                isolated_free(worker->isolated[i]);
        for (size_t i = 0; i < PENDING_MAX; i++)
                job_free(worker->pending[i].job);
        probe_free(worker->probe);
        forwards_fini(&worker->forwards);
        channel_env_fini(&worker->env);
        if (worker->ssh != NULL) {
                ssh_channel_free(worker->ear); /* accepts NULL */
                ssh_disconnect(worker->ssh);
                ssh_free(worker->ssh);
        }
}

static void live(struct worker *worker, struct err *err)
{
        bool is_busy = true;

        worker->ear = ssh_channel_new(worker->ssh);
        if (worker->ear == NULL) {
                (void)err_set(err, ERR_SYSTEM, "no memory for a channel");
                return;
        }
        forwards_init(&worker->forwards, worker->ssh, &worker->frames.out);
        ssh_set_counters(worker->ssh, &worker->counter, NULL);
        while (turn(worker, &is_busy, err))
                ;
        /* what the host still sent before it went belongs to the commands */
        if (err->code == ERR_CONNECT)
                (void)sweep_all(worker, clock_now_ms());
}

static bool connect_to_host(struct worker *worker, struct err *err)
{
        struct connected connected = { 0 };
        bool ok = connect_run(&worker->frames, &worker->fds, &connected, err);

        worker->ssh = connected.ssh;
        worker->env = connected.env;
        struct liveness_now now = liveness_now(worker, clock_now_ms());
        liveness_init(&worker->liveness, connected.keepalive_s, connected.keepalive_count, &now);
        return ok;
}

_Noreturn void worker_run(struct worker_fds fds)
{
        struct worker *worker = xcalloc(1, sizeof *worker);
        struct err err = { 0 };

        worker->fds = fds;
        frame_socket_init(&worker->frames, fds.frames);
        log_set_sink(on_log, worker);
        tell_sandbox(worker, sandbox_enter());
        if (connect_to_host(worker, &err))
                live(worker, &err);
        if (err.code != ERR_CANCELLED)
                (void)wire_write_u32_bytes(&worker->frames.out, WIRE_FAILED, 0, err.code, err.text,
                                           str_of(err.text).len);
        frame_socket_drain(&worker->frames, DRAIN_MS);
        free_all(worker);
        log_set_sink(NULL, NULL);
        frame_socket_fini(&worker->frames);
        free(worker);
        exit(0);
}
