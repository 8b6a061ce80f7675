/*
 * resolve (ssh -G) -> on_resolved (another connection may stand for this one) -> files that are
 * needed (known_hosts, keys) -> dial -> worker -> its host key, judged here -> authenticated.
 *
 * Secrets (password, keys) are freed as soon as they are in the worker's postbox, which wipes
 * what it has sent. They leave before the host's key is seen, but only as far as the worker,
 * which uses none of them before WIRE_HOST_KEY_OK.
 */
#include "session/connection_private.h"

#include "base/alloc.h"
#include "base/clock.h"
#include "base/log.h"
#include "base/scoped.h"
#include "session/sockets.h"

#include <stdlib.h>
#include <string.h>

#define KEEPALIVE_S         15
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

static void fail(struct connection *connection, struct err *err)
{
        (void)err_context(err, "cannot connect to %s", connection->name);
        connection_fail(connection, err);
}

/* ---- worker ---- */

static bool send_key(struct postbox *postbox, const struct identity *identity, struct err *err)
{
        if (identity->key == NULL)
                return true;
        return wire_write_two_bytes(postbox_out(postbox), WIRE_KEY, 0, str_of(identity->name),
                                    (struct str){ secret_bytes(identity->key),
                                                  secret_len(identity->key) })
               || err_set(err, ERR_LIMIT, "key %s is too large", identity->name);
}

static size_t secrets_len(const struct connection *connection)
{
        size_t len = 2 * (size_t)WIRE_PAYLOAD_MAX; /* the connect message, and then some */

        for (unsigned i = 0; i < connection->identities.count; i++)
                len += IDENTITY_KEY_MAX + 256;
        return len;
}

static bool send_connect(struct connection *connection, struct err *err)
{
        const struct ssh_config *config = connection->config;
        struct postbox *postbox = connection->postbox;
        const struct secret *password = connection->password;
        scoped_free char *algorithms =
                host_keys_algorithms(connection->host_keys, config->host_key_algorithms);
        bool has_chosen_key = connection->key_filename != NULL && connection->identities.count > 0
                              && connection->identities.items[0].key != NULL;
        struct wire_connect connect = {
                .user = str_of(connection->user),
                .host_key_algorithms = str_of(algorithms),
                .use_agent = connection->agent != NULL,
                .keepalive_s =
                        (uint32_t)(config->keepalive_s > 0 ? config->keepalive_s : KEEPALIVE_S),
                .keepalive_count = (uint32_t)config->keepalive_count,
                .timeout_s = KEX_MS / 1000,
                .compression = config->compression,
                .keys_before_agent = has_chosen_key,
        };

        if (password != NULL)
                connect.password = (struct str){ secret_bytes(password), secret_len(password) };
        postbox_expect_secrets(postbox, secrets_len(connection));
        for (unsigned i = 0; i < connection->identities.count; i++)
                if (!send_key(postbox, &connection->identities.items[i], err))
                        return false;
        if (!wire_write_connect(postbox_out(postbox), &connect))
                return err_set(err, ERR_LIMIT, "password or user name are too long");
        postbox_flush(postbox);
        return true;
}

/* The worker's ends of its sockets; -1: not made, or handed over. */
struct worker_ends {
        int host;
        int frames;
        int agent;
};

static bool lend_agent(struct connection *connection, int *out_fd, struct err *err)
{
        const struct ssh_config *config = connection->config;

        if (config->no_public_keys)
                return true;
        scoped_fd int fd = agent_connect(config->identity_agent, &connection->env->home);
        if (fd < 0)
                return true;
        struct key_blobs *allowed =
                config->identities_only ? identities_public_keys(&connection->identities) : NULL;
        bool ok = agent_new(&connection->agent, connection->env->loop, &fd, &allowed, out_fd, err);
        key_blobs_free(allowed); /* not taken */
        return ok;
}

static bool make_worker(struct connection *connection, struct worker_ends *ends, struct err *err)
{
        struct connection_env *env = connection->env;
        const struct postbox_owner owner = { connection_on_frame, connection_on_postbox_end,
                                             connection };
        int pair[2];

        if (!lend_agent(connection, &ends->agent, err) || !socket_pair(pair, err))
                return false;
        ends->frames = pair[1];
        if (!postbox_new(&connection->postbox, env->loop, &pair[0], env->scratch, &owner, err)) {
                scoped_close(&pair[0]);
                return false;
        }
        if (!spawner_make(env->spawner, connection->id, &ends->host, &ends->frames, &ends->agent,
                          err))
                return false;
        connection->has_worker = true;
        return send_connect(connection, err);
}

static void start_worker(struct connection *connection, int fd)
{
        struct worker_ends ends = { .host = fd, .frames = -1, .agent = -1 };
        struct err err = { 0 };

        connection_set_state(connection, CONNECTION_KEX);
        connection_set_deadline(connection, KEX_MS);
        if (!make_worker(connection, &ends, &err))
                fail(connection, &err);
        scoped_close(&ends.host);
        scoped_close(&ends.frames);
        scoped_close(&ends.agent);
        secret_free(connection->password);
        connection->password = NULL;
        for (unsigned i = 0; i < connection->identities.count; i++) {
                secret_free(connection->identities.items[i].key);
                connection->identities.items[i].key = NULL;
        }
}

/* ---- dial ---- */

static void on_dialed(void *arg, int fd, const struct err *why)
{
        struct connection *connection = arg;
        struct err err = *why;

        dial_free(connection->dial);
        connection->dial = NULL;
        if (fd >= 0) {
                start_worker(connection, fd);
                return;
        }
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
        struct err err = { 0 };

        if (!check_is_supported(connection, &err)
            || !auth_limits_allow(env->auth_limits, connection->limit_key, clock_now_ms(), &err)
            || !read_files(connection, &err)) {
                fail(connection, &err);
                return;
        }
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
        free(connection->name);
        connection->name = target_name(connection->user, connection->host, connection->port);
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

        if (!host_keys_check(connection->host_keys, type, blob, &err)) {
                connection_fail(connection, &err); /* kills the worker */
                return;
        }
        connection_set_state(connection, CONNECTION_AUTH);
        connection_set_deadline(connection, AUTH_MS);
        if (!wire_write_bare(postbox_out(connection->postbox), WIRE_HOST_KEY_OK, 0)) {
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
        case CONNECTION_RESOLVING: /* these two have clocks of their own */
        case CONNECTION_DIALING:
        case CONNECTION_READY:
        case CONNECTION_CLOSING:
        case CONNECTION_GONE: return;
        }
        fail(connection, &err);
}
