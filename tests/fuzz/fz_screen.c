/* A host's output on a screen; the first two bytes say its size and the pieces. */
#include "base/utf8.h"
#include "fuzz.h"
#include "worker/terminal/screen.h"

#include <stdio.h>
#include <string.h>

#define PIECES 2

static void check_row(void *arg, const struct wire_screen_row *row)
{
        int64_t *next = arg;

        fuzz_check(utf8_is_valid(row->text.ptr, row->text.len));
        fuzz_check(row->text.len <= (size_t)4 * WIRE_SCREEN_SIDE_MAX);
        for (size_t i = 0; i < row->text.len; i++)
                fuzz_check((uint8_t)row->text.ptr[i] >= 0x20 && row->text.ptr[i] != 0x7F);
        fuzz_check(*next == INT64_MIN ? row->row <= 0 : row->row == *next);
        *next = row->row + 1;
}

/* One of the four, as often as it likes. */
static void check_answers(struct str answers)
{
        fuzz_check(answers.len <= SCREEN_ANSWERS_MAX);
        while (answers.len > 0) {
                unsigned row;
                unsigned column;
                char end;
                int used = 0;
                char text[SCREEN_ANSWERS_MAX + 1] = "";
                memcpy(text, answers.ptr, answers.len);
                if (strncmp(text, "\x1B[0n", 4) == 0)
                        used = 4;
                else if (strncmp(text, "\x1B[?6c", 5) == 0)
                        used = 5;
                else
                        fuzz_check(sscanf(text, "\x1B[%3u;%3u%c%n", &row, &column, &end, &used) == 3
                                   && end == 'R' && row > 0 && column > 0);
                answers.ptr += used;
                answers.len -= (size_t)used;
        }
}

static void check(struct screen *screen, uint32_t columns, uint32_t rows)
{
        struct wire_screen seen;
        int64_t next = INT64_MIN;

        screen_read(screen, 30, 0, check_row, &next, &seen);
        fuzz_check(next == rows && seen.rows == rows && seen.columns == columns);
        fuzz_check(seen.cursor_x < columns && seen.cursor_y < rows);
        fuzz_check(utf8_is_valid(seen.title.ptr, seen.title.len));
        check_answers(screen_answers(screen));
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len)
{
        if (len < PIECES)
                return 0;
        uint32_t columns = WIRE_SCREEN_COLUMNS_MIN + bytes[0] % 100;
        uint32_t rows = WIRE_SCREEN_ROWS_MIN + bytes[0] % 30;
        size_t step = bytes[1] + (size_t)1;
        struct screen *screen = screen_new(columns, rows, 1);
        struct screen *whole = screen_new(columns, rows, 1);

        screen_feed(whole, bytes + PIECES, len - PIECES);
        for (size_t at = PIECES; at < len; at += step)
                screen_feed(screen, bytes + at, len - at < step ? len - at : step);
        check(whole, columns, rows);
        check(screen, columns, rows);
        fuzz_check(fuzz_same((const uint8_t *)screen_answers(whole).ptr, screen_answers(whole).len,
                             (const uint8_t *)screen_answers(screen).ptr,
                             screen_answers(screen).len));
        if (screen_resize(screen, rows + WIRE_SCREEN_COLUMNS_MIN, columns))
                check(screen, rows + WIRE_SCREEN_COLUMNS_MIN, columns);
        screen_feed(screen, bytes + PIECES, len - PIECES);
        check(screen, rows + WIRE_SCREEN_COLUMNS_MIN, columns);
        screen_free(screen);
        screen_free(whole);
        return 0;
}
