#pragma once
/*
 * screen.h - a terminal's emulator: bytes in, cells out.
 *
 * Questions to the terminal (DSR 5 and 6, DA, DECID) get their answer here, but nobody is told:
 * it lies in screen_answers() until the owner, who knows whether a program reads raw input, takes
 * or drops it. Whatever else the emulator would write back is dropped at once.
 *
 * Process: worker.
 * Memory:  screen_free() frees; accepts NULL. Bounded: at most WIRE_SCREEN_CELLS_MAX cells twice,
 *          and SCREEN_BACK_CELLS in the scrollback. Marks on characters: see glyphs.h.
 * Errors:  no memory: screen_new() returns NULL, screen_resize() false.
 */
#include "base/str.h"
#include "wire/message.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define SCREEN_FEED_MAX    4096   /* bytes handed to the emulator at once */
#define SCREEN_BACK_CELLS  200000 /* of scrollback, so fewer lines where they are long */
#define SCREEN_ANSWERS_MAX 128    /* bytes that wait; the questions after that get no answer */

struct screen;

/* The serials of its changes start at first_serial, > 0. */
struct screen *screen_new(uint32_t columns, uint32_t rows, int64_t first_serial);
void screen_free(struct screen *screen);

bool screen_resize(struct screen *screen, uint32_t columns, uint32_t rows);
void screen_feed(struct screen *screen, const void *bytes, size_t len);

/* What waits to be written to the host; borrowed until the next call. */
struct str screen_answers(const struct screen *screen);
void screen_drop_answers(struct screen *screen);

bool screen_has_application_keys(const struct screen *screen); /* DECCKM */
bool screen_is_alternate(const struct screen *screen);

/*
 * Visits the last lines of the scrollback, at most so many, and then the rows of the screen, as
 * they are on the wire. Takes note of what has changed: *out_screen has the new serial. Its title
 * is borrowed until the next call; `end` and WIRE_SCREEN_PROMPT are the caller's to set.
 */
typedef void screen_visit(void *arg, const struct wire_screen_row *row);
void screen_read(struct screen *screen, uint32_t scrollback, int64_t since, screen_visit *visit,
                 void *arg, struct wire_screen *out_screen);
