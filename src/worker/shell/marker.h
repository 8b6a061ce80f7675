#pragma once
/*
 * marker.h - finds our marks in a terminal's output and tells them from everything else.
 *
 * A mark is an OSC string (ECMA-48 8.3.89) that our wrapper line makes the shell print:
 *      ESC ] 7723 ; S ; <nonce of 11>                     BEL   the command starts
 *      ESC ] 7723 ; E ; <nonce of 22> ; <status> ; <cwd>  BEL   it has ended
 * The nonces are letters, digits, '_' and '-', 6 bits each, new for each command. Whether a nonce
 * is one of ours is the caller's to say; the bytes of a mark that is not are handed out as text.
 *
 * Fed one byte at a time or all at once, the result is the same.
 *
 * Process: worker. Pure.
 * Memory:  fixed. What an event points to is good until the next call.
 */
#include "base/str.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define MARKER_START_LEN 11 /* of a start mark's nonce: 66 bits */
#define MARKER_END_LEN   22 /* of an end mark's: 132 bits; a forged one would be believed */
#define MARKER_OSC       "7723"
#define MARKER_MAX       (4096 + 128) /* bytes; PATH_MAX and the rest. A longer mark is text */

enum marker_event_kind {
        MARKER_MORE,  /* all bytes are used up */
        MARKER_TEXT,  /* bytes are output */
        MARKER_START,
        MARKER_END,   /* number is $?, rest the cwd */
};

struct marker_event {
        enum marker_event_kind kind;
        struct str bytes; /* TEXT: the output. A mark: its bytes, should it turn out not to be ours */
        struct str nonce;
        long long number;
        struct str rest;
};

struct marker {
        char held[MARKER_MAX]; /* what may become a mark */
        size_t held_len;
};

void marker_init(struct marker *marker);

/* Uses some of *bytes, advancing both, and tells what it found; MARKER_MORE when nothing is left. */
struct marker_event marker_next(struct marker *marker, const uint8_t **bytes, size_t *len);
