/*
 * A command is given to the connection (its id stands in the command, and in the shell that it
 * holds) and sent to the worker when connection and shell are ready: WIRE_RUN_BEGIN, the text in
 * pieces, WIRE_RUN_GO. Only WIRE_STARTED makes it running.
 */
#include "session/connection_private.h"

#include "base/alloc.h"
#include "base/log.h"
#include "base/scoped.h"
#include "session/terminal/screens.h"

#include <stdlib.h>
#include <string.h>

#define TEXT_PIECE (60 * 1024) /* bytes a frame, below WIRE_PAYLOAD_MAX */

char *connection_session_name(const struct connection *connection, const char *shell_name)
{
        if (strcmp(shell_name, SHELL_DEFAULT) == 0)
                return xstrdup(connection->name);
        return xasprintf("%s/%s", connection->name, shell_name);
}

char *connection_loss_key(const struct connection *connection, const char *shell_name)
{
        const uint8_t *print = connection->credentials.print; /* salted: tells nothing */

        return xasprintf("%s/%s %02x%02x%02x%02x %s", connection->name, shell_name, print[0],
                         print[1], print[2], print[3],
                         connection->route != NULL ? connection->route : "");
}

static unsigned channel_count(const struct connection *connection)
{
        const struct commands *commands = connection->env->commands;
        unsigned count = connection->shells.count;

        for (struct command *at = commands_next_live(commands, connection->id, NULL); at != NULL;
             at = commands_next_live(commands, connection->id, at))
                count += at->isolated;
        return count;
}

static bool has_channel(const struct connection *connection, struct err *err)
{
        if (channel_count(connection) < CHANNELS_MAX)
                return true;
        return err_set(
                err, ERR_LIMIT,
                "%s has %d shells and isolated commands already, which is the limit. Close a "
                "shell with close_session (session: its name), or wait for an isolated command.",
                connection->name, CHANNELS_MAX);
}

bool connection_may_submit(const struct connection *connection, const char *shell_name,
                           bool isolated, command_id *out_busy, struct err *err)
{
        const struct shell *shell =
                isolated ? NULL : shells_find_name(&connection->shells, shell_name);

        if (shell != NULL)
                return shell_may_take(shell, connection->env->commands, out_busy, err);
        return has_channel(connection, err);
}

/* ---- sending ---- */

/*
 * One that is about to fail, because its worker is gone or has said so, sends nothing: what was
 * not sent can run elsewhere.
 */
static bool takes_orders(const struct connection *connection)
{
        return connection->state == CONNECTION_READY && connection->held == NULL
               && connection->postbox != NULL;
}

static bool post(struct connection *connection, bool is_written, struct err *err)
{
        if (!is_written)
                return err_set(
                        err, ERR_LIMIT,
                        "%s does not take more now: %d MiB wait to be sent. Try again later, or "
                        "interrupt what runs there.",
                        connection->name, POSTBOX_QUEUE_MAX / (1024 * 1024));
        postbox_flush(connection->postbox);
        return true;
}

/* An isolated command begins where the shell of its session is, if that is known. */
static bool write_start_dir(struct buf *out, const struct command *command, size_t *out_len)
{
        scoped_buf struct buf line;

        buf_init(&line, WIRE_PAYLOAD_MAX);
        *out_len = 0;
        if (command->start_dir == NULL)
                return true;
        bool ok = buf_append_str(&line, "cd '");
        for (const char *at = command->start_dir; ok && *at != 0; at++)
                ok = *at == '\'' ? buf_append_str(&line, "'\\''") : buf_append(&line, at, 1);
        ok = ok && buf_append_str(&line, "' || exit 1\n");
        *out_len = line.len;
        return ok && wire_write_bytes(out, WIRE_RUN_TEXT, command->id.n, line.data, line.len);
}

static bool write_run(struct connection *connection, struct command *command)
{
        struct buf *out = postbox_out(connection->postbox);
        size_t text_at;
        struct wire_writer begin = wire_begin(out, WIRE_RUN_BEGIN, command->id.n);

        wire_put_i64(&begin, (int64_t)command->shell);
        if (!wire_end(&begin) || !write_start_dir(out, command, &text_at)
            || !connection_write_sudo(connection, command, text_at))
                return false;
        for (size_t at = 0; at < command->text_len; at += TEXT_PIECE) {
                size_t left = command->text_len - at;
                if (!wire_write_bytes(out, WIRE_RUN_TEXT, command->id.n, command->text + at,
                                      left < TEXT_PIECE ? left : TEXT_PIECE))
                        return false;
        }
        return wire_write_bare(out, WIRE_RUN_GO, command->id.n);
}

/* Once a connection: the reader is to know that it stands on weak ground. */
static void note_legacy(struct connection *connection, struct command *command)
{
        if (connection->legacy[0] == 0 || connection->legacy_was_told)
                return;
        connection->legacy_was_told = true;
        scoped_free char *note = xasprintf(
                "this connection uses %s, which is no longer safe; the configuration allows it",
                connection->legacy);
        command_add_note(command, note);
}

static void send_run(struct connection *connection, struct command *command)
{
        struct buf *out = postbox_out(connection->postbox);
        size_t begin = out->len;
        struct err err;

        bool is_written = write_run(connection, command);
        if (!is_written)
                out->len = begin; /* not half of it */
        if (post(connection, is_written, &err)) {
                command->is_sent = true;
                note_legacy(connection, command);
                return;
        }
        command_end(command, COMMAND_FAILED, &err);
        connection_end_command(connection, command);
}

static void note_new_shell(struct connection *connection, const struct shell *shell,
                           struct command *command)
{
        scoped_free char *key = connection_loss_key(connection, shell->name);
        scoped_free char *why = losses_take(connection->env->losses, key);

        command->new_shell = true;
        if (why == NULL)
                return;
        scoped_free char *note =
                xasprintf("the earlier shell of this session is gone (%s); this is a new one: "
                          "working directory, variables and background jobs of the old one "
                          "are lost",
                          why);
        command_add_note(command, note);
}

void connection_run_in_shell(struct connection *connection, struct shell *shell)
{
        struct command *command = commands_find(connection->env->commands, shell_top(shell));

        if (command == NULL || command->is_sent || command_state_is_final(command->state))
                return;
        note_new_shell(connection, shell, command);
        send_run(connection, command);
}

static void open_shell(struct connection *connection, struct shell *shell)
{
        struct wire_writer open =
                wire_begin(postbox_out(connection->postbox), WIRE_SHELL_OPEN, shell->id);
        struct err err;

        wire_put_u32(&open, connection->env->columns);
        wire_put_u32(&open, connection->env->rows);
        shell->state = SHELL_OPENING;
        if (!post(connection, wire_end(&open), &err))
                connection_fail(connection, &err);
        else
                connection_run_in_shell(connection, shell); /* it waits there for the prompt */
}

void connection_run_waiting(struct connection *connection)
{
        const struct commands *commands = connection->env->commands;

        list_each(at, &connection->shells.list)
        {
                struct shell *shell = list_entry(at, struct shell, node);
                if (shell->state == SHELL_WANTED && connection_is_live(connection))
                        open_shell(connection, shell);
        }
        for (struct command *at = commands_next_live(commands, connection->id, NULL); at != NULL;
             at = commands_next_live(commands, connection->id, at))
                if (at->isolated && !at->is_sent && connection_is_live(connection))
                        send_run(connection, at);
}

static void submit_to_shell(struct connection *connection, struct command *command,
                            const char *shell_name)
{
        struct shell *shell = shells_find_name(&connection->shells, shell_name);

        if (shell == NULL)
                shell = shells_add(&connection->shells, shell_name);
        shell_push(shell, command->id);
        command->shell = shell->id;
        if (!takes_orders(connection))
                return;
        if (shell->state == SHELL_READY || shell->state == SHELL_OPENING)
                send_run(connection, command);
        else if (shell->state == SHELL_WANTED)
                open_shell(connection, shell);
}

/* A path that reached us unchanged: no control characters, nothing that had to be repaired. */
static bool is_plain_path(const char *path)
{
        for (const char *at = path; *at != 0; at++)
                if ((unsigned char)*at < 0x20 || *at == 0x7F)
                        return false;
        return path[0] == '/' && strstr(path, "\xEF\xBF\xBD") == NULL;
}

bool connection_submit(struct connection *connection, struct command *command,
                       const char *shell_name, command_id *out_busy, struct err *err)
{
        if (!connection_may_submit(connection, shell_name, command->isolated, out_busy, err))
                return false;
        scoped_free char *session =
                connection_session_name(connection, command->isolated ? SHELL_DEFAULT : shell_name);
        command_set_session(command, session);
        command->connection = connection->id;
        if (!command->isolated) {
                submit_to_shell(connection, command, shell_name);
                return true;
        }
        const struct shell *shell = shells_find_name(&connection->shells, shell_name);
        if (shell != NULL && shell->cwd != NULL && is_plain_path(shell->cwd))
                command->start_dir = xstrdup(shell->cwd);
        if (takes_orders(connection))
                send_run(connection, command);
        return true;
}

static bool send_input(struct connection *connection, enum wire_kind kind, uint64_t id,
                       struct str bytes, struct err *err)
{
        struct buf *out = postbox_out(connection->postbox);
        size_t begin = out->len;
        bool is_written = true;

        for (size_t at = 0; is_written && at < bytes.len; at += TEXT_PIECE) {
                size_t left = bytes.len - at;
                is_written = wire_write_bytes(out, kind, id, bytes.ptr + at,
                                              left < TEXT_PIECE ? left : TEXT_PIECE);
        }
        if (!is_written)
                out->len = begin;
        return post(connection, is_written, err);
}

bool connection_input(struct connection *connection, struct command *command, struct str bytes,
                      struct err *err)
{
        if (!takes_orders(connection) || !command->is_sent)
                return err_set(err, ERR_STATE,
                               "the command has not started yet: its connection or its "
                               "shell is not ready. Try again in a moment.");
        if (!send_input(connection, WIRE_INPUT, command->id.n, bytes, err))
                return false;
        if (command->state == COMMAND_AWAITING)
                command_set_state(command, COMMAND_RUNNING); /* the worker looks anew */
        return true;
}

bool connection_shell_input(struct connection *connection, struct shell *shell, struct str bytes,
                            struct err *err)
{
        if (!takes_orders(connection) || shell->state != SHELL_READY)
                return err_set(err, ERR_STATE,
                               "the shell of this session is not ready yet. Try again in a "
                               "moment.");
        return send_input(connection, WIRE_SHELL_INPUT, shell->id, bytes, err);
}

/* Has the worker been told of it? It may still be starting: its screen shows what it asks. */
static bool is_open(const struct connection *connection, const struct shell *shell, struct err *err)
{
        if (takes_orders(connection)
            && (shell->state == SHELL_READY || shell->state == SHELL_OPENING))
                return true;
        return err_set(err, ERR_STATE,
                       "the shell of this session is not ready yet. Try again in a moment.");
}

bool connection_read_screen(struct connection *connection, const struct shell *shell,
                            const struct wire_screen_read *read, struct err *err)
{
        return is_open(connection, shell, err)
            && post(connection,
                    wire_write_screen_read(postbox_out(connection->postbox), shell->id, read), err);
}

bool connection_send_keys(struct connection *connection, const struct shell *shell,
                          struct str normal, struct str application, struct err *err)
{
        struct command *command = commands_find(connection->env->commands, shell_top(shell));

        if (!is_open(connection, shell, err)
            || !post(connection,
                     wire_write_two_bytes(postbox_out(connection->postbox), WIRE_SHELL_KEYS,
                                          shell->id, normal, application),
                     err))
                return false;
        if (command != NULL && command->state == COMMAND_AWAITING)
                command_set_state(command, COMMAND_RUNNING); /* the worker looks anew */
        return true;
}

void connection_interrupt(struct connection *connection, struct command *command)
{
        struct err err;

        if (command->is_sent && !takes_orders(connection))
                return; /* it is about to be lost */
        if (command->is_sent) {
                if (!post(connection,
                          wire_write_bare(postbox_out(connection->postbox), WIRE_INTERRUPT,
                                          command->id.n),
                          &err))
                        log_warn("%s: %s", connection->name, err.text);
                return;
        }
        (void)err_set(&err, ERR_CANCELLED, "interrupted before it was started");
        command_end(command, COMMAND_INTERRUPTED, &err);
        connection_end_command(connection, command);
}

/* ---- ending ---- */

void connection_end_command(struct connection *connection, struct command *command)
{
        struct shell *shell = shells_find(&connection->shells, command->shell);

        if (shell == NULL)
                return;
        shell_drop(shell, command->id);
        if (shell->state == SHELL_WANTED && shell->depth == 0)
                shells_remove(&connection->shells, shell); /* nobody wants it any more */
}

void connection_forget_shell(struct connection *connection, struct shell *shell, const char *why)
{
        scoped_free char *key = connection_loss_key(connection, shell->name);

        log_info("%s: shell %s ended: %s", connection->name, shell->name, why);
        screens_lose(connection->env->screens, connection->id, shell->id, why);
        if (shell->state == SHELL_READY)
                losses_remember(connection->env->losses, key, why);
        shells_remove(&connection->shells, shell);
}

void connection_close_shell(struct connection *connection, struct shell *shell)
{
        struct commands *commands = connection->env->commands;
        struct err why;

        (void)err_set(&why, ERR_CANCELLED, "interrupted: its session was closed");
        bool was_wanted = shell->state == SHELL_WANTED;
        screens_lose(connection->env->screens, connection->id, shell->id, "it was closed");
        shell->state = SHELL_CLOSING;
        while (shell->depth > 0) {
                command_id id = shell_top(shell);
                struct command *command = commands_find(commands, id);
                shell_drop(shell, id);
                if (command != NULL && !command_state_is_final(command->state))
                        command_end(command, COMMAND_INTERRUPTED, &why);
        }
        if (was_wanted)
                shells_remove(&connection->shells, shell);
        else if (takes_orders(connection)
                 && !post(connection,
                       wire_write_bare(postbox_out(connection->postbox), WIRE_SHELL_CLOSE,
                                       shell->id),
                       &why))
                connection_fail(connection, &why);
}
