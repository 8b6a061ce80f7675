#pragma once
/*
 * screen_state.h - what a screen is made of, for screen.c (bytes in) and screen_read.c (cells
 * out): the two files that know libtsm.
 *
 * Process: worker.
 * Memory:  fixed, but for libtsm's own; see screen.h.
 */
#include "base/buf.h"
#include "worker/terminal/glyphs.h"
#include "worker/terminal/screen.h"
#include "worker/terminal/screen_filter.h"

#include <libtsm.h>

struct mark { /* of a row, as it was read last */
        uint64_t digest;
        int64_t serial; /* when it changed last */
};

struct screen {
        struct tsm_screen *tsm;
        struct tsm_vte *vte;
        uint32_t columns, rows;
        struct filter filter;
        struct glyphs glyphs;
        uint32_t last;                      /* in front of the cursor; 0: not known */
        uint32_t region_top, region_bottom; /* rows, from 0; the whole screen: no region */
        uint32_t main_x, main_y;            /* the cursor when the alternate screen was entered */
        bool was_alternate;
        char answers[SCREEN_ANSWERS_MAX];
        size_t answers_len;
        char title[WIRE_SCREEN_TITLE_MAX];
        int64_t serial;
        struct mark marks[WIRE_SCREEN_SIDE_MAX];
        struct buf line; /* of a row that is being read */
};

uint32_t screen_cursor_x(const struct screen *screen);
uint32_t screen_cursor_y(const struct screen *screen);
