#include "session/connection_private.h"

#include "base/alloc.h"
#include "base/clock.h"
#include "base/log.h"
#include "base/scoped.h"

#include <stdlib.h>

#define BIT(state) (1u << (state))

static const uint32_t may_become[] = {
        [CONNECTION_RESOLVING] = BIT(CONNECTION_DIALING) | BIT(CONNECTION_CLOSING),
        [CONNECTION_DIALING] = BIT(CONNECTION_KEX) | BIT(CONNECTION_CLOSING),
        [CONNECTION_KEX] = BIT(CONNECTION_AUTH) | BIT(CONNECTION_CLOSING),
        [CONNECTION_AUTH] = BIT(CONNECTION_READY) | BIT(CONNECTION_CLOSING),
        [CONNECTION_READY] = BIT(CONNECTION_CLOSING),
        [CONNECTION_CLOSING] = BIT(CONNECTION_GONE),
        [CONNECTION_GONE] = 0,
};

static const char *state_name(enum connection_state state)
{
        switch (state) {
        case CONNECTION_RESOLVING: return "resolving";
        case CONNECTION_DIALING: return "dialing";
        case CONNECTION_KEX: return "key exchange";
        case CONNECTION_AUTH: return "authenticating";
        case CONNECTION_READY: return "ready";
        case CONNECTION_CLOSING: return "closing";
        case CONNECTION_GONE: return "gone";
        }
        bug("connection state %d", (int)state);
}

void connection_set_state(struct connection *connection, enum connection_state next)
{
        if ((may_become[connection->state] & BIT(next)) == 0)
                bug("%s: from %s to %s", connection->name, state_name(connection->state),
                    state_name(next));
        log_debug("%s: %s, was %s", connection->name, state_name(next),
                  state_name(connection->state));
        connection->state = next;
}

/* ---- names ---- */

static char *name_as_said(const struct target *target)
{
        if (target->port != 0)
                return target_name(target->user != NULL ? target->user : "?", target->host,
                                   target->port);
        return target->user != NULL ? xasprintf("%s@%s", target->user, target->host)
                                    : xstrdup(target->host);
}

/* What an override brought in is shown as the variable that has it. */
static void hide_override(struct connection *connection, const char *alias)
{
        const struct override *override = &connection->override;
        const struct home *home = &connection->env->home;
        scoped_free char *host = xasprintf("$OVRD_%s_HOST", alias);
        scoped_free char *user = xasprintf("$OVRD_%s_USER", alias);
        scoped_free char *key = xasprintf("$OVRD_%s_KEY", alias);

        hidden_names_add(&connection->hidden, override->host, host);
        hidden_names_add(&connection->hidden, override->user, user);
        if (override->key == NULL)
                return;
        scoped_free char *path = home_expand(home, override->key);
        scoped_free char *short_path = home_shorten(home, path);
        hidden_names_add(&connection->hidden, override->key, key);
        hidden_names_add(&connection->hidden, path, key);
        hidden_names_add(&connection->hidden, short_path, key);
}

char *connection_shown(const struct connection *connection, const char *text)
{
        struct buf shown;

        buf_init(&shown, 64 * 1024);
        hidden_names_replace(&connection->hidden, text, &shown);
        return buf_take(&shown);
}

/* ---- life ---- */

struct connection *connection_new(struct connection_env *env, uint64_t id,
                                  const struct connection_spec *spec)
{
        struct connection *connection = xcalloc(1, sizeof *connection);

        connection->id = id;
        connection->env = env;
        connection->credentials = spec->credentials;
        connection->override = spec->override;
        connection->key_filename = spec->key_filename != NULL ? xstrdup(spec->key_filename) : NULL;
        connection->had_password = spec->password != NULL && spec->override.password == NULL;
        if (spec->password != NULL)
                connection->password =
                        secret_new(secret_bytes(spec->password), secret_len(spec->password));
        connection->name = name_as_said(spec->target);
        hide_override(connection, spec->target->host);
        connection->server = xstrdup("");
        connection->auth_method = xstrdup("");
        connection->legacy = xstrdup("");
        buf_init(&connection->host_key_shown, KEY_BLOB_MAX);
        connection->opened_wall_ms = clock_wall_ms();
        connection_add_alias(connection, spec->given, spec->target, spec->jump);
        connection->behind_count = spec->behind_count;
        connection->forward_fd = -1;
        shells_init(&connection->shells);
        (void)uv_timer_init(env->loop, &connection->timer); /* cannot fail */
        connection->timer.data = connection;
        connection_start(connection);
        return connection;
}

void connection_free(struct connection *connection)
{
        shells_fini(&connection->shells);
        for (unsigned i = 0; i < connection->alias_count; i++) {
                free(connection->aliases[i].given);
                target_fini(&connection->aliases[i].target);
                free(connection->aliases[i].jump);
        }
        hidden_names_fini(&connection->hidden);
        free(connection->name);
        free(connection->limit_key);
        free(connection->trust_command);
        free(connection->key_filename);
        free(connection->host);
        free(connection->user);
        free(connection->route);
        free(connection->via);
        free(connection->jump_name);
        free(connection->address);
        free(connection->host_keys_basis);
        free(connection->server);
        free(connection->auth_method);
        free(connection->legacy);
        free(connection);
}

/* ---- looking ---- */

uint64_t connection_id(const struct connection *connection)
{
        return connection->id;
}

enum connection_state connection_state(const struct connection *connection)
{
        return connection->state;
}

bool connection_is_live(const struct connection *connection)
{
        return connection->state < CONNECTION_CLOSING;
}

const struct shells *connection_shells(const struct connection *connection)
{
        return &connection->shells;
}

struct shell *connection_find_shell(const struct connection *connection, const char *name)
{
        return shells_find_name(&connection->shells, name);
}

const struct credentials *connection_credentials(const struct connection *connection)
{
        return &connection->credentials;
}

uint64_t connection_jump_id(const struct connection *connection)
{
        return connection->jump_id;
}

unsigned connection_behind_count(const struct connection *connection)
{
        return connection->behind_count;
}

void connection_set_behind_count(struct connection *connection, unsigned count)
{
        connection->behind_count = count;
}

static const char *public_state(const struct connection *connection, const struct shell *shell)
{
        if (connection->state != CONNECTION_READY || (shell != NULL && shell->state != SHELL_READY))
                return "connecting";
        return shell != NULL && shell->depth > 0 ? "busy" : "ready";
}

struct session_info connection_describe(const struct connection *connection,
                                        const struct shell *shell, struct buf *name_storage)
{
        scoped_free char *name =
                connection_session_name(connection, shell != NULL ? shell->name : SHELL_DEFAULT);

        buf_reset(name_storage);
        (void)buf_append_str(name_storage, name); /* grammar keeps it short */
        return (struct session_info){
                .name = name_storage->len > 0 ? (const char *)name_storage->data : "",
                .host_given = connection->aliases[0].given,
                .state = public_state(connection, shell),
                .shell = shell != NULL ? shell->program : "",
                .cwd = shell != NULL ? shell->cwd : NULL,
                .server = connection->server,
                .auth_method = connection->auth_method,
                .legacy = connection->legacy,
                .via = connection->via != NULL ? connection->via : "",
                .command = shell != NULL ? shell_top(shell) : (command_id){ 0 },
                .opened_wall_ms =
                        shell != NULL ? shell->opened_wall_ms : connection->opened_wall_ms,
                .is_shell = shell != NULL,
                .is_watched = shell != NULL && shell->is_watched,
        };
}
