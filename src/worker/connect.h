#pragma once
/*
 * connect.h - from the connected socket to an authenticated SSH session.
 *
 * Banner and key exchange, then the host key goes to the supervisor, which alone decides, then
 * authentication. Blocks, on purpose: nothing else lives in the worker yet, and the supervisor
 * kills one that takes too long.
 *
 * Process: worker, inside the sandbox.
 * Memory:  keys and password are wiped before it returns.
 * Errors:  ERR_CONNECT, ERR_AUTH, ERR_PROTOCOL (of the supervisor's frames).
 */
#include "base/err.h"
#include "worker/frame_socket.h"
#include "worker/worker.h"

#include <libssh/libssh.h>
#include <stdbool.h>

/* Tells WIRE_HOST_KEY and WIRE_READY on its way. *out_ssh is non-blocking from then on. */
bool connect_run(struct frame_socket *frames, const struct worker_fds *fds, ssh_session *out_ssh,
                 uint32_t *out_keepalive_s, uint32_t *out_keepalive_count, struct err *err);
