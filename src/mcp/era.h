#pragma once
/*
 * era.h - which of the two protocol eras a message belongs to. Decided for each message alone.
 *
 * Legacy (2024-11-05 … 2025-11-25) begins with `initialize` and has state; modern (2026-07-28)
 * carries version and capabilities in the `_meta` of every request.
 *
 * Process: supervisor. Pure.
 */
#include "mcp/rpc.h"

enum era { ERA_LEGACY, ERA_MODERN };

#define ERA_MODERN_VERSION   "2026-07-28"
#define ERA_NEWEST_LEGACY    "2025-11-25"
#define ERA_BATCHES_VERSION  "2025-03-26" /* the only revision that has batches */
#define ERA_META_VERSION     "io.modelcontextprotocol/protocolVersion"
#define ERA_META_SERVER_INFO "io.modelcontextprotocol/serverInfo"

enum era era_of(const struct rpc_message *message);

/* A modern request's envelope: well-formed, then of a version we speak. params may be NULL. */
bool era_check_envelope(const json_t *params, struct rpc_fault *fault);

/* What `initialize` answers to this version. Constant. */
const char *era_negotiate(const char *requested);
