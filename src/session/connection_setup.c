/*
 * resolve (ssh -G) -> on_resolved (another connection may stand for this one) -> files that are
 * needed (known_hosts, keys) -> dial -> worker -> its host key, judged here -> authenticated.
 */
#include "session/connection_private.h"

#include "base/alloc.h"
#include "base/clock.h"
#include "base/log.h"
#include "base/scoped.h"

#include <stdlib.h>
#include <string.h>

#define CONNECT_LIMIT_MAX_S 120 /* of a ConnectTimeout in the configuration */

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

/* ---- dial ---- */

/* Of "cannot connect to HOST (ADDRESS) port N: why", where the address would tell who HOST is. */
static void keep_reason(const struct connection *connection, struct err *err)
{
        const char *reason = NULL;
        const struct err was = *err;

        for (const char *at = was.text; (at = strstr(at, ": ")) != NULL; at += 2)
                reason = at + 2;
        if (reason != NULL)
                (void)err_set(err, was.code, "cannot connect to %s: %s", connection->name, reason);
}

static void on_dialed(void *arg, int fd, const struct err *why)
{
        struct connection *connection = arg;
        struct err err = *why;

        dial_free(connection->dial);
        connection->dial = NULL;
        if (fd >= 0) {
                connection_tell_step(connection, CONNECT_STEP_REACH, "connected");
                connection_start_worker(connection, fd);
                return;
        }
        if (override_is_hiding(&connection->override))
                keep_reason(connection, &err);
        if (connection->config->is_fallback)
                (void)err_context(&err, "no ssh program is installed here, so no ssh_config was read");
        connection_fail(connection, &err);
}

static int64_t connect_limit_ms(const struct ssh_config *config)
{
        int seconds = config->connect_timeout_s;

        if (seconds <= 0)
                return DIAL_MS;
        return (int64_t)(seconds < CONNECT_LIMIT_MAX_S ? seconds : CONNECT_LIMIT_MAX_S) * 1000;
}

/* ---- resolve ---- */

static bool check_is_supported(const struct connection *connection, struct err *err)
{
        const struct ssh_config *config = connection->config;

        if (config->proxy_jump != NULL)
                return err_set(err, ERR_CONNECT,
                               "its configuration has ProxyJump %s, which is not supported yet. "
                               "Connect to "
                               "the jump host and run ssh there.",
                               log_quote(config->proxy_jump, strlen(config->proxy_jump)));
        if (config->proxy_command != NULL)
                return err_set(err, ERR_CONNECT,
                               "its configuration has a ProxyCommand, which is not "
                               "supported yet.");
        return true;
}

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

static void dial(struct connection *connection)
{
        struct connection_env *env = connection->env;
        int64_t pause_ms = backoff_wait_ms(env->backoff, connection->limit_key, clock_now_ms());
        struct err err = { 0 };

        if (pause_ms > 0) { /* connection_on_deadline() goes on */
                log_info("%s: waits %lld ms, because connecting failed before", connection->name,
                         (long long)pause_ms);
                connection_set_deadline(connection, pause_ms);
                return;
        }
        if (!check_is_supported(connection, &err)
            || !auth_limits_allow(env->auth_limits, connection->limit_key, clock_now_ms(), &err)
            || !read_files(connection, &err)) {
                connection_fail_setup(connection, &err);
                return;
        }
        connection_tell_step(connection, CONNECT_STEP_CONFIG, connection->name);
        connection_set_state(connection, CONNECTION_DIALING);
        connection->dial = dial_start(env->loop, connection->host, connection->port,
                                      connection->config->family,
                                      connect_limit_ms(connection->config), on_dialed, connection);
}

/* From here on the connection has its real name, and so have its commands. */
static void take_names(struct connection *connection)
{
        const struct override *override = &connection->override;
        struct commands *commands = connection->env->commands;

        connection->host =
                xstrdup(override->host != NULL ? override->host : connection->config->hostname);
        connection->user = xstrdup(connection->config->user);
        connection->port = connection->config->port;
        memcpy(connection->config_print, connection->config->print, SHA256_LEN);
        if (override_is_hiding(override)) {
                log_debug("%s is %s@%s port %d", connection->name, connection->user,
                          connection->host, connection->port);
        } else {
                free(connection->name);
                connection->name =
                        target_name(connection->user, connection->host, connection->port);
        }
        connection->limit_key = xasprintf("%s port %d", connection->host, connection->port);
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
        take_names(connection);
        connection->env->on_resolved(connection->env->arg, connection);
        if (connection_is_live(connection))
                dial(connection);
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

        connection->resolver = resolver_start(env->loop, &target, env->ssh_config, &env->home,
                                              on_resolved, connection);
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
        case CONNECTION_KEX:
                (void)err_set(&err, ERR_CONNECT,
                              "no SSH key exchange within %d s: what listens there may "
                              "not be an SSH server, or is overloaded",
                              KEX_MS / 1000);
                break;
        case CONNECTION_AUTH:
                (void)err_set(&err, ERR_CONNECT, "the log-in was not answered within %d s",
                              AUTH_MS / 1000);
                break;
        case CONNECTION_RESOLVING: dial(connection); return; /* a pause is over */
        case CONNECTION_DIALING: /* has a clock of its own */
        case CONNECTION_READY:
        case CONNECTION_CLOSING:
        case CONNECTION_GONE: return;
        }
        connection_fail_setup(connection, &err);
}
