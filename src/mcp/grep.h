#pragma once
/*
 * grep.h - the lines of a command's output that hold a text, with lines around them, numbered.
 *
 * Lines are shown as `grep -nb -C` does: "line:offset:text" for a match, "line-offset-text"
 * around it, "--" between groups. Of a line longer than GREP_LINE_MAX the part with the match is
 * shown, and its offset.
 *
 * Process: supervisor.
 * Memory:  the output is read in slices, whatever its size; shown is what fits.
 */
#include "base/buf.h"
#include "session/command/output.h"

#include <stdbool.h>

#define GREP_LINE_MAX   500 /* bytes of a line that are shown */
#define GREP_NEEDLE_MAX 1000 /* bytes that can be looked for */
#define GREP_CONTEXT_MAX 20 /* lines */

struct grep_spec {
        struct output *output;
        struct str needle; /* not empty, no newline in it, at most GREP_NEEDLE_MAX */
        uint64_t from;     /* lines that match before it are passed over */
        unsigned context;  /* lines before and after */
        size_t max;        /* bytes to write */
};

struct grep_result {
        uint64_t matches; /* lines, from spec->from on */
        uint64_t shown;   /* how many of them were written */
        uint64_t lines;   /* in the whole output; less what was dropped */
        uint64_t next;    /* offset of the first match not shown; 0: all are */
        bool has_gap;     /* bytes were dropped: line numbers after them are too small */
};

void grep_write(struct buf *out, const struct grep_spec *spec, struct grep_result *out_result);
