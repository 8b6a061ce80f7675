/*
 * Who answers: a known password only the one question that asks for a password, first and alone,
 * with echo off; a person everything else; nobody guesses.
 */
#include "worker/login/auth_private.h"

#include "base/alloc.h"
#include "base/scoped.h"

#include <ctype.h>
#include <stdio.h>
#include <string.h>

#define QUESTIONS_MAX   8 /* of one keyboard-interactive round; more are not answered */
#define ROUNDS_MAX      4
#define TRIES_MAX       10   /* by a person, whatever the configuration says */
#define TEXT_MAX        1000 /* bytes of a question that are shown */
#define INSTRUCTION_MAX 2000
#define QUOTE_MAX       120 /* bytes of a question in an error */

/* libssh breaks off at SSH_MSG_USERAUTH_PASSWD_CHANGEREQ (RFC 4252 8), and says just this. */
#define CHANGE_REQUEST "rejected packet (type 60)"

static const char *const method_name = "keyboard-interactive";

static bool has_word(const char *text, const char *word)
{
        return strcasestr(text, word) != NULL;
}

/* "Password:", "bob@web1's password: "; no code by whatever name, and no new password. */
static bool asks_for_password(const char *text)
{
        static const char *const others[] = { "one-time", "one time", "otp",    "token",
                                              "code",     "verif",    "new ",   "retype",
                                              "again",    "current",  "change", "expire" };

        if (!has_word(text, "password"))
                return false;
        for (size_t i = 0; i < sizeof others / sizeof *others; i++)
                if (has_word(text, others[i]))
                        return false;
        return true;
}

static void set_answer(ssh_session ssh, unsigned at, const char *answer)
{
        (void)ssh_userauth_kbdint_setanswer(ssh, at, answer); /* no memory: it is then "" */
}

static struct str bounded(const char *text, size_t max)
{
        struct str str = str_of(text != NULL ? text : "");

        if (str.len > max)
                str.len = max;
        return str;
}

/* A try of keyboard-interactive: a few rounds of questions. */
struct talk {
        struct auth_attempt *attempt;
        bool is_first;          /* no question was answered yet */
        bool by_known_password; /* the known password was an answer */
        bool by_typed_password; /* a person's was */
        bool is_password_last;  /* and nothing was answered after it */
};

static bool may_answer_itself(const struct talk *talk, unsigned questions, bool echo,
                              const char *text)
{
        const struct auth_attempt *attempt = talk->attempt;

        return talk->is_first && questions == 1 && !echo && attempt->offer->password.len > 0
               && !attempt->password_is_refused && asks_for_password(text);
}

static bool ask_person(struct talk *talk, unsigned at, unsigned questions, bool echo,
                       const char *text)
{
        ssh_session ssh = talk->attempt->ssh;
        const char *name = ssh_userauth_kbdint_getname(ssh);
        const char *instruction = ssh_userauth_kbdint_getinstruction(ssh);
        bool is_password = talk->is_first && questions == 1 && !echo && asks_for_password(text);
        scoped_free char *both =
                xasprintf("%.*s%s%.*s", INSTRUCTION_MAX / 2, name != NULL ? name : "",
                          name != NULL && name[0] != 0 ? " " : "", INSTRUCTION_MAX / 2,
                          instruction != NULL ? instruction : "");
        struct wire_prompt prompt = {
                .kind = is_password ? WIRE_PROMPT_PASSWORD : WIRE_PROMPT_INTERACTIVE,
                .echo = echo,
                .text = bounded(text[0] != 0 ? text : "(a question without a text)", TEXT_MAX),
                .instruction = at == 0 ? bounded(both, INSTRUCTION_MAX) : (struct str){ "", 0 },
        };
        struct secret *answer;

        if (!auth_ask(talk->attempt, &prompt, &answer))
                return false;
        set_answer(ssh, at, secret_bytes(answer));
        secret_free(answer);
        talk->by_typed_password |= is_password;
        talk->is_password_last = is_password;
        return true;
}

static void note_question(struct auth_attempt *attempt, const char *text)
{
        struct str quoted = str_trim(bounded(text, QUOTE_MAX));
        scoped_free char *needs = xasprintf("\"%.*s\"", (int)quoted.len, quoted.ptr);

        auth_note_needs(attempt, WIRE_ADVICE_LOGIN, needs);
}

/* False: this question stays open, and why is noted. */
static bool answer_question(struct talk *talk, unsigned at, unsigned questions)
{
        struct auth_attempt *attempt = talk->attempt;
        char echo = 1;
        const char *text = ssh_userauth_kbdint_getprompt(attempt->ssh, at, &echo);

        if (text == NULL)
                text = "";
        if (may_answer_itself(talk, questions, echo != 0, text)) {
                struct secret *password =
                        secret_new(attempt->offer->password.ptr, attempt->offer->password.len);
                set_answer(attempt->ssh, at, secret_bytes(password));
                secret_free(password);
                talk->by_known_password = true;
                talk->is_password_last = true;
                return true;
        }
        if (attempt->offer->may_prompt)
                return ask_person(talk, at, questions, echo != 0, text);
        note_question(attempt, text);
        return false;
}

static bool answer_round(struct talk *talk)
{
        int questions = ssh_userauth_kbdint_getnprompts(talk->attempt->ssh);

        if (questions < 0 || questions > QUESTIONS_MAX) {
                auth_note_tried(talk->attempt, method_name,
                                "it asks more than 8 questions at once");
                return false;
        }
        for (unsigned i = 0; i < (unsigned)questions; i++)
                if (!answer_question(talk, i, (unsigned)questions))
                        return false;
        talk->is_first = talk->is_first && questions == 0;
        return true;
}

/*
 * What the end says about a password among the answers. Where a code was refused after it, or a
 * further question is left open, nothing: many hosts ask for the code after a wrong password too.
 */
static void judge_password(struct talk *talk, int rc)
{
        bool is_good = rc == SSH_AUTH_SUCCESS || rc == SSH_AUTH_PARTIAL;

        if (rc == SSH_AUTH_INFO || (!talk->by_known_password && !talk->by_typed_password)
            || (!is_good && !talk->is_password_last))
                return;
        talk->attempt->password_is_refused |= talk->by_known_password && !is_good;
        auth_tell_secret(talk->attempt, WIRE_PROMPT_PASSWORD, 0, is_good);
}

/* Asks for the first round, or sends the answers to one. */
static int go_on(struct auth_attempt *attempt)
{
        int rc;

        do
                rc = ssh_userauth_kbdint(attempt->ssh, NULL, NULL);
        while (auth_is_slow(attempt, rc));
        return rc;
}

static enum auth_result talk_once(struct auth_attempt *attempt, bool *out_is_answered)
{
        struct talk talk = { .attempt = attempt, .is_first = true };
        int rc = go_on(attempt);

        for (int round = 0; rc == SSH_AUTH_INFO; round++) {
                if (round == ROUNDS_MAX) {
                        auth_note_tried(attempt, method_name, "it never stops asking");
                        break;
                }
                if (!answer_round(&talk))
                        break;
                rc = go_on(attempt);
        }
        judge_password(&talk, rc);
        *out_is_answered = rc != SSH_AUTH_INFO;
        if (rc == SSH_AUTH_INFO) {
                attempt->interactive_is_stuck = true;
                return attempt->over->code != ERR_NONE ? AUTH_OVER : AUTH_REFUSED;
        }
        enum auth_result result = auth_judge(attempt, rc, method_name, NULL);
        if (result != AUTH_ACCEPTED && result != AUTH_PARTIAL)
                auth_note_tried(attempt, method_name,
                                talk.by_known_password ? "with the password" : NULL);
        return result;
}

/* How often a method that asks is tried. */
static unsigned tries(const struct auth_offer *offer)
{
        unsigned wanted = offer->password_prompts < TRIES_MAX ? offer->password_prompts : TRIES_MAX;

        return offer->may_prompt ? wanted : 1;
}

/* The first-contact rule: a host whose key nobody knew gets no password and no answer. */
static bool is_kept_from(struct auth_attempt *attempt)
{
        if (attempt->offer->is_new_host)
                attempt->advice = WIRE_ADVICE_TRUST;
        return attempt->offer->is_new_host;
}

enum auth_result auth_try_interactive(struct auth_attempt *attempt)
{
        enum auth_result result = AUTH_REFUSED;
        bool is_answered = true;

        if (attempt->interactive_is_stuck || is_kept_from(attempt))
                return AUTH_REFUSED;
        for (unsigned i = 0; i < tries(attempt->offer) && result == AUTH_REFUSED && is_answered
                             && attempt->refusals < AUTH_ATTEMPTS_MAX;
             i++)
                result = talk_once(attempt, &is_answered);
        return result;
}

/* ---- password ---- */

static enum auth_result send_password(struct auth_attempt *attempt, const struct secret *password,
                                      bool is_known)
{
        int rc;

        do
                rc = ssh_userauth_password(attempt->ssh, NULL, secret_bytes(password));
        while (auth_is_slow(attempt, rc));

        if (rc == SSH_AUTH_AGAIN && strstr(ssh_get_error(attempt->ssh), CHANGE_REQUEST) != NULL) {
                (void)err_set(
                        attempt->over, ERR_AUTH,
                        "it wants the password to be changed: log in with ssh once and do so");
                return AUTH_OVER;
        }
        enum auth_result result = auth_judge(attempt, rc, "password", NULL);
        bool is_good = result == AUTH_ACCEPTED || result == AUTH_PARTIAL;
        auth_tell_secret(attempt, WIRE_PROMPT_PASSWORD, 0, is_good);
        if (is_good)
                return result;
        auth_note_tried(attempt, "the password", NULL);
        attempt->password_is_refused = attempt->password_is_refused || is_known;
        return result;
}

static enum auth_result ask_for_password(struct auth_attempt *attempt)
{
        const struct wire_prompt prompt = { .kind = WIRE_PROMPT_PASSWORD };
        struct secret *answer;

        if (!auth_ask(attempt, &prompt, &answer))
                return AUTH_OVER;
        enum auth_result result = send_password(attempt, answer, false);
        secret_free(answer);
        return result;
}

enum auth_result auth_try_password(struct auth_attempt *attempt)
{
        const struct auth_offer *offer = attempt->offer;
        enum auth_result result = AUTH_REFUSED;

        if (is_kept_from(attempt))
                return AUTH_REFUSED;
        if (offer->password.len > 0 && !attempt->password_is_refused) {
                struct secret *known = secret_new(offer->password.ptr, offer->password.len);
                result = send_password(attempt, known, true);
                secret_free(known);
        }
        for (unsigned i = 0; offer->may_prompt && i < tries(offer) && result == AUTH_REFUSED
                             && attempt->refusals < AUTH_ATTEMPTS_MAX;
             i++)
                result = ask_for_password(attempt);
        return result;
}
