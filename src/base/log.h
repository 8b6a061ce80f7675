#pragma once
/*
 * log.h - lines for people, on stderr, and the assertion that speaks.
 *
 * A line about a session begins with the session's name. Bytes from outside go through
 * log_quote(). Payload appears only at trace; secrets never reach this file.
 *
 * Process: any. Workers have no stderr of their own: theirs is set to a sink that hands the
 *          line to the supervisor.
 * Errors:  none; a line that cannot be written is lost.
 */
#include "base/buf.h"

#include <stddef.h>

enum log_level { LOG_ERROR, LOG_WARN, LOG_INFO, LOG_DEBUG, LOG_TRACE };

/* Lines above this level are dropped. Default LOG_WARN. */
void log_set_level(enum log_level level);
enum log_level log_level(void);

/* Finds the level by its name ("error" … "trace"); returns -1 when there is none of that name. */
int log_level_parse(const char *name);

/* Takes every line instead of stderr; text has no newline. NULL: stderr again. */
typedef void log_sink(void *arg, enum log_level level, const char *text);
void log_set_sink(log_sink *sink, void *arg);

/*
 * Looks at every line, and at every text for log_quote(), before it is cut: false: let it be;
 * true: what it appended to out stands for it. It must not log. NULL: nobody looks.
 */
typedef bool log_filter(void *arg, struct str text, struct buf *out);
void log_set_filter(log_filter *filter, void *arg);

void log_write(enum log_level level, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
#define log_error(...) log_write(LOG_ERROR, __VA_ARGS__)
#define log_warn(...)  log_write(LOG_WARN, __VA_ARGS__)
#define log_info(...)  log_write(LOG_INFO, __VA_ARGS__)
#define log_debug(...) log_write(LOG_DEBUG, __VA_ARGS__)
#define log_trace(...) log_write(LOG_TRACE, __VA_ARGS__)

/*
 * The bytes as printable ASCII, the rest as \xNN, cut at 120.
 * Borrowed: good until the eighth call after this one.
 */
const char *log_quote(const void *bytes, size_t len);

/* What cannot happen: says so with file and line, and aborts. */
#define bug(...) log_bug(__FILE__, __LINE__, __VA_ARGS__)
_Noreturn void log_bug(const char *file, int line, const char *fmt, ...)
        __attribute__((format(printf, 3, 4)));
