#include "session/connections.h"

#include "base/alloc.h"
#include "base/idmap.h"

#include <stdlib.h>
#include <string.h>

struct connections {
        uint64_t ids[CONNECTIONS_MAX]; /* oldest first */
        size_t count;
        struct idmap map;
};

struct connections *connections_new(void)
{
        struct connections *connections = xcalloc(1, sizeof *connections);

        idmap_init(&connections->map);
        return connections;
}

void connections_free(struct connections *connections)
{
        if (connections == NULL)
                return;
        idmap_fini(&connections->map);
        free(connections);
}

struct connection *connections_find(const struct connections *connections, uint64_t id)
{
        return idmap_find(&connections->map, id);
}

size_t connections_count(const struct connections *connections)
{
        return connections->count;
}

struct connection *connections_at(const struct connections *connections, size_t at)
{
        return connections_find(connections, connections->ids[at]);
}

/*
 * The live one that a call by this name means: with the same credentials, or, for a call that
 * gives none, the only one that was ever made by this name. NULL: none, or it is not clear which.
 */
static struct connection *find_named(const struct connections *connections,
                                     const struct connection_spec *spec)
{
        struct connection *named = NULL;
        unsigned count = 0;

        for (size_t i = 0; i < connections->count; i++) {
                struct connection *at = connections_at(connections, i);
                if (!connection_is_live(at) || !connection_was_given(at, spec))
                        continue;
                if (credentials_are_same(connection_credentials(at), &spec->credentials))
                        return at;
                named = at;
                count++;
        }
        return spec->credentials.is_default && count == 1 ? named : NULL;
}

bool connections_get(struct connections *connections, struct connection_env *env,
                     const struct connection_spec *spec, uint64_t *out_id, struct err *err)
{
        const struct connection *named = find_named(connections, spec);

        if (named != NULL) {
                *out_id = connection_id(named);
                return true;
        }
        if (connections->count == CONNECTIONS_MAX)
                return err_set(
                        err, ERR_LIMIT,
                        "%d connections are open, which is the limit. Close one with close_session "
                        "(list_sessions names them).",
                        CONNECTIONS_MAX);
        uint64_t id = connections->map.last_id + 1; /* the one idmap_add() gives next */
        struct connection *added = connection_new(env, id, spec);
        *out_id = idmap_add(&connections->map, added);
        connections->ids[connections->count++] = id;
        return true;
}

void connections_remove(struct connections *connections, const struct connection *connection)
{
        uint64_t id = connection_id(connection);

        for (size_t i = 0; i < connections->count; i++) {
                if (connections->ids[i] != id)
                        continue;
                connections->count--;
                memmove(connections->ids + i, connections->ids + i + 1,
                        (connections->count - i) * sizeof *connections->ids);
                break;
        }
        idmap_remove(&connections->map, id);
}

/* ---- jump hosts ---- */

bool connections_too_many_hops(struct err *err)
{
        return err_set(err, ERR_LIMIT,
                       "more than %d jump hosts in a row lead to it, which is the limit. Look at "
                       "the ProxyJump lines that `ssh -G` shows for them.",
                       HOPS_MAX);
}

bool connections_put_behind(const struct connections *connections, struct connection *connection,
                            struct connection *jump, struct err *err)
{
        unsigned count = connection_behind_count(connection);

        for (struct connection *at = jump; at != NULL;
             at = connections_find(connections, connection_jump_id(at))) {
                if (at == connection)
                        return err_set(err, ERR_CONNECT,
                                       "its ProxyJump leads back to itself: the jump host is reached "
                                       "through the host behind it. Give the jump host a `ProxyJump "
                                       "none` in ssh_config, before the line that it inherits.");
                if (++count > HOPS_MAX)
                        return connections_too_many_hops(err);
                if (connection_behind_count(at) < count)
                        connection_set_behind_count(at, count);
        }
        connection_set_jump(connection, jump);
        return true;
}

/* By index: what ends may add others at the end, and none is removed before a later turn. */
void connections_tell_ready(const struct connections *connections, struct connection *jump)
{
        for (size_t i = 0; i < connections->count; i++) {
                struct connection *at = connections_at(connections, i);
                if (connection_jump_id(at) == connection_id(jump))
                        connection_on_jump_ready(at, jump);
        }
}

void connections_tell_end(const struct connections *connections, struct connection *jump,
                          const struct err *why)
{
        for (size_t i = 0; i < connections->count; i++) {
                struct connection *at = connections_at(connections, i);
                if (connection_is_live(at) && connection_jump_id(at) == connection_id(jump))
                        connection_on_jump_end(at, jump, why);
        }
}

/* Those that wait for `from` wait for `to` instead, which means the same host. */
static void move_behind(const struct connections *connections, const struct connection *from,
                        struct connection *to)
{
        for (size_t i = 0; i < connections->count; i++) {
                struct connection *at = connections_at(connections, i);
                struct err err = { 0 };
                if (connection_jump_id(at) != connection_id(from))
                        continue;
                if (!connections_put_behind(connections, at, to, &err))
                        connection_cannot_connect(at, &err);
        }
}

void connections_join(struct connections *connections, struct connection *later)
{
        for (size_t i = 0; i < connections->count; i++) {
                struct connection *at = connections_at(connections, i);
                if (!connection_can_stand_for(at, later))
                        continue;
                connection_take_over(at, later);
                move_behind(connections, later, at);
                return;
        }
}
