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
 * command is quoted (quoting.h) so that any text is one argument of eval.
 *
 * Process: worker. Pure.
 * Errors:  false: out is full, or the command cannot be typed into this shell (quoting.h).
 */
#include "base/buf.h"
#include "worker/shell/driver.h"
#include "worker/shell/marker.h"
#include "worker/shell/sudo.h"

struct wrapper {
        const struct driver *driver;
        char start_nonce[MARKER_START_LEN + 1];
        char end_nonce[MARKER_END_LEN + 1];
        int status_before; /* what $? was, put back before the command; -1: leave it */
        bool is_first;     /* first line typed into this shell: takes our lines out of its history */
        struct str command;
        const struct sudo *sudo; /* NULL: not elevated. Else the line's middle is, see sudo.h */
};

bool wrapper_write(struct buf *out, const struct wrapper *wrapper);

/*
 * Asks the shell at its prompt which one it is, where nobody else can tell: an sh prints an end mark
 * with status 0 and its parent's name ("bash", "-zsh", "/bin/ksh"; "" it cannot say) in place of the
 * cwd. All shells that there is a driver for read this line the same way.
 */
bool wrapper_write_name_question(struct buf *out, const char *end_nonce);

/*
 * Only the last part, for a shell that is known to be at its prompt and has thrown the rest of
 * our line away (Ctrl-C, a fatal expansion error): makes it print the end mark with its $?.
 */
bool wrapper_write_end_only(struct buf *out, const struct wrapper *wrapper);
