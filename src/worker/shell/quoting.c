#include "worker/shell/quoting.h"

#include <string.h>

/*
 * Bytes of one printf's format, about: where printf is a program, Linux takes 128 KiB in an
 * argument, and a longer one would leave nothing for eval to run.
 */
#define PRINTF_FORMAT_MAX (64 * 1024)

/* csh: from this length of a word on, the next blank is where the line is broken. */
#define CSH_WORD_GOAL 500

static bool is_printable(unsigned char c)
{
        return c >= 0x20 && c < 0x7F;
}

static bool is_all_printable(struct str text)
{
        for (size_t i = 0; i < text.len; i++)
                if (!is_printable((unsigned char)text.ptr[i]))
                        return false;
        return true;
}

static bool is_option(struct str text) /* eval and printf would think so */
{
        return text.len > 0 && text.ptr[0] == '-';
}

static void spell_octal(unsigned char c, char out[5])
{
        out[0] = '\\';
        out[1] = (char)('0' + (c >> 6));
        out[2] = (char)('0' + (c >> 3 & 7));
        out[3] = (char)('0' + (c & 7));
        out[4] = 0;
}

/* ---- POSIX shells ---- */

/* What stands around the pieces of a quoted word. */
struct quoting {
        const char *open;  /* of a piece */
        const char *close;
        bool octal;        /* pieces spell bytes as \ooo and quote inside themselves */
        bool percent;      /* pieces are a printf format: % is doubled */
};

static const struct quoting quote_plain = { "'", "'", false, false };
static const struct quoting quote_ansi_c = { "$'", "'", true, false };
static const struct quoting quote_printf = { "'", "'", true, true };

/* How one byte is written inside a piece; at most 4 bytes and a NUL. */
static void spell(const struct quoting *quoting, unsigned char c, char out[5])
{
        if (!quoting->octal)
                memcpy(out, c == '\'' ? "'\\''" : (char[]){ (char)c, 0 }, c == '\'' ? 5 : 2);
        /* '!' too: some shells expand history inside $'…' */
        else if (!is_printable(c) || c == '\'' || c == '\\' || c == '!')
                spell_octal(c, out);
        else
                memcpy(out, c == '%' && quoting->percent ? "%%" : (char[]){ (char)c, 0, 0 }, 3);
}

/* The text as one shell word. *column is where the typed line stands, before and after. */
static bool quote(struct buf *out, const struct quoting *quoting, struct str text, size_t *column)
{
        char spelled[5];
        size_t format_start = out->len;

        if (!buf_append_str(out, quoting->open) || !buf_append_str(out, is_option(text) ? " " : ""))
                return false;
        *column += strlen(quoting->open) + is_option(text);
        for (size_t i = 0; i < text.len; i++) {
                spell(quoting, (unsigned char)text.ptr[i], spelled);
                size_t len = strlen(spelled);
                if (*column + len > QUOTING_LINE_MAX) {
                        bool is_full = quoting->percent && out->len - format_start > PRINTF_FORMAT_MAX;
                        if (!buf_printf(out, "%s%s\\\r%s", quoting->close,
                                        is_full ? ";command printf -- " : "", quoting->open))
                                return false;
                        if (is_full)
                                format_start = out->len;
                        *column = strlen(quoting->open);
                }
                if (!buf_append(out, spelled, len))
                        return false;
                *column += len;
        }
        return buf_append_str(out, quoting->close);
}

static bool write_posix(struct buf *out, const struct driver *driver, struct str text,
                        int status_before, size_t line_start)
{
        size_t column = out->len - line_start;

        if (is_all_printable(text))
                return quote(out, &quote_plain, text, &column);
        if (driver->quoting == DRIVER_QUOTE_ANSI_C)
                return quote(out, &quote_ansi_c, text, &column);
        if (!buf_append_str(out, "\"$(command printf "))
                return false;
        column = out->len - line_start;
        if (!quote(out, &quote_printf, text, &column))
                return false;
        /* for most shells $? is the substitution's then */
        return status_before > 0 ? buf_printf(out, ";exit %d)\"", status_before)
                                 : buf_append_str(out, ")\"");
}

/* ---- fish: \ and ' are escaped inside quotes, \X1b stands outside of them ---- */

static bool write_fish(struct buf *out, struct str text)
{
        bool ok = buf_append_str(out, is_option(text) ? "' " : "'");

        for (size_t i = 0; ok && i < text.len; i++) {
                unsigned char c = (unsigned char)text.ptr[i];
                if (!is_printable(c))
                        ok = buf_printf(out, "'\\X%02x'", c);
                else
                        ok = (c != '\\' && c != '\'') || buf_append_byte(out, '\\');
                if (ok && is_printable(c))
                        ok = buf_append_byte(out, c);
        }
        return ok && buf_append_byte(out, '\'');
}

/* ---- csh ---- */

/* In quotes, too, csh expands history and ends at a newline that has no backslash. */
static bool is_plain_in_csh(unsigned char c)
{
        return is_printable(c) && c != '!';
}

static size_t csh_odd_run(struct str text)
{
        size_t len = 0;

        while (len < text.len && text.ptr[len] != '\n' && !is_plain_in_csh((unsigned char)text.ptr[len]))
                len++;
        return len;
}

static bool write_csh_odd(struct buf *out, struct str run)
{
        bool ok = buf_append_str(out, "'\"`\\printf '");
        char spelled[5];

        for (size_t i = 0; ok && i < run.len; i++) {
                spell_octal((unsigned char)run.ptr[i], spelled);
                ok = buf_append_str(out, spelled);
        }
        return ok && buf_append_str(out, "'`\"'");
}

static bool write_csh(struct buf *out, struct str text)
{
        size_t word = out->len;
        bool ok = buf_append_str(out, is_option(text) ? "' " : "'");

        while (ok && text.len > 0) {
                size_t taken = 1;
                char c = text.ptr[0];
                if (c == '\n') {
                        ok = buf_append_str(out, "\\\r");
                } else if (c == ' ' && out->len - word > CSH_WORD_GOAL) {
                        ok = buf_append_str(out, "' \\\r'");
                        word = out->len - 1;
                } else if (c == '\'') {
                        ok = buf_append_str(out, "'\\''");
                } else if (is_plain_in_csh((unsigned char)c)) {
                        ok = buf_append_byte(out, (uint8_t)c);
                } else {
                        taken = csh_odd_run(text);
                        ok = write_csh_odd(out, (struct str){ text.ptr, taken });
                }
                ok = ok && out->len - word <= QUOTING_CSH_WORD_MAX;
                text.ptr += taken;
                text.len -= taken;
        }
        return ok && buf_append_byte(out, '\'');
}

/* eval itself sets $status to 0, so what it was is set by the text's first line. */
static bool write_csh_command(struct buf *out, struct str text, int status_before)
{
        struct buf with;
        bool ok;

        if (status_before <= 0)
                return write_csh(out, text);
        buf_init(&with, text.len + 64);
        ok = buf_printf(&with, "set status=%d\n", status_before) && buf_append(&with, text.ptr, text.len)
          && write_csh(out, buf_str(&with));
        buf_fini(&with);
        return ok;
}

bool quoting_write(struct buf *out, const struct driver *driver, struct str text,
                   int status_before, size_t line_start)
{
        switch (driver->quoting) {
        case DRIVER_QUOTE_PRINTF:
        case DRIVER_QUOTE_ANSI_C: return write_posix(out, driver, text, status_before, line_start);
        case DRIVER_QUOTE_FISH:   return write_fish(out, text);
        case DRIVER_QUOTE_CSH:    return write_csh_command(out, text, status_before);
        }
        return false;
}
