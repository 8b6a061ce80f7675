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

void connections_join(struct connections *connections, struct connection *later)
{
        for (size_t i = 0; i < connections->count; i++) {
                struct connection *at = connections_at(connections, i);
                if (!connection_can_stand_for(at, later))
                        continue;
                connection_take_over(at, later);
                return;
        }
}
