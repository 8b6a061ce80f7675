/*
 * Plain runs are copied whole; only controls, escapes and overwriting go character by character.
 * The line is kept back until its LF because CR may still change it.
 */
#include "worker/terminal/clean.h"

#include "base/utf8.h"

#include <string.h>

#define REPLACEMENT "\xEF\xBF\xBD" /* U+FFFD */
#define COLUMNS_MAX 1000           /* a cursor never moves further right in one step */

void clean_init(struct clean *clean, enum clean_mode mode)
{
        *clean = (struct clean){ .mode = mode };
        buf_init(&clean->line, CLEAN_LINE_MAX);
}

void clean_fini(struct clean *clean)
{
        buf_fini(&clean->line);
}

struct str clean_partial(const struct clean *clean)
{
        return buf_str(&clean->line);
}

void clean_drop_partial(struct clean *clean)
{
        buf_reset(&clean->line);
        clean->cursor = 0;
        clean->cr_pending = false;
        clean->line_cut = false;
}

/* ---- the line ---- */

static bool line_give_out(struct clean *clean, struct buf *out)
{
        bool ok = buf_append(out, clean->line.data, clean->line.len);

        buf_reset(&clean->line);
        clean->cursor = 0;
        return ok;
}

static bool line_end(struct clean *clean, struct buf *out)
{
        bool ok = line_give_out(clean, out);

        clean->line_cut = false;
        return ok && buf_append_byte(out, '\n');
}

/* Where the character that begins at `at` ends. */
static size_t char_end(const struct buf *line, size_t at)
{
        size_t len;

        (void)utf8_next(line->data + at, line->len - at, &len); /* the line is valid UTF-8 */
        return at + len;
}

static size_t char_before(const struct buf *line, size_t at)
{
        while (at > 0 && (line->data[--at] & 0xC0) == 0x80)
                ;
        return at;
}

static void cursor_back(struct clean *clean, unsigned columns)
{
        while (columns-- > 0 && clean->cursor > 0)
                clean->cursor = char_before(&clean->line, clean->cursor);
}

static void cursor_forward(struct clean *clean, unsigned columns)
{
        for (; columns > 0; columns--) {
                if (clean->cursor < clean->line.len)
                        clean->cursor = char_end(&clean->line, clean->cursor);
                else if (buf_append_byte(&clean->line, ' '))
                        clean->cursor = clean->line.len;
        }
}

static void line_cut_at_cursor(struct clean *clean)
{
        if (clean->line.data == NULL)
                return;
        clean->line.len = clean->cursor;
        clean->line.data[clean->cursor] = 0;
}

/* Takes `columns` characters out at the cursor. */
static void line_delete(struct clean *clean, unsigned columns)
{
        size_t end = clean->cursor;

        while (columns-- > 0 && end < clean->line.len)
                end = char_end(&clean->line, end);
        memmove(clean->line.data + clean->cursor, clean->line.data + end, clean->line.len - end);
        clean->line.len -= end - clean->cursor;
        clean->line.data[clean->line.len] = 0;
}

/* Puts len blanks at the cursor; false when the line is full. */
static bool line_insert_blanks(struct clean *clean, size_t len)
{
        size_t behind = clean->line.len - clean->cursor;

        if (!buf_reserve(&clean->line, len))
                return false;
        memmove(clean->line.data + clean->cursor + len, clean->line.data + clean->cursor, behind);
        memset(clean->line.data + clean->cursor, ' ', len);
        clean->line.len += len;
        clean->line.data[clean->line.len] = 0;
        return true;
}

static void line_blank(struct clean *clean, size_t from, size_t to)
{
        size_t cursor = clean->cursor;

        for (size_t at = from; at < to && at < clean->line.len; at++) {
                size_t end = char_end(&clean->line, at);
                clean->line.data[at] = ' ';
                if (end - at == 1)
                        continue;
                memmove(clean->line.data + at + 1, clean->line.data + end, clean->line.len - end);
                clean->line.len -= end - at - 1;
                clean->line.data[clean->line.len] = 0;
                to -= end - at - 1;
                if (cursor >= end)
                        cursor -= end - at - 1;
        }
        clean->cursor = cursor;
}

/* Bytes that fit the line as it is, or, once it is full and has been given out, an empty one. */
static size_t line_room(const struct clean *clean)
{
        return clean->line.len < CLEAN_LINE_MAX ? CLEAN_LINE_MAX - clean->line.len : CLEAN_LINE_MAX;
}

/* One character, or plain ones up to line_room(), at the end of the line. */
static bool line_append(struct clean *clean, const uint8_t *bytes, size_t len, struct buf *out)
{
        if (len > CLEAN_LINE_MAX - clean->line.len) {
                clean->line_cut = true;
                if (!line_give_out(clean, out))
                        return false;
        }
        bool ok = buf_append(&clean->line, bytes, len);
        clean->cursor = clean->line.len;
        return ok;
}

/* One character at the cursor, over what stands there. */
static bool line_put(struct clean *clean, const uint8_t *bytes, size_t len, struct buf *out)
{
        if (clean->cursor == clean->line.len)
                return line_append(clean, bytes, len, out);

        if (char_end(&clean->line, clean->cursor) - clean->cursor == len) {
                memcpy(clean->line.data + clean->cursor, bytes, len);
        } else {
                line_delete(clean, 1);
                if (!line_insert_blanks(clean, len))
                        return true; /* full: this one character is lost, the line stays bounded */
                memcpy(clean->line.data + clean->cursor, bytes, len);
        }
        clean->cursor += len;
        return true;
}

/* CR that was no line end: back to column 0, or, if that is gone, to a line of its own. */
static bool carriage_return(struct clean *clean, struct buf *out)
{
        clean->cr_pending = false;
        if (clean->line_cut)
                return line_end(clean, out);
        clean->cursor = 0;
        return true;
}

/* ---- escape sequences ---- */

static unsigned csi_number(const struct clean *clean)
{
        unsigned number = 0;

        for (size_t i = 0; i < clean->params_len; i++) {
                if (clean->params[i] < '0' || clean->params[i] > '9')
                        break;
                number = number * 10 + (unsigned)(clean->params[i] - '0');
                if (number > COLUMNS_MAX)
                        return COLUMNS_MAX;
        }
        return number;
}

/* As many of them as the line has room for. */
static void insert_blanks(struct clean *clean, unsigned count)
{
        size_t room = CLEAN_LINE_MAX - clean->line.len;

        (void)line_insert_blanks(clean, count < room ? count : room); /* no memory: none of them */
}

static void erase_in_line(struct clean *clean, unsigned what)
{
        size_t cursor = clean->cursor;

        switch (what) {
        case 0: line_cut_at_cursor(clean); break;
        case 1: line_blank(clean, 0, cursor < clean->line.len ? cursor + 1 : cursor); break;
        case 2:
                line_blank(clean, 0, cursor);
                line_cut_at_cursor(clean);
                break;
        default: break;
        }
}

/* Not if it is private or has an intermediate byte, nor where CR went to a beginning that is gone. */
static bool csi_edits_line(const struct clean *clean)
{
        if (clean->mode == CLEAN_PIPE || clean->cr_pending)
                return false;
        for (size_t i = 0; i < clean->params_len; i++)
                if (clean->params[i] < '0' || clean->params[i] > ';')
                        return false;
        return true;
}

static void csi_run(struct clean *clean, uint8_t final)
{
        unsigned number = csi_number(clean);
        unsigned count = number > 0 ? number : 1;

        if (!csi_edits_line(clean))
                return;
        switch (final) {
        case 'C': cursor_forward(clean, count); break;
        case 'D': cursor_back(clean, count); break;
        case 'G':
                clean->cursor = 0;
                cursor_forward(clean, count - 1);
                break;
        case 'K': erase_in_line(clean, number); break;
        case 'P':
                if (clean->cursor < clean->line.len)
                        line_delete(clean, count);
                break;
        case '@':
                if (clean->cursor < clean->line.len)
                        insert_blanks(clean, count);
                break;
        case 'X': {
                size_t end = clean->cursor;
                while (count-- > 0 && end < clean->line.len)
                        end = char_end(&clean->line, end);
                line_blank(clean, clean->cursor, end);
                break;
        }
        default: break;
        }
}

static void escape_begin(struct clean *clean, uint8_t byte)
{
        clean->params_len = 0;
        clean->string_len = 0;
        if (byte == '[')
                clean->state = CLEAN_CSI;
        else if (byte == ']' || byte == 'P' || byte == 'X' || byte == '^' || byte == '_')
                clean->state = CLEAN_STRING;
        else if (byte >= 0x20 && byte <= 0x2F)
                clean->state = CLEAN_INTERMEDIATE;
        else
                clean->state = byte == 0x1B ? CLEAN_ESCAPE : CLEAN_GROUND;
}

static void csi_take(struct clean *clean, uint8_t byte)
{
        if (byte >= 0x40 && byte <= 0x7E) {
                clean->state = CLEAN_GROUND;
                csi_run(clean, byte);
        } else if (byte >= 0x20 && byte <= 0x3F) {
                if (clean->params_len < CLEAN_PARAMS_MAX)
                        clean->params[clean->params_len++] = (char)byte;
                else if (byte < '0') /* matters wherever it stands */
                        clean->params[CLEAN_PARAMS_MAX - 1] = (char)byte;
        } else {
                clean->state = byte == 0x1B ? CLEAN_ESCAPE : CLEAN_GROUND;
        }
}

static void string_take(struct clean *clean, uint8_t byte)
{
        if (byte == 0x07 || byte == 0x18 || byte == 0x1A || ++clean->string_len > CLEAN_STRING_MAX)
                clean->state = CLEAN_GROUND;
        else if (byte == 0x1B)
                clean->state = CLEAN_STRING_ESCAPE;
}

/*
 * One byte inside an escape sequence; false when the byte is none of it after all: a line end
 * ends any unfinished sequence, and what is not ASCII any but a string, so that a stray ESC
 * cannot swallow output.
 */
static bool escape_take(struct clean *clean, uint8_t byte)
{
        if (byte == '\n' || byte == '\r' || (byte >= 0x80 && clean->state != CLEAN_STRING)) {
                clean->state = CLEAN_GROUND;
                return false;
        }
        switch (clean->state) {
        case CLEAN_GROUND:       return false;
        case CLEAN_ESCAPE:       escape_begin(clean, byte); return true;
        case CLEAN_INTERMEDIATE:
                if (byte < 0x20 || byte > 0x2F)
                        clean->state = byte == 0x1B ? CLEAN_ESCAPE : CLEAN_GROUND;
                return true;
        case CLEAN_CSI:          csi_take(clean, byte); return true;
        case CLEAN_STRING:       string_take(clean, byte); return true;
        case CLEAN_STRING_ESCAPE:
                if (byte == '\\')
                        clean->state = CLEAN_GROUND;
                else
                        escape_begin(clean, byte);
                return true;
        }
        return false;
}

/* ---- characters ---- */

static bool is_plain(uint8_t byte)
{
        return (byte >= 0x20 && byte < 0x7F) || byte == '\t';
}

static bool text_put(struct clean *clean, const uint8_t *bytes, size_t len, struct buf *out)
{
        if (clean->mode == CLEAN_PIPE)
                return buf_append(out, bytes, len);
        if (clean->cr_pending && !carriage_return(clean, out))
                return false;
        return line_put(clean, bytes, len, out);
}

static bool control_take(struct clean *clean, uint8_t byte, struct buf *out)
{
        if (byte == 0x1B) {
                if (clean->cr_pending && !clean->line_cut) { /* if cut: LF may still follow */
                        clean->cr_pending = false;
                        clean->cursor = 0;
                }
                clean->state = CLEAN_ESCAPE;
                return true;
        }
        if (clean->mode == CLEAN_PIPE)
                return byte != '\n' && byte != '\r' ? true : buf_append_byte(out, byte);
        if (byte == '\n') {
                clean->cr_pending = false;
                return line_end(clean, out);
        }
        if (byte == '\r')
                clean->cr_pending = true;
        else if (byte == '\b') {
                if (clean->cr_pending && !carriage_return(clean, out))
                        return false;
                cursor_back(clean, 1);
        }
        return true;
}

/* A byte of 80…FF, or one that ends a split character wrongly. False in *out_used: not this byte. */
static bool multibyte_take(struct clean *clean, uint8_t byte, struct buf *out, bool *out_used)
{
        size_t len;

        clean->split[clean->split_len++] = byte;
        *out_used = true;
        switch (utf8_next(clean->split, clean->split_len, &len)) {
        case UTF8_INCOMPLETE: return true;
        case UTF8_VALID:
                clean->split_len = 0;
                if (len == 2 && clean->split[0] == 0xC2 && clean->split[1] < 0xA0)
                        return true; /* a C1 control */
                return text_put(clean, clean->split, len, out);
        case UTF8_INVALID:
                *out_used = clean->split_len == 1; /* the bytes before it were no character */
                clean->split_len = 0;
                return text_put(clean, (const uint8_t *)REPLACEMENT, 3, out);
        }
        return true;
}

/* As many plain bytes as stand at the start of bytes, at least one. */
static bool plain_take(struct clean *clean, const uint8_t *bytes, size_t len, struct buf *out,
                       size_t *out_used)
{
        size_t run = 1;

        if (clean->mode == CLEAN_TTY && len > line_room(clean))
                len = line_room(clean);
        while (run < len && is_plain(bytes[run]))
                run++;
        *out_used = run;
        if (clean->mode == CLEAN_PIPE)
                return buf_append(out, bytes, run);
        if (clean->cr_pending && !carriage_return(clean, out))
                return false;
        if (clean->cursor == clean->line.len)
                return line_append(clean, bytes, run, out);
        *out_used = 1;
        return line_put(clean, bytes, 1, out);
}

bool clean_feed(struct clean *clean, const uint8_t *bytes, size_t len, struct buf *out)
{
        while (len > 0) {
                size_t used = 1;
                bool ok = true;
                bool taken = true;

                if (clean->split_len > 0 || (bytes[0] >= 0x80 && clean->state == CLEAN_GROUND))
                        ok = multibyte_take(clean, bytes[0], out, &taken);
                else if (clean->state != CLEAN_GROUND)
                        taken = escape_take(clean, bytes[0]);
                else if (is_plain(bytes[0]))
                        ok = plain_take(clean, bytes, len, out, &used);
                else
                        ok = control_take(clean, bytes[0], out);
                if (!ok)
                        return false;
                if (taken) {
                        bytes += used;
                        len -= used;
                }
        }
        return true;
}

bool clean_finish(struct clean *clean, struct buf *out)
{
        bool ok = true;

        if (clean->split_len > 0) {
                clean->split_len = 0;
                ok = text_put(clean, (const uint8_t *)REPLACEMENT, 3, out);
        }
        ok = line_give_out(clean, out) && ok;
        clean->state = CLEAN_GROUND;
        clean->cr_pending = false;
        clean->line_cut = false;
        return ok;
}
