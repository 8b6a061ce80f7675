#pragma once
/*
 * screen_filter.h - a terminal's output on its way into the emulator: what the emulator does not
 * know is translated, what must not reach it is left out, and questions to the terminal are
 * noted, never passed on.
 *
 *      CSI s, CSI u              become ESC 7, ESC 8 (save and restore the cursor)
 *      CSI 6n, CSI 5n, CSI c, ESC Z  are the four questions that have an answer
 *      any other CSI … n or c, CSI … t, CSI with < = or >   are left out, as are S7C1T, S8C1T and
 *                                DECSCL, which would end UTF-8
 *      numbers in a CSI          are cut to FILTER_NUMBER_MAX, but for modes and colours
 *
 * Sources: ECMA-48; xterm's "Control Sequences" (ctlseqs).
 * Fed one byte at a time or all at once, the same comes out.
 *
 * Process: worker. Pure.
 * Memory:  fixed; zeroed memory is a filter at its start.
 */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define FILTER_CSI_MAX    64  /* bytes between CSI and its last; a longer sequence is left out */
#define FILTER_NUMBER_MAX 999 /* above any screen's side: keeps one sequence from costing much */

enum filter_question {
        FILTER_STATUS,   /* CSI 5n (DSR) */
        FILTER_CURSOR,   /* CSI 6n (CPR) */
        FILTER_IDENTITY, /* CSI c (DA), ESC Z (DECID) */
};

enum filter_state {
        FILTER_GROUND,
        FILTER_ESCAPE,
        FILTER_INTERMEDIATE, /* ESC and a byte 20…2F */
        FILTER_CSI,
};

struct filter {
        enum filter_state state;
        char held[FILTER_CSI_MAX]; /* of a sequence that has not ended */
        size_t held_len;
        bool is_too_long;
        bool application_keys; /* DECCKM: cursor keys are ESC O x */
};

struct filter_sink {
        void (*pass)(void *arg, const char *bytes, size_t len);
        void (*ask)(void *arg, enum filter_question question); /* all before it was passed */
        void *arg;
};

void filter_feed(struct filter *filter, const uint8_t *bytes, size_t len,
                 const struct filter_sink *sink);
