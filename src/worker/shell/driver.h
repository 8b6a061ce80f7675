#pragma once
/*
 * driver.h - what differs from shell to shell in the line we type: one row each.
 *
 * Process: worker. Pure.
 */
#include "base/str.h"

#include <stdbool.h>

/* How a command with tabs, newlines or bytes beyond ASCII is written in one typed line. */
enum driver_quoting {
        DRIVER_QUOTE_PRINTF, /* "$(printf '…\012…')": works everywhere, costs a fork */
        DRIVER_QUOTE_ANSI_C, /* $'…\012…' */
        DRIVER_QUOTE_FISH,   /* '…'\X0a'…', in one line however long */
        DRIVER_QUOTE_CSH,    /* '…\⏎…', and "`printf '\011'`" for the rest: a fork for each run of it */
};

/* What the shell's language calls things. */
enum driver_language {
        DRIVER_POSIX,
        DRIVER_FISH, /* fish(1) */
        DRIVER_CSH,  /* csh(1), tcsh(1) */
};

struct driver {
        const char *name;     /* of the program, as the kernel tells it */
        enum driver_language language;
        const char *eval;     /* runs a string in the shell itself and survives its syntax errors */
        const char *print;    /* begins a print of escapes by the shell's own means, whatever
                                 functions and aliases say; up to and with the opening quote */
        const char *print_end;/* ends one that prints ";<$?>;<cwd>" and BEL as well */
        enum driver_quoting quoting;
        bool prompts_raw;     /* at its prompt a line editor has the terminal in raw mode */
        bool may_redirect;    /* false: rbash refuses 2>/dev/null, fish and csh know no such braces */
        bool drops_line;      /* an error of a command takes the rest of our line with it, and at its
                                 prompt it reads whole lines */
        int signal_base;      /* $? of a command killed by signal n is this + n */
        const char *limits;   /* what is not exact in it, for people; NULL: all is */
};

/* By program name ("bash", "-zsh", "/bin/ksh93"); NULL when we have no driver for such a shell. */
const struct driver *driver_find(struct str program);

/* As driver_find(), for one at its prompt: a csh that edits its lines is a tcsh. */
const struct driver *driver_find_at_prompt(struct str program, bool is_canonical);

/* True for names of shells, with or without a driver ("nu", "elvish"). */
bool driver_is_shell(struct str program);

/* What we type when nobody could tell which shell it is: POSIX. */
const struct driver *driver_fallback(void);

/* $? as POSIX shells give it: 128 + n for a signal, 0…255 otherwise. */
int driver_status(const struct driver *driver, long long status);
