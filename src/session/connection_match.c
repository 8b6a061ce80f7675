/*
 * Which calls mean this connection, and which other connection is the same: two that were made
 * for different words are joined once both are resolved.
 */
#include "session/connection_private.h"

#include "base/alloc.h"
#include "base/scoped.h"

#include <string.h>
#include <strings.h>

/* ---- what a call says ---- */

void connection_add_alias(struct connection *connection, const char *given,
                          const struct target *target, const char *jump)
{
        if (connection->alias_count == ALIASES_MAX)
                return;
        connection->aliases[connection->alias_count++] = (struct alias){
                .given = xstrdup(given),
                .target = { xstrdup(target->host),
                            target->user != NULL ? xstrdup(target->user) : NULL, target->port },
                .jump = jump != NULL ? xstrdup(jump) : NULL,
        };
}

static bool is_same_text(const char *a, const char *b)
{
        return a == NULL || b == NULL ? a == b : strcmp(a, b) == 0;
}

bool connection_was_given(const struct connection *connection, const struct connection_spec *spec)
{
        for (unsigned i = 0; i < connection->alias_count; i++) {
                const struct alias *at = &connection->aliases[i];
                if (strcmp(at->given, spec->given) == 0
                    && is_same_text(at->target.user, spec->target->user)
                    && at->target.port == spec->target->port && is_same_text(at->jump, spec->jump))
                        return true;
        }
        return false;
}

static bool means(const char *host, const char *user, int port, const struct target *said,
                  const struct connection *connection)
{
        bool has_user = said->user == NULL || is_same_text(said->user, user)
                        || is_same_text(said->user, connection->user);
        bool has_port = said->port == 0 || said->port == port || said->port == connection->port;

        return host != NULL && strcasecmp(host, said->host) == 0 && has_user && has_port;
}

bool connection_matches(const struct connection *connection, const struct target *target)
{
        if (!override_is_hiding(&connection->override)
            && means(connection->host, connection->user, connection->port, target, connection))
                return true;
        for (unsigned i = 0; i < connection->alias_count; i++) {
                const struct target *at = &connection->aliases[i].target;
                if (means(at->host, at->user, at->port, target, connection))
                        return true;
        }
        return false;
}

/* ---- two that are one ---- */

bool connection_can_stand_for(const struct connection *connection, const struct connection *later)
{
        /* who came by an override must not learn what it says from another's name */
        bool may_share_name = (!override_is_hiding(&connection->override)
                               && !override_is_hiding(&later->override))
                              || strcmp(connection->name, later->name) == 0;

        return connection != later && may_share_name && connection_is_live(connection)
               && connection->host != NULL
               && !(connection_has_person(later) && connection_is_past_asking(connection))
               && connection->port == later->port && strcmp(connection->host, later->host) == 0
               && strcmp(connection->user, later->user) == 0
               && strcmp(connection->route, later->route) == 0
               && strcmp(connection->host_keys_basis, later->host_keys_basis) == 0
               && memcmp(connection->config_print, later->config_print, SHA256_LEN) == 0
               && connection->alias_count < ALIASES_MAX
               && credentials_are_same(&later->credentials, &connection->credentials);
}

static void move_command(struct connection *to, struct connection *from, struct command *command)
{
        scoped_free char *shell_name = connection_take_command(from, command);
        command_id busy = { 0 };
        struct err err;

        if (!connection_submit(to, command, shell_name, &busy, &err)) {
                command_set_session(command, to->name);
                command_end(command, COMMAND_FAILED, &err);
        }
}

void connection_take_over(struct connection *connection, struct connection *later)
{
        struct commands *commands = connection->env->commands;
        struct err why;

        for (unsigned i = 0; i < later->alias_count; i++)
                connection_add_alias(connection, later->aliases[i].given, &later->aliases[i].target,
                                     later->aliases[i].jump);
        for (struct command *at = commands_next_live(commands, later->id, NULL); at != NULL;
             at = commands_next_live(commands, later->id, at))
                move_command(connection, later, at);
        if (later->watch != NULL && connection->watch != NULL) {
                (void)err_set(&why, ERR_STATE, "somebody else is connecting there just now");
                connection_tell_failure(later, &why);
        }
        if (later->watch != NULL) {
                connection->watch = later->watch;
                if (connection->watch->on_moved != NULL)
                        connection->watch->on_moved(connection->watch->arg, connection->id);
        }
        later->watch = NULL;
        connection_wind_up(later, /* grace_ms= */ 0);
        if (connection->state == CONNECTION_READY)
                connection_tell_step(connection, CONNECT_STEP_LOG_IN, connection->auth_method);
}
