#pragma once
/*
 * server_link.h - a subcommand's line to a running server's control socket.
 *
 * Process: a subcommand. Blocks.
 * Memory:  server_link_close() accepts zeroed memory with fd -1. Frames are borrowed until the
 *          next one is received.
 * Errors:  ERR_SYSTEM: the server went away; ERR_PROTOCOL: it talks nonsense, or another version.
 */
#include "base/err.h"
#include "wire/control.h"

#include <sys/types.h>

#define SERVERS_MAX 16 /* of one user, looked at; more are not found */

struct server_link {
        int fd;
        pid_t pid;
        struct buf in;
        size_t used;        /* bytes of the frame that was received last */
        bool was_refused_there; /* its last refused log-in was to the host asked for */
};

/* All running servers of this user; returns how many. */
size_t server_links_find(struct server_link out[SERVERS_MAX], const char *host);
void server_link_close(struct server_link *link);

bool server_link_send(struct server_link *link, const struct buf *message, struct err *err);
bool server_link_receive(struct server_link *link, struct frame *out_frame, struct err *err);
