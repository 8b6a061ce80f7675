/*
 * What a worker says about the shells and the commands of its connection; how it is judged, see
 * connection_frames.c.
 */
#include "session/connection_private.h"

#include "base/alloc.h"
#include "base/log.h"
#include "base/scoped.h"
#include "session/secrecy/remote_text.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#define PROGRAM_MAX 64  /* bytes of a shell's name */
#define LIMITS_MAX  600 /* bytes of what is not exact in it, with the line that a program shows */

/* The command a frame is about; NULL: nothing to do, and all is said if something was wrong. */
static struct command *command_of(struct connection *connection, const struct frame *frame)
{
        const struct commands *commands = connection->env->commands;
        command_id id = { frame->id };
        struct command *command = commands_find(commands, id);

        if (command == NULL && commands_was_given(commands, id))
                return NULL;
        if (command == NULL || command->connection != connection->id || !command->is_sent) {
                connection_break_off(connection, frame, "not a command of its own");
                return NULL;
        }
        return command_state_is_final(command->state) ? NULL : command;
}

static struct shell *shell_of(struct connection *connection, const struct frame *frame)
{
        struct shell *shell = shells_find(&connection->shells, frame->id);

        if (shell == NULL && !shells_was_given(&connection->shells, frame->id))
                connection_break_off(connection, frame, "not a shell of its own");
        return shell;
}

/* ---- shells ---- */

static void on_shell_ready(struct connection *connection, const struct frame *frame)
{
        struct wire_reader reader = wire_read(frame);
        struct str program = wire_get_bytes(&reader);
        int64_t pid = wire_get_i64(&reader);
        struct shell *shell = shell_of(connection, frame);

        if (shell == NULL || shell->state == SHELL_CLOSING)
                return;
        if (!wire_read_done(&reader) || shell->state != SHELL_OPENING) {
                connection_break_off(connection, frame, "not now, or does not decode");
                return;
        }
        char *name = connection_host_text(connection, program, PROGRAM_MAX);
        char *limits = NULL;
        shell_set_level(shell, 0, &name, &limits);
        shell->is_watched = pid != 0;
        shell->state = SHELL_READY;
        log_info("%s: shell %s is %s, process %" PRId64, connection->name, shell->name,
                 shell->levels[0].program, pid);
        connection_run_in_shell(connection, shell);
}

static void on_shell_level(struct connection *connection, const struct frame *frame)
{
        struct wire_shell_level level;
        struct shell *shell = shell_of(connection, frame);

        if (shell == NULL || shell->state == SHELL_CLOSING)
                return;
        if (!wire_read_shell_level(frame, &level) || level.level > SHELL_NESTING_MAX
            || shell->state != SHELL_READY) {
                connection_break_off(connection, frame, "not now, or does not decode");
                return;
        }
        char *program = connection_host_text(connection, level.program, PROGRAM_MAX);
        char *limits = connection_host_text(connection, level.limits, LIMITS_MAX);
        shell_set_level(shell, level.level, &program, &limits);
        shell->levels[level.level].is_limits_told = level.is_foreign != 0; /* each refusal says it */
        connection_note_limits(connection, shell);
}

/* What is left in a shell that has ended, ends with it. */
static void end_commands_of(struct connection *connection, struct shell *shell, const char *why)
{
        struct commands *commands = connection->env->commands;
        struct err err;

        while (shell->depth > 0) {
                command_id id = shell_top(shell);
                struct command *command = commands_find(commands, id);
                shell_drop(shell, id);
                if (command == NULL || command_state_is_final(command->state))
                        continue;
                (void)err_set(&err, ERR_REMOTE, "the shell ended: %s", why);
                command_end(command,
                            connection_may_have_run(connection, command) ? COMMAND_LOST
                                                                         : COMMAND_FAILED,
                            &err);
        }
}

static void on_shell_ended(struct connection *connection, const struct frame *frame)
{
        struct wire_end end;
        struct shell *shell = shell_of(connection, frame);

        if (shell == NULL)
                return;
        if (!wire_read_end(frame, &end)) {
                connection_break_off(connection, frame, "does not decode");
                return;
        }
        scoped_free char *text = connection_host_text(connection, end.text, ERR_TEXT_MAX / 2);
        scoped_free char *why = text[0] != 0 ? xstrdup(text)
                                : end.status >= 0
                                        ? xasprintf("it exited with status %" PRId32, end.status)
                                        : xstrdup("it exited");
        end_commands_of(connection, shell, why);
        connection_forget_shell(connection, shell, why);
}

/* ---- commands ---- */

static void on_started(struct connection *connection, const struct frame *frame)
{
        struct command *command = command_of(connection, frame);

        if (command == NULL)
                return;
        if (command->is_started || frame->len != 0) {
                connection_break_off(connection, frame, "not now");
                return;
        }
        command->is_started = true;
        if (command->state
            != COMMAND_RUNNING) /* input to an rc file's question may have set that */
                command_set_state(command, COMMAND_RUNNING);
}

static void on_output(struct connection *connection, const struct frame *frame)
{
        struct wire_reader reader = wire_read(frame);
        uint32_t stream = wire_get_u32(&reader);
        struct str bytes = wire_get_bytes(&reader);
        struct command *command = command_of(connection, frame);

        if (command == NULL)
                return;
        if (!wire_read_done(&reader) || (stream != 1 && stream != 2) || !command->is_started)
                connection_break_off(connection, frame, "not now, or does not decode");
        else
                command_add_output(command, stream, bytes);
}

static void on_partial(struct connection *connection, const struct frame *frame)
{
        struct wire_reader reader = wire_read(frame);
        struct str bytes = wire_get_bytes(&reader);
        struct command *command = command_of(connection, frame);

        if (command == NULL)
                return;
        if (!wire_read_done(&reader) || !command->is_started) {
                connection_break_off(connection, frame, "not now, or does not decode");
                return;
        }
        command_set_partial(command, bytes);
}

static void on_awaiting(struct connection *connection, const struct frame *frame)
{
        struct wire_reader reader = wire_read(frame);
        uint32_t awaiting = wire_get_u32(&reader);
        struct str bytes = wire_get_bytes(&reader);
        struct command *command = command_of(connection, frame);

        if (command == NULL)
                return;
        if (!wire_read_done(&reader) || awaiting >= WIRE_AWAITING_KINDS) {
                connection_break_off(connection, frame, "not now, or does not decode");
                return;
        }
        if (awaiting != WIRE_AWAITING_NOTHING) {
                scoped_free char *question =
                        connection_host_text(connection, bytes, COMMAND_QUESTION_MAX);
                command_set_awaiting(command, (enum wire_awaiting)awaiting, &question);
        } else if (command->state == COMMAND_AWAITING) {
                command_set_state(command, COMMAND_RUNNING);
        }
}

static void on_stopping(struct connection *connection, const struct frame *frame)
{
        struct wire_reader reader = wire_read(frame);
        uint32_t stopping = wire_get_u32(&reader);
        int64_t pid = wire_get_i64(&reader);
        struct str name = wire_get_bytes(&reader);
        struct command *command = command_of(connection, frame);

        if (command == NULL)
                return;
        if (!wire_read_done(&reader) || stopping <= WIRE_STOPPING_UNDER_WAY
            || stopping >= WIRE_STOPPING_KINDS || command->stopping == WIRE_STOPPING_NOT) {
                connection_break_off(connection, frame, "not now, or does not decode");
                return;
        }
        scoped_free char *shown = connection_host_text(connection, name, PROGRAM_MAX);
        command_set_stopping(command, (enum wire_stopping)stopping, pid > 0 ? pid : 0, &shown);
}

static void on_sudo_refused(struct connection *connection, const struct frame *frame)
{
        struct command *command = command_of(connection, frame);

        if (command == NULL)
                return;
        if (frame->len != 0 || command->sudo == NULL)
                connection_break_off(connection, frame, "not now");
        else
                connection_on_sudo_refused(connection, command);
}

static void on_ended(struct connection *connection, const struct frame *frame)
{
        struct wire_end end;
        struct command *command = command_of(connection, frame);

        if (command == NULL)
                return;
        if (!wire_read_end(frame, &end)) {
                connection_break_off(connection, frame, "does not decode");
                return;
        }
        struct shell *shell = shells_find(&connection->shells, command->shell);
        if (shell != NULL && end.cwd.len > 0) {
                free(shell->cwd);
                shell->cwd = remote_text(end.cwd, COMMAND_CWD_MAX);
        }
        command_end_as_told(command, &end);
        connection_end_command(connection, command);
        if (shell == NULL || end.shell_gone == 0)
                return;
        end_commands_of(connection, shell, "it went with a command inside it");
        scoped_free char *why =
                xasprintf("it ended with the command \"%.40s\"", command_shown_text(command));
        scoped_free char *shown = remote_text(str_of(why), 120);
        connection_forget_shell(connection, shell, shown);
}

bool connection_on_run_frame(struct connection *connection, const struct frame *frame)
{
        switch (frame->kind) {
        case WIRE_SHELL_READY: on_shell_ready(connection, frame); return true;
        case WIRE_SHELL_LEVEL: on_shell_level(connection, frame); return true;
        case WIRE_SHELL_ENDED: on_shell_ended(connection, frame); return true;
        case WIRE_STARTED: on_started(connection, frame); return true;
        case WIRE_OUTPUT: on_output(connection, frame); return true;
        case WIRE_PARTIAL: on_partial(connection, frame); return true;
        case WIRE_AWAITING: on_awaiting(connection, frame); return true;
        case WIRE_STOPPING: on_stopping(connection, frame); return true;
        case WIRE_ENDED: on_ended(connection, frame); return true;
        case WIRE_SUDO_REFUSED: on_sudo_refused(connection, frame); return true;
        default: return false; /* a number from a worker, not our enum */
        }
}
