#pragma once
/*
 * worker.h - the process that holds one SSH connection: the only one that touches a host's bytes.
 *
 * Forked by the zygote, never returns. Gets its sockets, sandboxes itself before the first byte
 * of key exchange, then lives in one poll loop between the host and the supervisor.
 *
 * Process: worker.
 * Memory:  takes the fds. Everything is the process's own and goes with it.
 * Errors:  what ends the connection is sent as WIRE_FAILED; then the process exits.
 */

struct worker_fds {
        int host;   /* connected to the SSH server */
        int frames; /* stream socket to the supervisor, message.h */
        int agent;  /* speaks the SSH agent protocol; -1 none */
};

_Noreturn void worker_run(struct worker_fds fds);
