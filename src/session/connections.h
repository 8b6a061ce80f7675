#pragma once
/*
 * connections.h - all connections: found by what a call says, joined where two mean the same.
 *
 * Process: supervisor.
 * Memory:  connections free themselves when they are gone; connections_free() is for after the
 *          loop has ended, when none is left.
 */
#include "session/connection.h"

#define CONNECTIONS_MAX 64

struct connections;

struct connections *connections_new(void);
void connections_free(struct connections *connections);

/* The live one for this call, or a new one; ERR_LIMIT when there are CONNECTIONS_MAX. */
bool connections_get(struct connections *connections, struct connection_env *env,
                     const struct connection_spec *spec, uint64_t *out_id, struct err *err);

struct connection *connections_find(const struct connections *connections, uint64_t id);
void connections_remove(struct connections *connections, const struct connection *connection);

/* If another live one means the same, it takes this one over, which is then closing. */
void connections_join(struct connections *connections, struct connection *later);

/*
 * Goes on through the jump host. ERR_CONNECT where its way leads back to itself, ERR_LIMIT where it
 * is longer than HOPS_MAX.
 */
bool connections_put_behind(const struct connections *connections, struct connection *connection,
                            struct connection *jump, struct err *err);
bool connections_too_many_hops(struct err *err); /* says so; false */

/* To those behind it: it is ready, or ends. */
void connections_tell_ready(const struct connections *connections, struct connection *jump);
void connections_tell_end(const struct connections *connections, struct connection *jump,
                          const struct err *why);

size_t connections_count(const struct connections *connections); /* those that are closing too */

/* By index, below connections_count(); the order holds until one is added or removed. */
struct connection *connections_at(const struct connections *connections, size_t at);
