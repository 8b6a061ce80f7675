/*
 * How a connection ends.
 * Four things must end: its commands, the setup under way, the worker, the timer.
 * - a step fails (resolve, dial, host key, log-in, a hostile frame, a deadline)
 *          -> connection_fail(): commands that were sent become LOST, others FAILED; the worker,
 *             if any, is killed. What was not sent yet to a connection that was ready gets a new
 *             one, once
 * - the host or the network ends it
 *          -> WIRE_FAILED, then connection_fail()
 * - the worker dies
 *          -> the postbox ends and SPAWN_ENDED comes, in either order; after the second, or
 *             CONNECTION_WORKER_END_MS after the first: connection_fail()
 * - somebody closes it, or the program ends
 *          -> connection_close(): commands become INTERRUPTED, the worker is told to stop and has
 *             some time to say good-bye to the host
 * All of them go through connection_wind_up(), which leaves the connection CLOSING. From there
 * SPAWN_ENDED or the timer (then the worker is killed) lead to leave(): GONE, told to the owner,
 * and freed when the timer's handle is closed. Agent, postbox, dial and resolver own their handles
 * and free themselves; after x_free() none of them calls back.
 */
#include "session/connection_private.h"

#include "base/alloc.h"
#include "base/clock.h"
#include "base/log.h"
#include "base/scoped.h"

#include <inttypes.h>
#include <signal.h>
#include <string.h>
#include <sys/wait.h>

static void on_timer_closed(uv_handle_t *handle)
{
        connection_free(handle->data);
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

void connection_set_deadline(struct connection *connection, int64_t ms)
{
        if (ms < 0)
                (void)uv_timer_stop(&connection->timer); /* neither can fail */
        else
                (void)uv_timer_start(&connection->timer, on_timer, (uint64_t)ms, 0);
}

void connection_wind_up(struct connection *connection, int64_t grace_ms)
{
        connection_set_state(connection, CONNECTION_CLOSING);
        connection_drop_setup(connection);
        if (connection->postbox != NULL && grace_ms > 0) {
                (void)wire_write_bare(postbox_out(connection->postbox), WIRE_STOP,
                                      0); /* full: it is killed */
                postbox_flush(connection->postbox);
        }
        /* At least a turn later: whoever called us may still hold the pointer. */
        connection_set_deadline(connection, connection->has_worker ? grace_ms : 0);
}

/* ---- its commands ---- */

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

char *connection_take_command(struct connection *connection, struct command *command)
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
        scoped_free char *shell_name = connection_take_command(connection, command);
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

/* ---- the ways to end ---- */

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
                              (int)(sizeof was.text - 64), was.text, count, (int)(pause_ms / 1000));
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
        connection_tell_failure(connection, &err);
        if (connection->state == CONNECTION_AUTH && why->code == ERR_AUTH) {
                auth_limits_failed(connection->env->auth_limits, connection->limit_key,
                                   clock_now_ms());
                free(connection->env->last_refused);
                connection->env->last_refused = xstrdup(connection->aliases[0].given);
        }
        connection_remember_losses(connection, err.text);
        each_command(connection, was_ready ? lose_if_it_may_have_run : lose_command, &err);
        connection_wind_up(connection, /* grace_ms= */ 0);
        connection->env->on_end(connection->env->arg, connection, &err);
        each_command(connection, move_command_that_did_not_run, &err);
}

void connection_close_because(struct connection *connection, const struct err *why,
                              int64_t grace_ms)
{
        if (!connection_is_live(connection))
                return;
        log_info("%s: %s", connection->name, why->text);
        connection_tell_failure(connection, why);
        each_command(connection, interrupt_command, why);
        connection_wind_up(connection, grace_ms);
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
