#pragma once
/*
 * zygote.h - forks workers. Forked itself first thing in main(), before any secret is read and
 * before the event loop exists, so that a worker inherits neither.
 *
 * Process: called in main(); the loop runs in the zygote.
 */
#include "base/err.h"
#include <stdbool.h>

/*
 * Forks the zygote. In the supervisor: returns true, *out_fd is the socket to it (spawn.h),
 * non-blocking, close-on-exec, the caller's. The zygote itself never returns; it ends when the
 * socket closes, after killing the workers that are left.
 */
bool zygote_start(int *out_fd, struct err *err);
