/*
 * libssh ends the whole session when a channel's answer comes after the channel was freed. So a
 * forward that is given up while it opens stays, without its socket, until the host has answered.
 *
 * libssh keeps one error text a session: where several channels are refused in one turn, which of
 * them it is about cannot be told, and so is not.
 */
#include "worker/forward.h"

#include "base/alloc.h"
#include "base/log.h"
#include "base/scoped.h"
#include "wire/message.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#define PIECE           (32 * 1024)  /* bytes relayed at once; a packet's usual size */
#define BUDGET_PER_TURN (256 * 1024) /* bytes each way; then others have their turn */
#define WHY_MAX         240          /* bytes of a reason */
#define PROHIBITED      1            /* SSH_OPEN_ADMINISTRATIVELY_PROHIBITED, RFC 4254 5.1 */
#define CONNECT_FAILED  2            /* SSH_OPEN_CONNECT_FAILED */

enum forward_state {
        FORWARD_OPENING,
        FORWARD_OPEN,
        FORWARD_GIVEN_UP, /* it was told, and waits for the host's answer */
        FORWARD_OVER,     /* it was told, and can be freed */
};

struct forward {
        uint64_t id;
        enum forward_state state;
        int fd; /* -1: given up */
        ssh_channel channel; /* NULL: the host was not asked yet */
        char *host;
        uint32_t port;
        int64_t open_by_ms;
        struct buf to_host; /* read from fd; the channel has not taken it */
        struct buf to_fd;   /* read from the channel; fd has not taken it */
        bool fd_has_ended;  /* nothing more will come from it */
        bool eof_is_sent;   /* and the host was told */
        bool fd_is_shut;    /* the host's end of stream was passed on */
};

void forwards_init(struct forwards *forwards, ssh_session ssh, struct buf *frames)
{
        *forwards = (struct forwards){ .ssh = ssh, .frames = frames };
}

static void forward_free(struct forward *forward)
{
        if (forward->channel != NULL) {
                /* without it, a close that finds the socket full is not sent at all */
                if (forward->state == FORWARD_OVER && ssh_channel_is_open(forward->channel))
                        (void)ssh_channel_send_eof(forward->channel);
                ssh_channel_free(forward->channel);
        }
        scoped_close(&forward->fd);
        buf_fini(&forward->to_host);
        buf_fini(&forward->to_fd);
        free(forward->host);
        free(forward);
}

void forwards_fini(struct forwards *forwards)
{
        for (size_t i = 0; i < forwards->count; i++)
                forward_free(forwards->items[i]);
        forwards->count = 0;
}

static void tell_end(struct forwards *forwards, uint64_t id, const char *why)
{
        if (!wire_write_bytes(forwards->frames, WIRE_FORWARD_ENDED, id, why, strlen(why)))
                bug("no room for the end of a forward");
}

static void end(struct forwards *forwards, struct forward *forward, const char *why)
{
        tell_end(forwards, forward->id, why);
        forward->state = FORWARD_OVER;
}

/* ---- opening ---- */

void forwards_open(struct forwards *forwards, const struct forward_request *request, int fd)
{
        char why[WHY_MAX];
        scoped_fd int taken = fd;

        if (forwards->count == FORWARDS_MAX) {
                (void)snprintf(why, sizeof why,
                               "it serves %d connections to hosts behind it already, which is the "
                               "limit. Close some with close_session.",
                               FORWARDS_MAX);
                tell_end(forwards, request->id, why);
                return;
        }
        struct forward *forward = xcalloc(1, sizeof *forward);
        forward->id = request->id;
        forward->fd = take_fd(&taken);
        forward->host = xstrndup(request->host.ptr, request->host.len);
        forward->port = request->port;
        forward->open_by_ms = request->open_by_ms;
        buf_init(&forward->to_host, PIECE);
        buf_init(&forward->to_fd, PIECE);
        forwards->items[forwards->count++] = forward;
}

/* "…: channel 43 error (2) Connection refused", as libssh words a refusal. */
static void write_refusal(const struct forward *forward, const char *error, char *why)
{
        const char *number = strstr(error, " error (");
        const char *close = number != NULL ? strchr(number, ')') : NULL;
        long code = number != NULL ? strtol(number + strlen(" error ("), NULL, 10) : 0;
        const char *reason = close != NULL && close[1] == ' ' ? close + 2 : error;

        if (code == PROHIBITED)
                (void)snprintf(why, WHY_MAX,
                               "it may not be used as one for %s port %" PRIu32
                               " (AllowTcpForwarding, PermitOpen or a \"restrict\" of the key): %s",
                               forward->host, forward->port, reason);
        else if (code == CONNECT_FAILED)
                (void)snprintf(why, WHY_MAX, "it gets no connection to %s port %" PRIu32 ": %s",
                               forward->host, forward->port, reason);
        else
                (void)snprintf(why, WHY_MAX, "it opens no connection to %s port %" PRIu32 ": %s",
                               forward->host, forward->port, reason);
}

static void give_up_in_time(struct forwards *forwards, struct forward *forward, int64_t now_ms)
{
        char why[WHY_MAX];

        if (forward->state != FORWARD_OPENING || now_ms < forward->open_by_ms)
                return;
        (void)snprintf(why, sizeof why,
                       "it has no connection to %s port %" PRIu32 " yet: no answer in time",
                       forward->host, forward->port);
        tell_end(forwards, forward->id, why);
        forward->state = FORWARD_GIVEN_UP;
        scoped_close(&forward->fd);
        forward->fd = -1;
}

static bool is_opening(const struct forward *forward)
{
        return forward->state == FORWARD_OPENING || forward->state == FORWARD_GIVEN_UP;
}

/* True: the host has just refused it; its end is not told yet. */
static bool go_on_opening(struct forwards *forwards, struct forward *forward, int64_t now_ms)
{
        if (forward->channel == NULL)
                forward->channel = ssh_channel_new(forwards->ssh); /* NULL: refused below */
        int result = ssh_channel_open_forward(forward->channel, forward->host, (int)forward->port,
                                              "127.0.0.1", 0);

        if (result == SSH_AGAIN) {
                give_up_in_time(forwards, forward, now_ms);
                return false;
        }
        if (forward->state == FORWARD_GIVEN_UP) {
                forward->state = FORWARD_OVER;
                return false;
        }
        if (result != SSH_OK)
                return true;
        forward->state = FORWARD_OPEN;
        if (!wire_write_bare(forwards->frames, WIRE_FORWARD_OPENED, forward->id))
                bug("no room for an opened forward");
        return false;
}

/* A session that has broken makes every channel fail; that is the worker's to tell, and first. */
static bool is_well(const struct forwards *forwards)
{
        return ssh_is_connected(forwards->ssh) && ssh_get_error_code(forwards->ssh) != SSH_FATAL;
}

static void open_all(struct forwards *forwards, int64_t now_ms)
{
        struct forward *refused[FORWARDS_MAX];
        size_t refused_count = 0;
        char why[WHY_MAX];

        for (size_t i = 0; i < forwards->count; i++) {
                struct forward *at = forwards->items[i];
                if (is_opening(at) && go_on_opening(forwards, at, now_ms))
                        refused[refused_count++] = at;
        }
        for (size_t i = 0; i < refused_count && is_well(forwards); i++) {
                if (refused_count == 1)
                        write_refusal(refused[i], ssh_get_error(forwards->ssh), why);
                else
                        (void)snprintf(why, sizeof why,
                                       "it refused a connection to %s port %" PRIu32,
                                       refused[i]->host, refused[i]->port);
                end(forwards, refused[i], why);
        }
}

/* ---- relaying ---- */

static bool may_send(const struct forwards *forwards)
{
        return (ssh_get_poll_flags(forwards->ssh) & SSH_WRITE_PENDING) == 0;
}

/* False: fd takes nothing now, or never again. */
static bool write_fd(struct forward *forward, bool *out_is_broken)
{
        ssize_t n = send(forward->fd, forward->to_fd.data, forward->to_fd.len,
                         MSG_DONTWAIT | MSG_NOSIGNAL);

        if (n < 0) {
                *out_is_broken = errno != EAGAIN && errno != EINTR;
                return false;
        }
        buf_consume(&forward->to_fd, (size_t)n);
        return true;
}

/* From the host to fd. False: fd is broken. */
static bool relay_in(struct forwards *forwards, struct forward *forward)
{
        bool is_broken = false;
        size_t taken = 0;

        for (;;) {
                if (forward->to_fd.len > 0 && !write_fd(forward, &is_broken))
                        break;
                if (forward->to_fd.len > 0)
                        continue;
                if (taken >= BUDGET_PER_TURN) {
                        forwards->has_more = true;
                        break;
                }
                if (!buf_reserve(&forward->to_fd, PIECE))
                        bug("no room for a piece of %d bytes", PIECE);
                int n = ssh_channel_read_nonblocking(forward->channel, forward->to_fd.data, PIECE,
                                                     /* is_stderr= */ 0);
                if (n <= 0)
                        break;
                forward->to_fd.len = (size_t)n;
                taken += (size_t)n;
        }
        if (forward->to_fd.len == 0 && !forward->fd_is_shut
            && ssh_channel_is_eof(forward->channel)) {
                forward->fd_is_shut = true;
                (void)shutdown(forward->fd, SHUT_WR); /* its other end is gone: seen by reading */
        }
        return !is_broken;
}

static void write_channel(struct forward *forward)
{
        size_t window = ssh_channel_window_size(forward->channel);
        size_t len = forward->to_host.len < window ? forward->to_host.len : window;
        int n = len > 0 ? ssh_channel_write(forward->channel, forward->to_host.data, (uint32_t)len)
                        : 0;

        if (n > 0) /* else it waits: keys are being exchanged, or the session has broken */
                buf_consume(&forward->to_host, (size_t)n);
}

/* False: fd is broken, or its other end is gone for good. */
static bool read_fd(struct forward *forward)
{
        if (!buf_reserve(&forward->to_host, PIECE))
                bug("no room for a piece of %d bytes", PIECE);
        ssize_t n = recv(forward->fd, forward->to_host.data, PIECE, MSG_DONTWAIT);
        if (n < 0)
                return errno == EAGAIN || errno == EINTR;
        forward->to_host.len = (size_t)n;
        forward->fd_has_ended = n == 0;
        return true;
}

static bool is_hung_up(int fd)
{
        struct pollfd poll_fd = { .fd = fd };

        return poll(&poll_fd, 1, 0) > 0 && (poll_fd.revents & (POLLHUP | POLLERR)) != 0;
}

static bool wants_to_read(const struct forwards *forwards, const struct forward *forward)
{
        return !forward->fd_has_ended && forward->to_host.len == 0
               && ssh_channel_window_size(forward->channel) > 0 && may_send(forwards);
}

/* From fd to the host. False: fd is broken, or its other end is gone for good. */
static bool relay_out(const struct forwards *forwards, struct forward *forward)
{
        if (forward->to_host.len > 0 && may_send(forwards))
                write_channel(forward);
        if (wants_to_read(forwards, forward)) { /* a piece a turn: then the socket may be full */
                if (!read_fd(forward))
                        return false;
                write_channel(forward);
        }
        if (!forward->fd_has_ended || forward->to_host.len > 0)
                return true;
        if (!forward->eof_is_sent) {
                forward->eof_is_sent = true;
                (void)ssh_channel_send_eof(forward->channel);
        }
        return !is_hung_up(forward->fd);
}

static bool has_ended_both_ways(const struct forward *forward)
{
        bool is_closed = ssh_channel_is_closed(forward->channel) && forward->fd_is_shut;

        return is_closed || (forward->fd_is_shut && forward->eof_is_sent);
}

void forwards_turn(struct forwards *forwards, int64_t now_ms)
{
        forwards->has_more = false;
        open_all(forwards, now_ms);
        for (size_t i = 0; i < forwards->count; i++) {
                struct forward *at = forwards->items[i];
                if (at->state != FORWARD_OPEN)
                        continue;
                bool goes_on = relay_in(forwards, at) && relay_out(forwards, at);
                if (!is_well(forwards))
                        return;
                if (!goes_on || has_ended_both_ways(at))
                        end(forwards, at, "");
        }
        for (size_t i = forwards->count; i-- > 0;) {
                if (forwards->items[i]->state != FORWARD_OVER)
                        continue;
                forward_free(forwards->items[i]);
                forwards->items[i] = forwards->items[--forwards->count];
        }
}

void forwards_close(struct forwards *forwards, uint64_t id)
{
        for (size_t i = 0; i < forwards->count; i++) {
                struct forward *at = forwards->items[i];
                if (at->id != id || at->state == FORWARD_GIVEN_UP || at->state == FORWARD_OVER)
                        continue;
                tell_end(forwards, id, "");
                at->state = at->state == FORWARD_OPENING && at->channel != NULL ? FORWARD_GIVEN_UP
                                                                                : FORWARD_OVER;
                scoped_close(&at->fd);
                at->fd = -1;
                return;
        }
}

size_t forwards_poll(const struct forwards *forwards, struct pollfd *out_fds)
{
        size_t count = 0;

        for (size_t i = 0; i < forwards->count; i++) {
                const struct forward *at = forwards->items[i];
                short events = 0;
                if (at->state != FORWARD_OPEN)
                        continue;
                if (wants_to_read(forwards, at))
                        events |= POLLIN;
                if (at->to_fd.len > 0)
                        events |= POLLOUT;
                if (events != 0) /* without any, a hang-up would be reported for ever */
                        out_fds[count++] = (struct pollfd){ .fd = at->fd, .events = events };
        }
        return count;
}

int64_t forwards_deadline_ms(const struct forwards *forwards)
{
        int64_t due = INT64_MAX;

        for (size_t i = 0; i < forwards->count; i++) {
                const struct forward *at = forwards->items[i];
                if (at->state == FORWARD_OPENING && at->open_by_ms < due)
                        due = at->open_by_ms;
        }
        return due;
}
