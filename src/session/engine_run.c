#include "session/engine_private.h"

#include "base/log.h"
#include "session/command/sudo_text.h"

#include <inttypes.h>
#include <string.h>

#define SUDO_TEXT_MAX (100 * 1024) /* bytes of an elevated command: it is one argument of sudo's */
#define INPUT_MAX (1024 * 1024) /* bytes typed in one call */

static bool check_text(const struct run_request *request, struct err *err)
{
        struct str text = { request->text, request->text_len };

        if (str_trim(text).len == 0)
                return err_set(err, ERR_INPUT, "command is empty: give a shell command.");
        if (text.len > COMMAND_TEXT_MAX)
                return err_set(err, ERR_LIMIT,
                               "command has %zu bytes, the limit is %d: put it into a file on "
                               "the host and run that.",
                               text.len, COMMAND_TEXT_MAX);
        if (memchr(text.ptr, 0, text.len) != NULL)
                return err_set(err, ERR_INPUT,
                               "command has a NUL byte, which no shell takes: write it as "
                               "\\0 inside printf '...'.");
        return true;
}

static bool check_rest(const struct run_request *request, struct err *err)
{
        const char *shell = engine_or_null(request->session.shell);
        const char *key = engine_or_null(request->key_filename);

        if (shell != NULL && !target_check_shell_name(shell, err))
                return false;
        if (request->password != NULL
            && strnlen(request->password, SECRET_ANSWER_MAX + 1) > SECRET_ANSWER_MAX)
                return err_set(err, ERR_INPUT, "password is longer than %d bytes.",
                               SECRET_ANSWER_MAX);
        return key == NULL || target_check_key_path(key, err);
}

/* ---- sudo ---- */

bool engine_check_sudo_password(const char *bytes, size_t len, struct err *err)
{
        if (len > SECRET_ANSWER_MAX)
                return err_set(err, ERR_INPUT, "sudo_password is longer than %d bytes.",
                               SECRET_ANSWER_MAX);
        for (size_t i = 0; i < len; i++)
                if ((unsigned char)bytes[i] < ' ' || bytes[i] == 0x7F)
                        return err_set(err, ERR_INPUT,
                                       "the sudo password has a control character in it, which a "
                                       "terminal would act on: leave it out.");
        return true;
}

static bool check_sudo(struct engine *engine, const struct run_request *request,
                       const struct override *override, struct err *err)
{
        const char *given = engine_or_null(request->sudo_password);
        const struct secret *set = override->sudo_password;

        if (given != NULL
            && (!engine_add_secret(engine, given, strlen(given), err)
                || !engine_check_sudo_password(given, strlen(given), err)))
                return false;
        if (set != NULL && !engine_check_sudo_password(secret_bytes(set), secret_len(set), err))
                return false;
        if ((request->use_sudo || given != NULL) && request->text_len > SUDO_TEXT_MAX)
                return err_set(err, ERR_LIMIT,
                               "an elevated command may have %d bytes, this one has %zu: put it "
                               "into a file on the host and run that.",
                               SUDO_TEXT_MAX, request->text_len);
        return true;
}

/* A plain call of sudo keeps its options, and only gets our prompt. */
static void set_sudo(struct command *command, const struct run_request *request,
                     const struct override *override)
{
        const char *given = engine_or_null(request->sudo_password);
        size_t own_at = sudo_text_own((struct str){ request->text, request->text_len });
        struct secret *password = NULL;

        if (!request->use_sudo && given == NULL && own_at == 0)
                return;
        if (override->sudo_password == NULL && given != NULL)
                password = secret_new(given, strlen(given));
        command_set_sudo(command, own_at,
                         override->sudo_password != NULL && secret_len(override->sudo_password) > 0
                                 ? override->sudo_password
                                 : password);
        secret_free(password);
}

static void submit(struct engine *engine, struct connection *connection,
                   const struct run_request *request, const struct override *override,
                   const char *shell, command_id *out_id)
{
        struct command *command = command_new(request->text, request->text_len, request->isolated,
                                              request->session.host);
        struct command *added = command;
        command_id busy;
        struct err err;

        command_set_redactor(command, engine->redactor);
        set_sudo(command, request, override);
        *out_id = commands_add(engine->commands, &command);
        if (!connection_submit(connection, added, shell, &busy, &err))
                command_end(added, COMMAND_FAILED, &err); /* asked before: cannot be */
}

bool engine_run(struct engine *engine, const struct run_request *request, command_id *out_id,
                command_id *out_busy, struct err *err)
{
        const char *shell = engine_or_null(request->session.shell);
        struct connection *connection = NULL;
        struct override override;
        struct target target;

        *out_busy = (command_id){ 0 };
        if (engine->is_stopping)
                return err_set(err, ERR_STATE, "mcp-ssh-session is stopping.");
        if (!check_text(request, err) || !check_rest(request, err)
            || !commands_has_room(engine->commands, err)
            || !engine_parse_reference(engine, &request->session, &target, &override, err))
                return false;
        shell = shell != NULL ? shell : SHELL_DEFAULT;
        bool ok = check_sudo(engine, request, &override, err)
                  && engine_get_connection(engine, request, &target, &override, &connection, err)
                  && connection_may_submit(connection, shell, request->isolated, out_busy, err);
        if (ok)
                submit(engine, connection, request, &override, shell, out_id);
        target_fini(&target);
        return ok;
}

/* ---- a command that runs ---- */

/* NULL and *err: there is none, or it has ended. */
static struct command *find_running(const struct engine *engine, command_id id,
                                    struct connection **out_connection, struct err *err)
{
        struct command *command = commands_find(engine->commands, id);

        if (command == NULL) {
                (void)err_set(err, ERR_NOT_FOUND, "there is no such command any more.");
                return NULL;
        }
        if (command_state_is_final(command->state)) {
                (void)err_set(err, ERR_STATE, "Command is not active (status: %s).",
                              command_state_name(command->state));
                return NULL;
        }
        *out_connection = connections_find(engine->connections, command->connection);
        if (*out_connection == NULL)
                bug("command %" PRIu64 " runs on no connection", id.n);
        return command;
}

bool engine_interrupt(struct engine *engine, command_id id, struct err *err)
{
        struct connection *connection = NULL;
        struct command *command = find_running(engine, id, &connection, err);

        if (command == NULL)
                return false;
        connection_interrupt(connection, command);
        return true;
}

bool engine_check_input(size_t len, struct err *err)
{
        if (len == 0)
                return err_set(err, ERR_INPUT, "there is nothing to type: input_text is empty.");
        if (len > INPUT_MAX)
                return err_set(err, ERR_LIMIT,
                               "input_text has %zu bytes, the limit is %d: send it in pieces.", len,
                               INPUT_MAX);
        return true;
}

bool engine_input(struct engine *engine, command_id id, const char *bytes, size_t len,
                  struct err *err)
{
        struct connection *connection = NULL;

        if (!engine_check_input(len, err))
                return false;
        struct command *command = find_running(engine, id, &connection, err);
        if (command == NULL)
                return false;
        if (command->isolated)
                return err_set(err, ERR_STATE,
                               "an isolated command has no input: its stdin is closed. Run it "
                               "without isolated to be able to answer it.");
        return connection_input(connection, command, (struct str){ bytes, len }, err);
}
