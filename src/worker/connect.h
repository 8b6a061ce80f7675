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
#include "worker/channel_env.h"
#include "worker/frame_socket.h"
#include "worker/worker.h"

#include <libssh/libssh.h>
#include <stdbool.h>

struct connected {
        ssh_session ssh;                /* non-blocking from then on */
        struct channel_env env; /* for each channel; zeroed before */
        uint32_t keepalive_s;           /* 0: none */
        uint32_t keepalive_count;
};

/* Tells WIRE_HOST_KEY and WIRE_READY on its way. */
bool connect_run(struct frame_socket *frames, const struct worker_fds *fds,
                 struct connected *out_connected, struct err *err);
