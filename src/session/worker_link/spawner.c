/*
 * libuv passes one fd a message and we need two or three, so this is sendmsg() under a uv_poll_t.
 * Orders wait in a list: a SPAWN_MAKE is its record, then one byte that carries the fds.
 */
#include "session/worker_link/spawner.h"

#include "base/alloc.h"
#include "base/fault.h"
#include "base/list.h"
#include "base/log.h"
#include "base/scoped.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#define REPORTS_PER_TURN 64 /* records read before other handles get their turn */

struct order {
        struct list_node node;
        struct spawn_record record;
        int fds[SPAWN_FDS_MAX];
        unsigned fd_count;
        size_t sent; /* bytes of the record */
};

struct spawner {
        uv_poll_t poll;
        int fd;
        bool is_dead; /* the zygote is gone */
        bool is_stopped;
        struct list_node orders;
        uint8_t in[sizeof(struct spawn_record)];
        size_t in_len;
        spawner_report *report;
        void *arg;
};

static void order_free(struct order *order)
{
        list_remove(&order->node);
        for (unsigned i = 0; i < order->fd_count; i++)
                (void)close(order->fds[i]); /* sent or not: the zygote has its own */
        free(order);
}

static void drop_orders(struct spawner *spawner)
{
        list_each(at, &spawner->orders) order_free(list_entry(at, struct order, node));
}

static void die(struct spawner *spawner, const char *why)
{
        if (spawner->is_dead)
                return;
        spawner->is_dead = true;
        (void)uv_poll_stop(&spawner->poll); /* cannot fail */
        drop_orders(spawner);
        if (!spawner->is_stopped)
                log_error(
                        "the process that starts connections is gone (%s); no new ones can be made",
                        why);
}

static ssize_t send_fds(int fd, const struct order *order)
{
        char control[CMSG_SPACE(SPAWN_FDS_MAX * sizeof(int))] = { 0 };
        char byte = 0;
        struct iovec bytes = { &byte, 1 };
        struct msghdr message = { .msg_iov = &bytes,
                                  .msg_iovlen = 1,
                                  .msg_control = control,
                                  .msg_controllen = CMSG_SPACE(order->fd_count * sizeof(int)) };
        struct cmsghdr *header = CMSG_FIRSTHDR(&message);

        header->cmsg_level = SOL_SOCKET;
        header->cmsg_type = SCM_RIGHTS;
        header->cmsg_len = CMSG_LEN(order->fd_count * sizeof(int));
        memcpy(CMSG_DATA(header), order->fds, order->fd_count * sizeof(int));
        return sendmsg(fd, &message, 0);
}

/* True when the order is out; false to try again later, or when the zygote is gone. */
static bool send_order(struct spawner *spawner, struct order *order)
{
        const uint8_t *record = (const uint8_t *)&order->record;

        for (;;) {
                size_t left = sizeof order->record - order->sent;
                ssize_t n = left > 0 ? send(spawner->fd, record + order->sent, left, 0)
                                     : send_fds(spawner->fd, order);
                if (n < 0 && errno == EINTR)
                        continue;
                if (n < 0) {
                        if (errno != EAGAIN && errno != EWOULDBLOCK)
                                die(spawner, strerror(errno)); /* the order is gone now */
                        return false;
                }
                if (left == 0)
                        return true;
                order->sent += (size_t)n;
                if (order->sent == sizeof order->record && order->fd_count == 0)
                        return true;
        }
}

static void on_event(uv_poll_t *poll, int status, int events);

static void send_orders(struct spawner *spawner)
{
        while (!spawner->is_dead && !list_is_empty(&spawner->orders)) {
                struct order *order = list_entry(spawner->orders.next, struct order, node);
                /* NOLINTNEXTLINE(clang-analyzer-unix.Malloc): order_free() takes it out of the list */
                if (!send_order(spawner, order))
                        break;
                order_free(order);
        }
        if (!spawner->is_dead && !spawner->is_stopped)
                (void)uv_poll_start(&spawner->poll,
                                    list_is_empty(&spawner->orders) ? UV_READABLE
                                                                    : UV_READABLE | UV_WRITABLE,
                                    on_event); /* changes the events; cannot fail */
}

/* False when there is nothing more to read now. */
static bool read_report(struct spawner *spawner)
{
        struct spawn_record record;
        ssize_t n = recv(spawner->fd, spawner->in + spawner->in_len,
                         sizeof spawner->in - spawner->in_len, 0);

        if (n < 0 && (errno == EAGAIN || errno == EWOULDBLOCK || errno == EINTR))
                return false;
        if (n <= 0) {
                die(spawner, n == 0 ? "it ended" : strerror(errno));
                return false;
        }
        spawner->in_len += (size_t)n;
        if (spawner->in_len < sizeof record)
                return true;
        memcpy(&record, spawner->in, sizeof record);
        spawner->in_len = 0;
        spawner->report(spawner->arg, &record);
        return !spawner->is_stopped;
}

static void on_event(uv_poll_t *poll, int status, int events)
{
        struct spawner *spawner = poll->data;

        if (status < 0) {
                die(spawner, uv_strerror(status));
                return;
        }
        for (unsigned i = 0; (events & UV_READABLE) != 0 && i < REPORTS_PER_TURN; i++)
                if (spawner->is_dead || !read_report(spawner))
                        break;
        if (!spawner->is_stopped && (events & UV_WRITABLE) != 0)
                send_orders(spawner);
}

bool spawner_new(struct spawner **out_spawner, uv_loop_t *loop, int *fd, spawner_report *report,
                 void *arg, struct err *err)
{
        struct spawner *spawner = xcalloc(1, sizeof *spawner);

        list_init(&spawner->orders);
        spawner->report = report;
        spawner->arg = arg;
        int rc = fault_hit() ? UV_ENOMEM : uv_poll_init(loop, &spawner->poll, *fd);
        if (rc != 0) {
                free(spawner);
                return err_set(err, ERR_SYSTEM, "the zygote's socket cannot be watched: %s",
                               uv_strerror(rc));
        }
        spawner->fd = take_fd(fd);
        spawner->poll.data = spawner;
        (void)uv_poll_start(&spawner->poll, UV_READABLE,
                            on_event); /* just initialised: cannot fail */
        *out_spawner = spawner;
        return true;
}

static void on_closed(uv_handle_t *handle)
{
        struct spawner *spawner = handle->data;

        (void)close(spawner->fd); /* the zygote ends when it sees this */
        spawner->fd = -1;
}

void spawner_stop(struct spawner *spawner)
{
        if (spawner->is_stopped)
                return;
        send_orders(spawner); /* the last kills */
        spawner->is_stopped = true;
        uv_close((uv_handle_t *)&spawner->poll, on_closed);
}

void spawner_free(struct spawner *spawner)
{
        if (spawner == NULL)
                return;
        drop_orders(spawner);
        if (spawner->fd >= 0)
                (void)close(spawner->fd); /* never stopped: the process is ending */
        free(spawner);
}

static void give(struct spawner *spawner, struct order **order)
{
        list_append(&spawner->orders, &(*order)->node);
        *order = NULL;
        send_orders(spawner);
}

bool spawner_make(struct spawner *spawner, uint64_t id, int *host, int *frames, int *agent,
                  struct err *err)
{
        struct order *order = xcalloc(1, sizeof *order);

        list_init(&order->node);
        order->record =
                (struct spawn_record){ .kind = SPAWN_MAKE, .has_agent = *agent >= 0, .id = id };
        order->fds[order->fd_count++] = take_fd(host);
        order->fds[order->fd_count++] = take_fd(frames);
        if (*agent >= 0)
                order->fds[order->fd_count++] = take_fd(agent);
        if (spawner->is_dead || spawner->is_stopped) {
                order_free(order);
                return err_set(err, ERR_SYSTEM,
                               "no new connection can be made: the process that starts "
                               "them is gone. Restart mcp-ssh-session.");
        }
        give(spawner, &order);
        return true;
}

void spawner_kill(struct spawner *spawner, uint64_t id)
{
        if (spawner->is_dead || spawner->is_stopped)
                return;
        struct order *order = xcalloc(1, sizeof *order);
        list_init(&order->node);
        order->record = (struct spawn_record){ .kind = SPAWN_KILL, .id = id };
        give(spawner, &order);
}
