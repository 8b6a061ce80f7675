#include "worker/frame_socket.h"

#include "base/clock.h"

#include <errno.h>
#include <poll.h>
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
        (void)close(frames->fd);
        frames->fd = -1;
        buf_fini(&frames->in);
        buf_fini(&frames->out);
}

bool frame_socket_receive(struct frame_socket *frames)
{
        struct frame frame;
        size_t used;

        buf_consume(&frames->in, frames->in_used);
        frames->in_used = 0;
        if (!buf_reserve(&frames->in, IN_READ))
                return false;
        ssize_t n = recv(frames->fd, frames->in.data + frames->in.len, IN_READ, MSG_DONTWAIT);
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
