#pragma once
/*
 * auth_private.h - the inside of an authentication, for the four files that are one.
 *
 *      auth.c              the order of the methods, partial success, the error
 *      auth_keys.c         publickey: key files, certificates, the agent
 *      auth_interactive.c  password and keyboard-interactive
 *      auth_prompt.c       asking a person
 *
 * Process: worker.
 */
#include "base/buf.h"
#include "base/secret.h"
#include "wire/message.h"
#include "worker/login/auth.h"

#define AUTH_NEEDS_MAX 200 /* bytes of what a person would have to type */

enum auth_result {
        AUTH_REFUSED, /* this method is used up; another may do */
        AUTH_PARTIAL, /* accepted, and the server wants more */
        AUTH_ACCEPTED,
        AUTH_OVER, /* nothing more can be done; attempt->over may say why */
};

struct auth_attempt {
        ssh_session ssh;
        struct frame_socket *frames;
        const struct auth_offer *offer;
        struct err *over;    /* why nothing more can be done; ERR_NONE: that is not known yet */
        unsigned refusals;   /* what the server has counted against us */
        struct buf tried;    /* for people */
        struct buf accepted; /* base64 keys that it took already, each behind a blank */
        enum wire_advice advice;
        char needs[AUTH_NEEDS_MAX];   /* "" nothing that a person could type */
        char method[AUTH_METHOD_MAX]; /* what succeeded last */
        bool password_is_refused;
        bool interactive_is_stuck; /* a question was left unanswered; libssh would answer it */
};

/* ---- auth.c ---- */

void auth_note_tried(struct auth_attempt *attempt, const char *what, const char *why);
void auth_note_needs(struct auth_attempt *attempt, enum wire_advice advice, const char *what);

/*
 * Judges what libssh said about an attempt that reached the server: counts a refusal, notes what
 * succeeded as "method (detail)", detail may be NULL.
 */
enum auth_result auth_judge(struct auth_attempt *attempt, int rc, const char *method,
                            const char *detail);

/*
 * Is rc no answer yet? libssh comes back each AUTH_PATIENCE_S, and waits on when it is called
 * again: a host may take long, while somebody looks for their telephone. The supervisor has the
 * last word on how long, and is listened to here.
 */
bool auth_is_slow(struct auth_attempt *attempt, int rc);

/* Is there an attempt left for a method that is not the last resort? */
bool auth_has_attempts(const struct auth_attempt *attempt);
bool auth_is_offered(const struct auth_attempt *attempt, int method); /* and wanted by us */

/* ---- the methods ---- */

enum auth_result auth_try_keys(struct auth_attempt *attempt);
enum auth_result auth_try_interactive(struct auth_attempt *attempt);
enum auth_result auth_try_password(struct auth_attempt *attempt);

/* ---- auth_prompt.c ---- */

/* False: nobody answers, or the connection is over; attempt->over says which. */
bool auth_ask(struct auth_attempt *attempt, const struct wire_prompt *prompt,
              struct secret **out_answer);

/* Was WIRE_STOP said, or is the supervisor gone? attempt->over then says so. Does not wait. */
bool auth_is_stopped(struct auth_attempt *attempt);

/* What came of a password or a passphrase, for the supervisor that may keep it. */
void auth_tell_secret(struct auth_attempt *attempt, enum wire_prompt_kind kind, size_t key,
                      bool is_good);
