/*
 * The time is shared: an address gets an equal part of what is left, so that a silent IPv6 address
 * does not eat the time of the IPv4 one behind it.
 *
 * The memory goes when three things have ended: the look-up (which may outlive its owner in the
 * pool), the poll handle, the timer. `holds` counts them.
 */
#include "session/reach/dial.h"

#include "base/alloc.h"
#include "base/clock.h"
#include "base/fault.h"
#include "base/scoped.h"
#include "session/reach/sockets.h"

#include <arpa/inet.h>
#include <errno.h>
#include <ifaddrs.h>
#include <net/if.h>
#include <netdb.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#define ATTEMPT_MIN_MS 1000 /* even the last of many addresses gets this */

struct dial {
        uv_getaddrinfo_t look_up;
        uv_timer_t timer;
        uv_poll_t *poll; /* of the attempt under way; frees itself when closed */
        unsigned holds;
        bool is_over;
        bool is_looking_up;
        int fd;
        struct addrinfo *addresses; /* of libuv or of getaddrinfo(), freed alike */
        struct addrinfo *next;
        int64_t deadline_ms;
        int64_t limit_ms;
        char *host;
        int port;
        enum address_family family;
        char *bind_address;       /* NULL: any */
        char *bind_interface;     /* NULL: any */
        struct addrinfo *sources; /* what bind_address means; freed as addresses are */
        struct err last; /* why the address before did not do */
        dial_done *done;
        void *arg;
};

static void let_go(struct dial *dial)
{
        if (--dial->holds > 0)
                return;
        if (dial->addresses != NULL)
                uv_freeaddrinfo(dial->addresses);
        if (dial->sources != NULL)
                uv_freeaddrinfo(dial->sources);
        free(dial->bind_address);
        free(dial->bind_interface);
        free(dial->host);
        free(dial);
}

static void on_timer_closed(uv_handle_t *handle)
{
        let_go(handle->data);
}

static void on_poll_closed(uv_handle_t *handle)
{
        free(handle);
}

/* Ends the attempt under way; its socket is closed unless it was taken. */
static void end_attempt(struct dial *dial)
{
        if (dial->poll != NULL) {
                uv_close((uv_handle_t *)dial->poll, on_poll_closed);
                dial->poll = NULL;
        }
        scoped_close(&dial->fd);
        dial->fd = -1;
}

void dial_free(struct dial *dial)
{
        if (dial == NULL || uv_is_closing((uv_handle_t *)&dial->timer))
                return;
        dial->is_over = true;
        if (dial->is_looking_up)
                (void)uv_cancel(
                        (uv_req_t *)&dial->look_up); /* runs already: its callback lets go */
        end_attempt(dial);
        uv_close((uv_handle_t *)&dial->timer, on_timer_closed);
}

static void finish(struct dial *dial, int fd, const struct err *err)
{
        if (dial->is_over) {
                scoped_close(&fd);
                return;
        }
        dial->is_over = true;
        (void)uv_timer_stop(&dial->timer); /* cannot fail */
        dial->done(dial->arg, fd, err);
}

static void try_next(struct dial *dial);

static void note_failure(struct dial *dial, const char *why)
{
        char address[INET6_ADDRSTRLEN + 1] = "?";
        const struct addrinfo *at = dial->next;

        (void)getnameinfo(at->ai_addr, at->ai_addrlen, address, sizeof address, NULL, 0,
                          NI_NUMERICHOST); /* numeric: no look-up; fails only by leaving "?" */
        if (strcmp(address, dial->host) == 0)
                (void)err_set(&dial->last, ERR_CONNECT, "cannot connect to %s port %d: %s",
                              dial->host, dial->port, why);
        else
                (void)err_set(&dial->last, ERR_CONNECT, "cannot connect to %s (%s) port %d: %s",
                              dial->host, address, dial->port, why);
        dial->next = at->ai_next;
}

static void attempt_failed(struct dial *dial, const char *why)
{
        end_attempt(dial);
        note_failure(dial, why);
        try_next(dial);
}

static void attempt_succeeded(struct dial *dial)
{
        int fd = take_fd(&dial->fd);
        struct err none = { 0 };

        end_attempt(dial);
        socket_tune_tcp(fd);
        finish(dial, fd, &none);
}

static void on_connected(uv_poll_t *poll, int status, int events)
{
        struct dial *dial = poll->data;
        int why = 0;
        socklen_t len = sizeof why;

        (void)status; /* a refused connect() comes as UV_EBADF; the socket itself knows better */
        (void)events;
        if (dial->is_over || poll != dial->poll)
                return;
        if (getsockopt(dial->fd, SOL_SOCKET, SO_ERROR, &why, &len) != 0 || why != 0)
                attempt_failed(dial, strerror(why != 0 ? why : errno));
        else
                attempt_succeeded(dial);
}

static void on_timer(uv_timer_t *timer)
{
        struct dial *dial = timer->data;

        if (dial->next != NULL && dial->poll != NULL) {
                attempt_failed(dial, "no answer in time");
                return;
        }
        if (dial->next == NULL && !dial->is_looking_up) { /* a first turn: a literal that is none */
                finish(dial, -1, &dial->last);
                return;
        }
        if (!dial->is_looking_up) {
                try_next(dial);
                return;
        }
        struct err err;
        (void)err_set(&err, ERR_CONNECT, "looking up %s took more than %d s", dial->host,
                      (int)(dial->limit_ms / 1000));
        finish(dial, -1, &err);
}

/* How long the next address may take. */
static int64_t share_of_time(const struct dial *dial)
{
        int64_t left = dial->deadline_ms - clock_now_ms();
        int64_t count = 1; /* the next, and those behind it */

        for (const struct addrinfo *at = dial->next->ai_next; at != NULL; at = at->ai_next)
                count++;
        int64_t share = left / count;
        return share > ATTEMPT_MIN_MS || left < ATTEMPT_MIN_MS ? share : ATTEMPT_MIN_MS;
}

static bool watch_attempt(struct dial *dial)
{
        uv_loop_t *loop = dial->timer.loop;
        uv_poll_t *poll = xcalloc(1, sizeof *poll);

        poll->data = dial;
        if (uv_poll_init_socket(loop, poll, dial->fd) != 0) {
                free(poll);
                return false;
        }
        dial->poll = poll;
        return uv_poll_start(poll, UV_WRITABLE, on_connected) == 0;
}

static bool is_local_only(const struct sockaddr *address)
{
        if (address->sa_family == AF_INET)
                return ((const struct sockaddr_in *)(const void *)address)->sin_addr.s_addr
                       == htonl(INADDR_LOOPBACK);
        const struct in6_addr *v6 = &((const struct sockaddr_in6 *)(const void *)address)->sin6_addr;
        return IN6_IS_ADDR_LOOPBACK(v6) || IN6_IS_ADDR_LINKLOCAL(v6);
}

static socklen_t address_len(int family)
{
        return family == AF_INET ? sizeof(struct sockaddr_in) : sizeof(struct sockaddr_in6);
}

/* To one of the interface's addresses; one that leads out of this machine if there is one. */
static bool bind_to_interface(const struct dial *dial, int family, const char **out_why)
{
        const struct sockaddr *found = NULL;
        struct ifaddrs *all = NULL;

        if (getifaddrs(&all) != 0) {
                *out_why = "the BindInterface of its configuration cannot be looked up";
                return false;
        }
        for (const struct ifaddrs *at = all; at != NULL; at = at->ifa_next) {
                if (at->ifa_addr == NULL || (at->ifa_flags & IFF_UP) == 0
                    || at->ifa_addr->sa_family != family
                    || strcmp(at->ifa_name, dial->bind_interface) != 0)
                        continue;
                if (found == NULL || (is_local_only(found) && !is_local_only(at->ifa_addr)))
                        found = at->ifa_addr;
        }
        bool ok = found != NULL && bind(dial->fd, found, address_len(family)) == 0;
        if (!ok)
                *out_why = "the BindInterface of its configuration has no address that will do";
        freeifaddrs(all);
        return ok;
}

/* *out_why: stays as it is where errno tells. */
static bool bind_source(const struct dial *dial, int family, const char **out_why)
{
        if (dial->bind_address == NULL)
                return dial->bind_interface == NULL || bind_to_interface(dial, family, out_why);
        for (const struct addrinfo *at = dial->sources; at != NULL; at = at->ai_next)
                if (at->ai_family == family && bind(dial->fd, at->ai_addr, at->ai_addrlen) == 0)
                        return true;
        *out_why = "the BindAddress of its configuration is no address of this machine that will do";
        return false;
}

/* Starts a connect() to the next address that lets itself be started. */
static void try_next(struct dial *dial)
{
        while (dial->next != NULL && clock_now_ms() < dial->deadline_ms) {
                const struct addrinfo *at = dial->next;
                const char *why_not = NULL;
                dial->fd = fault_hit() ? -1 : socket(at->ai_family, SOCK_STREAM, 0);
                if (dial->fd >= 0 && socket_prepare(dial->fd)
                    && bind_source(dial, at->ai_family, &why_not)
                    && (connect(dial->fd, at->ai_addr, at->ai_addrlen) == 0 || errno == EINPROGRESS)
                    && watch_attempt(dial)) {
                        (void)uv_timer_start(&dial->timer, on_timer, (uint64_t)share_of_time(dial),
                                             0);
                        return;
                }
                int why = errno;
                end_attempt(dial);
                note_failure(dial, why_not != NULL ? why_not : strerror(why));
        }
        if (dial->last.code == ERR_NONE)
                (void)err_set(&dial->last, ERR_CONNECT,
                              "cannot connect to %s port %d: no answer in time", dial->host,
                              dial->port);
        finish(dial, -1, &dial->last);
}

static void start_look_up(struct dial *dial, uv_loop_t *loop);

static void on_source_looked_up(uv_getaddrinfo_t *request, int status, struct addrinfo *sources)
{
        struct dial *dial = request->data;
        struct err err;

        dial->is_looking_up = false;
        dial->sources = sources;
        if (!dial->is_over && status != 0) {
                (void)err_set(&err, ERR_CONNECT, "cannot find the BindAddress %s: %s",
                              dial->bind_address, uv_strerror(status));
                finish(dial, -1, &err);
        } else if (!dial->is_over) {
                start_look_up(dial, dial->timer.loop);
        }
        let_go(dial);
}

static void on_looked_up(uv_getaddrinfo_t *request, int status, struct addrinfo *addresses)
{
        struct dial *dial = request->data;
        struct err err;

        dial->is_looking_up = false;
        dial->addresses = addresses;
        dial->next = addresses;
        if (!dial->is_over && status != 0) {
                (void)err_set(&err, ERR_CONNECT, "cannot find the host %s: %s", dial->host,
                              uv_strerror(status));
                finish(dial, -1, &err);
        } else if (!dial->is_over) {
                try_next(dial);
        }
        let_go(dial);
}

static int family_for(enum address_family family)
{
        switch (family) {
        case ADDRESS_ANY: return AF_UNSPEC;
        case ADDRESS_INET: return AF_INET;
        case ADDRESS_INET6: return AF_INET6;
        }
        return AF_UNSPEC;
}

/* A literal address needs no look-up, and so no thread that a dead name server could hold. */
static bool look_up_literal(struct dial *dial, const char *port)
{
        struct addrinfo hints = { .ai_flags = AI_NUMERICHOST | AI_NUMERICSERV,
                                  .ai_socktype = SOCK_STREAM,
                                  .ai_family = family_for(dial->family) };

        if (getaddrinfo(dial->host, port, &hints, &dial->addresses) != 0)
                return false;
        dial->next = dial->addresses;
        return true;
}

static uint64_t left_ms(const struct dial *dial)
{
        int64_t left = dial->deadline_ms - clock_now_ms();

        return left > 0 ? (uint64_t)left : 0;
}

/* False: a look-up of the address to bind to is under way, or has failed; both lead on. */
static bool find_source(struct dial *dial, uv_loop_t *loop)
{
        struct addrinfo hints = { .ai_flags = AI_NUMERICHOST | AI_PASSIVE,
                                  .ai_socktype = SOCK_STREAM };

        if (dial->bind_address == NULL
            || getaddrinfo(dial->bind_address, NULL, &hints, &dial->sources) == 0)
                return true;
        hints.ai_flags = AI_PASSIVE;
        int rc = uv_getaddrinfo(loop, &dial->look_up, on_source_looked_up, dial->bind_address, NULL,
                                &hints);
        dial->is_looking_up = rc == 0;
        dial->holds += rc == 0;
        if (rc != 0)
                (void)err_set(&dial->last, ERR_CONNECT, "cannot look up the BindAddress %s: %s",
                              dial->bind_address, uv_strerror(rc));
        (void)uv_timer_start(&dial->timer, on_timer, rc == 0 ? left_ms(dial) : 0, 0);
        return false;
}

static void start_look_up(struct dial *dial, uv_loop_t *loop)
{
        char port[8];
        struct addrinfo hints = { .ai_flags = AI_NUMERICSERV | AI_ADDRCONFIG,
                                  .ai_socktype = SOCK_STREAM,
                                  .ai_family = family_for(dial->family) };
        uint64_t first_ms = 0; /* what is known already is told in the next turn */

        (void)snprintf(port, sizeof port, "%d", dial->port); /* fits: checked by the grammar */
        if (!look_up_literal(dial, port)) {
                int rc = uv_getaddrinfo(loop, &dial->look_up, on_looked_up, dial->host, port,
                                        &hints);
                dial->is_looking_up = rc == 0;
                dial->holds += rc == 0;
                first_ms = rc == 0 ? left_ms(dial) : 0;
                if (rc != 0)
                        (void)err_set(&dial->last, ERR_CONNECT, "cannot look up %s: %s", dial->host,
                                      uv_strerror(rc));
        }
        (void)uv_timer_start(&dial->timer, on_timer, first_ms, 0); /* cannot fail */
}

static char *copy(const char *text)
{
        return text != NULL ? xstrdup(text) : NULL;
}

struct dial *dial_start(uv_loop_t *loop, const struct dial_plan *plan, dial_done *done, void *arg)
{
        struct dial *dial = xcalloc(1, sizeof *dial);

        dial->fd = -1;
        dial->host = xstrdup(plan->host);
        dial->port = plan->port;
        dial->family = plan->family;
        dial->bind_address = copy(plan->bind_address);
        dial->bind_interface = copy(plan->bind_interface);
        dial->limit_ms = plan->limit_ms;
        dial->deadline_ms = clock_now_ms() + plan->limit_ms;
        dial->done = done;
        dial->arg = arg;
        (void)uv_timer_init(loop, &dial->timer); /* cannot fail */
        dial->timer.data = dial;
        dial->look_up.data = dial;
        dial->holds = 1;
        if (find_source(dial, loop))
                start_look_up(dial, loop);
        return dial;
}
