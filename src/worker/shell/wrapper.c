#include "worker/shell/wrapper.h"

#include "base/scoped.h"

#include <string.h>

#define START_HALF (MARKER_START_LEN / 2)
#define END_HALF   (MARKER_END_LEN / 2)
#define INTRO      "\\033]" MARKER_OSC ";" /* as the line spells it; mksh wants the 0 */

/*
 * Bytes of one printf's format, about: where printf is a program, Linux takes 128 KiB in an
 * argument, and a longer one would leave nothing for eval to run.
 */
#define PRINTF_FORMAT_MAX (64 * 1024)

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

/* How one byte is written inside a piece; at most 4 bytes and a NUL. */
static void spell(const struct quoting *quoting, unsigned char c, char out[5])
{
        if (!quoting->octal) {
                memcpy(out, c == '\'' ? "'\\''" : (char[]){ (char)c, 0 }, c == '\'' ? 5 : 2);
                return;
        }
        /* '!' too: some shells expand history inside $'…' */
        if (!is_printable(c) || c == '\'' || c == '\\' || c == '!') {
                out[0] = '\\';
                out[1] = (char)('0' + (c >> 6));
                out[2] = (char)('0' + (c >> 3 & 7));
                out[3] = (char)('0' + (c & 7));
                out[4] = 0;
                return;
        }
        memcpy(out, c == '%' && quoting->percent ? "%%" : (char[]){ (char)c, 0, 0 }, 3);
}

/* The text as one shell word. *column is where the typed line stands, before and after. */
static bool quote(struct buf *out, const struct quoting *quoting, struct str text, size_t *column)
{
        char spelled[5];
        size_t format_start = out->len;

        bool is_option = text.len > 0 && text.ptr[0] == '-'; /* eval and printf would think so */

        if (!buf_append_str(out, quoting->open) || !buf_append_str(out, is_option ? " " : ""))
                return false;
        *column += strlen(quoting->open) + is_option;
        for (size_t i = 0; i < text.len; i++) {
                spell(quoting, (unsigned char)text.ptr[i], spelled);
                size_t len = strlen(spelled);
                if (*column + len > WRAPPER_LINE_MAX) {
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

static bool write_text(struct buf *out, const struct wrapper *wrapper, struct str text,
                       size_t line_start)
{
        size_t column = out->len - line_start;

        if (is_all_printable(text))
                return quote(out, &quote_plain, text, &column);
        if (wrapper->driver->quoting == DRIVER_QUOTE_ANSI_C)
                return quote(out, &quote_ansi_c, text, &column);
        if (!buf_append_str(out, "\"$(command printf "))
                return false;
        column = out->len - line_start;
        if (!quote(out, &quote_printf, text, &column))
                return false;
        /* for most shells $? is the substitution's then */
        return wrapper->status_before > 0 ? buf_printf(out, ";exit %d)\"", wrapper->status_before)
                                          : buf_append_str(out, ")\"");
}

/* The shell of the session runs an elevated command as well, under a name that sudo's path has. */
static const char *elevated_shell(const struct driver *driver)
{
        static const char *const plain[] = { "sh", "dash", "ash", "busybox" };

        for (size_t i = 0; i < sizeof plain / sizeof *plain; i++)
                if (strcmp(driver->name, plain[i]) == 0)
                        return "sh";
        return driver->name;
}

static bool write_own_sudo(struct buf *out, const struct wrapper *wrapper, size_t line_start)
{
        scoped_buf struct buf text;

        buf_init(&text, wrapper->command.len + 2 * SUDO_PROMPT_MAX);
        return sudo_write_own(&text, wrapper->sudo, wrapper->command, /* is_piped= */ false)
            && buf_printf(out, "%s ", wrapper->driver->eval)
            && write_text(out, wrapper, buf_str(&text), line_start);
}

static bool write_command(struct buf *out, const struct wrapper *wrapper, size_t line_start)
{
        const struct driver *driver = wrapper->driver;

        if (wrapper->sudo != NULL && wrapper->sudo->own_at != 0)
                return write_own_sudo(out, wrapper, line_start);
        bool is_begun = wrapper->sudo != NULL
                              ? sudo_write_start(out, wrapper->sudo, elevated_shell(driver),
                                                 /* is_piped= */ false)
                              : buf_printf(out, "%s ", driver->eval);
        return is_begun && write_text(out, wrapper, wrapper->command, line_start);
}

/*
 * Puts $? back without a trace: the left side of || may fail under set -e and in ERR traps.
 * Only statuses beyond 1 cost a fork.
 */
static bool write_status_before(struct buf *out, int status)
{
        if (status <= 0)
                return true;
        return status == 1 ? buf_append_str(out, "false || ")
                           : buf_printf(out, "(exit %d) || ", status);
}

static bool write_end_mark(struct buf *out, const struct wrapper *wrapper)
{
        const struct driver *driver = wrapper->driver;

        return buf_printf(out, "%s%s" INTRO "E;%.*s'%s'%s%s", driver->may_redirect ? "{ " : "",
                          driver->print, END_HALF, wrapper->end_nonce, wrapper->end_nonce + END_HALF,
                          driver->print_end, driver->may_redirect ? ";} 2>&-" : "");
}

bool wrapper_write(struct buf *out, const struct wrapper *wrapper)
{
        size_t line_start = out->len;

        return buf_printf(out, " %s%s" INTRO "S;%.*s'%s'\\a';",
                          wrapper->is_first ? "unset HISTFILE;" : "", wrapper->driver->print,
                          START_HALF, wrapper->start_nonce, wrapper->start_nonce + START_HALF)
            && write_status_before(out, wrapper->status_before)
            && write_command(out, wrapper, line_start)
            && buf_append_str(out, ";")
            && write_end_mark(out, wrapper)
            && buf_append_byte(out, '\r');
}

bool wrapper_write_end_only(struct buf *out, const struct wrapper *wrapper)
{
        return buf_append_byte(out, ' ') && write_end_mark(out, wrapper)
            && buf_append_byte(out, '\r');
}

bool wrapper_write_name_question(struct buf *out, const char *end_nonce)
{
        return buf_printf(out, " printf '" INTRO "E;%.*s'%s';0;%%s\\a' "
                               "${ZSH_VERSION:+zsh}${BASH_VERSION:+bash}${KSH_VERSION:+ksh}\r",
                          END_HALF, end_nonce, end_nonce + END_HALF);
}
