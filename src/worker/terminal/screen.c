/*
 * The emulator gets what the filter passes. What it does otherwise than a terminal should is done
 * here with what it can do: a repeated character, lines that would scroll a region from outside,
 * a wide character at the margin, the cursor of the alternate screen.
 */
#include "worker/terminal/screen_state.h"

#include "base/alloc.h"
#include "base/utf8.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define LINE_MAX_BYTES (WIRE_SCREEN_SIDE_MAX * 4) /* what the wire takes of a row */

/* What libtsm would write to the host: its answers are not ours. */
static void drop_written(struct tsm_vte *vte, const char *bytes, size_t len, void *arg)
{
        (void)vte;
        (void)bytes;
        (void)len;
        (void)arg;
}

static void limit_scrollback(struct screen *screen)
{
        uint32_t lines = SCREEN_BACK_CELLS / screen->columns;

        tsm_screen_set_max_sb(screen->tsm,
                              lines < WIRE_SCREEN_BACK_MAX ? lines : WIRE_SCREEN_BACK_MAX);
}

static void forget_region(struct screen *screen)
{
        screen->region_top = 0;
        screen->region_bottom = screen->rows - 1;
}

struct screen *screen_new(uint32_t columns, uint32_t rows, int64_t first_serial)
{
        struct screen *screen = xcalloc(1, sizeof *screen);

        screen->columns = columns;
        screen->rows = rows;
        screen->serial = first_serial;
        buf_init(&screen->line, LINE_MAX_BYTES);
        if (tsm_screen_new(&screen->tsm, NULL, NULL) != 0
            || tsm_screen_resize(screen->tsm, columns, rows) != 0
            || tsm_vte_new(&screen->vte, screen->tsm, drop_written, screen, NULL, NULL) != 0) {
                screen_free(screen);
                return NULL;
        }
        forget_region(screen);
        limit_scrollback(screen);
        return screen;
}

void screen_free(struct screen *screen)
{
        if (screen == NULL)
                return;
        tsm_vte_unref(screen->vte); /* all three accept NULL */
        tsm_screen_clear_sb(screen->tsm); /* which unref() forgets */
        tsm_screen_unref(screen->tsm);
        buf_fini(&screen->line);
        free(screen);
}

bool screen_resize(struct screen *screen, uint32_t columns, uint32_t rows)
{
        if (tsm_screen_resize(screen->tsm, columns, rows) != 0)
                return false;
        screen->columns = columns;
        screen->rows = rows;
        screen->last = 0;
        forget_region(screen); /* so does the emulator */
        limit_scrollback(screen);
        memset(screen->marks, 0, sizeof screen->marks); /* every row counts as changed */
        return true;
}

/* ---- bytes in ---- */

uint32_t screen_cursor_x(const struct screen *screen)
{
        uint32_t x = tsm_screen_get_cursor_x(screen->tsm);

        return x < screen->columns ? x : screen->columns - 1; /* beyond: a new line is due */
}

uint32_t screen_cursor_y(const struct screen *screen)
{
        uint32_t y = tsm_screen_get_cursor_y(screen->tsm);

        return y < screen->rows ? y : screen->rows - 1;
}

static bool is_line_due(const struct screen *screen)
{
        return tsm_screen_get_cursor_x(screen->tsm) >= screen->columns;
}

static bool has_flag(const struct screen *screen, unsigned flag)
{
        return (tsm_screen_get_flags(screen->tsm) & flag) != 0;
}

static void input(struct screen *screen, const char *bytes, size_t len)
{
        tsm_vte_input(screen->vte, bytes, len);
}

static void move_to_column(struct screen *screen, uint32_t x)
{
        char text[24];
        int len = snprintf(text, sizeof text, "\x1B[%uG", x + 1);

        input(screen, text, (size_t)len);
}

/* ---- text ---- */

static void put_character(struct screen *screen, uint32_t character, unsigned width)
{
        char text[8];
        size_t len = tsm_ucs4_to_utf8(character, text);

        if (width > 1 && screen_cursor_x(screen) == screen->columns - 1 && !is_line_due(screen)) {
                if (!has_flag(screen, TSM_SCREEN_AUTO_WRAP))
                        return;
                input(screen, " ", 1); /* no room for both halves: on the next line */
        }
        input(screen, text, len);
        screen->last = character;
}

/* The marked character takes the place of the one in front of the cursor. */
static void put_mark(struct screen *screen, uint32_t mark)
{
        unsigned width = screen->last != 0 ? (unsigned)tsm_ucs4_get_width(screen->last) : 0;
        uint32_t x = tsm_screen_get_cursor_x(screen->tsm);

        if (width == 0 || width > x || has_flag(screen, TSM_SCREEN_INSERT_MODE))
                return;
        uint32_t marked = glyphs_combine(&screen->glyphs, screen->last, mark, width > 1);
        if (marked == 0)
                return;
        move_to_column(screen, x - width);
        put_character(screen, marked, width);
}

static void take_character(struct screen *screen, uint32_t character)
{
        unsigned width = (unsigned)tsm_ucs4_get_width(character);

        if (glyphs_is_invisible(character))
                return;
        if (width > 0)
                put_character(screen, character, width);
        else
                put_mark(screen, character);
}

static bool has_region(const struct screen *screen)
{
        return screen->region_top > 0 || screen->region_bottom < screen->rows - 1;
}

/* The emulator would scroll the region, although the cursor is below it. */
static bool is_stuck_below(const struct screen *screen)
{
        uint32_t y = screen_cursor_y(screen);

        return y == screen->rows - 1 && y > screen->region_bottom;
}

static bool is_stuck_above(const struct screen *screen)
{
        return screen_cursor_y(screen) == 0 && screen->region_top > 0;
}

static bool is_line_feed(uint8_t byte)
{
        return byte >= '\n' && byte <= '\f'; /* LF, VT, FF */
}

static void take_ascii_in_region(struct screen *screen, const uint8_t *bytes, size_t len)
{
        for (size_t i = 0; i < len; i++) {
                bool may_scroll = is_line_feed(bytes[i]) || is_line_due(screen);
                if (!may_scroll || !is_stuck_below(screen))
                        input(screen, (const char *)&bytes[i], 1);
        }
}

static void take_ascii(struct screen *screen, const uint8_t *bytes, size_t len)
{
        uint8_t last = bytes[len - 1];

        if (has_region(screen))
                take_ascii_in_region(screen, bytes, len);
        else
                input(screen, (const char *)bytes, len);
        screen->last = last >= 0x20 && last < 0x7F ? last : 0;
}

static void text(void *arg, const uint8_t *bytes, size_t len)
{
        struct screen *screen = arg;
        struct glyphs_piece piece;

        while (glyphs_next(&screen->glyphs, &bytes, &len, &piece)) {
                if (piece.ascii != NULL)
                        take_ascii(screen, piece.ascii, piece.len);
                else
                        take_character(screen, piece.character);
        }
}

/* ---- sequences ---- */

static void end_text(struct screen *screen)
{
        if (glyphs_drop_part(&screen->glyphs))
                take_character(screen, 0xFFFD);
}

static void pass(void *arg, const char *bytes, size_t len)
{
        struct screen *screen = arg;

        end_text(screen);
        input(screen, bytes, len);
        if (bytes[len - 1] != 'm')
                screen->last = 0;
}

/* To the end of the line, as the rest of a line has no more to repeat. */
static void repeat(struct screen *screen, uint32_t character, unsigned times)
{
        unsigned width = character != 0 ? (unsigned)tsm_ucs4_get_width(character) : 0;

        if (times == 0)
                times = 1;
        while (times-- > 0 && width > 0 && !is_line_due(screen)
               && screen_cursor_x(screen) + width <= screen->columns)
                put_character(screen, character, width);
}

static void set_region_bottom(struct screen *screen, unsigned bottom)
{
        bool is_inside = bottom > 0 && bottom <= screen->rows;

        screen->region_bottom = is_inside ? bottom - 1 : screen->rows - 1;
        if (screen->region_top >= screen->region_bottom)
                forget_region(screen);
}

/* Each screen has a cursor of its own; the emulator keeps one for this and for ESC 7. */
static void switch_screen(struct screen *screen, bool to_alternate)
{
        bool is_alternate = screen_is_alternate(screen);
        char back[32];

        if (to_alternate && !is_alternate) {
                screen->main_x = screen_cursor_x(screen);
                screen->main_y = screen_cursor_y(screen);
                screen->was_alternate = true;
                input(screen, "\x1B[?47h\x1B[2J", 10);
        } else if (!to_alternate && screen->was_alternate) {
                int len = snprintf(back, sizeof back, "\x1B[?47l\x1B[%u;%uH", screen->main_y + 1,
                                   screen->main_x + 1);
                input(screen, back, (size_t)len);
        }
}

static void fill_with_e(struct screen *screen)
{
        char line[WIRE_SCREEN_SIDE_MAX];

        memset(line, 'E', sizeof line);
        forget_region(screen);
        input(screen, "\x1B[r", 3);
        for (uint32_t y = 0; y < screen->rows; y++) {
                char place[16];
                int len = snprintf(place, sizeof place, "\x1B[%uH", y + 1);
                input(screen, place, (size_t)len);
                input(screen, line, screen->columns);
        }
        input(screen, "\x1B[H", 3);
}

static void order(void *arg, enum filter_order order, unsigned number)
{
        struct screen *screen = arg;

        end_text(screen);
        uint32_t last = screen->last;
        screen->last = 0;
        switch (order) {
        case FILTER_REPEAT:        repeat(screen, last, number); break;
        case FILTER_REGION_TOP:    screen->region_top = number > 0 ? number - 1 : 0; break;
        case FILTER_REGION_BOTTOM: set_region_bottom(screen, number); break;
        case FILTER_ALTERNATE_ON:  switch_screen(screen, true); break;
        case FILTER_ALTERNATE_OFF: switch_screen(screen, false); break;
        case FILTER_ERASE_RIGHT:
                if (!is_line_due(screen)) /* or the last character, that stays, would go */
                        input(screen, "\x1B[K", 3);
                break;
        case FILTER_NEXT_LINE:
                if (is_stuck_below(screen))
                        input(screen, "\r", 1);
                else
                        input(screen, "\x1B" "E", 2);
                break;
        case FILTER_INDEX:
                if (!is_stuck_below(screen))
                        input(screen, "\x1B" "D", 2);
                break;
        case FILTER_REVERSE_INDEX:
                if (!is_stuck_above(screen))
                        input(screen, "\x1B" "M", 2);
                break;
        case FILTER_ALIGNMENT: fill_with_e(screen); break;
        }
}

/* "0;title" and "2;title" (xterm). */
static void osc(void *arg, struct str text)
{
        struct screen *screen = arg;

        if (text.len < 2 || (text.ptr[0] != '0' && text.ptr[0] != '2') || text.ptr[1] != ';')
                return;
        bool is_text = utf8_is_valid(text.ptr, text.len) && memchr(text.ptr, 0, text.len) == NULL;
        (void)snprintf(screen->title, sizeof screen->title, "%.*s",
                       is_text ? (int)(text.len - 2) : 0, text.ptr + 2);
}

static void ask(void *arg, enum filter_question question)
{
        struct screen *screen = arg;
        char answer[32] = "";
        int len = 0;

        end_text(screen);
        switch (question) {
        case FILTER_STATUS: len = snprintf(answer, sizeof answer, "\x1B[0n"); break;
        case FILTER_CURSOR:
                len = snprintf(answer, sizeof answer, "\x1B[%u;%uR", screen_cursor_y(screen) + 1,
                               screen_cursor_x(screen) + 1);
                break;
        case FILTER_IDENTITY: len = snprintf(answer, sizeof answer, "\x1B[?6c"); break; /* VT102 */
        }
        if ((size_t)len > sizeof screen->answers - screen->answers_len)
                return; /* see SCREEN_ANSWERS_MAX */
        memcpy(screen->answers + screen->answers_len, answer, (size_t)len);
        screen->answers_len += (size_t)len;
}

void screen_feed(struct screen *screen, const void *bytes, size_t len)
{
        const struct filter_sink sink = { text, pass, ask, order, osc, screen };
        const uint8_t *at = bytes;

        while (len > 0) {
                size_t piece = len < SCREEN_FEED_MAX ? len : SCREEN_FEED_MAX;
                filter_feed(&screen->filter, at, piece, &sink);
                at += piece;
                len -= piece;
        }
}

struct str screen_answers(const struct screen *screen)
{
        return (struct str){ screen->answers, screen->answers_len };
}

void screen_drop_answers(struct screen *screen)
{
        screen->answers_len = 0;
}

bool screen_has_application_keys(const struct screen *screen)
{
        return screen->filter.application_keys;
}

bool screen_is_alternate(const struct screen *screen)
{
        return has_flag(screen, TSM_SCREEN_ALTERNATE);
}
