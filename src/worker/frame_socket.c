#include "worker/frame_socket.h"

#include "base/clock.h"

#include <errno.h>
#include <poll.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#define IN_MAX  (4 * 1024 * 1024) /* bytes; frames are served each turn, so this is never near */
#define IN_READ (64 * 1024)       /* bytes read at once */

void frame_socket_init(struct frame_socket *frames, int fd)
{
        *frames = (struct frame_socket){ .fd = fd };
        buf_init(&frames->in, IN_MAX);
        buf_init(&frames->out, FRAME_SOCKET_OUT_MAX);
}

void frame_socket_fini(struct frame_socket *frames)
{
        for (size_t i = 0; i < frames->fd_count; i++)
                (void)close(frames->fds[i]);
        (void)close(frames->fd);
        frames->fd = -1;
        buf_fini(&frames->in);
        buf_fini(&frames->out);
}

static void keep_fd(struct frame_socket *frames, const struct msghdr *message)
{
        const struct cmsghdr *header = CMSG_FIRSTHDR(message);
        int fd;

        if (header == NULL || header->cmsg_type != SCM_RIGHTS
            || header->cmsg_len != CMSG_LEN(sizeof fd))
                return;
        memcpy(&fd, CMSG_DATA(header), sizeof fd);
        if (frames->fd_count < FRAME_SOCKET_FDS_MAX)
                frames->fds[frames->fd_count++] = fd;
        else
                (void)close(fd);
}

/* One read never goes beyond the bytes that an fd came with, so that one place is enough. */
static ssize_t receive(struct frame_socket *frames)
{
        union {
                struct cmsghdr header;
                char space[CMSG_SPACE(sizeof(int))];
        } control;
        struct iovec room = { frames->in.data + frames->in.len, IN_READ };
        struct msghdr message = {
                .msg_iov = &room,
                .msg_iovlen = 1,
                .msg_control = control.space,
                .msg_controllen = sizeof control.space,
        };
        ssize_t n = recvmsg(frames->fd, &message, MSG_DONTWAIT);

        if (n > 0)
                keep_fd(frames, &message);
        return n;
}

int frame_socket_take_fd(struct frame_socket *frames)
{
        int fd = frames->fd_count > 0 ? frames->fds[0] : -1;

        if (fd >= 0)
                memmove(frames->fds, frames->fds + 1, --frames->fd_count * sizeof *frames->fds);
        return fd;
}

bool frame_socket_receive(struct frame_socket *frames)
{
        struct frame frame;
        size_t used;

        buf_consume(&frames->in, frames->in_used);
        frames->in_used = 0;
        if (!buf_reserve(&frames->in, IN_READ))
                return false;
        ssize_t n = receive(frames);
        if (n == 0)
                return false;
        if (n < 0)
                return errno == EAGAIN || errno == EINTR;
        frames->in.len += (size_t)n;
        return frame_parse(frames->in.data, frames->in.len, &frame, &used) != FRAME_BAD;
}

bool frame_socket_next(struct frame_socket *frames, struct frame *out_frame)
{
        size_t used;

        if (frame_parse(frames->in.data + frames->in_used, frames->in.len - frames->in_used,
                        out_frame, &used)
            != FRAME_READY)
                return false;
        frames->in_used += used;
        return true;
}

bool frame_socket_send(struct frame_socket *frames)
{
        while (frame_socket_unsent(frames) > 0) {
                ssize_t n = send(frames->fd, frames->out.data + frames->out_sent,
                                 frame_socket_unsent(frames), MSG_DONTWAIT | MSG_NOSIGNAL);
                if (n < 0 && errno == EINTR)
                        continue;
                if (n < 0)
                        return errno == EAGAIN;
                frames->out_sent += (size_t)n;
        }
        buf_reset(&frames->out);
        frames->out_sent = 0;
        return true;
}

size_t frame_socket_unsent(const struct frame_socket *frames)
{
        return frames->out.len - frames->out_sent;
}

void frame_socket_drain(struct frame_socket *frames, int ms)
{
        int64_t until_ms = clock_now_ms() + ms;

        while (frame_socket_send(frames) && frame_socket_unsent(frames) > 0) {
                struct pollfd poll_fd = { .fd = frames->fd, .events = POLLOUT };
                int64_t left_ms = until_ms - clock_now_ms();
                if (left_ms <= 0 || poll(&poll_fd, 1, (int)left_ms) < 0)
                        return;
        }
}
