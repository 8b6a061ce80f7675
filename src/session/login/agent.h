#pragma once
/*
 * agent.h - the user's SSH agent, lent to a worker through a filter until it is authenticated.
 *
 * Process: supervisor.
 * Memory:  agent_free() may be called at any time; NULL is fine. It closes both ends.
 */
#include "base/err.h"
#include "session/config/home.h"
#include "session/host_key/key_blob.h"

#include <stdbool.h>
#include <uv.h>

struct agent;

/*
 * Connects to the agent: configured (IdentityAgent, NULL: not set), else SSH_AUTH_SOCK, else the
 * places where agents are known to listen. -1: there is none.
 */
int agent_connect(const char *configured, const struct home *home);

/* Where a connected agent listens; NULL: it does not say. Yours, free(). */
char *agent_path(int fd);

/*
 * Relays between the agent and a worker. Takes *agent_fd and *preferred, the keys that come first
 * (NULL: none), or are the only ones; user: who logs in, outlives the relay; *out_worker_fd is
 * the other end, for the worker and the caller's to close.
 */
bool agent_new(struct agent **out_agent, uv_loop_t *loop, int *agent_fd,
               struct key_blobs **preferred, bool preferred_only, const char *user,
               int *out_worker_fd, struct err *err);
void agent_free(struct agent *agent);
