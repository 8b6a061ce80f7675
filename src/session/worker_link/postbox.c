/*
 * libuv passes an fd only over a pipe that would also take any fd from the worker; so this is
 * recv() and sendmsg() under a uv_poll_t.
 *
 * Reading: all postboxes share one buffer, because it is filled and served in one go; only the
 * beginning of a frame that is not whole yet is kept, in `in`.
 * Writing: frames gather in `out`; flush tries to send at once, and what the socket does not take
 * stays there. An fd leaves with the first byte of its frame: `passing` says where that is.
 */
#include "session/worker_link/postbox.h"

#include "base/alloc.h"
#include "base/fault.h"
#include "base/scoped.h"
#include "base/secret.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#define READS_PER_TURN 8 /* of POSTBOX_SCRATCH_LEN; then other handles get their turn */

/* An fd, and the byte of out that it leaves with. */
struct passing {
        size_t at;
        int fd;
};

struct postbox {
        uv_poll_t poll;
        int fd;
        struct buf in;
        struct buf out;
        size_t sent;                             /* bytes of out that have left */
        struct passing passing[POSTBOX_FDS_MAX]; /* in their order */
        size_t passing_count;
        bool is_over;
        bool has_secrets;
        uint8_t *scratch; /* not ours */
        struct postbox_owner owner;
};

static void empty(struct postbox *postbox, struct buf *buf)
{
        if (postbox->has_secrets && buf->data != NULL)
                secret_wipe(buf->data, buf->cap);
        if (buf->cap > WIRE_PAYLOAD_MAX * 2)
                buf_fini(buf); /* one large command must not cost memory for ever */
        else
                buf_reset(buf);
}

static void on_closed(uv_handle_t *handle)
{
        struct postbox *postbox = handle->data;

        empty(postbox, &postbox->out);
        buf_fini(&postbox->in);
        buf_fini(&postbox->out);
        for (size_t i = 0; i < postbox->passing_count; i++)
                scoped_close(&postbox->passing[i].fd);
        scoped_close(&postbox->fd);
        free(postbox);
}

void postbox_free(struct postbox *postbox)
{
        if (postbox == NULL || uv_is_closing((uv_handle_t *)&postbox->poll))
                return;
        postbox->is_over = true;
        uv_close((uv_handle_t *)&postbox->poll, on_closed);
}

static void end(struct postbox *postbox, enum postbox_end how)
{
        if (postbox->is_over)
                return;
        postbox->is_over = true;
        (void)uv_poll_stop(&postbox->poll); /* cannot fail */
        postbox->owner.on_end(postbox->owner.arg, how);
}

/* Hands over every whole frame; returns how many bytes they took. */
static size_t deliver(struct postbox *postbox, const uint8_t *bytes, size_t len)
{
        size_t done = 0;
        size_t used = 0;
        struct frame frame;

        while (!postbox->is_over) {
                switch (frame_parse(bytes + done, len - done, &frame, &used)) {
                case FRAME_MORE: return done;
                case FRAME_BAD: end(postbox, POSTBOX_GARBAGE); return len;
                case FRAME_READY:
                        postbox->owner.on_frame(postbox->owner.arg, &frame);
                        done += used;
                        break;
                }
        }
        return len;
}

/* Completes the frame that began in an earlier read; returns how many bytes that took. */
static size_t complete(struct postbox *postbox, const uint8_t *bytes, size_t len)
{
        struct buf *in = &postbox->in;
        uint32_t payload = 0;
        size_t taken = 0;

        while (in->len > 0 && taken < len) {
                size_t want = WIRE_HEADER_LEN;
                if (in->len >= WIRE_HEADER_LEN) {
                        memcpy(&payload, in->data, sizeof payload);
                        want = WIRE_HEADER_LEN
                               + (size_t)payload; /* <= max: the header was looked at */
                }
                size_t n = want - in->len < len - taken ? want - in->len : len - taken;
                if (!buf_append(in, bytes + taken, n)) {
                        end(postbox, POSTBOX_GARBAGE);
                        return len;
                }
                taken += n;
                buf_consume(in, deliver(postbox, in->data, in->len));
                if (postbox->is_over)
                        return len;
        }
        return taken;
}

static void take(struct postbox *postbox, const uint8_t *bytes, size_t len)
{
        size_t used = complete(postbox, bytes, len);

        used += used < len ? deliver(postbox, bytes + used, len - used) : 0;
        if (used < len && !postbox->is_over && !buf_append(&postbox->in, bytes + used, len - used))
                end(postbox, POSTBOX_GARBAGE);
}

/* False when there is nothing more to read now. */
static bool read_some(struct postbox *postbox)
{
        ssize_t n = recv(postbox->fd, postbox->scratch, POSTBOX_SCRATCH_LEN, 0);

        if (n < 0 && (errno == EAGAIN || errno == EINTR))
                return false;
        if (n > 0)
                take(postbox, postbox->scratch, (size_t)n);
        else
                end(postbox, POSTBOX_EOF);
        return n == POSTBOX_SCRATCH_LEN;
}

static void on_event(uv_poll_t *poll, int status, int events);

static void watch(struct postbox *postbox, bool has_unsent)
{
        (void)uv_poll_start(&postbox->poll, has_unsent ? UV_READABLE | UV_WRITABLE : UV_READABLE,
                            on_event); /* changes the events; cannot fail */
}

static void on_event(uv_poll_t *poll, int status, int events)
{
        struct postbox *postbox = poll->data;
        /* an error is a worker that ended without having read all; its last words are there yet */
        bool has_more = status < 0 || (events & UV_READABLE) != 0;

        for (int i = 0; i < READS_PER_TURN && has_more && !postbox->is_over; i++)
                has_more = read_some(postbox);
        if (!postbox->is_over && (status < 0 || (events & UV_WRITABLE) != 0))
                postbox_flush(postbox);
}

bool postbox_new(struct postbox **out_postbox, uv_loop_t *loop, int *fd, uint8_t *scratch,
                 const struct postbox_owner *owner, struct err *err)
{
        struct postbox *postbox = xcalloc(1, sizeof *postbox);

        int rc = fault_hit() ? UV_ENOMEM : uv_poll_init(loop, &postbox->poll, *fd);
        if (rc != 0) {
                free(postbox);
                return err_set(err, ERR_SYSTEM, "no socket to a worker: %s", uv_strerror(rc));
        }
        postbox->poll.data = postbox;
        postbox->fd = take_fd(fd);
        postbox->scratch = scratch;
        postbox->owner = *owner;
        buf_init(&postbox->in, WIRE_HEADER_LEN + WIRE_PAYLOAD_MAX);
        buf_init(&postbox->out, POSTBOX_QUEUE_MAX);
        watch(postbox, /* has_unsent= */ false);
        *out_postbox = postbox;
        return true;
}

struct buf *postbox_out(struct postbox *postbox)
{
        return &postbox->out;
}

size_t postbox_room(const struct postbox *postbox)
{
        return POSTBOX_QUEUE_MAX - postbox->out.len;
}

void postbox_expect_secrets(struct postbox *postbox, size_t len)
{
        postbox->has_secrets = true;
        (void)buf_reserve(&postbox->out, len); /* no room: the writes that follow fail and say so */
}

bool postbox_pass_fd(struct postbox *postbox, int *fd)
{
        if (postbox->passing_count == POSTBOX_FDS_MAX)
                return false;
        postbox->passing[postbox->passing_count++] =
                (struct passing){ .at = postbox->out.len, .fd = take_fd(fd) };
        return true;
}

static void drop_passed(struct postbox *postbox)
{
        scoped_close(&postbox->passing[0].fd); /* the worker has its own */
        postbox->passing_count--;
        memmove(postbox->passing, postbox->passing + 1,
                postbox->passing_count * sizeof *postbox->passing);
}

static void attach(struct msghdr *message, void *space, size_t space_len, int fd)
{
        message->msg_control = space;
        message->msg_controllen = space_len;
        struct cmsghdr *header = CMSG_FIRSTHDR(message);
        header->cmsg_level = SOL_SOCKET;
        header->cmsg_type = SCM_RIGHTS;
        header->cmsg_len = CMSG_LEN(sizeof fd);
        memcpy(CMSG_DATA(header), &fd, sizeof fd);
}

/* Sends up to where the next fd has to go along. False: the socket takes no more. */
static bool send_some(struct postbox *postbox)
{
        struct buf *out = &postbox->out;
        bool has_fd = postbox->passing_count > 0 && postbox->passing[0].at == postbox->sent;
        size_t next = has_fd ? 1 : 0; /* the one that must wait */
        size_t until = postbox->passing_count > next ? postbox->passing[next].at : out->len;
        char space[CMSG_SPACE(sizeof(int))] = { 0 };
        struct iovec bytes = { out->data + postbox->sent, until - postbox->sent };
        struct msghdr message = { .msg_iov = &bytes, .msg_iovlen = 1 };

        if (has_fd)
                attach(&message, space, sizeof space, postbox->passing[0].fd);
        ssize_t n = sendmsg(postbox->fd, &message, 0);
        if (n < 0 && errno == EINTR)
                return true;
        if (n < 0 && errno == EAGAIN)
                return false;
        if (n < 0) { /* a broken socket shows when it is read */
                while (postbox->passing_count > 0)
                        drop_passed(postbox);
                postbox->sent = out->len;
                return false;
        }
        if (has_fd)
                drop_passed(postbox);
        postbox->sent += (size_t)n;
        return true;
}

/* Makes room; only where less is moved than was sent. */
static void forget_sent(struct postbox *postbox)
{
        for (size_t i = 0; i < postbox->passing_count; i++)
                postbox->passing[i].at -= postbox->sent;
        buf_consume(&postbox->out, postbox->sent);
        postbox->sent = 0;
}

void postbox_flush(struct postbox *postbox)
{
        struct buf *out = &postbox->out;

        if (postbox->is_over)
                return;
        while (postbox->sent < out->len && send_some(postbox))
                ;
        if (postbox->sent == out->len) {
                empty(postbox, out);
                postbox->sent = 0;
        } else if (postbox->sent > out->len / 2) {
                forget_sent(postbox);
        }
        watch(postbox, out->len > 0);
}
