/*
 * The server counts what it refuses and hangs up at its MaxAuthTries, so refusals are counted
 * here too and the last one is kept for a password, if there is one to be had.
 */
#include "worker/login/auth_private.h"

#include "base/log.h"
#include "base/scoped.h"

#include <stdio.h>
#include <string.h>

#define TRIED_MAX    240 /* bytes of the list of what was tried */
#define OFFERED_MAX  120 /* bytes of the list of what the server accepts */
#define ACCEPTED_MAX (64 * 1024)
#define STAGES_MAX   6 /* partial successes; a server that wants more is not let go on */

static const struct {
        const char *name;
        int method;                                            /* libssh's number */
        enum auth_result (*try)(struct auth_attempt *attempt); /* NULL: not ours to try */
} methods[] = {
        { "publickey", SSH_AUTH_METHOD_PUBLICKEY, auth_try_keys },
        { "password", SSH_AUTH_METHOD_PASSWORD, auth_try_password },
        { "keyboard-interactive", SSH_AUTH_METHOD_INTERACTIVE, auth_try_interactive },
        { "hostbased", SSH_AUTH_METHOD_HOSTBASED, NULL },
        { "gssapi-with-mic", SSH_AUTH_METHOD_GSSAPI_MIC, NULL },
};

#define METHODS (sizeof methods / sizeof *methods)

/* To the person who looks on; a worker that waits for the host sends it when it looks up. */
static void tell_tried(struct auth_attempt *attempt, const char *what, const char *why)
{
        char text[TRIED_MAX];
        int len = snprintf(text, sizeof text, "%s: %s", what, why != NULL ? why : "refused");

        if (len < 0)
                return;
        size_t used = (size_t)len < sizeof text ? (size_t)len : sizeof text - 1;
        (void)wire_write_u32_bytes(&attempt->frames->out, WIRE_PROGRESS, 0, WIRE_PROGRESS_TRIED, text,
                                   used); /* no room: it is told once more at the end */
        (void)frame_socket_send(attempt->frames); /* gone: the next frame notices */
}

void auth_note_tried(struct auth_attempt *attempt, const char *what, const char *why)
{
        /* full: the list is for people, its beginning is enough */
        (void)buf_printf(&attempt->tried, "%s%s%s%s%s", attempt->tried.len > 0 ? ", " : "", what,
                         why != NULL ? " (" : "", why != NULL ? why : "", why != NULL ? ")" : "");
        tell_tried(attempt, what, why);
}

void auth_note_needs(struct auth_attempt *attempt, enum wire_advice advice, const char *what)
{
        attempt->advice = advice;
        if (what != NULL)
                (void)snprintf(attempt->needs, sizeof attempt->needs, "%s", what);
}

enum auth_result auth_judge(struct auth_attempt *attempt, int rc, const char *method,
                            const char *detail)
{
        if (rc == SSH_AUTH_SUCCESS || rc == SSH_AUTH_PARTIAL) {
                (void)snprintf(attempt->method, sizeof attempt->method,
                               detail != NULL ? "%s (%s)" : "%s", method, detail);
                log_debug("authentication: %s succeeded%s", attempt->method,
                          rc == SSH_AUTH_PARTIAL ? " in part" : "");
                return rc == SSH_AUTH_SUCCESS ? AUTH_ACCEPTED : AUTH_PARTIAL;
        }
        if (rc == SSH_AUTH_AGAIN && attempt->over->code == ERR_NONE
            && ssh_is_connected(attempt->ssh))
                (void)err_set(attempt->over, ERR_AUTH, "libssh gave up: %s",
                              ssh_get_error(attempt->ssh));
        attempt->refusals++;
        return ssh_is_connected(attempt->ssh) && attempt->over->code == ERR_NONE ? AUTH_REFUSED
                                                                                 : AUTH_OVER;
}

bool auth_is_slow(struct auth_attempt *attempt, int rc)
{
        return rc == SSH_AUTH_AGAIN && ssh_is_connected(attempt->ssh)
               && ssh_get_error_code(attempt->ssh) != SSH_FATAL && !auth_is_stopped(attempt);
}

static size_t find_method(struct str name)
{
        size_t at = 0;

        while (at < METHODS && !str_is(name, methods[at].name))
                at++;
        return at;
}

bool auth_is_offered(const struct auth_attempt *attempt, int method)
{
        struct str list = attempt->offer->methods;
        struct str name;

        while (str_item(&list, &name)) {
                size_t at = find_method(name);
                if (at < METHODS && methods[at].method == method)
                        return (ssh_userauth_list(attempt->ssh, NULL) & method) != 0;
        }
        return false;
}

bool auth_has_attempts(const struct auth_attempt *attempt)
{
        const struct auth_offer *offer = attempt->offer;
        bool has_password = (offer->password.len > 0 || offer->may_prompt) && !offer->is_new_host
                            && (auth_is_offered(attempt, SSH_AUTH_METHOD_PASSWORD)
                                || auth_is_offered(attempt, SSH_AUTH_METHOD_INTERACTIVE));

        return attempt->refusals + has_password < AUTH_ATTEMPTS_MAX;
}

/* Each method that we want and the server offers, once, until one succeeds. */
static enum auth_result try_methods(struct auth_attempt *attempt)
{
        struct str list = attempt->offer->methods;
        struct str name;

        while (str_item(&list, &name)) {
                size_t at = find_method(name);
                if (at == METHODS || methods[at].try == NULL
                    || !auth_is_offered(attempt, methods[at].method)
                    || attempt->refusals >= AUTH_ATTEMPTS_MAX)
                        continue;
                enum auth_result result = methods[at].try(attempt);
                if (result != AUTH_REFUSED)
                        return result;
        }
        return AUTH_REFUSED;
}

static bool try_all(struct auth_attempt *attempt)
{
        int rc;

        do
                rc = ssh_userauth_none(attempt->ssh, NULL);
        while (auth_is_slow(attempt, rc));
        if (rc == SSH_AUTH_SUCCESS)
                return auth_judge(attempt, rc, "none", NULL) == AUTH_ACCEPTED;
        if (rc == SSH_AUTH_ERROR || rc == SSH_AUTH_AGAIN)
                return false;
        for (int stage = 0; stage < STAGES_MAX; stage++) {
                enum auth_result result = try_methods(attempt);
                if (result != AUTH_PARTIAL)
                        return result == AUTH_ACCEPTED;
                auth_note_tried(attempt, attempt->method, "accepted");
        }
        return false;
}

/* ---- why not ---- */

static void write_offered(struct buf *out, int offered)
{
        for (size_t i = 0; i < METHODS; i++)
                if (offered & methods[i].method)
                        (void)buf_printf(out, "%s%s", out->len > 0 ? ", " : "",
                                         methods[i].name); /* it fits */
        if (out->len == 0)
                (void)buf_append_str(out, "nothing more");
}

/* A person could have typed a password, and nobody was asked for one. */
static void advise_login(struct auth_attempt *attempt)
{
        bool wants_person = ssh_is_connected(attempt->ssh) /* else its limit would be met again */
                         && (auth_is_offered(attempt, SSH_AUTH_METHOD_PASSWORD)
                             || auth_is_offered(attempt, SSH_AUTH_METHOD_INTERACTIVE));

        if (attempt->advice == WIRE_ADVICE_CHECK && wants_person && !attempt->password_is_refused)
                attempt->advice =
                        attempt->offer->is_new_host ? WIRE_ADVICE_TRUST : WIRE_ADVICE_LOGIN;
}

static bool explain(struct auth_attempt *attempt, struct err *err)
{
        struct str user = attempt->offer->user;
        const char *tried = attempt->tried.len > 0 ? (char *)attempt->tried.data
                                                   : "nothing (no key, agent or password at hand)";
        int offered_bits = ssh_userauth_list(attempt->ssh, NULL);
        scoped_buf struct buf offered;

        buf_init(&offered, OFFERED_MAX);
        if (err->code == ERR_CANCELLED)
                return false;
        if (!ssh_is_connected(attempt->ssh) && attempt->refusals == 0 && err->code == ERR_NONE)
                return err_set(err, ERR_CONNECT, "the server hung up during authentication: %s",
                               ssh_get_error(attempt->ssh));
        write_offered(&offered, offered_bits);
        advise_login(attempt);
        char why[ERR_TEXT_MAX + 8] = "";
        if (err->code != ERR_NONE)
                (void)snprintf(why, sizeof why, "; %s", err->text);
        else if (!ssh_is_connected(attempt->ssh))
                (void)snprintf(why, sizeof why, "; it hung up after %u refused attempts (its "
                               "MaxAuthTries, perhaps: IdentitiesOnly yes makes them fewer)",
                               attempt->refusals);
        else if (attempt->refusals >= AUTH_ATTEMPTS_MAX)
                (void)snprintf(why, sizeof why, "; after %u refused attempts no more are made",
                               attempt->refusals);
        else if (attempt->needs[0] != 0)
                (void)snprintf(why, sizeof why, "; it asks for %s", attempt->needs);
        return err_set(err, ERR_AUTH, "the server refused user %.*s: tried %s; it accepts %s%s",
                       (int)user.len, user.ptr, tried, (char *)offered.data, why);
}

bool auth_run(ssh_session ssh, struct frame_socket *frames, const struct auth_offer *offer,
              char out_method[AUTH_METHOD_MAX], struct err *err)
{
        struct err over = { 0 };
        struct auth_attempt attempt = {
                .ssh = ssh, .frames = frames, .offer = offer, .over = &over
        };

        buf_init(&attempt.tried, TRIED_MAX);
        buf_init(&attempt.accepted, ACCEPTED_MAX);
        bool ok = try_all(&attempt);
        if (ok) {
                memcpy(out_method, attempt.method, AUTH_METHOD_MAX);
        } else {
                ok = explain(&attempt, &over);
                *err = over;
                if (over.code == ERR_AUTH)
                        (void)wire_write_u32(&frames->out, WIRE_ADVICE, 0,
                                             attempt.advice); /* full: the error alone has to do */
        }
        buf_fini(&attempt.tried);
        buf_fini(&attempt.accepted);
        return ok;
}
