/*
 * Shows what our emulator makes of a terminal's output, for tests/system/test_recordings.py.
 *
 *      screen-dump COLUMNS ROWS CUT... < bytes
 *
 * At each cut, a number of bytes from the beginning and none before the last one: a line
 * "cursor COLUMN ROW ALTERNATE" and the rows of the screen, without the blanks at their ends.
 */
#include "base/alloc.h"
#include "worker/terminal/screen.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#define BYTES_MAX ((size_t)1024 * 1024)

static void print_row(void *arg, const struct wire_screen_row *row)
{
        (void)arg;
        printf("%.*s\n", (int)row->text.len, row->text.ptr);
}

/* The rows come before the cursor is known, and it is to be printed first. */
static void skip_row(void *arg, const struct wire_screen_row *row)
{
        (void)arg;
        (void)row;
}

static void dump(struct screen *screen)
{
        struct wire_screen seen;

        screen_read(screen, 0, 0, skip_row, NULL, &seen);
        printf("cursor %" PRIu32 " %" PRIu32 " %d\n", seen.cursor_x, seen.cursor_y,
               (seen.flags & WIRE_SCREEN_ALTERNATE) != 0);
        screen_read(screen, 0, 0, print_row, NULL, &seen);
}

int main(int argc, char **argv)
{
        if (argc < 4) {
                fprintf(stderr, "usage: screen-dump COLUMNS ROWS CUT... < bytes\n");
                return 2;
        }
        struct screen *screen = screen_new((uint32_t)strtoul(argv[1], NULL, 10),
                                           (uint32_t)strtoul(argv[2], NULL, 10), 1);
        char *bytes = xcalloc(1, BYTES_MAX);
        size_t len = fread(bytes, 1, BYTES_MAX, stdin);
        size_t at = 0;

        if (screen == NULL || ferror(stdin))
                return 1;
        for (int i = 3; i < argc; i++) {
                size_t cut = strtoul(argv[i], NULL, 10);
                if (cut < at || cut > len) {
                        fprintf(stderr, "screen-dump: no cut at %zu\n", cut);
                        return 1;
                }
                screen_feed(screen, bytes + at, cut - at);
                at = cut;
                dump(screen);
        }
        screen_free(screen);
        free(bytes);
        return 0;
}
