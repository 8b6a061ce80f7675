/*
 * Questions that only a person can answer, on their way from the worker to the watcher and back,
 * and what is told when there is no person.
 *
 * A worker's question is as hostile as the host behind it: it comes only when a person was
 * announced, one at a time, QUESTIONS_MAX of them, and for a passphrase the words are ours.
 */
#include "session/connection_private.h"

#include "base/alloc.h"
#include "base/log.h"
#include "base/scoped.h"
#include "session/secrecy/remote_text.h"

#include <inttypes.h>
#include <string.h>

#define QUESTIONS_MAX   64 /* of one log-in; then the worker is broken */
#define QUESTION_MAX    1000
#define INSTRUCTION_MAX 2000

bool connection_has_person(const struct connection *connection)
{
        return connection->watch != NULL && connection->watch->on_prompt != NULL;
}

/* ---- what was typed before ---- */

/*
 * Not for whoever has the same user, host and port at the end of
 * another way, or is checked by other host keys.
 */
char *connection_password_name(const struct connection *connection)
{
        return xasprintf("%s\n%s@%s port %d\n%s\n%s", connection->name, connection->user,
                         connection->host, connection->port, connection->route,
                         connection->host_keys_basis);
}

const struct secret *connection_find_password(const struct connection *connection)
{
        scoped_free char *name = connection_password_name(connection);

        return connection->password != NULL
                       ? connection->password
                       : keyring_find(connection->env->keyring, KEYRING_PASSWORD, name);
}

const struct secret *connection_find_passphrase(const struct connection *connection,
                                                unsigned identity)
{
        return keyring_find(connection->env->keyring, KEYRING_PASSPHRASE,
                            connection->identities.items[identity].path);
}

void connection_forget_answers(struct connection *connection)
{
        secret_free(connection->login.password);
        secret_free(connection->login.passphrase);
        connection->login = (struct login){ 0 };
}

static void keep_or_forget(struct connection *connection, enum keyring_kind kind, const char *name,
                           struct secret **typed, bool is_good)
{
        if (is_good && *typed != NULL)
                keyring_keep(connection->env->keyring, kind, name, *typed);
        if (!is_good)
                keyring_forget(connection->env->keyring, kind, name);
        secret_free(*typed);
        *typed = NULL;
}

bool connection_on_secret(struct connection *connection, const struct wire_secret *secret)
{
        struct login *login = &connection->login;
        scoped_free char *name = NULL;

        if (connection->state != CONNECTION_AUTH)
                return false;
        if (secret->kind == WIRE_PROMPT_PASSWORD) {
                name = connection_password_name(connection);
                /* one that the call gave is not the one that was kept */
                if (!connection->had_password || login->password != NULL)
                        keep_or_forget(connection, KEYRING_PASSWORD, name,
                                       &login->password, secret->is_good != 0);
                return true;
        }
        if (secret->key >= connection->offer_count)
                return false;
        unsigned identity = connection->offers[secret->key];
        keep_or_forget(connection, KEYRING_PASSPHRASE, connection->identities.items[identity].path,
                       &login->passphrase, secret->is_good != 0);
        return true;
}

/* ---- asking ---- */

static void send_answer(struct connection *connection, const struct secret *answer)
{
        struct err err;

        connection_set_deadline(connection, AUTH_MS);
        if (connection->postbox == NULL) /* its end is about to be told */
                return;
        postbox_expect_secrets(connection->postbox, SECRET_ANSWER_MAX + WIRE_HEADER_LEN + 64);
        if (!wire_write_u32_bytes(postbox_out(connection->postbox), WIRE_ANSWER, 0, answer != NULL,
                                  answer != NULL ? secret_bytes(answer) : "",
                                  answer != NULL ? secret_len(answer) : 0)) {
                (void)err_set(&err, ERR_SYSTEM, "its worker process takes nothing");
                connection_fail(connection, &err);
                return;
        }
        postbox_flush(connection->postbox);
}

static char *words_of(const struct connection *connection, const struct wire_prompt *prompt)
{
        switch (prompt->kind) {
        case WIRE_PROMPT_PASSPHRASE:
                return xasprintf(
                        "Passphrase of key %s: ",
                        connection->identities.items[connection->offers[prompt->key]].name);
        case WIRE_PROMPT_PASSWORD:
                if (prompt->text.len == 0)
                        return xasprintf("Password of %s: ", connection->name);
                break;
        case WIRE_PROMPT_INTERACTIVE:
        case WIRE_PROMPT_KINDS: break;
        }
        scoped_free char *text = remote_text(prompt->text, QUESTION_MAX);
        return xasprintf("(%s) %s", connection->name, text);
}

bool connection_on_prompt(struct connection *connection, const struct wire_prompt *prompt)
{
        struct login *login = &connection->login;

        if (connection->state != CONNECTION_AUTH || !connection->may_prompt || login->is_asking
            || ++login->questions > QUESTIONS_MAX
            || (prompt->kind == WIRE_PROMPT_PASSPHRASE && prompt->key >= connection->offer_count))
                return false;
        if (!connection_has_person(connection)) { /* gone meanwhile */
                send_answer(connection, NULL);
                return true;
        }
        scoped_free char *text = words_of(connection, prompt);
        scoped_free char *instruction = remote_text(prompt->instruction, INSTRUCTION_MAX);
        const struct connect_prompt shown = { .is_echoed = prompt->echo != 0,
                                              .text = text,
                                              .instruction = instruction };
        login->is_asking = true;
        login->is_echoed = shown.is_echoed;
        login->asking = prompt->kind;
        connection_set_deadline(connection, CONNECT_PROMPT_MS);
        connection->watch->on_prompt(connection->watch->arg, &shown);
        return true;
}

static void remember(struct secret **typed, const struct secret *answer)
{
        secret_free(*typed);
        *typed = secret_new(secret_bytes(answer), secret_len(answer));
}

bool connection_asks_for_secret(const struct connection *connection)
{
        const struct login *login = &connection->login;

        return connection->state == CONNECTION_AUTH && login->is_asking && !login->is_echoed;
}

bool connection_answer(struct connection *connection, const struct secret *answer)
{
        struct login *login = &connection->login;

        if (connection->state != CONNECTION_AUTH || !login->is_asking || connection->held != NULL)
                return false;
        login->is_asking = false;
        if (answer != NULL && login->asking == WIRE_PROMPT_PASSWORD)
                remember(&login->password, answer);
        if (answer != NULL && login->asking == WIRE_PROMPT_PASSPHRASE)
                remember(&login->passphrase, answer);
        send_answer(connection, answer);
        return true;
}

/* ---- when nobody is there ---- */

/* Does the host as the call said it carry the user and the port, or did they come apart from it? */
static void write_apart(const struct alias *said, struct buf *out)
{
        struct target alone;
        struct err why;

        if (!target_parse(&alone, said->given, NULL, 0, &why))
                return;
        if (said->target.user != NULL && alone.user == NULL)
                (void)buf_printf(out, " --username %s", said->target.user);
        if (said->target.port != 0 && alone.port == 0)
                (void)buf_printf(out, " --port %d", said->target.port);
        target_fini(&alone);
}

/* In shell words; what a call may say is short and has no quotes in it, see target.h. */
char *connection_login_command(const struct connection *connection, bool is_sudo)
{
        const struct alias *said = &connection->aliases[0];
        bool is_quoted = strchr(said->given, '[') != NULL; /* [v6]:port is a pattern to a shell */
        struct buf text;

        buf_init(&text, ERR_TEXT_MAX);
        (void)buf_printf(&text, "`mcp-ssh-session login %s%s%s", is_quoted ? "'" : "", said->given,
                         is_quoted ? "'" : ""); /* full: cut, as the error is */
        write_apart(said, &text);
        if (connection->key_filename != NULL && connection->override.key == NULL)
                (void)buf_printf(&text, " --key '%s'", connection->key_filename);
        (void)buf_append_str(&text, is_sudo ? " --sudo`" : "`");
        return buf_take(&text);
}

char *connection_advice(const struct connection *connection)
{
        switch (connection->login.advice) {
        case WIRE_ADVICE_LOGIN: {
                scoped_free char *login = connection_login_command(connection, /* is_sudo= */ false);
                return xasprintf("Run %s in a terminal.", login);
        }
        case WIRE_ADVICE_TRUST:
                return xasprintf(
                        "Its host key was new, and a host that nobody has vouched for gets "
                        "no password: check the key with `%s` in a terminal first.",
                        host_keys_trust_command(connection->host_keys));
        case WIRE_ADVICE_CHECK:
        case WIRE_ADVICE_KINDS: break;
        }
        return xstrdup("Check the user name and the password, or that a key which the server knows "
                       "is in the agent (ssh-add -l) or in an IdentityFile.");
}
