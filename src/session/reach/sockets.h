#pragma once
/*
 * sockets.h - sockets as we need them: non-blocking and closed in every child.
 *
 * Process: supervisor.
 */
#include "base/err.h"

#include <stdbool.h>

bool socket_prepare(int fd); /* non-blocking, close-on-exec, no SIGPIPE where that is per socket */
bool socket_pair(int out_ends[2], struct err *err);

/* The address at the other end, without its port; NULL: it has none. Yours, free(). */
char *socket_peer(int fd);

/* Small packets at once, and a peer that stopped answering is noticed by the kernel. */
void socket_tune_tcp(int fd);
