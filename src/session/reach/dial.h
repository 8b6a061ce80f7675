#pragma once
/*
 * dial.h - from a host name to a connected TCP socket: look-up, then each address in turn.
 *
 * BindAddress and BindInterface as ssh_config(5): the socket is bound to that address, or to one of
 * the interface's, of the same family as the host's.
 *
 * Process: supervisor. The look-up of a name runs in libuv's pool, a literal address here.
 * Memory:  dial_free() may be called at any time, also from inside done; NULL is fine.
 * Errors:  ERR_CONNECT. done is called once, never from inside dial_start().
 */
#include "base/err.h"
#include "session/config/ssh_config.h"

#include <uv.h>

#define DIAL_MS 10000 /* for everything, unless the configuration has a ConnectTimeout */

struct dial;

/* fd: connected, tuned, yours; -1 on an error. */
typedef void dial_done(void *arg, int fd, const struct err *err);

struct dial_plan { /* texts are borrowed for the call */
        const char *host;
        int port;
        enum address_family family;
        const char *bind_address;   /* NULL: any; wins over the interface */
        const char *bind_interface; /* NULL: any */
        int64_t limit_ms;
};

struct dial *dial_start(uv_loop_t *loop, const struct dial_plan *plan, dial_done *done, void *arg);
void dial_free(struct dial *dial);
