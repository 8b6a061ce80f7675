#pragma once
/*
 * clean.h - what a host printed, as the text a reader would see: valid UTF-8, no controls.
 *
 * CLEAN_TTY, for a terminal's output: escape sequences go, CR LF becomes LF, and within the
 * current line CR, backspace and the cursor and erase sequences of line editing (ECMA-48 CUB,
 * CUF, CHA, EL, DCH, ICH, ECH) are carried out, so that a progress bar leaves its last state.
 * CLEAN_PIPE, for output that no terminal saw: escape sequences and controls go; CR, LF and tab
 * stay where they are.
 * Both: invalid UTF-8 becomes U+FFFD, also when a character was split between two feeds.
 *
 * Fed one byte at a time or all at once, the text is the same.
 *
 * Process: worker. Pure.
 * Memory:  clean_fini() frees; accepts zeroed memory. The current line is at most CLEAN_LINE_MAX;
 *          of a longer one the beginning is final and can no longer be overwritten.
 * Errors:  false: out is full, nothing more can be taken.
 */
#include "base/buf.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define CLEAN_LINE_MAX   (16 * 1024) /* bytes */
#define CLEAN_STRING_MAX (4 * 1024)  /* bytes of an OSC, DCS…; a longer one ends there */
#define CLEAN_PARAMS_MAX 16          /* bytes of a CSI's parameters that are looked at */

enum clean_mode { CLEAN_TTY, CLEAN_PIPE };

enum clean_state {
        CLEAN_GROUND,
        CLEAN_ESCAPE,       /* ESC seen */
        CLEAN_INTERMEDIATE, /* ESC and a byte 20…2F: one final byte is to come */
        CLEAN_CSI,
        CLEAN_STRING,       /* OSC, DCS, SOS, PM, APC */
        CLEAN_STRING_ESCAPE /* ESC inside such a string: '\' ends it */
};

struct clean {
        enum clean_mode mode;
        enum clean_state state;
        struct buf line;       /* TTY: the unfinished line */
        size_t cursor;         /* byte in line where the next character goes */
        bool cr_pending;       /* CR seen: a line end if LF follows, else back to column 0 */
        bool line_cut;         /* the line's beginning was given out already */
        uint8_t split[4];      /* first bytes of a character whose rest is to come */
        size_t split_len;
        size_t string_len;
        char params[CLEAN_PARAMS_MAX];
        size_t params_len;
};

void clean_init(struct clean *clean, enum clean_mode mode);
void clean_fini(struct clean *clean);

/* Appends what is final now to out. */
bool clean_feed(struct clean *clean, const uint8_t *bytes, size_t len, struct buf *out);

/* The end: appends the unfinished line too, and is as new afterwards. */
bool clean_finish(struct clean *clean, struct buf *out);

/* Forgets the unfinished line. */
void clean_drop_partial(struct clean *clean);

/* The unfinished line; borrowed until the next call. Always empty in CLEAN_PIPE. */
struct str clean_partial(const struct clean *clean);
