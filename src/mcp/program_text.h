#pragma once
/*
 * program_text.h - what kind of program waits for keys, by the name the host's kernel has for it,
 * and the call that goes on with it or leaves it.
 *
 * Process: supervisor. Pure.
 * Memory:  appended to the caller's buf, as text.h.
 */
#include "session/command/command.h"

enum program_kind {
        PROGRAM_OTHER, /* nothing is known of it */
        PROGRAM_PAGER,
        PROGRAM_EDITOR,
        PROGRAM_REPL, /* takes lines at a prompt of its own */
        PROGRAM_SCREEN,
        PROGRAM_MENU,
};

/* "vim.basic", "python3.11" and "emacs-nox" are vim, python and emacs. */
enum program_kind program_kind_of(const char *name);

/* The line a REPL asks with: the last of its output, as it looks now. */
void program_write_question(struct buf *out, const struct command_info *info);

void program_write_how_to_answer(struct buf *out, const struct command_info *info);
