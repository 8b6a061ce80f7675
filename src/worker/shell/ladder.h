#pragma once
/*
 * ladder.h - how a command is stopped, step by step: Ctrl-C, TERM, KILL, and a last look.
 *
 * Ctrl-C is typed, so it reaches whatever the terminal's modes let it reach. If the command is
 * still there LADDER_PAUSE_MS later, the side channel (probe.h) signals the foreground process
 * group of the terminal, but never one with a shell that the command runs in. A command that
 * ends takes its ladder with it; only one that does not is told about.
 *
 * Process: worker. Pure: time is given.
 * Memory:  fixed.
 * Source:  tcgetpgrp(3), proc_pid_stat(5) field 8, kill(2).
 */
#include "base/str.h"
#include "wire/message.h"

#include <stdbool.h>
#include <stdint.h>

#define LADDER_PAUSE_MS      2000 /* after Ctrl-C and after TERM: time to clean up */
#define LADDER_KILL_PAUSE_MS 500  /* after KILL, which nobody can put off */
#define LADDER_KILLS_MAX     3    /* each may bring another program to the front; then it is given up */
#define LADDER_NAME_MAX      24   /* bytes with the NUL */

enum ladder_step {
        LADDER_WAIT, /* nothing is due */
        LADDER_TERM, /* signal the foreground group; then ladder_answered() */
        LADDER_KILL, /* the same */
        LADDER_LOOK, /* see what is there, without a signal; then ladder_answered() */
        LADDER_OVER, /* it is given up: outcome says what is known. Once */
};

/* What the side channel says of one step. */
enum ladder_answer_kind {
        LADDER_NO_ANSWER, /* or none that can be read */
        LADDER_SENT,      /* pid is one that got it; of a look: one that is there */
        LADDER_SHELL,     /* a shell that must not be signalled is in front */
        LADDER_DENIED,    /* all that is there is another user's */
        LADDER_NOBODY,    /* nothing is in front, or it has just changed */
};

struct ladder_answer {
        enum ladder_answer_kind kind;
        long long pid; /* 0 unknown */
        char name[LADDER_NAME_MAX];
};

struct ladder {
        bool is_up;       /* between ladder_begin() and its end */
        bool is_asked;    /* an answer is awaited */
        bool has_ended;   /* LADDER_OVER was not given yet */
        unsigned rung;    /* of what was sent last: 0 Ctrl-C, 1 TERM, then KILLs, then the look */
        int64_t since_ms; /* when that was */
        enum wire_stopping outcome;
        struct ladder_answer last;
};

void ladder_begin(struct ladder *ladder, int64_t now_ms); /* Ctrl-C has been sent */

/* can_signal: there is a side channel, and what is in front is to be seen on it. */
enum ladder_step ladder_due(struct ladder *ladder, bool can_signal, int64_t now_ms);
int64_t ladder_due_ms(const struct ladder *ladder); /* INT64_MAX: nothing will be due */

void ladder_asked(struct ladder *ladder);
void ladder_answered(struct ladder *ladder, const struct ladder_answer *answer, int64_t now_ms);

/* The side channel's line: "k sent|shell|denied|none PID NAME…". Anything else is no answer. */
struct ladder_answer ladder_read_answer(struct str lines);
