/*
 * Either descriptor may be a pipe, a socket, a terminal, a file or a device like /dev/null, so
 * each direction is a channel: a libuv stream where there is one, else plain file calls (reads
 * in libuv's pool, because a device may block; writes at once, because a file does not).
 *
 * Writing: uv_try_write() first, which for a client that reads is all there is. What it leaves
 * goes into `waiting`; one uv_write() at a time sends `sending`; then the two buffers swap.
 *
 * The end is told from a timer of 0 ms, never from inside stdio_send(): a write that fails only
 * takes a note. The same timer later bounds the flush.
 */
#include "transport/stdio.h"

#include "base/alloc.h"
#include "base/fault.h"
#include "base/scoped.h"
#include "base/secret.h"
#include "transport/lines.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <uv.h>

#define CHUNK_LEN (64 * 1024) /* bytes a read; libuv does at most 32 reads a turn */

enum channel_kind { CHANNEL_NONE, CHANNEL_STREAM, CHANNEL_FILE };

struct channel {
        enum channel_kind kind;
        int fd; /* only of a file */
        union {
                uv_handle_t handle;
                uv_stream_t stream;
                uv_pipe_t pipe;
                uv_tcp_t tcp;
                uv_tty_t tty;
        } as;
};

enum stdio_state {
        STDIO_OPEN,
        STDIO_OVER,     /* the client is gone; on_eof is told or about to be */
        STDIO_STOPPING, /* stdio_stop() was called: flushing, then closing */
        STDIO_CLOSED,   /* every handle was asked to close */
};

struct stdio {
        uv_loop_t *loop; /* not ours */
        struct stdio_callbacks callbacks;
        void *arg;
        enum stdio_state state;
        bool is_freed;     /* the memory goes with the last pending thing */
        unsigned pending;  /* handles not closed yet, file reads not back yet */

        struct channel in;
        struct lines lines;
        uv_fs_t file_read;
        bool is_reading; /* a stream is started, or a file read is on its way */

        struct channel out;
        bool out_broken;
        uv_write_t write;
        struct buf sending; /* belongs to libuv while is_writing */
        struct buf waiting;
        bool is_writing;

        uv_timer_t timer;
        char chunk[CHUNK_LEN];
};

/* ---- the end ---- */

static void release(struct stdio *stdio)
{
        lines_fini(&stdio->lines);
        buf_fini(&stdio->sending);
        buf_fini(&stdio->waiting);
        free(stdio);
}

static void settle(struct stdio *stdio)
{
        stdio->pending--;
        if (stdio->pending == 0 && stdio->is_freed)
                release(stdio);
}

static void on_closed(uv_handle_t *handle)
{
        settle(handle->data);
}

static void close_channel(struct channel *channel)
{
        if (channel->kind == CHANNEL_STREAM)
                uv_close(&channel->as.handle, on_closed);
        else if (channel->kind == CHANNEL_FILE && channel->fd > STDERR_FILENO)
                (void)close(channel->fd);
        channel->kind = CHANNEL_NONE;
}

static void close_all(struct stdio *stdio)
{
        if (stdio->state == STDIO_CLOSED)
                return;
        stdio->state = STDIO_CLOSED;
        if (stdio->in.kind == CHANNEL_FILE && stdio->is_reading)
                (void)uv_cancel((uv_req_t *)&stdio->file_read); /* too late: it comes back soon */
        close_channel(&stdio->in);
        close_channel(&stdio->out);
        if (stdio->timer.data != NULL)
                uv_close((uv_handle_t *)&stdio->timer, on_closed);
}

/* A file read that is on its way comes back; there is no next one until start_reading(). */
static void stop_reading(struct stdio *stdio)
{
        if (!stdio->is_reading || stdio->in.kind != CHANNEL_STREAM)
                return;
        (void)uv_read_stop(&stdio->in.as.stream); /* always 0 */
        stdio->is_reading = false;
}

static void on_timer(uv_timer_t *timer)
{
        struct stdio *stdio = timer->data;

        if (stdio->state == STDIO_STOPPING)
                close_all(stdio); /* flushed long enough */
        else if (stdio->state == STDIO_OVER)
                stdio->callbacks.on_eof(stdio->arg);
}

static void note_over(struct stdio *stdio)
{
        if (stdio->state != STDIO_OPEN)
                return;
        stdio->state = STDIO_OVER;
        stop_reading(stdio);
        (void)uv_timer_start(&stdio->timer, on_timer, 0, 0); /* fails only without a callback */
}

/* ---- in ---- */

static void give(struct stdio *stdio, enum lines_event event, struct str line)
{
        if (event == LINES_TOO_LONG)
                stdio->callbacks.on_too_long(stdio->arg);
        else
                stdio->callbacks.on_line(stdio->arg, line.ptr, line.len);
}

static void take_chunk(struct stdio *stdio, size_t len)
{
        struct str rest = { stdio->chunk, len };
        struct str line;
        enum lines_event event;

        while (stdio->state == STDIO_OPEN
               && (event = lines_next(&stdio->lines, &rest, &line)) != LINES_MORE)
                give(stdio, event, line);
        secret_wipe(stdio->chunk, len);
}

static void take_end(struct stdio *stdio)
{
        struct str line;

        if (stdio->state == STDIO_OPEN && lines_end(&stdio->lines, &line) == LINES_LINE)
                give(stdio, LINES_LINE, line);
        note_over(stdio);
}

static void lend_chunk(uv_handle_t *handle, size_t suggested, uv_buf_t *out_buf)
{
        struct stdio *stdio = handle->data;

        (void)suggested;
        *out_buf = uv_buf_init(stdio->chunk, CHUNK_LEN);
}

static void on_read(uv_stream_t *stream, ssize_t len, const uv_buf_t *buf)
{
        (void)buf;
        if (len > 0)
                take_chunk(stream->data, (size_t)len);
        else if (len < 0)
                take_end(stream->data); /* a broken pipe is an end, too */
}

static void start_reading(struct stdio *stdio);

static void on_file_read(uv_fs_t *request)
{
        struct stdio *stdio = request->data;
        ssize_t len = request->result;

        uv_fs_req_cleanup(request);
        stdio->is_reading = false;
        if (stdio->state == STDIO_OPEN && len > 0)
                take_chunk(stdio, (size_t)len);
        else
                take_end(stdio);
        start_reading(stdio);
        settle(stdio);
}

static size_t queued(const struct stdio *stdio)
{
        return stdio->sending.len + stdio->waiting.len;
}

static void start_reading(struct stdio *stdio)
{
        if (stdio->state != STDIO_OPEN || stdio->is_reading || queued(stdio) > STDIO_QUEUE_HIGH)
                return;
        if (stdio->in.kind == CHANNEL_STREAM) {
                if (uv_read_start(&stdio->in.as.stream, lend_chunk, on_read) != 0) {
                        note_over(stdio);
                        return;
                }
        } else {
                uv_buf_t buf = uv_buf_init(stdio->chunk, CHUNK_LEN);

                stdio->file_read.data = stdio;
                if (uv_fs_read(stdio->loop, &stdio->file_read, stdio->in.fd, &buf, 1, -1,
                               on_file_read) != 0) {
                        note_over(stdio);
                        return;
                }
                stdio->pending++;
        }
        stdio->is_reading = true;
}

/* ---- out ---- */

static void note_out_broken(struct stdio *stdio)
{
        stdio->out_broken = true;
        buf_reset(&stdio->waiting);
        note_over(stdio);
}

static void send_waiting(struct stdio *stdio);

static void on_written(uv_write_t *write, int status)
{
        struct stdio *stdio = write->data;

        stdio->is_writing = false;
        buf_reset(&stdio->sending);
        if (status < 0)
                note_out_broken(stdio);
        send_waiting(stdio);
        if (queued(stdio) < STDIO_QUEUE_LOW)
                start_reading(stdio);
        if (stdio->state == STDIO_STOPPING && !stdio->is_writing)
                close_all(stdio);
}

static void send_waiting(struct stdio *stdio)
{
        if (stdio->is_writing || stdio->waiting.len == 0 || stdio->state == STDIO_CLOSED)
                return;
        struct buf full = stdio->waiting;

        stdio->waiting = stdio->sending;
        stdio->sending = full;
        uv_buf_t buf = uv_buf_init((char *)full.data, (unsigned)full.len); /* <= STDIO_QUEUE_MAX */
        stdio->write.data = stdio;
        if (uv_write(&stdio->write, &stdio->out.as.stream, &buf, 1, on_written) != 0) {
                buf_reset(&stdio->sending);
                note_out_broken(stdio);
                return;
        }
        stdio->is_writing = true;
}

static bool send_to_file(struct stdio *stdio, const char *bytes, size_t len)
{
        while (len > 0) {
                ssize_t done = write(stdio->out.fd, bytes, len);

                if (done < 0 && errno == EINTR)
                        continue;
                if (done <= 0) {
                        note_out_broken(stdio);
                        return false;
                }
                bytes += done;
                len -= (size_t)done;
        }
        return true;
}

bool stdio_send(struct stdio *stdio, const char *bytes, size_t len)
{
        if (stdio->state >= STDIO_STOPPING || stdio->out_broken)
                return false;
        if (stdio->out.kind == CHANNEL_FILE)
                return send_to_file(stdio, bytes, len);

        size_t done = 0;
        if (queued(stdio) == 0) {
                union {
                        const char *ours;
                        char *theirs; /* libuv has one buffer type; a write does not change it */
                } base = { bytes };
                uv_buf_t buf = uv_buf_init(base.theirs, (unsigned)len); /* far below UINT_MAX */
                int sent = uv_try_write(&stdio->out.as.stream, &buf, 1);

                if (sent < 0 && sent != UV_EAGAIN) {
                        note_out_broken(stdio);
                        return false;
                }
                done = sent > 0 ? (size_t)sent : 0;
        }
        if (done == len)
                return true;
        if (!buf_append(&stdio->waiting, bytes + done, len - done)) {
                note_out_broken(stdio); /* never reads: the rest of this line would be missing */
                return false;
        }
        send_waiting(stdio);
        if (queued(stdio) > STDIO_QUEUE_HIGH)
                stop_reading(stdio);
        return !stdio->out_broken;
}

/* ---- beginning ---- */

/* Finds what fd is and opens it as that. */
static bool open_channel(struct stdio *stdio, struct channel *channel, int fd, const char *name,
                         struct err *err)
{
        int result = 0;

        switch (uv_guess_handle(fd)) {
        case UV_NAMED_PIPE:
                result = uv_pipe_init(stdio->loop, &channel->as.pipe, 0);
                if (result == 0)
                        result = uv_pipe_open(&channel->as.pipe, fd);
                break;
        case UV_TCP:
                result = uv_tcp_init(stdio->loop, &channel->as.tcp);
                if (result == 0)
                        result = uv_tcp_open(&channel->as.tcp, fd);
                break;
        case UV_TTY:
                result = uv_tty_init(stdio->loop, &channel->as.tty, fd, 0);
                break;
        case UV_FILE:
                channel->kind = CHANNEL_FILE;
                channel->fd = fd;
                return true;
        default: /* of libuv's enum, not ours */
                return err_set(err, ERR_SYSTEM,
                               "%s is closed, or neither a pipe, socket, file nor terminal", name);
        }
        if (channel->as.handle.type != UV_UNKNOWN_HANDLE) { /* initialised: has to be closed */
                channel->kind = CHANNEL_STREAM;
                channel->as.handle.data = stdio;
                stdio->pending++;
        }
        if (result != 0)
                return err_set(err, ERR_SYSTEM, "cannot use %s: %s", name, uv_strerror(result));
        return true;
}

/* The private descriptor of the client; from here on fd 1 is fd 2. */
static bool take_stdout(int *out_fd, struct err *err)
{
        scoped_fd int private_fd = fault_hit() ? -1 : fcntl(STDOUT_FILENO, F_DUPFD_CLOEXEC, 3);

        if (private_fd < 0)
                return err_set(err, ERR_SYSTEM, "cannot take over standard output: %s",
                               strerror(errno));
        scoped_fd int null_fd = open("/dev/null", O_WRONLY | O_CLOEXEC);
        if (dup2(STDERR_FILENO, STDOUT_FILENO) < 0 && dup2(null_fd, STDOUT_FILENO) < 0)
                return err_set(err, ERR_SYSTEM, "cannot point standard output elsewhere: %s",
                               strerror(errno));
        *out_fd = take_fd(&private_fd);
        return true;
}

bool stdio_new(struct stdio **out_stdio, uv_loop_t *loop, const struct stdio_callbacks *callbacks,
               void *arg, struct err *err)
{
        struct stdio *stdio = xcalloc(1, sizeof *stdio);
        scoped_fd int out_fd = -1;
        int result;

        stdio->loop = loop;
        stdio->callbacks = *callbacks;
        stdio->arg = arg;
        lines_init(&stdio->lines);
        buf_init(&stdio->sending, STDIO_QUEUE_MAX);
        buf_init(&stdio->waiting, STDIO_QUEUE_MAX);
        (void)signal(SIGPIPE, SIG_IGN); /* a closed stdout is an error of write(), not our death */

        if (!open_channel(stdio, &stdio->in, STDIN_FILENO, "standard input", err)
            || !take_stdout(&out_fd, err)
            || !open_channel(stdio, &stdio->out, out_fd, "standard output", err)) {
                stdio_free(stdio);
                return false;
        }
        (void)take_fd(&out_fd); /* the channel's now */
        result = uv_timer_init(loop, &stdio->timer);
        if (result != 0) {
                stdio_free(stdio);
                return err_set(err, ERR_SYSTEM, "cannot make a timer: %s", uv_strerror(result));
        }
        stdio->timer.data = stdio;
        stdio->pending++;
        start_reading(stdio);
        *out_stdio = stdio;
        return true;
}

void stdio_stop(struct stdio *stdio)
{
        if (stdio == NULL || stdio->state >= STDIO_STOPPING)
                return;
        stop_reading(stdio);
        stdio->state = STDIO_STOPPING;
        if (stdio->is_writing && !stdio->out_broken)
                (void)uv_timer_start(&stdio->timer, on_timer, STDIO_FLUSH_MS, 0);
        else
                close_all(stdio);
}

void stdio_free(struct stdio *stdio)
{
        if (stdio == NULL)
                return;
        close_all(stdio);
        stdio->is_freed = true;
        if (stdio->pending == 0)
                release(stdio);
}
