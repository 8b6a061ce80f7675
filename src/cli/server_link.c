#include "cli/server_link.h"

#include "base/secret.h"
#include "control/control_place.h"

#include <errno.h>
#include <poll.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>

#define GREETING_S 3 /* for a server to greet; one that is busy for longer counts as gone */

bool server_link_send(struct server_link *link, const struct buf *message, struct err *err)
{
        size_t sent = 0;

        while (sent < message->len) {
                ssize_t n = send(link->fd, message->data + sent, message->len - sent, MSG_NOSIGNAL);
                if (n < 0 && errno == EINTR)
                        continue;
                if (n <= 0)
                        return err_set(err, ERR_SYSTEM, "the server went away");
                sent += (size_t)n;
        }
        return true;
}

bool server_link_receive(struct server_link *link, struct frame *out_frame, struct err *err)
{
        buf_consume(&link->in, link->used);
        link->used = 0;
        for (;;) {
                switch (frame_parse(link->in.data, link->in.len, out_frame, &link->used)) {
                case FRAME_READY: return true;
                case FRAME_BAD: return err_set(err, ERR_PROTOCOL, "the server talks nonsense");
                case FRAME_MORE: break;
                }
                char chunk[4096];
                ssize_t n = recv(link->fd, chunk, sizeof chunk, 0);
                if (n < 0 && errno == EINTR)
                        continue;
                if (n <= 0)
                        return err_set(err, ERR_SYSTEM, "the server went away");
                if (!buf_append(&link->in, chunk, (size_t)n))
                        return err_set(err, ERR_PROTOCOL, "the server talks nonsense");
        }
}

void server_link_close(struct server_link *link)
{
        if (link->fd >= 0)
                (void)close(link->fd);
        link->fd = -1;
        buf_fini(&link->in);
}

static void set_patience(int fd, time_t seconds)
{
        struct timeval limit = { .tv_sec = seconds };

        (void)setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof limit); /* else it waits */
}

static bool greet(struct server_link *link, const char *host)
{
        struct control_hello hello;
        struct frame frame;
        struct err err;

        set_patience(link->fd, GREETING_S);
        bool ok = server_link_receive(link, &frame, &err) && frame.kind == CONTROL_HELLO
                  && control_read_hello(&frame, &hello) && hello.version == CONTROL_VERSION;
        set_patience(link->fd, 0);
        if (ok)
                link->was_refused_there = str_is(hello.last_refused, host);
        return ok;
}

struct search {
        struct server_link *out;
        size_t count;
        const char *host;
};

static bool visit(void *arg, const char *path, pid_t pid)
{
        struct search *search = arg;
        struct server_link *link = &search->out[search->count];

        *link = (struct server_link){ .fd = control_socket_connect(path, pid), .pid = pid };
        buf_init(&link->in, 2 * CONTROL_MESSAGE_MAX);
        if (link->fd >= 0 && greet(link, search->host))
                search->count++;
        else
                server_link_close(link);
        return search->count < SERVERS_MAX;
}

size_t server_links_find(struct server_link out[SERVERS_MAX], const char *host)
{
        struct search search = { out, 0, host };

        control_place_each(visit, &search);
        return search.count;
}
