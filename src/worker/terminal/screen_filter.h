#pragma once
/*
 * screen_filter.h - a terminal's output on its way into the emulator: what the emulator does not
 * know or does otherwise than xterm is translated, what must not reach it is left out, and
 * questions to the terminal are noted, never passed on.
 *
 *      CSI s, CSI u              become ESC 7, ESC 8 (save and restore the cursor)
 *      CSI `, a, e, E, F         become the moves that they are short for
 *      CSI 6n, CSI 5n, CSI c, ESC Z  are the four questions that have an answer
 *      CSI r, CSI ? 6 h and l    bring the cursor home, too
 *      what needs the cursor     is an order to the owner, see enum filter_order
 *      any other CSI … n or c, CSI … t, CSI with < = or >, with an intermediate byte but DECSTR
 *                                are left out, as are S7C1T and S8C1T, which would end UTF-8
 *      OSC, DCS, SOS, PM, APC    are left out, but an OSC that is short is told
 *      numbers in a CSI          are cut to FILTER_NUMBER_MAX, but for modes and colours
 *
 * Sources: ECMA-48; xterm's "Control Sequences" (ctlseqs).
 * Fed one byte at a time or all at once, the same comes out.
 *
 * Process: worker. Pure.
 * Memory:  fixed; zeroed memory is a filter at its start.
 */
#include "base/str.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define FILTER_CSI_MAX    64    /* bytes between CSI and its last; a longer sequence is left out */
#define FILTER_NUMBER_MAX 999   /* above any screen's side: keeps one sequence from costing much */
#define FILTER_OSC_MAX    120   /* bytes; a longer one is told as if it were empty */
#define FILTER_STRING_MAX 65536 /* bytes; after as many, what follows is text again */

enum filter_question {
        FILTER_STATUS,   /* CSI 5n (DSR) */
        FILTER_CURSOR,   /* CSI 6n (CPR) */
        FILTER_IDENTITY, /* CSI c (DA), ESC Z (DECID) */
};

enum filter_order {
        FILTER_REPEAT,          /* CSI b (REP): the last character, so often */
        FILTER_REGION_TOP,      /* CSI r (DECSTBM): first row, from 1; passed, too */
        FILTER_REGION_BOTTOM,   /* CSI r: last row, 0: of the screen */
        FILTER_ALTERNATE_ON,    /* CSI ? 1049 h */
        FILTER_ALTERNATE_OFF,   /* CSI ? 1049 l */
        FILTER_ERASE_RIGHT,     /* CSI K (EL) */
        FILTER_INDEX,           /* ESC D (IND) */
        FILTER_REVERSE_INDEX,   /* ESC M (RI) */
        FILTER_NEXT_LINE,       /* ESC E (NEL) */
        FILTER_ALIGNMENT,       /* ESC # 8 (DECALN) */
};

enum filter_state {
        FILTER_GROUND,
        FILTER_ESCAPE,
        FILTER_INTERMEDIATE, /* ESC and a byte 20…2F */
        FILTER_CSI,
        FILTER_STRING,
};

struct filter {
        enum filter_state state;
        char held[FILTER_CSI_MAX]; /* of a sequence that has not ended */
        size_t held_len;
        bool is_too_long;
        bool application_keys; /* DECCKM: cursor keys are ESC O x */
        bool is_osc;           /* the string */
        char string[FILTER_OSC_MAX];
        size_t string_len; /* of all that came */
};

/* In each of them all before it was passed. */
struct filter_sink {
        void (*text)(void *arg, const uint8_t *bytes, size_t len); /* and controls among it */
        void (*pass)(void *arg, const char *bytes, size_t len);    /* a whole sequence */
        void (*ask)(void *arg, enum filter_question question);
        void (*order)(void *arg, enum filter_order order, unsigned number);
        void (*osc)(void *arg, struct str text);
        void *arg;
};

void filter_feed(struct filter *filter, const uint8_t *bytes, size_t len,
                 const struct filter_sink *sink);
