#pragma once
/*
 * excerpt.h - a part of a command's output that fits the reader's room, with lines of ours in
 * [... brackets ...] that say what is missing and which call shows it.
 *
 * Sizes count bytes of UTF-8, so that a limit of n characters is never exceeded.
 *
 * Process: supervisor.
 * Memory:  reads the output in slices; what is written is bounded by max.
 */
#include "base/buf.h"
#include "session/command/output.h"

#include <stdbool.h>

#define EXCERPT_MAX_MIN     10 /* any character fits, so a page is never empty */
#define EXCERPT_MAX_MAX     200000
#define EXCERPT_SPARE       4096 /* bytes that lines of ours may take beyond max */

struct excerpt_spec {
        struct output *output;
        const char *command; /* its name, for the calls we suggest */
        bool is_stderr;
        uint64_t from;       /* first byte wanted; beyond the end: nothing */
        size_t max;          /* bytes */
        bool with_partial;   /* the unfinished last line, too */
};

struct excerpt {
        uint64_t next;  /* where to go on; the partial is no part of it */
        size_t partial; /* bytes of the unfinished line shown at the end */
        bool is_cut;    /* something between from and next is not shown */
};

/* All of it, or its beginning (a third) and its end, cut at line ends. */
void excerpt_middle(struct buf *out, const struct excerpt_spec *spec, struct excerpt *out_excerpt);

/* As much as fits from spec->from on, cut at a line end. */
void excerpt_page(struct buf *out, const struct excerpt_spec *spec, struct excerpt *out_excerpt);

/* The last `lines` lines, the last spec->max bytes of them. */
void excerpt_tail(struct buf *out, const struct excerpt_spec *spec, unsigned lines,
                  struct excerpt *out_excerpt);

/* Appends the bytes from…to; dropped ones become a line that counts them, and it returns false. */
bool excerpt_range(struct buf *out, struct output *output, uint64_t from, uint64_t to);
