#include "wire/message.h"

#include <string.h>

bool wire_screen_size_is_good(uint32_t columns, uint32_t rows)
{
        return columns >= WIRE_SCREEN_COLUMNS_MIN && columns <= WIRE_SCREEN_SIDE_MAX
            && rows >= WIRE_SCREEN_ROWS_MIN && rows <= WIRE_SCREEN_SIDE_MAX
            && columns * rows <= WIRE_SCREEN_CELLS_MAX;
}

bool wire_parse_screen_size(const char *text, uint32_t *out_columns, uint32_t *out_rows)
{
        const char *x = strchr(text, 'x');
        long long columns;
        long long rows;

        if (x == NULL || !str_number((struct str){ text, (size_t)(x - text) }, &columns)
            || !str_number(str_of(x + 1), &rows) || columns < 0 || columns > WIRE_SCREEN_SIDE_MAX
            || rows < 0 || rows > WIRE_SCREEN_SIDE_MAX
            || !wire_screen_size_is_good((uint32_t)columns, (uint32_t)rows))
                return false;
        *out_columns = (uint32_t)columns;
        *out_rows = (uint32_t)rows;
        return true;
}

bool wire_write_screen_read(struct buf *out, uint64_t shell, const struct wire_screen_read *read)
{
        struct wire_writer writer = wire_begin(out, WIRE_SCREEN_READ, shell);

        wire_put_i64(&writer, (int64_t)read->ticket);
        wire_put_u32(&writer, read->scrollback);
        wire_put_i64(&writer, read->since);
        wire_put_u32(&writer, read->columns);
        wire_put_u32(&writer, read->rows);
        wire_put_u32(&writer, read->limit_ms);
        wire_put_u32(&writer, read->quiet_ms);
        return wire_end(&writer);
}

bool wire_read_screen_read(const struct frame *frame, struct wire_screen_read *out_read)
{
        struct wire_reader reader = wire_read(frame);
        struct wire_screen_read read = { .ticket = (uint64_t)wire_get_i64(&reader) };

        read.scrollback = wire_get_u32(&reader);
        read.since = wire_get_i64(&reader);
        read.columns = wire_get_u32(&reader);
        read.rows = wire_get_u32(&reader);
        read.limit_ms = wire_get_u32(&reader);
        read.quiet_ms = wire_get_u32(&reader);
        bool has_size = read.columns != 0 || read.rows != 0;
        if (!wire_read_done(&reader) || read.scrollback > WIRE_SCREEN_BACK_MAX
            || (has_size && !wire_screen_size_is_good(read.columns, read.rows)))
                return false;
        *out_read = read;
        return true;
}

bool wire_write_screen_row(struct buf *out, uint64_t ticket, const struct wire_screen_row *row)
{
        struct wire_writer writer = wire_begin(out, WIRE_SCREEN_ROW, ticket);

        wire_put_i64(&writer, row->row);
        wire_put_u32(&writer, row->is_full);
        wire_put_u32(&writer, row->is_changed);
        wire_put_bytes(&writer, row->text.ptr, row->text.len);
        return wire_end(&writer);
}

bool wire_read_screen_row(const struct frame *frame, struct wire_screen_row *out_row)
{
        struct wire_reader reader = wire_read(frame);
        struct wire_screen_row row = { .row = wire_get_i64(&reader) };

        row.is_full = wire_get_u32(&reader);
        row.is_changed = wire_get_u32(&reader);
        row.text = wire_get_bytes(&reader);
        if (!wire_read_done(&reader) || row.is_full > 1 || row.is_changed > 1)
                return false;
        *out_row = row;
        return true;
}

bool wire_write_screen(struct buf *out, uint64_t ticket, const struct wire_screen *screen)
{
        struct wire_writer writer = wire_begin(out, WIRE_SCREEN, ticket);

        wire_put_u32(&writer, screen->columns);
        wire_put_u32(&writer, screen->rows);
        wire_put_u32(&writer, screen->cursor_x);
        wire_put_u32(&writer, screen->cursor_y);
        wire_put_u32(&writer, screen->flags);
        wire_put_u32(&writer, screen->end);
        wire_put_i64(&writer, screen->serial);
        wire_put_bytes(&writer, screen->title.ptr, screen->title.len);
        return wire_end(&writer);
}

bool wire_read_screen(const struct frame *frame, struct wire_screen *out_screen)
{
        struct wire_reader reader = wire_read(frame);
        struct wire_screen screen = { .columns = wire_get_u32(&reader) };

        screen.rows = wire_get_u32(&reader);
        screen.cursor_x = wire_get_u32(&reader);
        screen.cursor_y = wire_get_u32(&reader);
        screen.flags = wire_get_u32(&reader);
        uint32_t end = wire_get_u32(&reader);
        screen.serial = wire_get_i64(&reader);
        screen.title = wire_get_bytes(&reader);
        bool has_emulator = screen.columns != 0;
        if (!wire_read_done(&reader) || end >= WIRE_SCREEN_ENDS || screen.serial < 0
            || screen.title.len > WIRE_SCREEN_TITLE_MAX
            || (has_emulator && !wire_screen_size_is_good(screen.columns, screen.rows))
            || (has_emulator
                && (screen.cursor_x >= screen.columns || screen.cursor_y >= screen.rows)))
                return false;
        screen.end = (enum wire_screen_end)end;
        *out_screen = screen;
        return true;
}
