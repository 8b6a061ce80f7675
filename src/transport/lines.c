#include "transport/lines.h"

#include "base/secret.h"

#include <string.h>

void lines_init(struct lines *lines)
{
        *lines = (struct lines){ 0 };
        buf_init(&lines->begun, LINES_MAX);
}

static void forget(struct lines *lines)
{
        lines->given = false;
        if (lines->begun.data == NULL)
                return;
        secret_wipe(lines->begun.data, lines->begun.len);
        if (lines->begun.cap > LINES_KEEP)
                buf_fini(&lines->begun);
        else
                buf_reset(&lines->begun);
}

void lines_fini(struct lines *lines)
{
        forget(lines);
        buf_fini(&lines->begun);
}

static struct str without_cr(struct str line)
{
        if (line.len > 0 && line.ptr[line.len - 1] == '\r')
                line.len--;
        return line;
}

static struct str cut(struct str *bytes, size_t len)
{
        struct str piece = { bytes->ptr, len };

        bytes->ptr += len;
        bytes->len -= len;
        return piece;
}

/* The rest of a line that begun in an earlier piece, or the whole of one; false: too long. */
static bool complete(struct lines *lines, struct str piece, struct str *out_line)
{
        if (lines->begun.len == 0) {
                *out_line = without_cr(piece);
                return piece.len <= LINES_MAX;
        }
        if (!buf_append(&lines->begun, piece.ptr, piece.len))
                return false;
        lines->given = true;
        *out_line = without_cr(buf_str(&lines->begun));
        return true;
}

enum lines_event lines_next(struct lines *lines, struct str *bytes, struct str *out_line)
{
        if (lines->given)
                forget(lines);
        while (bytes->len > 0) {
                const char *end = memchr(bytes->ptr, '\n', bytes->len);
                size_t len = end != NULL ? (size_t)(end - bytes->ptr) : bytes->len;
                struct str piece = cut(bytes, len);

                if (end != NULL)
                        (void)cut(bytes, 1);
                if (lines->dropping) {
                        lines->dropping = end == NULL;
                        continue;
                }
                if (end == NULL && buf_append(&lines->begun, piece.ptr, piece.len))
                        return LINES_MORE;
                if (end == NULL || !complete(lines, piece, out_line)) {
                        lines->dropping = end == NULL;
                        forget(lines);
                        return LINES_TOO_LONG;
                }
                if (out_line->len > 0)
                        return LINES_LINE;
                forget(lines);
        }
        return LINES_MORE;
}

enum lines_event lines_end(struct lines *lines, struct str *out_line)
{
        if (lines->given)
                forget(lines);
        *out_line = without_cr(buf_str(&lines->begun));
        lines->given = true;
        return out_line->len > 0 ? LINES_LINE : LINES_MORE;
}
