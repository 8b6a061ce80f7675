#pragma once
/*
 * quoting.h - a command's text as an argument of the shell's eval, in typed lines.
 *
 * Spelled in printable ASCII only, because line editors act on everything else, and broken into
 * lines of about QUOTING_LINE_MAX bytes (a canonical tty takes 4,095, busybox's editor 1,024). fish,
 * whose editor takes any length, gets one line. csh cannot break a word between two lines, so there
 * the text is broken at blanks, which eval puts back.
 *
 * Process: worker. Pure.
 * Errors:  false: out is full; or, csh only, the text has a piece without a blank that is longer
 *          than QUOTING_CSH_WORD_MAX when it is spelled: its limit for a word is 1,024.
 */
#include "base/buf.h"
#include "worker/shell/driver.h"

#define QUOTING_LINE_MAX     700 /* bytes of a typed line, without its Enter */
#define QUOTING_CSH_WORD_MAX 960 /* bytes */

/*
 * Appends the text. line_start: where in out the typed line began. status_before: what $? has to
 * be when the text is looked at, where only the quoted text itself can see to it; <= 0: nothing.
 */
bool quoting_write(struct buf *out, const struct driver *driver, struct str text,
                   int status_before, size_t line_start);
