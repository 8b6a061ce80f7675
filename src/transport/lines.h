#pragma once
/*
 * lines.h - a stream of bytes cut into lines, whatever pieces it comes in.
 *
 * A line ends with \n or \r\n, which are no part of it; empty lines are passed over. A line
 * longer than LINES_MAX is dropped while it streams by, reported once, and the next line is read
 * as if nothing had happened. Fed one byte at a time or all at once, the result is the same.
 *
 * Process: supervisor. Pure.
 * Memory:  at most LINES_MAX is kept; a line that lies whole in what was fed is not copied.
 *          Memory that held a line is wiped: it may have carried a password.
 */
#include "base/buf.h"

#include <stdbool.h>

#define LINES_MAX  (16 * 1024 * 1024) /* bytes; a longer line is refused, never kept */
#define LINES_KEEP (64 * 1024)        /* bytes of memory kept from one long line to the next */

enum lines_event {
        LINES_MORE,     /* nothing more in these bytes */
        LINES_LINE,     /* a line; borrowed until the next call */
        LINES_TOO_LONG, /* a line grew beyond LINES_MAX; said once per line */
};

struct lines {
        struct buf begun; /* the beginning of a line whose end has not come */
        bool given;       /* begun was handed out and is to be emptied */
        bool dropping;    /* inside a line that is too long */
};

void lines_init(struct lines *lines);
void lines_fini(struct lines *lines); /* accepts zeroed memory */

/* Takes from the front of *bytes; call it until LINES_MORE. */
enum lines_event lines_next(struct lines *lines, struct str *bytes, struct str *out_line);

/* The stream is over: its last line counts without a newline. LINES_MORE: there is none. */
enum lines_event lines_end(struct lines *lines, struct str *out_line);
