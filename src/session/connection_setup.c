/*
 * resolve (ssh -G) -> on_resolved (another connection may stand for this one) -> files that are
 * needed (known_hosts, keys) -> the way there -> worker -> its host key, judged here -> authenticated.
 */
#include "session/connection_private.h"

#include "base/alloc.h"
#include "base/buf.h"
#include "base/clock.h"
#include "base/log.h"
#include "base/scoped.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>

#define CONFIG_TEXT_MAX 2048 /* characters */

void connection_drop_setup(struct connection *connection)
{
        resolver_free(connection->resolver);
        connection->resolver = NULL;
        dial_free(connection->dial);
        connection->dial = NULL;
        agent_free(connection->agent);
        connection->agent = NULL;
        host_keys_free(connection->host_keys);
        connection->host_keys = NULL;
        identities_fini(&connection->identities);
        ssh_config_free(connection->config);
        connection->config = NULL;
        secret_free(connection->password);
        connection->password = NULL;
}

void connection_fail_setup(struct connection *connection, struct err *err)
{
        (void)err_context(err, "cannot connect to %s", connection->name);
        connection_fail(connection, err);
}

void connection_cannot_connect(struct connection *connection, const struct err *why)
{
        struct err err = *why;

        connection_fail_setup(connection, &err);
}

/* ---- resolve ---- */

static bool read_files(struct connection *connection, struct err *err)
{
        const struct home *home = &connection->env->home;
        const struct ssh_config *config = connection->config;
        struct host_keys_place place = { connection->host, config->host_key_alias, connection->user,
                                         connection->port };

        return host_keys_load(&connection->host_keys, config, &place, home, err)
               && identities_load(&connection->identities, connection->key_filename, config,
                                  connection->aliases[0].target.host, home, err);
}

/* What the configuration came to, for who looks on. */
static void tell_config(struct connection *connection)
{
        const struct ssh_config *config = connection->config;
        scoped_buf struct buf text;

        if (connection->watch == NULL)
                return;
        buf_init(&text, CONFIG_TEXT_MAX); /* full: cut, it is for people */
        (void)buf_append_str(&text, connection->name);
        if (config->is_fallback)
                (void)buf_append_str(&text, "; no ssh program here, its files were read without it");
        for (unsigned i = 0; i < connection->identities.count; i++) {
                const struct identity *at = &connection->identities.items[i];
                if (at->why_not == NULL || at->why_not[0] != 0)
                        (void)buf_printf(&text, "; key %s%s%s%s", at->name,
                                         at->why_not != NULL ? " (not used: " : "",
                                         at->why_not != NULL ? at->why_not : "",
                                         at->why_not != NULL ? ")" : "");
        }
        if (config->not_honoured != NULL)
                (void)buf_printf(&text, "; without effect here: %s", config->not_honoured);
        connection_tell_step(connection, CONNECT_STEP_CONFIG, (const char *)text.data);
}

static void go_there(struct connection *connection)
{
        struct connection_env *env = connection->env;
        struct err err = { 0 };

        if (!connection_check_algorithms(connection, &err)
            || !auth_limits_allow(env->auth_limits, connection->limit_key, clock_now_ms(), &err)
            || !read_files(connection, &err)) {
                connection_fail_setup(connection, &err);
                return;
        }
        tell_config(connection);
        connection_set_state(connection, CONNECTION_DIALING);
        connection_take_route(connection);
}

static void lower(char *text)
{
        for (; *text != 0; text++)
                *text = (char)tolower((unsigned char)*text);
}

/* From here on the connection has its real name, and so have its commands. */
static void take_names(struct connection *connection)
{
        const struct override *override = &connection->override;
        struct commands *commands = connection->env->commands;

        connection->host =
                xstrdup(override->host != NULL ? override->host : connection->config->hostname);
        lower(connection->host); /* OpenSSH's name for it too */
        connection->user = xstrdup(connection->config->user);
        connection->port = connection->config->port;
        free(connection->name);
        connection->name = target_name(connection->user, connection->host, connection->port);
        connection_name_route(connection);
        connection->limit_key =
                xasprintf("%s port %d%s%s", connection->host, connection->port,
                          connection->via[0] != 0 ? " through " : "", connection->via);
        for (struct command *at = commands_first(commands); at != NULL;
             at = commands_after(commands, at)) {
                if (at->connection != connection->id || command_state_is_final(at->state))
                        continue;
                const struct shell *shell = shells_find(&connection->shells, at->shell);
                scoped_free char *session =
                        connection_session_name(connection,
                                                shell != NULL ? shell->name : SHELL_DEFAULT);
                command_set_session(at, session);
        }
}

/* `ssh -G -J` says the same; without an ssh program nobody does. */
static void put_jump(struct ssh_config *config, const char *jump)
{
        if (jump == NULL)
                return;
        free(config->proxy_jump);
        free(config->proxy_command);
        config->proxy_jump = xstrdup(jump);
        config->proxy_command = NULL;
}

static void on_resolved(void *arg, struct ssh_config **config, const struct err *why)
{
        struct connection *connection = arg;
        struct err err = *why;

        resolver_free(connection->resolver);
        connection->resolver = NULL;
        if (*config == NULL) {
                connection_fail(connection, &err);
                return;
        }
        connection->config = *config;
        *config = NULL;
        put_jump(connection->config, connection->aliases[0].jump);
        take_names(connection);
        connection->env->on_resolved(connection->env->arg, connection);
        if (connection_is_live(connection))
                go_there(connection);
}

void connection_start(struct connection *connection)
{
        struct connection_env *env = connection->env;
        const struct override *override = &connection->override;
        const struct target *said = &connection->aliases[0].target;
        scoped_free char *user = xstrdup(override->user != NULL ? override->user
                                         : said->user != NULL   ? said->user
                                                                : "");
        struct target target = { .host = said->host,
                                 .user = user[0] != 0 ? user : NULL,
                                 .port = override->port != 0 ? override->port : said->port };

        connection->resolver = resolver_start(env->loop, &target, connection->aliases[0].jump,
                                              &env->ssh_config, &env->home, on_resolved, connection);
}

/* ---- host key, log-in ---- */

void connection_on_host_key(struct connection *connection, struct str type, struct str blob)
{
        struct err err = { 0 };

        connection_tell_step(connection, CONNECT_STEP_KEX, "done");
        if (!host_keys_check(connection->host_keys, type, blob, &err)) {
                connection_fail(connection, &err); /* kills the worker */
                return;
        }
        connection_tell_step(connection, CONNECT_STEP_HOST_KEY, "known");
        connection_set_state(connection, CONNECTION_AUTH);
        connection_set_deadline(connection, AUTH_MS);
        if (!wire_write_u32(postbox_out(connection->postbox), WIRE_HOST_KEY_OK, 0, 0)) {
                (void)err_set(&err, ERR_SYSTEM, "its worker process takes nothing");
                connection_fail(connection, &err);
                return;
        }
        postbox_flush(connection->postbox);
}

void connection_on_deadline(struct connection *connection)
{
        struct err err = { 0 };

        switch (connection->state) {
        case CONNECTION_DIALING:
                connection_write_reach_deadline(connection, &err);
                break;
        case CONNECTION_KEX:
                (void)err_set(&err, ERR_CONNECT,
                              "no SSH key exchange within %d s: what listens there may "
                              "not be an SSH server, or is overloaded",
                              (int)(connection_limit_ms(connection, KEX_MS) / 1000));
                break;
        case CONNECTION_AUTH:
                (void)err_set(&err, ERR_CONNECT, "the log-in was not answered within %d s",
                              AUTH_MS / 1000);
                break;
        case CONNECTION_RESOLVING: /* has a clock of its own */
        case CONNECTION_READY:
        case CONNECTION_CLOSING:
        case CONNECTION_GONE: return;
        }
        (void)err_context(&err, "cannot connect to %s", connection->name);
        connection_fail_with_words(connection, &err);
}
