#include "base/log.h"

#include <ctype.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define LOG_LINE_MAX   1024 /* bytes; a longer line is cut */
#define LOG_QUOTE_MAX  120  /* bytes of the input that log_quote() shows */
#define LOG_QUOTE_BUFS 8
#define LOG_LOOK_MAX   (8 * 1024) /* bytes of a line or text that a filter sees */

/* The one place of file-scope state in base/: logging must work before anything exists. */
static enum log_level current_level = LOG_WARN;
static log_sink *current_sink;
static void *current_sink_arg;
static log_filter *current_filter;
static void *current_filter_arg;

static const char *const level_names[] = {
        [LOG_ERROR] = "error", [LOG_WARN] = "warn",   [LOG_INFO] = "info",
        [LOG_DEBUG] = "debug", [LOG_TRACE] = "trace",
};

void log_set_level(enum log_level level)
{
        current_level = level;
}

enum log_level log_level(void)
{
        return current_level;
}

int log_level_parse(const char *name)
{
        for (int level = LOG_ERROR; level <= LOG_TRACE; level++)
                if (strcmp(name, level_names[level]) == 0)
                        return level;
        return -1;
}

void log_set_sink(log_sink *sink, void *arg)
{
        current_sink = sink;
        current_sink_arg = arg;
}

void log_set_filter(log_filter *filter, void *arg)
{
        current_filter = filter;
        current_filter_arg = arg;
}

/* The text as it may be shown: in storage, which is the caller's to free, or as it was. */
static struct str filtered(struct str text, struct buf *storage)
{
        buf_init(storage, LOG_LOOK_MAX * 3);
        if (text.len > LOG_LOOK_MAX)
                text.len = LOG_LOOK_MAX;
        if (current_filter == NULL || !current_filter(current_filter_arg, text, storage))
                return text;
        return buf_str(storage);
}

void log_write(enum log_level level, const char *fmt, ...)
{
        va_list args;

        if (level > current_level)
                return;
        char line[LOG_LOOK_MAX];
        struct buf storage;
        va_start(args, fmt);
        (void)vsnprintf(line, sizeof line, fmt, args);
        va_end(args);
        struct str shown = filtered(str_of(line), &storage);
        size_t len = shown.len < LOG_LINE_MAX ? shown.len : LOG_LINE_MAX - 1;
        memmove(line, shown.ptr, len);
        line[len] = 0;
        buf_fini(&storage);
        if (current_sink != NULL)
                current_sink(current_sink_arg, level, line);
        else
                (void)fprintf(stderr, "mcp-ssh-session: %s: %s\n", level_names[level], line);
}

const char *log_quote(const void *bytes, size_t len)
{
        static char bufs[LOG_QUOTE_BUFS][LOG_QUOTE_MAX * 4 + 4];
        static unsigned next;
        struct buf storage;
        struct str shown = filtered((struct str){ bytes, len }, &storage);
        const unsigned char *in = (const unsigned char *)shown.ptr;
        char *out = bufs[next++ % LOG_QUOTE_BUFS];
        size_t at = 0;

        len = shown.len;
        for (size_t i = 0; i < len && i < LOG_QUOTE_MAX; i++) {
                if (in[i] < 0x80 && isprint(in[i]) && in[i] != '\\')
                        out[at++] = (char)in[i];
                else
                        at += (size_t)snprintf(out + at, sizeof "\\xNN", "\\x%02x", in[i]);
        }
        memcpy(out + at, len > LOG_QUOTE_MAX ? "..." : "", len > LOG_QUOTE_MAX ? 4 : 1);
        buf_fini(&storage);
        return out;
}

_Noreturn void log_bug(const char *file, int line, const char *fmt, ...)
{
        va_list args;

        (void)fprintf(stderr, "mcp-ssh-session: bug at %s:%d: ", file, line);
        va_start(args, fmt);
        (void)vfprintf(stderr, fmt, args);
        va_end(args);
        (void)fputc('\n', stderr);
        abort();
}
