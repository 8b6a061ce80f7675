#include "worker/auth.h"

#include "base/buf.h"
#include "base/log.h"
#include "base/scoped.h"

#include <stdio.h>
#include <string.h>

#define TRIED_MAX       200 /* bytes of the list of what was tried */
#define PROMPTS_MAX     8   /* of one keyboard-interactive round */
#define ROUNDS_MAX      4
#define USER_MAX        256

struct attempt {
        ssh_session ssh;
        const struct auth_offer *offer;
        char user[USER_MAX];
        struct buf tried;
        unsigned attempts;
        char method[AUTH_METHOD_MAX]; /* what succeeded */
};

static void note_tried(struct attempt *attempt, const char *what)
{
        /* full: the list is for people, its beginning is enough */
        (void)buf_printf(&attempt->tried, "%s%s", attempt->tried.len > 0 ? ", " : "", what);
}

static bool succeed(struct attempt *attempt, const char *method, const char *detail)
{
        (void)snprintf(attempt->method, sizeof attempt->method, detail != NULL ? "%s (%s)" : "%s", method,
                       detail);
        return true;
}

static const char *method_name(int method)
{
        switch (method) {
        case SSH_AUTH_METHOD_PUBLICKEY: return "publickey";
        case SSH_AUTH_METHOD_PASSWORD: return "password";
        case SSH_AUTH_METHOD_INTERACTIVE: return "keyboard-interactive";
        default: bug("method %d", method); /* libssh's numbers, no enum */
        }
}

static bool is_wanted(const struct auth_offer *offer, int method)
{
        const char *name = method_name(method);
        struct str rest = offer->methods;

        while (rest.len > 0) {
                const char *comma = memchr(rest.ptr, ',', rest.len);
                size_t len = comma != NULL ? (size_t)(comma - rest.ptr) : rest.len;
                if (str_is((struct str){ rest.ptr, len }, name))
                        return true;
                len += comma != NULL;
                rest = (struct str){ rest.ptr + len, rest.len - len };
        }
        return false;
}

static bool may_try(const struct attempt *attempt, int method)
{
        return is_wanted(attempt->offer, method)
            && (ssh_userauth_list(attempt->ssh, NULL) & method) != 0
            && attempt->attempts < AUTH_ATTEMPTS_MAX && ssh_is_connected(attempt->ssh);
}

static bool try_key(struct attempt *attempt, const struct auth_key *key)
{
        ssh_key private_key = NULL;
        bool ok = false;

        if (ssh_pki_import_privkey_base64(key->pem, NULL, NULL, NULL, &private_key) != SSH_OK) {
                note_tried(attempt, key->name);
                (void)buf_append_str(&attempt->tried, " (cannot be read: encrypted or of an unknown kind)");
                return false;
        }
        attempt->attempts++;
        ok = ssh_userauth_publickey(attempt->ssh, NULL, private_key) == SSH_AUTH_SUCCESS;
        ssh_key_free(private_key);
        if (ok)
                return succeed(attempt, "publickey", key->name);
        note_tried(attempt, key->name);
        return false;
}

/* The agent's keys in its own order; libssh asks the server about each before it signs. */
static bool try_agent(struct attempt *attempt)
{
        attempt->attempts++;
        if (ssh_userauth_agent(attempt->ssh, NULL) == SSH_AUTH_SUCCESS)
                return succeed(attempt, "publickey", "agent");
        note_tried(attempt, "the agent's keys");
        return false;
}

/*
 * Keyboard-interactive as a way to ask for the password: answered only where the server asks
 * exactly one question with echo off.
 */
static bool try_interactive(struct attempt *attempt, const char *password)
{
        bool answered = false;
        int result = ssh_userauth_kbdint(attempt->ssh, NULL, NULL);

        attempt->attempts++;
        for (int round = 0; result == SSH_AUTH_INFO && round < ROUNDS_MAX; round++) {
                int prompts = ssh_userauth_kbdint_getnprompts(attempt->ssh);
                char echo = 1;
                if (prompts > PROMPTS_MAX || prompts < 0)
                        break;
                if (prompts > 0) {
                        (void)ssh_userauth_kbdint_getprompt(attempt->ssh, 0, &echo);
                        if (prompts != 1 || echo || answered)
                                break; /* a code, or the password again: a person's to answer */
                        if (ssh_userauth_kbdint_setanswer(attempt->ssh, 0, password) < 0)
                                break;
                        answered = true;
                }
                result = ssh_userauth_kbdint(attempt->ssh, NULL, NULL);
        }
        if (result == SSH_AUTH_SUCCESS)
                return succeed(attempt, "keyboard-interactive", NULL);
        note_tried(attempt, answered ? "keyboard-interactive with the password"
                                     : "keyboard-interactive (asks for more than a password)");
        return false;
}

static bool try_password(struct attempt *attempt)
{
        scoped_free char *password = NULL;
        struct buf copy;
        bool ok = false;

        buf_init(&copy, attempt->offer->password.len);
        if (!buf_append(&copy, attempt->offer->password.ptr, attempt->offer->password.len))
                return false;
        password = buf_take(&copy);
        if (may_try(attempt, SSH_AUTH_METHOD_PASSWORD)) {
                attempt->attempts++;
                ok = ssh_userauth_password(attempt->ssh, NULL, password) == SSH_AUTH_SUCCESS;
                if (ok)
                        (void)succeed(attempt, "password", NULL);
                else
                        note_tried(attempt, "the password");
        } else if (may_try(attempt, SSH_AUTH_METHOD_INTERACTIVE)) {
                ok = try_interactive(attempt, password);
        }
        explicit_bzero(password, strlen(password));
        return ok;
}

/* The keys from *next up to end. */
static bool try_keys(struct attempt *attempt, size_t *next, size_t end)
{
        for (; *next < end && *next < attempt->offer->key_count
               && may_try(attempt, SSH_AUTH_METHOD_PUBLICKEY);
             (*next)++)
                if (try_key(attempt, &attempt->offer->keys[*next])) {
                        (*next)++;
                        return true;
                }
        return false;
}

static bool try_all(struct attempt *attempt)
{
        const struct auth_offer *offer = attempt->offer;
        size_t next = 0;

        if (ssh_userauth_none(attempt->ssh, NULL) == SSH_AUTH_SUCCESS)
                return succeed(attempt, "none", NULL);
        if (try_keys(attempt, &next, offer->keys_before_agent))
                return true;
        if (offer->use_agent && may_try(attempt, SSH_AUTH_METHOD_PUBLICKEY) && try_agent(attempt))
                return true;
        if (try_keys(attempt, &next, offer->key_count))
                return true;
        if (offer->password.len == 0)
                return false;
        if (offer->is_new_host) /* on first contact nobody knows yet whose hands it would fall into */
                note_tried(attempt, "not the password, because its host key was new: try once more");
        return !offer->is_new_host && try_password(attempt);
}

static void write_offered(struct buf *out, int methods)
{
        static const struct { int method; const char *name; } names[] = {
                { SSH_AUTH_METHOD_PUBLICKEY, "publickey" },
                { SSH_AUTH_METHOD_PASSWORD, "password" },
                { SSH_AUTH_METHOD_INTERACTIVE, "keyboard-interactive" },
                { SSH_AUTH_METHOD_HOSTBASED, "hostbased" },
                { SSH_AUTH_METHOD_GSSAPI_MIC, "gssapi-with-mic" },
        };

        for (size_t i = 0; i < sizeof names / sizeof names[0]; i++)
                if (methods & names[i].method)
                        (void)buf_printf(out, "%s%s", out->len > 0 ? ", " : "", names[i].name);
}

bool auth_run(ssh_session ssh, const struct auth_offer *offer, char out_method[AUTH_METHOD_MAX],
              struct err *err)
{
        struct attempt attempt = { .ssh = ssh, .offer = offer };
        scoped_buf struct buf offered;

        (void)snprintf(attempt.user, sizeof attempt.user, "%.*s", (int)offer->user.len,
                       offer->user.ptr);
        buf_init(&attempt.tried, TRIED_MAX);
        buf_init(&offered, TRIED_MAX);
        bool ok = try_all(&attempt);
        if (ok) {
                memcpy(out_method, attempt.method, AUTH_METHOD_MAX);
        } else {
                int methods = ssh_userauth_list(ssh, NULL);
                write_offered(&offered, methods);
                if (!ssh_is_connected(ssh) && methods == 0)
                        (void)err_set(err, ERR_CONNECT, "the server hung up during authentication: %s",
                                      ssh_get_error(ssh));
                else
                        (void)err_set(err, ERR_AUTH,
                                      "the server refused user %s: tried %s; the server accepts %s",
                                      attempt.user,
                                      attempt.tried.len > 0 ? (char *)attempt.tried.data
                                                            : "nothing (no key, agent or password at hand)",
                                      offered.len > 0 ? (char *)offered.data : "nothing more");
        }
        buf_fini(&attempt.tried);
        return ok;
}
