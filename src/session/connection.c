/*
 * How a connection ends.
 * Four things must end: its commands, the setup under way, the worker, the timer.
 * - a step fails (resolve, dial, host key, log-in, a hostile frame, a deadline)
 *                              -> connection_fail(): commands that were sent become LOST, others
 *                                 FAILED; the worker, if any, is killed. What was not sent yet to a
 *                                 connection that was ready gets a new one, once
 * - the host or the network ends it -> WIRE_FAILED, then connection_fail()
 * - the worker dies            -> the postbox ends and SPAWN_ENDED comes, in either order; after
 * the second, or CONNECTION_WORKER_END_MS after the first: connection_fail()
 * - somebody closes it, or the program ends
 *                              -> connection_close(): commands become INTERRUPTED, the worker is
 * told to stop and has some time to say good-bye to the host All of them go through wind_up(),
 * which leaves the connection CLOSING. From there SPAWN_ENDED or the timer (then the worker is
 * killed) lead to leave(): GONE, told to the owner, and freed when the timer's handle is closed.
 * Agent, postbox, dial and resolver own their handles and free themselves; after x_free() none of
 * them calls back.
 */
#include "session/connection_private.h"

#include "base/alloc.h"
#include "base/clock.h"
#include "base/log.h"
#include "base/scoped.h"

#include <inttypes.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>

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

static void on_timer(uv_timer_t *timer);

void connection_set_deadline(struct connection *connection, int64_t ms)
{
        if (ms < 0)
                (void)uv_timer_stop(&connection->timer); /* neither can fail */
        else
                (void)uv_timer_start(&connection->timer, on_timer, (uint64_t)ms, 0);
}

static void add_alias(struct connection *connection, const char *given, const struct target *target,
                      const char *jump)
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
        add_alias(connection, spec->given, spec->target, spec->jump);
        connection->behind_count = spec->behind_count;
        connection->forward_fd = -1;
        shells_init(&connection->shells);
        (void)uv_timer_init(env->loop, &connection->timer); /* cannot fail */
        connection->timer.data = connection;
        connection_start(connection);
        return connection;
}

static void on_timer_closed(uv_handle_t *handle)
{
        struct connection *connection = handle->data;

        shells_fini(&connection->shells);
        for (unsigned i = 0; i < connection->alias_count; i++) {
                free(connection->aliases[i].given);
                target_fini(&connection->aliases[i].target);
                free(connection->aliases[i].jump);
        }
        hidden_names_fini(&connection->hidden);
        free(connection->name);
        free(connection->limit_key);
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

static void leave(struct connection *connection)
{
        connection_set_state(connection, CONNECTION_GONE);
        postbox_free(connection->postbox);
        connection->postbox = NULL;
        connection_leave_route(connection);
        uv_close((uv_handle_t *)&connection->timer, on_timer_closed);
        connection->env->on_gone(connection->env->arg, connection);
}

static void kill_and_leave(struct connection *connection)
{
        if (connection->has_worker)
                spawner_kill(connection->env->spawner, connection->id);
        leave(connection);
}

/* grace_ms 0: the worker is not to be trusted with a good-bye. */
static void wind_up(struct connection *connection, int64_t grace_ms)
{
        connection_set_state(connection, CONNECTION_CLOSING);
        connection_drop_setup(connection);
        if (connection->postbox != NULL && grace_ms > 0) {
                (void)wire_write_bare(postbox_out(connection->postbox), WIRE_STOP,
                                      0); /* full: killed */
                postbox_flush(connection->postbox);
        }
        /* At least a turn later: whoever called us may still hold the pointer. */
        connection_set_deadline(connection, connection->has_worker ? grace_ms : 0);
}

static void on_timer(uv_timer_t *timer)
{
        struct connection *connection = timer->data;

        if (connection->state == CONNECTION_CLOSING)
                kill_and_leave(connection);
        else if (connection->held != NULL)
                connection_fail_held(connection);
        else if (connection->has_ended || (connection->has_worker && connection->postbox == NULL))
                connection_lose_worker(connection);
        else
                connection_on_deadline(connection);
}

/* ---- who looks on ---- */

void connection_set_watch(struct connection *connection, const struct connection_watch *watch)
{
        connection->watch = watch;
        if (!connection_has_person(connection)) /* who was asked is gone */
                (void)connection_answer(connection, NULL);
}

/* Its worker was told that nobody is there to ask. */
static bool is_past_asking(const struct connection *connection)
{
        return (connection->state == CONNECTION_KEX || connection->state == CONNECTION_AUTH)
               && !connection->may_prompt;
}

bool connection_may_watch(const struct connection *connection,
                          const struct connection_watch *watch, struct err *err)
{
        if (connection->watch != NULL)
                return err_set(err, ERR_STATE, "somebody else is connecting there just now.");
        if (watch->on_prompt != NULL && is_past_asking(connection))
                return err_set(err, ERR_STATE, "a log-in there is under way just now.");
        return true;
}

void connection_tell_step(struct connection *connection, enum connect_step step, const char *text)
{
        if (connection->watch != NULL)
                connection->watch->on_step(connection->watch->arg, step, text);
}

void connection_tell_attempt(struct connection *connection, const char *text)
{
        if (connection->watch != NULL && connection->watch->on_attempt != NULL)
                connection->watch->on_attempt(connection->watch->arg, text);
}

static enum connect_step step_under_way(const struct connection *connection, const struct err *why)
{
        switch (connection->state) {
        case CONNECTION_RESOLVING: return CONNECT_STEP_CONFIG;
        case CONNECTION_DIALING: return CONNECT_STEP_REACH;
        case CONNECTION_KEX:
                if (why->code == ERR_HOST_KEY)
                        return CONNECT_STEP_HOST_KEY;
                return connection->has_identified ? CONNECT_STEP_KEX : CONNECT_STEP_BANNER;
        case CONNECTION_AUTH:
        case CONNECTION_READY:
        case CONNECTION_CLOSING:
        case CONNECTION_GONE: break;
        }
        return CONNECT_STEP_LOG_IN;
}

static void tell_failure(struct connection *connection, const struct err *why)
{
        const struct connection_watch *watch = connection->watch;

        connection->watch = NULL; /* nothing follows */
        if (watch != NULL)
                watch->on_failure(watch->arg, step_under_way(connection, why), why);
}

/* ---- ending ---- */

typedef void command_ending(struct connection *connection, struct command *command,
                            const struct err *why);

static void each_command(struct connection *connection, command_ending *ending,
                         const struct err *why)
{
        struct commands *commands = connection->env->commands;

        for (struct command *at = commands_next_live(commands, connection->id, NULL); at != NULL;
             at = commands_next_live(commands, connection->id, at))
                ending(connection, at, why);
}

static void interrupt_command(struct connection *connection, struct command *command,
                              const struct err *why)
{
        command_end(command, COMMAND_INTERRUPTED, why);
        connection_end_command(connection, command);
}

bool connection_may_have_run(const struct connection *connection, const struct command *command)
{
        const struct shell *shell = shells_find(&connection->shells, command->shell);
        bool waits_in_worker =
                shell != NULL && shell->state == SHELL_OPENING && !command->is_started;

        return command->is_sent && !waits_in_worker;
}

static void lose_command(struct connection *connection, struct command *command,
                         const struct err *why)
{
        command_end(command,
                    connection_may_have_run(connection, command) ? COMMAND_LOST : COMMAND_FAILED,
                    why);
        connection_end_command(connection, command);
}

static void lose_if_it_may_have_run(struct connection *connection, struct command *command,
                                    const struct err *why)
{
        if (connection_may_have_run(connection, command))
                lose_command(connection, command, why);
}

/* Takes the command out of this connection; its shell's name is yours, free(). */
static char *take_command(struct connection *connection, struct command *command)
{
        const struct shell *shell = shells_find(&connection->shells, command->shell);
        char *shell_name = xstrdup(shell != NULL ? shell->name : SHELL_DEFAULT);

        connection_end_command(connection, command);
        command->connection = 0;
        command->shell = 0;
        command->is_sent = false;
        return shell_name;
}

/* Nothing of it has reached the host, so another connection may run it: once. */
static void move_command_that_did_not_run(struct connection *connection, struct command *command,
                                          const struct err *why)
{
        const struct alias *said = &connection->aliases[0];
        struct connection_spec spec = { said->given,
                                        &said->target,
                                        connection->key_filename,
                                        connection->override.password,
                                        connection->override,
                                        connection->credentials,
                                        said->jump,
                                        connection->behind_count };

        if (command->was_moved || connection->had_password) {
                lose_command(connection, command, why);
                return;
        }
        command->was_moved = true;
        scoped_free char *shell_name = take_command(connection, command);
        if (!connection->env->on_orphan(connection->env->arg, &spec, command, shell_name))
                command_end(command, COMMAND_FAILED, why);
}

void connection_remember_losses(struct connection *connection, const char *why)
{
        list_each(at, &connection->shells.list)
        {
                const struct shell *shell = list_entry(at, struct shell, node);
                if (shell->state != SHELL_READY)
                        continue;
                scoped_free char *key = connection_loss_key(connection, shell->name);
                losses_remember(connection->env->losses, key, why);
        }
}

/* A reader whose terminal gets in by a keyword that we do not have is to know that. */
static void name_what_has_no_effect(const struct connection *connection, struct err *err)
{
        const struct ssh_config *config = connection->config;

        if (config == NULL || config->not_honoured == NULL
            || (err->code != ERR_AUTH && err->code != ERR_HOST_KEY))
                return;
        struct err whole = *err;
        (void)err_set(err, whole.code, "%s (its configuration has %s, without effect here)",
                      whole.text, config->not_honoured);
}

/* Did the host, or the way to it, fail while a connection was made? */
static bool is_failed_connect(const struct connection *connection, enum err_code code)
{
        bool is_setting_up = connection->state == CONNECTION_DIALING
                             || connection->state == CONNECTION_KEX
                             || connection->state == CONNECTION_AUTH;

        return is_setting_up && code != ERR_HOST_KEY && code != ERR_AUTH;
}

static void note_failed_connect(struct connection *connection, struct err *err)
{
        int64_t pause_ms;
        unsigned count = backoff_failed(connection->env->backoff, connection->limit_key,
                                        clock_now_ms(), &pause_ms);
        const struct err was = *err;

        if (count > 1)
                (void)err_set(err, was.code, "%.*s (attempt %u in a row; the next one waits %d s)",
                              (int)(sizeof was.text - 64), was.text, count,
                              (int)(pause_ms / 1000));
}

void connection_fail(struct connection *connection, const struct err *why)
{
        bool was_ready = connection->state == CONNECTION_READY;
        struct err err;

        if (!connection_is_live(connection))
                return;
        scoped_free char *shown = connection_shown(connection, why->text);
        (void)err_set(&err, why->code, "%s", shown);
        if (was_ready && strncmp(err.text, "connection lost", 15) != 0)
                (void)err_context(&err, "connection lost");
        name_what_has_no_effect(connection, &err);
        if (is_failed_connect(connection, why->code))
                note_failed_connect(connection, &err);
        log_info("%s: %s", connection->name, err.text);
        tell_failure(connection, &err);
        if (connection->state == CONNECTION_AUTH && why->code == ERR_AUTH) {
                auth_limits_failed(connection->env->auth_limits, connection->limit_key,
                                   clock_now_ms());
                free(connection->env->last_refused);
                connection->env->last_refused = xstrdup(connection->aliases[0].given);
        }
        connection_remember_losses(connection, err.text);
        each_command(connection, was_ready ? lose_if_it_may_have_run : lose_command, &err);
        wind_up(connection, /* grace_ms= */ 0);
        connection->env->on_end(connection->env->arg, connection, &err);
        each_command(connection, move_command_that_did_not_run, &err);
}

void connection_close_because(struct connection *connection, const struct err *why,
                              int64_t grace_ms)
{
        if (!connection_is_live(connection))
                return;
        log_info("%s: %s", connection->name, why->text);
        tell_failure(connection, why);
        each_command(connection, interrupt_command, why);
        wind_up(connection, grace_ms);
        connection->env->on_end(connection->env->arg, connection, why);
}

void connection_close(struct connection *connection, int64_t grace_ms)
{
        struct err why;

        if (connection->state == CONNECTION_CLOSING) {
                connection_set_deadline(connection, grace_ms);
                return;
        }
        (void)err_set(&why, ERR_CANCELLED, "interrupted: its session was closed");
        connection_close_because(connection, &why, grace_ms);
}

void connection_lose_worker(struct connection *connection)
{
        int status = (int)connection->worker_status;
        struct err err;

        if (!connection->has_ended)
                (void)err_set(&err, ERR_SYSTEM, "its worker process has ended");
        else if (WIFSIGNALED(status))
                (void)err_set(&err, ERR_SYSTEM, "its worker process was killed by signal %d (%s)",
                              WTERMSIG(status), strsignal(WTERMSIG(status)));
        else
                (void)err_set(&err, ERR_SYSTEM, "its worker process has ended with status %d",
                              WIFEXITED(status) ? WEXITSTATUS(status) : status);
        connection_fail(connection, &err);
}

void connection_on_spawn(struct connection *connection, const struct spawn_record *record)
{
        struct err err;

        switch (record->kind) {
        case SPAWN_MADE: log_debug("%s: worker %" PRId64, connection->name, record->pid); return;
        case SPAWN_FAILED:
                connection->has_worker = false;
                (void)err_set(&err, ERR_SYSTEM, "no worker process can be made: %s",
                              strerror((int)record->status));
                connection_fail(connection, &err);
                return;
        case SPAWN_ENDED: break;
        default: /* not from our zygote */
                log_warn("%s: the zygote reports %" PRIu32, connection->name, record->kind);
                return;
        }
        connection->has_worker = false;
        connection->has_ended = true;
        connection->worker_status = record->status;
        if (connection->state == CONNECTION_CLOSING)
                connection_set_deadline(connection, 0);
        else if (connection->held != NULL)
                return;
        else if (connection->postbox == NULL)
                connection_lose_worker(connection);
        else if (connection_is_live(connection))
                connection_set_deadline(
                        connection, CONNECTION_WORKER_END_MS); /* its last words may be unread */
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
                    && at->target.port == spec->target->port
                    && is_same_text(at->jump, spec->jump))
                        return true;
        }
        return false;
}

const struct credentials *connection_credentials(const struct connection *connection)
{
        return &connection->credentials;
}

bool connection_can_stand_for(const struct connection *connection, const struct connection *later)
{
        /* who came by an override must not learn what it says from another's name */
        bool may_share_name = (!override_is_hiding(&connection->override)
                               && !override_is_hiding(&later->override))
                              || strcmp(connection->name, later->name) == 0;

        return connection != later && may_share_name && connection_is_live(connection)
               && connection->host != NULL
               && !(connection_has_person(later) && is_past_asking(connection))
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
        scoped_free char *shell_name = take_command(from, command);
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
                add_alias(connection, later->aliases[i].given, &later->aliases[i].target,
                          later->aliases[i].jump);
        for (struct command *at = commands_next_live(commands, later->id, NULL); at != NULL;
             at = commands_next_live(commands, later->id, at))
                move_command(connection, later, at);
        if (later->watch != NULL && connection->watch != NULL) {
                (void)err_set(&why, ERR_STATE, "somebody else is connecting there just now");
                tell_failure(later, &why);
        }
        if (later->watch != NULL) {
                connection->watch = later->watch;
                if (connection->watch->on_moved != NULL)
                        connection->watch->on_moved(connection->watch->arg, connection->id);
        }
        later->watch = NULL;
        wind_up(later, /* grace_ms= */ 0);
        if (connection->state == CONNECTION_READY)
                connection_tell_step(connection, CONNECT_STEP_LOG_IN, connection->auth_method);
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
