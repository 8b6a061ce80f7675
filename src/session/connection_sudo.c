/*
 * What a worker is told about an elevated command: the password for sudo and where it comes from.
 *
 * The operator's (OVRD_…_SUDO_PASS) comes before the call's, and that before one that a person
 * typed (`mcp-ssh-session login --sudo`). A host whose key was new a moment ago gets none.
 */
#include "session/connection_private.h"

#include "base/alloc.h"
#include "base/log.h"
#include "base/scoped.h"

#include <string.h>

#define SPARE 4096 /* bytes of a frame beside the password */

static bool is_typed(const struct command *command)
{
        return command->sudo->password == NULL;
}

static const struct secret *find_password(const struct connection *connection,
                                          const struct command *command)
{
        scoped_free char *name = connection_password_name(connection);

        if (connection->trust_command != NULL)
                return NULL;
        return is_typed(command) ? keyring_find(connection->env->keyring, KEYRING_SUDO, name)
                                 : command->sudo->password;
}

/* Why there is no password, and what to do about it; yours, free(). */
static char *why_none(const struct connection *connection)
{
        scoped_free char *login = connection_login_command(connection, /* is_sudo= */ true);

        if (connection->trust_command != NULL)
                return xasprintf("its host key was new, and a host that nobody has vouched for gets "
                                 "no password. Check the key with `%s` in a terminal, then close "
                                 "this session and run the command again",
                                 connection->trust_command);
        return xasprintf("none is known. Run %s in a terminal, then run the command again", login);
}

static bool write_sudo(struct connection *connection, const struct command *command,
                       struct buf *out)
{
        const struct secret *password = find_password(connection, command);
        scoped_free char *why = why_none(connection);
        scoped_free char *whom = connection_shown(connection, connection->name);
        struct wire_sudo sudo = { .own_at = (uint32_t)command->sudo->own_at,
                                  .whom = str_of(whom),
                                  .why_none = str_of(why) };

        if (password != NULL) {
                sudo.password = (struct str){ secret_bytes(password), secret_len(password) };
                postbox_expect_secrets(connection->postbox, secret_len(password) + SPARE);
        }
        return wire_write_sudo(out, command->id.n, &sudo);
}

bool connection_write_sudo(struct connection *connection, struct command *command, size_t text_at)
{
        struct command_sudo *sudo = command->sudo;

        if (sudo == NULL)
                return true;
        if (sudo->own_at != 0)
                sudo->own_at += text_at;
        return write_sudo(connection, command, postbox_out(connection->postbox));
}

/* A person has typed one while it waited. */
static void give_to_waiting(struct connection *connection, const struct secret *password)
{
        const struct commands *commands = connection->env->commands;

        for (struct command *at = commands_next_live(commands, connection->id, NULL); at != NULL;
             at = commands_next_live(commands, connection->id, at)) {
                if (at->sudo == NULL || !at->is_sent || !is_typed(at)
                    || connection->postbox == NULL)
                        continue;
                struct wire_sudo sudo = { .password = { secret_bytes(password),
                                                        secret_len(password) } };
                postbox_expect_secrets(connection->postbox, secret_len(password) + SPARE);
                if (wire_write_sudo(postbox_out(connection->postbox), at->id.n, &sudo))
                        postbox_flush(connection->postbox);
        }
}

bool connection_keep_sudo_password(struct connection *connection, const struct secret *password,
                                   struct err *err)
{
        scoped_free char *name = connection_password_name(connection);

        if (connection->state != CONNECTION_READY)
                return err_set(err, ERR_STATE, "the connection has ended; try again");
        if (connection->trust_command != NULL)
                return err_set(err, ERR_HOST_KEY,
                               "the host key of %s was new, and a host that nobody has vouched for "
                               "gets no password: check the key with `%s` first, then close the "
                               "session.",
                               connection->name, connection->trust_command);
        keyring_keep(connection->env->keyring, KEYRING_SUDO, name, password);
        give_to_waiting(connection, password);
        return true;
}

void connection_on_sudo_refused(struct connection *connection, struct command *command)
{
        scoped_free char *name = connection_password_name(connection);

        if (command->sudo != NULL && is_typed(command))
                keyring_forget(connection->env->keyring, KEYRING_SUDO, name);
}
