#pragma once
/*
 * wrapper.h - the one logical line that runs a command and tells when it starts and ends.
 *
 *       command printf '<start mark>';command eval '<command>';{ command printf '<end mark>;%d;%s\a'
 *      $? "${PWD-}";} 2>&- CR
 *
 * Short, because a line editor costs the host 5 us for every byte typed. The marks' ESC is
 * spelled \033 and their nonces are broken by a quote, so that no echo of the line can look like a
 * mark. The braces send the trace of `set -x` nowhere. The
 * command is quoted so that any text is one word, broken into tty lines of at most
 * WRAPPER_LINE_MAX bytes (a canonical tty takes 4,095, busybox's editor 1,024) and spelled in
 * printable ASCII only, because line editors act on everything else.
 *
 * Process: worker. Pure.
 * Errors:  false: out is full; the command is too long.
 */
#include "base/buf.h"
#include "worker/shell/driver.h"
#include "worker/shell/marker.h"
#include "worker/shell/sudo.h"

#define WRAPPER_LINE_MAX 700 /* bytes of a typed line, without its Enter */

struct wrapper {
        const struct driver *driver;
        char start_nonce[MARKER_START_LEN + 1];
        char end_nonce[MARKER_END_LEN + 1];
        int status_before; /* what $? was, put back before the command; -1: leave it */
        bool is_first;     /* first line typed into this shell: takes our lines out of its history */
        struct str command;
        const struct sudo *sudo; /* NULL: not elevated. Else the line's middle is, see sudo.h:
                                    command sudo -p '<prompt>' -- <shell> -c '…' <shell> '<command>' */
};

bool wrapper_write(struct buf *out, const struct wrapper *wrapper);

/*
 * Asks the shell at its prompt which one it is, where nobody else can tell: it prints an end mark
 * with status 0 and "bash", "zsh", "ksh" or "" in place of the cwd.
 */
bool wrapper_write_name_question(struct buf *out, const char *end_nonce);

/*
 * Only the last part, for a shell that is known to be at its prompt and has thrown the rest of
 * our line away (Ctrl-C, a fatal expansion error): makes it print the end mark with its $?.
 */
bool wrapper_write_end_only(struct buf *out, const struct wrapper *wrapper);
