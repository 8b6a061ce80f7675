#pragma once
/*
 * terminal.h - asks a person in the terminal, without echo where the answer is a secret.
 *
 * Process: a subcommand.
 * Memory:  terminal_close() accepts zeroed memory that terminal_open() could not fill.
 * Errors:  ERR_INPUT: there is no terminal. A signal that ends programs restores the terminal
 *          first and is then delivered as usual.
 */
#include "base/err.h"
#include "base/secret.h"

#define TERMINAL_ANSWER_MAX 1024 /* bytes; a longer line is refused */

struct terminal {
        int in;
        int out;
        bool is_terminal; /* echo can be switched */
};

/* use_stdin: lines of standard input, for programs; questions go to standard error. */
bool terminal_open(struct terminal *terminal, bool use_stdin, struct err *err);
void terminal_close(struct terminal *terminal);

void terminal_write(const struct terminal *terminal, const char *text);

/*
 * Shows the question and waits for a line. other_fd: a socket that ends the wait when it has
 * something to say. False: the line ended without one (end of file, other_fd spoke, too long);
 * *err says which, ERR_STATE for other_fd.
 */
bool terminal_ask(const struct terminal *terminal, const char *question, bool is_echoed,
                  int other_fd, struct secret **out_answer, struct err *err);
