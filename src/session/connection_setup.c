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
        buf_fini(&connection->host_key_shown);
        identities_fini(&connection->identities);
        ssh_config_free(connection->config);
        connection->config = NULL;
        secret_free(connection->password);
        connection->password = NULL;
        connection_forget_answers(connection);
}

void connection_fail_setup(struct connection *connection, struct err *err)
{
        (void)err_context(err, "cannot connect to %s", connection->name);
        connection_fail(connection, err);
}

/* Of "cannot connect to HOST (ADDRESS) port N: why", where the address would tell who HOST is. */
void connection_keep_reason(const struct connection *connection, struct err *err)
{
        const char *reason = NULL;
        const struct err was = *err;

        for (const char *at = was.text; (at = strstr(at, ": ")) != NULL; at += 2)
                reason = at + 2;
        if (reason != NULL)
                (void)err_set(err, was.code, "cannot connect to %s: %s", connection->name, reason);
}

void connection_cannot_connect(struct connection *connection, const struct err *why)
{
        struct err err = *why;

        connection_fail_setup(connection, &err);
}

/* ---- resolve ---- */

/* The host as a person types it to mean the same one; yours, free(). */
static char *as_typed(const struct connection *connection)
{
        const struct override *override = &connection->override;
        const struct alias *said = &connection->aliases[0];
        struct target alone;
        struct err ignored;

        if (override->host != NULL || override->user != NULL || override->port != 0
            || !target_parse(&alone, said->given, NULL, 0, &ignored))
                return xstrdup(connection->name);
        bool is_all = alone.port == said->target.port
                      && (alone.user != NULL) == (said->target.user != NULL);
        target_fini(&alone);
        return is_all ? xstrdup(said->given)
                      : target_name(said->target.user != NULL ? said->target.user
                                                              : connection->user,
                                    said->target.host,
                                    said->target.port != 0 ? said->target.port : connection->port);
}

static bool read_files(struct connection *connection, struct err *err)
{
        const struct home *home = &connection->env->home;
        const struct ssh_config *config = connection->config;
        scoped_free char *typed = as_typed(connection);
        struct host_keys_place place = { .host = connection->host,
                                         .alias = config->host_key_alias,
                                         .user = connection->user,
                                         .typed = typed,
                                         .ssh_config = connection->env->ssh_config.file,
                                         .pins = connection->override.fingerprints,
                                         .port = connection->port };

        return host_keys_load(&connection->host_keys, config, &place, home, err)
               && identities_load(&connection->identities, connection->key_filename, config,
                                  connection->aliases[0].target.host, home, err);
}

/* What the configuration came to, for who looks on. */
static void tell_config(struct connection *connection)
{
        const struct ssh_config *config = connection->config;
        scoped_buf struct buf text;

        buf_init(&text, CONFIG_TEXT_MAX); /* full: cut, it is for people */
        if (connection->watch == NULL)
                return;
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
        int64_t pause_ms = backoff_wait_ms(env->backoff, connection->limit_key, clock_now_ms());
        struct err err = { 0 };

        if (pause_ms > 0) { /* connection_on_deadline() goes on */
                log_info("%s: waits %lld ms, because connecting failed before", connection->name,
                         (long long)pause_ms);
                connection_set_deadline(connection, pause_ms);
                return;
        }
        if (connection_has_person(connection)) /* who knows what they do, and begins anew */
                auth_limits_succeeded(env->auth_limits, connection->limit_key);
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

static enum host_key_policy host_key_policy(const struct connection *connection)
{
        const struct connection_env *env = connection->env;

        return env->has_host_key_policy ? env->host_key_policy
                                        : connection->config->host_key_policy;
}

static void tell_that_checks_stay_on(struct connection *connection)
{
        if (!connection->config->host_key_checks_off || connection->env->has_host_key_policy
            || connection->env->checks_off_was_told)
                return;
        connection->env->checks_off_was_told = true;
        log_warn(
                "%s: StrictHostKeyChecking no is treated as accept-new: a new host key is accepted "
                "and written down, a changed one is refused",
                connection->name);
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
        memcpy(connection->config_print, connection->config->print, SHA256_LEN);
        if (override_is_hiding(override)) {
                log_debug("%s is %s@%s port %d", connection->name, connection->user,
                          connection->host, connection->port);
        } else {
                free(connection->name);
                connection->name =
                        target_name(connection->user, connection->host, connection->port);
        }
        connection_name_route(connection);
        connection->host_keys_basis = host_keys_basis(
                connection->config, host_key_policy(connection), override->fingerprints);
        connection->limit_key =
                xasprintf("%s port %d%s%s", connection->host, connection->port,
                          connection->via[0] != 0 ? " through " : "", connection->via);
        for (struct command *at = commands_next_live(commands, connection->id, NULL); at != NULL;
             at = commands_next_live(commands, connection->id, at)) {
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
        tell_that_checks_stay_on(connection);
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

static void go_on_to_log_in(struct connection *connection, uint32_t bits)
{
        struct err err;

        if ((bits & WIRE_HOST_KEY_NEW) != 0)
                connection->trust_command =
                        xstrdup(host_keys_trust_command(connection->host_keys));
        connection_set_state(connection, CONNECTION_AUTH);
        connection_set_deadline(connection, AUTH_MS);
        if (!wire_write_u32(postbox_out(connection->postbox), WIRE_HOST_KEY_OK, 0, bits)) {
                (void)err_set(&err, ERR_SYSTEM, "its worker process takes nothing");
                connection_fail(connection, &err);
                return;
        }
        postbox_flush(connection->postbox);
}

/* Does it run there, or on a host behind it? A chain of hosts ends: see connections_put_behind(). */
static bool goes_through(const struct connection *connection, const struct command *command)
{
        const struct connection_env *env = connection->env;
        const struct connection *at = env->find(env->arg, command->connection);

        while (at != NULL && at != connection)
                at = env->find(env->arg, at->jump_id);
        return at != NULL;
}

static void note_new_key(struct connection *connection, const char *note)
{
        struct commands *commands = connection->env->commands;

        log_warn("%s: %s", connection->name, note);
        for (struct command *at = commands_last(commands); at != NULL;
             at = commands_before(commands, at))
                if (!command_state_is_final(at->state) && goes_through(connection, at))
                        command_add_note(at, note);
}

/* It goes on where the key cannot be written down: it is what the policy says. */
static void accept_new_key(struct connection *connection, struct str blob)
{
        struct err why = { 0 };

        bool is_added = host_keys_add(connection->host_keys, blob, &why);
        if (!is_added && why.code == ERR_HOST_KEY) {
                connection_fail(connection, &why);
                return;
        }
        scoped_free char *told =
                host_keys_note_new(connection->host_keys, blob, is_added ? NULL : &why);
        scoped_free char *note = connection_shown(connection, told);
        note_new_key(connection, note);
        connection_tell_step(connection, CONNECT_STEP_HOST_KEY, note);
        go_on_to_log_in(connection, WIRE_HOST_KEY_NEW);
}

/* Waits for engine_add_host_key(), or to be closed. */
static void ask_the_watch(struct connection *connection, struct str blob, bool is_new)
{
        if (!buf_append(&connection->host_key_shown, blob.ptr, blob.len))
                bug("a host key of %zu bytes", blob.len);
        connection_set_deadline(connection, -1);
        host_keys_show(connection->host_keys, blob, is_new,
                       connection->address != NULL ? connection->address : "", connection->watch);
}

void connection_on_host_key(struct connection *connection, struct str blob)
{
        const struct connection_watch *watch = connection->watch;
        bool asks = watch != NULL && watch->on_host_key != NULL;
        enum host_key_policy policy = asks ? HOST_KEY_ACCEPT_NEW : host_key_policy(connection);
        struct err err = { 0 };
        bool is_new;

        connection_tell_step(connection, CONNECT_STEP_KEX, "done");
        if (!host_keys_check(connection->host_keys, policy, blob, &is_new, &err)) {
                connection_fail(connection, &err); /* kills the worker */
        } else if (asks) {
                ask_the_watch(connection, blob, is_new);
        } else if (is_new) {
                accept_new_key(connection, blob);
        } else {
                connection_tell_step(connection, CONNECT_STEP_HOST_KEY, "known");
                go_on_to_log_in(connection, 0);
        }
}

bool connection_add_host_key(struct connection *connection, struct err *err)
{
        if (connection->state != CONNECTION_KEX || connection->host_key_shown.len == 0)
                return err_set(err, ERR_STATE, "the connection has ended; try again");
        return host_keys_add(connection->host_keys, buf_str(&connection->host_key_shown), err);
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
                if (connection->login.is_asking)
                        (void)err_set(&err, ERR_AUTH, "its question was not answered within %d "
                                      "minutes", CONNECT_PROMPT_MS / 60000);
                else
                        (void)err_set(&err, ERR_CONNECT, "the log-in was not answered within %d s",
                                      AUTH_MS / 1000);
                break;
        case CONNECTION_RESOLVING: go_there(connection); return; /* a pause is over */
        case CONNECTION_READY:
        case CONNECTION_CLOSING:
        case CONNECTION_GONE: return;
        }
        (void)err_context(&err, "cannot connect to %s", connection->name);
        connection_fail_with_words(connection, &err);
}
