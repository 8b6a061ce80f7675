#pragma once
/*
 * screen.h - what a session's terminal shows, for callers of the engine.
 *
 * Process: supervisor.
 * Memory:  a screen_info and all in it is borrowed for the call that gets it.
 */
#include "base/err.h"
#include "wire/message.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct screen_row {
        int row;         /* from 0 at the top of the screen; negative in the scrollback */
        bool is_full;    /* its last column is taken: the next row may go on with it */
        bool is_changed; /* since the serial that was given */
        char *text;      /* valid UTF-8 without controls, secrets and trailing blanks */
};

struct screen_info {
        const char *session;       /* "user@host:port" or "user@host:port/shell" */
        struct wire_screen screen; /* size, cursor, flags, why the wait ended; its title is below */
        const char *title;         /* as the program set it, "" none */
        const struct screen_row *rows; /* the scrollback that was wanted, then the whole screen */
        size_t row_count;
};

struct screen_request {
        uint32_t scrollback; /* lines, at most WIRE_SCREEN_BACK_MAX */
        int64_t since;       /* serial of an earlier screen, 0 none */
        uint32_t columns;    /* a new size, see wire_screen_size_is_good(); 0 and 0: as it is */
        uint32_t rows;
        int64_t wait_ms;     /* at most, until it settles; 0: as it is now */
};

/* Called once, in a later turn; either the screen or the error is NULL. */
typedef void screen_done(void *arg, uint64_t ticket, const struct screen_info *info,
                         const struct err *err);
