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
 * - the connection breaks, or never came about -> WIRE_FAILED, exit; the supervisor ends the commands
 * - it hangs or crashes                        -> the zygote kills or reaps it; the same to the supervisor
 */
#include "worker/worker.h"

#include "base/alloc.h"
#include "base/clock.h"
#include "base/log.h"
#include "wire/message.h"
#include "worker/connect.h"
#include "worker/forward.h"
#include "worker/isolated.h"
#include "worker/liveness.h"
#include "worker/frame_socket.h"
#include "worker/sandbox.h"
#include "worker/shell/shell.h"

#include <libssh/callbacks.h>
#include <libssh/libssh.h>
#include <libssh/server.h> /* ssh_send_keepalive() lives there */
#include <poll.h>
#include <stdlib.h>
#include <unistd.h>

#define SHELLS_MAX    8            /* the supervisor's own limit is lower or equal; more are refused */
#define FORMER_MAX    16           /* remembered; one more forgets the oldest */
#define ISOLATED_MAX  8            /* likewise */
#define PENDING_MAX   16           /* commands whose text is still coming in */
#define READ_PER_TURN (256 * 1024) /* bytes; one chatty channel must not starve the others */
#define SWEEPS_MAX    8            /* per turn; then frames are looked at again */
#define DRAIN_MS      500          /* for the last words to leave */

struct pending {
        struct job *job;
        uint64_t shell_id; /* 0: isolated */
};

/* A number of a process is used again, but hardly with the same place for its stack. */
struct process {
        long long pid;
        long long stack; /* where it starts; 0 unknown */
};

struct worker {
        struct worker_fds fds;
        struct frame_socket frames;
        ssh_session ssh;
        struct ssh_counter_struct counter; /* of bytes on the socket */
        struct liveness liveness;
        struct channel_env env;
        ssh_channel ear; /* never opened: looking at it makes libssh read the socket */
        struct forwards forwards;
        struct probe *probe; /* NULL: not begun, or given up for good */
        bool probe_failed;
        struct shell *shells[SHELLS_MAX];
        struct process former[FORMER_MAX]; /* shells that were closed; the oldest is overwritten */
        unsigned former_count;
        struct isolated *isolated[ISOLATED_MAX];
        struct pending pending[PENDING_MAX];
        bool stopping;
};

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

/* ---- frames ---- */

static struct shell *find_shell(struct worker *worker, uint64_t id)
{
        for (size_t i = 0; i < SHELLS_MAX; i++)
                if (worker->shells[i] != NULL && shell_id(worker->shells[i]) == id)
                        return worker->shells[i];
        return NULL;
}

static struct shell *find_shell_of_job(struct worker *worker, uint64_t job_id)
{
        for (size_t i = 0; i < SHELLS_MAX; i++)
                if (worker->shells[i] != NULL && shell_has_job(worker->shells[i], job_id))
                        return worker->shells[i];
        return NULL;
}

static struct pending *find_pending(struct worker *worker, uint64_t id)
{
        for (size_t i = 0; i < PENDING_MAX; i++)
                if (worker->pending[i].job != NULL && worker->pending[i].job->id == id)
                        return &worker->pending[i];
        return NULL;
}

static void refuse_command(struct worker *worker, uint64_t id, const char *why)
{
        struct wire_end end = { .how = WIRE_HOW_REFUSED, .status = -1, .text = str_of(why) };

        if (!wire_write_end(&worker->frames.out, WIRE_ENDED, id, &end))
                bug("no room for a refusal");
}

/* The oldest that waits, if no other is being found; see shell.h. */
static void start_next_shell(struct worker *worker, int64_t now_ms)
{
        struct shell *next = NULL;

        for (size_t i = 0; i < SHELLS_MAX; i++) {
                struct shell *at = worker->shells[i];
                if (at == NULL)
                        continue;
                if (shell_is_being_found(at, now_ms))
                        return;
                if (shell_is_held(at) && (next == NULL || shell_id(at) < shell_id(next)))
                        next = at;
        }
        if (next != NULL)
                shell_start(next, now_ms);
}

static void open_shell(struct worker *worker, const struct frame *frame, int64_t now_ms)
{
        struct wire_reader reader = wire_read(frame);
        struct shell_config config = {
                .id = frame->id,
                .columns = wire_get_u32(&reader),
                .rows = wire_get_u32(&reader),
                .ssh = worker->ssh,
                .env = &worker->env,
                .frames = &worker->frames.out,
        };

        for (size_t i = 0; i < SHELLS_MAX; i++) {
                if (worker->shells[i] != NULL)
                        continue;
                worker->shells[i] = shell_new(&config, now_ms);
                start_next_shell(worker, now_ms); /* a server with one channel has it for the shell */
                if (worker->probe_failed)
                        shell_on_no_probe(worker->shells[i], now_ms);
                else if (worker->probe == NULL)
                        worker->probe = probe_new(worker->ssh, now_ms);
                return;
        }
        struct wire_end end = {
                .how = WIRE_HOW_REFUSED,
                .status = -1,
                .text = str_of("too many shells on this connection"),
        };
        if (!wire_write_end(&worker->frames.out, WIRE_SHELL_ENDED, frame->id, &end))
                bug("no room for a refusal");
}

static void begin_command(struct worker *worker, const struct frame *frame)
{
        struct wire_reader reader = wire_read(frame);
        uint64_t shell_id = (uint64_t)wire_get_i64(&reader);
        enum clean_mode mode = shell_id == 0 ? CLEAN_PIPE : CLEAN_TTY;

        for (size_t i = 0; i < PENDING_MAX; i++) {
                if (worker->pending[i].job != NULL)
                        continue;
                worker->pending[i].job = job_new(frame->id, mode, &worker->frames.out);
                worker->pending[i].shell_id = shell_id;
                return;
        }
        refuse_command(worker, frame->id, "too many commands at once on this connection");
}

static void run_isolated(struct worker *worker, struct job **job, int64_t now_ms)
{
        for (size_t i = 0; i < ISOLATED_MAX; i++)
                if (worker->isolated[i] == NULL) {
                        worker->isolated[i] = isolated_new(worker->ssh, &worker->env, job, now_ms);
                        return;
                }
        refuse_command(worker, (*job)->id, "too many isolated commands on this connection");
        job_free(*job);
        *job = NULL;
}

static void run_command(struct worker *worker, struct pending *pending, int64_t now_ms)
{
        struct shell *shell = find_shell(worker, pending->shell_id);

        if (pending->shell_id == 0) {
                run_isolated(worker, &pending->job, now_ms);
        } else if (shell != NULL && !shell_is_over(shell)) {
                shell_run(shell, &pending->job, now_ms);
        } else {
                refuse_command(worker, pending->job->id, "its shell has ended");
                job_free(pending->job);
                pending->job = NULL;
        }
}

static void add_text(struct worker *worker, const struct frame *frame)
{
        struct pending *pending = find_pending(worker, frame->id);
        struct wire_reader reader = wire_read(frame);
        struct str text = wire_get_bytes(&reader);

        if (pending == NULL || buf_append(&pending->job->text, text.ptr, text.len))
                return;
        refuse_command(worker, frame->id, "the command is too long");
        job_free(pending->job);
        pending->job = NULL;
}

static void interrupt_command(struct worker *worker, uint64_t id, int64_t now_ms)
{
        struct shell *shell = find_shell_of_job(worker, id);

        if (shell != NULL) {
                shell_interrupt(shell, id, now_ms);
                return;
        }
        for (size_t i = 0; i < ISOLATED_MAX; i++)
                if (worker->isolated[i] != NULL && isolated_id(worker->isolated[i]) == id)
                        isolated_interrupt(worker->isolated[i]);
}

static void open_forward(struct worker *worker, const struct frame *frame, int64_t now_ms)
{
        struct wire_reader reader = wire_read(frame);
        uint32_t port = wire_get_u32(&reader);
        uint32_t limit_ms = wire_get_u32(&reader);
        struct forward_request request = { .id = frame->id,
                                           .host = wire_get_bytes(&reader),
                                           .port = port,
                                           .open_by_ms = now_ms + limit_ms };
        int fd = frame_socket_take_fd(&worker->frames);

        if (!wire_read_done(&reader) || fd < 0)
                bug("a forward that cannot be read, or without its socket");
        forwards_open(&worker->forwards, &request, fd);
}

static void type_input(struct shell *shell, const struct frame *frame, int64_t now_ms)
{
        struct wire_reader reader = wire_read(frame);
        struct str bytes = wire_get_bytes(&reader);

        if (shell != NULL) /* ended meanwhile: its end is on its way to the supervisor */
                shell_input(shell, bytes.ptr, bytes.len, now_ms);
}

static void serve_frame(struct worker *worker, const struct frame *frame, int64_t now_ms)
{
        struct pending *pending = find_pending(worker, frame->id);
        struct shell *shell = find_shell(worker, frame->id);

        switch (frame->kind) {
        case WIRE_SHELL_OPEN:  open_shell(worker, frame, now_ms); break;
        case WIRE_SHELL_CLOSE:
                if (shell != NULL)
                        shell_close(shell);
                break;
        case WIRE_FORWARD_OPEN:  open_forward(worker, frame, now_ms); break;
        case WIRE_FORWARD_CLOSE: forwards_close(&worker->forwards, frame->id); break;
        case WIRE_RUN_BEGIN: begin_command(worker, frame); break;
        case WIRE_RUN_TEXT:  add_text(worker, frame); break;
        case WIRE_RUN_GO:
                if (pending != NULL)
                        run_command(worker, pending, now_ms);
                break;
        case WIRE_INPUT:
                type_input(find_shell_of_job(worker, frame->id), frame, now_ms);
                break;
        case WIRE_SHELL_INPUT: type_input(shell, frame, now_ms); break;
        case WIRE_INTERRUPT:   interrupt_command(worker, frame->id, now_ms); break;
        case WIRE_STOP:        worker->stopping = true; break;
        default:               log_warn("frame of kind %u is not for a worker", frame->kind); break;
        }
}

/* ---- the probe ---- */

/* A shell that was closed may live on (it ignores SIGHUP) and is none of the new ones. */
static bool is_known_child(const struct worker *worker, const struct process *child)
{
        for (size_t i = 0; i < SHELLS_MAX; i++)
                if (worker->shells[i] != NULL && shell_pid(worker->shells[i]) == child->pid)
                        return true;
        for (size_t i = 0; i < FORMER_MAX; i++)
                if (worker->former[i].pid == child->pid && worker->former[i].stack == child->stack)
                        return true;
        return false;
}

/* One of our sshd's children with a terminal that no shell has yet; 0 none. */
static long long find_new_child(const struct worker *worker, struct str lines)
{
        long long found = 0;
        struct str line;

        while (str_line(&lines, &line)) {
                struct process child = { .stack = 0 };
                if (!str_is(str_word(&line), "c") || !str_number(str_word(&line), &child.pid))
                        continue;
                (void)str_number(str_word(&line), &child.stack); /* no number: not known */
                if (str_starts(str_trim(line), "sshd"))
                        continue; /* has not become the shell yet */
                if (!is_known_child(worker, &child))
                        found = child.pid;
        }
        return found;
}

static void take_answer(struct worker *worker, const struct probe_answer *answer, int64_t now_ms)
{
        struct shell *shell = find_shell(worker, answer->owner);

        if (shell == NULL)
                return;
        if (answer->is_list)
                shell_on_child(shell, find_new_child(worker, answer->lines), now_ms);
        else
                shell_on_facts(shell, &answer->facts, now_ms);
}

static void ask_probe(struct worker *worker, int64_t now_ms)
{
        long long pid;

        for (size_t i = 0; i < SHELLS_MAX && probe_state(worker->probe) == PROBE_IDLE; i++) {
                struct shell *shell = worker->shells[i];
                if (shell == NULL || !shell_wants_probe(shell, now_ms, &pid))
                        continue;
                shell_on_asked(shell);
                probe_ask(worker->probe, shell_id(shell), pid, now_ms);
        }
}

static void turn_probe(struct worker *worker, int64_t now_ms)
{
        struct probe_answer answer;

        if (worker->probe == NULL)
                return;
        probe_turn(worker->probe, now_ms);
        if (probe_take_answer(worker->probe, &answer))
                take_answer(worker, &answer, now_ms);
        ask_probe(worker, now_ms);
        if (probe_state(worker->probe) != PROBE_UNAVAILABLE)
                return;
        probe_free(worker->probe);
        worker->probe = NULL;
        worker->probe_failed = true;
        for (size_t i = 0; i < SHELLS_MAX; i++)
                if (worker->shells[i] != NULL)
                        shell_on_no_probe(worker->shells[i], now_ms);
}

/* ---- the host ---- */

static bool is_backed_up(const struct worker *worker)
{
        return frame_socket_unsent(&worker->frames) > FRAME_SOCKET_OUT_HIGH;
}

static void drop_shell(struct worker *worker, size_t at)
{
        const struct shell *shell = worker->shells[at];

        if (shell_pid(shell) != 0)
                worker->former[worker->former_count++ % FORMER_MAX] =
                        (struct process){ shell_pid(shell), shell_stack(shell) };
        shell_free(worker->shells[at]);
        worker->shells[at] = NULL;
}

static void sweep(struct worker *worker, int64_t now_ms)
{
        start_next_shell(worker, now_ms);
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
        turn_probe(worker, now_ms);
        for (size_t i = 0; i < SHELLS_MAX; i++)
                if (worker->shells[i] != NULL && shell_is_over(worker->shells[i]))
                        drop_shell(worker, i);
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
                  .events = (short)(POLLIN | (frame_socket_unsent(&worker->frames) > 0 ? POLLOUT : 0)) },
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
                        serve_frame(worker, &frame, now_ms);
        }
        if (worker->stopping)
                return err_set(err, ERR_CANCELLED, "stopped");
        *is_busy = sweep_all(worker, now_ms);
        bool alive = look_after_connection(worker, now_ms, err);
        if (!frame_socket_send(&worker->frames))
                return err_set(err, ERR_SYSTEM, "the supervisor is gone");
        return alive;
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
