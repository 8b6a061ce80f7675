/*
 * libtsm tells neither how many lines its scrollback has nor when one is added. How far a step up
 * the scrollback went is seen by a selection of one cell, which is drawn inversely: it marks the
 * line that was at the top before.
 */
#include "worker/terminal/screen_state.h"

#include "base/utf8.h"

#include <string.h>

#define CELL_TEXT_MAX 4 /* bytes of a character */

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

/* The character's bytes; 0: a blank. With its marks, where the rest of the row has room then. */
static size_t write_cell(const struct reading *reading, uint32_t character, unsigned x,
                         char text[GLYPHS_TEXT_MAX])
{
        const struct screen *screen = reading->screen;
        const struct glyphs_marked *marked = glyphs_find(&screen->glyphs, character);
        size_t behind = (size_t)CELL_TEXT_MAX * (screen->columns - x - 1);
        size_t room = screen->line.max - screen->line.len - behind;
        size_t len = 0;

        for (size_t i = 0; i <= GLYPHS_MARKS_MAX; i++) {
                char one[2 * CELL_TEXT_MAX];
                uint32_t next = marked != NULL ? marked->characters[i] : i == 0 ? character : 0;
                size_t next_len = is_shown(next) ? tsm_ucs4_to_utf8(next, one) : 0;
                if (next_len == 0 || !utf8_is_valid(one, next_len) || len + next_len > room)
                        break;
                memcpy(text + len, one, next_len);
                len += next_len;
        }
        return len;
}

/* NOLINTNEXTLINE(readability-function-size): libtsm asks for so many parameters */
static int take_cell(struct tsm_screen *tsm, uint64_t id, const uint32_t *characters, size_t len,
                     unsigned width, unsigned x, unsigned y, const struct tsm_screen_attr *attr,
                     tsm_age_t age, void *arg)
{
        struct reading *reading = arg;
        struct buf *line = &reading->screen->line;
        char text[GLYPHS_TEXT_MAX];

        (void)tsm, (void)id, (void)attr, (void)age;
        if (y != reading->y) {
                end_row(reading);
                begin_row(reading, y);
        }
        if (y >= reading->rows)
                return 0;
        size_t text_len = len > 0 ? write_cell(reading, characters[0], x, text) : 0;
        if (x + 1 >= reading->screen->columns && (text_len > 0 || width == 0))
                reading->is_full = true;
        if (width == 0)
                return 0; /* the second half of a wide character */
        bool is_blank = text_len == 0;
        (void)buf_append(line, is_blank ? " " : text, is_blank ? 1 : text_len); /* has room */
        if (text_len > 0)
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
                .cursor_x = screen_cursor_x(screen),
                .cursor_y = screen_cursor_y(screen),
                .flags = (is_alternate ? WIRE_SCREEN_ALTERNATE : 0)
                       | (is_hidden ? WIRE_SCREEN_HIDDEN : 0),
                .serial = screen->serial,
                .title = str_of(screen->title),
        };
}
