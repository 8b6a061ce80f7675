#pragma once
/*
 * glyphs.h - plain text on its way into the emulator, taken apart: runs of ASCII, and single
 * characters where more than one byte is one. Bytes that are no UTF-8 are U+FFFD, one for each
 * that xterm would show.
 *
 * The emulator keeps one code point per cell. A character with marks on it (é in two code points,
 * Thai, Devanagari) is therefore given a number of its own as long as it is on a screen: a code
 * point that Unicode uses for nothing, of the same width. A host that sends such a one itself gets
 * U+FFFD.
 *
 * Fed one byte at a time or all at once, the same comes out.
 *
 * Process: worker. Pure.
 * Memory:  fixed; zeroed memory is one at its start.
 */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define GLYPHS_MARKED_MAX 1024 /* different ones of a terminal; further marks are lost */
#define GLYPHS_MARKS_MAX  3    /* on one character; further ones are lost */
#define GLYPHS_TEXT_MAX   (4 * (GLYPHS_MARKS_MAX + 1)) /* bytes of one marked character */

struct glyphs_marked {
        uint32_t characters[GLYPHS_MARKS_MAX + 1]; /* the marked one, its marks; 0 ends them */
};

struct glyphs {
        uint8_t part[4]; /* of a character whose end has not come */
        uint8_t part_len;
        uint32_t marked_count;
        struct glyphs_marked marked[GLYPHS_MARKED_MAX];
};

struct glyphs_piece {
        const uint8_t *ascii; /* NULL: a character */
        size_t len;
        uint32_t character;
};

/* The next piece of the text; false when it is used up, but for the part that is kept. */
bool glyphs_next(struct glyphs *glyphs, const uint8_t **bytes, size_t *len,
                 struct glyphs_piece *out_piece);

/* What was kept has no end: true, if anything was. */
bool glyphs_drop_part(struct glyphs *glyphs);

/* Controls, and what shows nothing and could hide something: of no use on a screen. */
bool glyphs_is_invisible(uint32_t character);

/* What stands for `character`, which may stand for a marked one, with the mark on it; 0: nothing. */
uint32_t glyphs_combine(struct glyphs *glyphs, uint32_t character, uint32_t mark, bool is_wide);

/* What a code point stands for; NULL: for itself. Borrowed until the next glyphs_combine(). */
const struct glyphs_marked *glyphs_find(const struct glyphs *glyphs, uint32_t character);
