/*
 * libtsm tells neither how many lines its scrollback has nor when one is added. How far a step up
 * the scrollback went is seen by a selection of one cell, which is drawn inversely: it marks the
 * line that was at the top before.
 */
#include "worker/terminal/screen.h"

#include "base/alloc.h"
#include "base/buf.h"
#include "base/utf8.h"
#include "worker/terminal/screen_filter.h"

#include <libtsm.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define CELL_TEXT_MAX 4   /* bytes; a cell holds one character */
#define TITLE_WHOLE   120 /* bytes; libtsm cuts at 127, and half a secret is not recognised */

struct mark { /* of a row, as it was read last */
        uint64_t digest;
        int64_t serial; /* when it changed last */
};

struct screen {
        struct tsm_screen *tsm;
        struct tsm_vte *vte;
        uint32_t columns, rows;
        struct filter filter;
        char answers[SCREEN_ANSWERS_MAX];
        size_t answers_len;
        char title[WIRE_SCREEN_TITLE_MAX];
        int64_t serial;
        struct mark marks[WIRE_SCREEN_SIDE_MAX];
        struct buf line; /* of a row that is being read */
};

/* What libtsm would write to the host: its answers are not ours. */
static void drop_written(struct tsm_vte *vte, const char *bytes, size_t len, void *arg)
{
        (void)vte;
        (void)bytes;
        (void)len;
        (void)arg;
}

/* "0;title" and "2;title" (xterm). */
static void on_osc(struct tsm_vte *vte, const char *text, size_t len, void *arg)
{
        struct screen *screen = arg;

        (void)vte;
        if (len < 2 || (text[0] != '0' && text[0] != '2') || text[1] != ';')
                return;
        bool is_whole = len < TITLE_WHOLE && utf8_is_valid(text, len);
        (void)snprintf(screen->title, sizeof screen->title, "%s", is_whole ? text + 2 : "");
}

static void limit_scrollback(struct screen *screen)
{
        uint32_t lines = SCREEN_BACK_CELLS / screen->columns;

        tsm_screen_set_max_sb(screen->tsm,
                              lines < WIRE_SCREEN_BACK_MAX ? lines : WIRE_SCREEN_BACK_MAX);
}

struct screen *screen_new(uint32_t columns, uint32_t rows, int64_t first_serial)
{
        struct screen *screen = xcalloc(1, sizeof *screen);

        screen->columns = columns;
        screen->rows = rows;
        screen->serial = first_serial;
        buf_init(&screen->line, WIRE_SCREEN_SIDE_MAX * CELL_TEXT_MAX);
        if (tsm_screen_new(&screen->tsm, NULL, NULL) != 0
            || tsm_screen_resize(screen->tsm, columns, rows) != 0
            || tsm_vte_new(&screen->vte, screen->tsm, drop_written, screen, NULL, NULL) != 0) {
                screen_free(screen);
                return NULL;
        }
        tsm_vte_set_osc_cb(screen->vte, on_osc, screen);
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
        limit_scrollback(screen);
        memset(screen->marks, 0, sizeof screen->marks); /* every row counts as changed */
        return true;
}

/* ---- bytes in ---- */

static uint32_t cursor_x(const struct screen *screen)
{
        uint32_t x = tsm_screen_get_cursor_x(screen->tsm);

        return x < screen->columns ? x : screen->columns - 1; /* beyond: a new line is due */
}

static uint32_t cursor_y(const struct screen *screen)
{
        uint32_t y = tsm_screen_get_cursor_y(screen->tsm);

        return y < screen->rows ? y : screen->rows - 1;
}

static void pass(void *arg, const char *bytes, size_t len)
{
        const struct screen *screen = arg;

        tsm_vte_input(screen->vte, bytes, len);
}

static void ask(void *arg, enum filter_question question)
{
        struct screen *screen = arg;
        char answer[32] = "";
        int len = 0;

        switch (question) {
        case FILTER_STATUS: len = snprintf(answer, sizeof answer, "\x1B[0n"); break;
        case FILTER_CURSOR:
                len = snprintf(answer, sizeof answer, "\x1B[%u;%uR", cursor_y(screen) + 1,
                               cursor_x(screen) + 1);
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
        const struct filter_sink sink = { pass, ask, screen };
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
        return (tsm_screen_get_flags(screen->tsm) & TSM_SCREEN_ALTERNATE) != 0;
}

/* ---- cells out ---- */

struct column {
        uint8_t inverse[WIRE_SCREEN_SIDE_MAX]; /* of the first cell of each row */
};

/* NOLINTNEXTLINE(readability-function-size): libtsm asks for so many parameters */
static int look_at_first(struct tsm_screen *tsm, uint64_t id, const uint32_t *characters,
                         size_t len, unsigned width, unsigned x, unsigned y,
                         const struct tsm_screen_attr *attr, tsm_age_t age, void *arg)
{
        struct column *column = arg;

        (void)tsm, (void)id, (void)characters, (void)len, (void)width, (void)age;
        if (x == 0 && y < WIRE_SCREEN_SIDE_MAX)
                column->inverse[y] = attr->inverse;
        return 0;
}

/* Goes up by so many lines, fewer than there are rows; how many it really went. */
static uint32_t go_up(struct screen *screen, uint32_t lines)
{
        struct column plain;
        struct column marked;
        uint32_t row = 0;

        tsm_screen_selection_start(screen->tsm, 0, 0);
        tsm_screen_sb_up(screen->tsm, lines);
        (void)tsm_screen_draw(screen->tsm, look_at_first, &marked);
        tsm_screen_selection_reset(screen->tsm);
        (void)tsm_screen_draw(screen->tsm, look_at_first, &plain);
        while (row < lines && plain.inverse[row] == marked.inverse[row])
                row++;
        return row;
}

/* So many lines, or all there are; the view is at the bottom before and after. */
static uint32_t count_scrollback(struct screen *screen, uint32_t wanted)
{
        uint32_t found = 0;

        while (found < wanted) {
                uint32_t left = wanted - found;
                uint32_t step = left < screen->rows - 1 ? left : screen->rows - 1;
                uint32_t went = go_up(screen, step);
                found += went;
                if (went < step)
                        break;
        }
        tsm_screen_sb_reset(screen->tsm);
        return found;
}

struct reading {
        struct screen *screen;
        int64_t first;    /* the number of the view's first row */
        uint32_t rows;    /* of the view that are wanted */
        uint32_t y;       /* the row in `line`; rows: none */
        size_t text_end;  /* in line: behind the last character that is no blank */
        bool is_full;
        int64_t since;
        int64_t next_serial;
        bool has_change;
        screen_visit *visit;
        void *arg;
};

static uint64_t digest_of(struct str text)
{
        uint64_t digest = 0xCBF29CE484222325u; /* FNV-1a */

        for (size_t i = 0; i < text.len; i++)
                digest = (digest ^ (uint8_t)text.ptr[i]) * 0x100000001B3u;
        return digest | 1; /* never that of a row not read yet */
}

static bool take_change(struct reading *reading, int64_t row, struct str text)
{
        if (row < 0)
                return true;
        struct mark *mark = &reading->screen->marks[row];
        uint64_t digest = digest_of(text);
        if (mark->digest != digest) {
                *mark = (struct mark){ digest, reading->next_serial };
                reading->has_change = true;
        }
        return mark->serial > reading->since;
}

static void end_row(struct reading *reading)
{
        if (reading->y >= reading->rows)
                return;
        struct wire_screen_row row = {
                .row = reading->first + reading->y,
                .is_full = reading->is_full,
                .text = { (const char *)reading->screen->line.data, reading->text_end },
        };
        row.is_changed = take_change(reading, row.row, row.text);
        reading->visit(reading->arg, &row);
}

static void begin_row(struct reading *reading, uint32_t y)
{
        reading->y = y;
        reading->text_end = 0;
        reading->is_full = false;
        buf_reset(&reading->screen->line);
}

static bool is_shown(uint32_t character)
{
        return character > ' ' && (character < 0x7F || character > 0x9F);
}

/* NOLINTNEXTLINE(readability-function-size): libtsm asks for so many parameters */
static int take_cell(struct tsm_screen *tsm, uint64_t id, const uint32_t *characters, size_t len,
                     unsigned width, unsigned x, unsigned y, const struct tsm_screen_attr *attr,
                     tsm_age_t age, void *arg)
{
        struct reading *reading = arg;
        struct buf *line = &reading->screen->line;
        char text[2 * CELL_TEXT_MAX];
        size_t text_len = 0;

        (void)tsm, (void)id, (void)attr, (void)age;
        if (y != reading->y) {
                end_row(reading);
                begin_row(reading, y);
        }
        if (y >= reading->rows)
                return 0;
        if (len > 0 && is_shown(characters[0]))
                text_len = tsm_ucs4_to_utf8(characters[0], text);
        bool is_text = text_len > 0 && text_len <= CELL_TEXT_MAX && utf8_is_valid(text, text_len);
        if (x + 1 >= reading->screen->columns && (is_text || width == 0))
                reading->is_full = true;
        if (width == 0)
                return 0; /* the second half of a wide character */
        (void)buf_append(line, is_text ? text : " ", is_text ? text_len : 1); /* has room */
        if (is_text)
                reading->text_end = line->len;
        return 0;
}

static void read_view(struct reading *reading, int64_t first, uint32_t rows)
{
        reading->first = first;
        reading->rows = rows;
        reading->y = UINT32_MAX;
        (void)tsm_screen_draw(reading->screen->tsm, take_cell, reading);
        end_row(reading);
}

static void read_scrollback(struct reading *reading, uint32_t lines)
{
        struct screen *screen = reading->screen;

        tsm_screen_sb_up(screen->tsm, lines);
        for (uint32_t left = lines; left > 0;) {
                uint32_t piece = left < screen->rows ? left : screen->rows;
                read_view(reading, -(int64_t)left, piece);
                tsm_screen_sb_down(screen->tsm, piece);
                left -= piece;
        }
        tsm_screen_sb_reset(screen->tsm);
}

void screen_read(struct screen *screen, uint32_t scrollback, int64_t since, screen_visit *visit,
                 void *arg, struct wire_screen *out_screen)
{
        bool is_alternate = screen_is_alternate(screen);
        struct reading reading = {
                .screen = screen,
                .since = since <= screen->serial ? since : 0, /* not one of ours */
                .next_serial = screen->serial + 1,
                .visit = visit,
                .arg = arg,
        };

        (void)buf_reserve(&screen->line, 1); /* so that no text is "", not NULL */
        if (scrollback > 0 && !is_alternate)
                read_scrollback(&reading, count_scrollback(screen, scrollback));
        read_view(&reading, 0, screen->rows);
        if (reading.has_change)
                screen->serial = reading.next_serial;
        bool is_hidden = (tsm_screen_get_flags(screen->tsm) & TSM_SCREEN_HIDE_CURSOR) != 0;
        *out_screen = (struct wire_screen){
                .columns = screen->columns,
                .rows = screen->rows,
                .cursor_x = cursor_x(screen),
                .cursor_y = cursor_y(screen),
                .flags = (is_alternate ? WIRE_SCREEN_ALTERNATE : 0)
                       | (is_hidden ? WIRE_SCREEN_HIDDEN : 0),
                .serial = screen->serial,
                .title = str_of(screen->title),
        };
}
