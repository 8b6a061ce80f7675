#pragma once
/*
 * server.h - the Model Context Protocol: from a line of a client to an answer, in both eras.
 *
 * Process: supervisor.
 * Memory:  the mcp outlives its clients and is outlived by the engine. Every transport makes a
 *          client for each of its connections; nothing assumes that there is only one.
 * Errors:  none to the transport: what is wrong with a line is told to the client.
 */
#include "base/err.h"
#include "mcp/inline_secrets.h"

#include <stddef.h>

struct engine;
struct mcp;
struct mcp_client;

struct mcp_peer {
        void (*send)(void *arg, const char *line, size_t len); /* whole lines, borrowed */
        void *arg;
};

bool mcp_new(struct mcp **out_mcp, struct engine *engine, enum inline_secrets inline_secrets,
             struct err *err);
void mcp_free(struct mcp *mcp); /* NULL is fine */

struct mcp_client *mcp_client_new(struct mcp *mcp, const struct mcp_peer *peer);

/* Its calls in flight are dropped unanswered; what they started goes on. NULL is fine. */
void mcp_client_free(struct mcp_client *client);

void mcp_client_on_line(struct mcp_client *client, const char *bytes, size_t len);
void mcp_client_on_too_long(struct mcp_client *client); /* a line was dropped for its length */
