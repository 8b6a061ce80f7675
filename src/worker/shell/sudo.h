#pragma once
/*
 * sudo.h - one elevated command: its sudo's prompt, which is ours and nobody else's, and when the
 * password may be typed.
 *
 * sudo is given a prompt with a nonce (sudo(8), -p). Two things take the place of trust: where the
 * nonce stands in what was printed (sudo_feed), and what the host's kernel says about who reads the
 * terminal (sudo_doubt). The password is typed once at most and forgotten as soon as the command
 * runs, or cannot be helped, or has ended. The command itself tells that it runs (the mark), so
 * that nothing it prints can be taken for sudo's.
 *
 * Process: worker. Pure.
 * Memory:  sudo_free() wipes and frees; accepts NULL. Texts are borrowed until then.
 */
#include "base/buf.h"
#include "base/secret.h"
#include "wire/message.h"
#include "worker/shell/facts.h"

#include <stdbool.h>
#include <stddef.h>

#define SUDO_NONCE_LEN  22  /* 132 bits */
#define SUDO_PROMPT_MAX 80  /* bytes with the NUL */
#define SUDO_OUT_MAX    (4 * 1024 * 1024) /* bytes; what one read may become, and more */
#define SUDO_TRIES_MAX  8  /* answers of the kernel that prove nothing, until it is given up */
#define SUDO_RETRY_MS   60 /* between two of them: a prompt that stands is a matter of milliseconds */
#define SUDO_ECHO_MAX   4096 /* bytes of stars (pwfeedback) left out behind the prompt */

enum sudo_step {
        SUDO_BEGINS,   /* nothing was typed */
        SUDO_TYPED,    /* the password was; what comes of it is not known */
        SUDO_HELPLESS, /* it is not typed (any more): sudo_question() says why */
        SUDO_REFUSED,  /* sudo asked again after it was typed */
        SUDO_RUNS,     /* the command has started; not to be seen where the sudo is the command's own */
};

struct sudo {
        enum sudo_step step;
        size_t own_at; /* as in struct wire_sudo */
        struct secret *password; /* NULL: none, or it was used up */
        char *whom;
        char *why_none;
        char *question; /* NULL: nothing to say */
        char nonce[SUDO_NONCE_LEN + 1];
        char prompt[SUDO_PROMPT_MAX];
        char mark[SUDO_PROMPT_MAX];
        char held[SUDO_PROMPT_MAX]; /* the start of a prompt or a mark, perhaps */
        size_t held_len;
        size_t echo_left;    /* bytes behind the typed prompt that may still be its echo */
        unsigned prompts;    /* seen so far */
        bool at_prompt;      /* the prompt is the last that was printed */
        bool is_full_screen; /* the program has taken the alternate screen (ESC[?1049h) */
        unsigned screen_seen; /* how much of that sequence the last bytes matched */
        unsigned tries;      /* answers of the kernel that did not prove it */
        struct buf out;      /* of sudo_feed() */
};

struct sudo *sudo_new(const struct wire_sudo *asked);
void sudo_free(struct sudo *sudo);

/* A password that came later; false: it is of no use any more. */
bool sudo_take_password(struct sudo *sudo, struct str password);

/* ---- the command line ---- */

/*
 * As sudo_write_start() begins it, the whole command follows as one shell word. The prompt is
 * broken by quotes, so that no echo of the line looks like it. shell: that runs the command;
 * is_piped: the password is to come on standard input, the mark goes to standard error.
 */
bool sudo_write_start(struct buf *out, const struct sudo *sudo, const char *shell, bool is_piped);

/* A text with a sudo of its own, which gets our prompt. */
bool sudo_write_own(struct buf *out, const struct sudo *sudo, struct str text, bool is_piped);

/* ---- what is printed ---- */

/*
 * The output without prompt, mark and the prompt's echo; borrowed until the next call. What may
 * yet become one of them is kept back: sudo_release() gives it out.
 */
struct str sudo_feed(struct sudo *sudo, struct str bytes);
struct str sudo_release(struct sudo *sudo);

/* ---- the proof ---- */

/*
 * NULL: the kernel shows that the sudo of this very prompt reads the terminal: alone in front, the
 * child of the shell that got our line, as root, with our prompt in its arguments, echo off, and
 * without a child of its own, so that no command of it runs yet. Else why not, for people.
 */
const char *sudo_doubt(const struct sudo *sudo, const struct facts *facts, long long shell_pid);

/* The same of an exec channel without a terminal: sudo is all that the channel's command is. */
const char *sudo_doubt_piped(const struct sudo *sudo, const struct facts *facts);

/* ---- moves ---- */

void sudo_set_typed(struct sudo *sudo);
void sudo_set_refused(struct sudo *sudo);
void sudo_give_up(struct sudo *sudo, const char *why); /* NULL: there is no password */

/* What the command waits for, for people; "" nothing to say. */
struct str sudo_question(const struct sudo *sudo);

/*
 * How an elevated command ended that may never have run: true: *end is made to say so, and the
 * text is borrowed from sudo.
 */
bool sudo_judge_end(struct sudo *sudo, bool is_piped, struct wire_end *end);
