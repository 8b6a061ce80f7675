#pragma once
/*
 * err.h - what went wrong: a code for the program and a sentence for the reader, by value.
 *
 * Few codes, each because some caller acts differently. Fixed size, so an error crosses a
 * process boundary by copy and never needs a free.
 *
 * Process: any.
 * Errors:  a function that can fail returns false and fills *err (never NULL); on success *err
 *          is untouched, on failure the outputs are.
 */
#include <stdbool.h>

enum err_code {
        ERR_NONE = 0,
        ERR_INPUT,      /* the caller's arguments; the text says which and what would do */
        ERR_NOT_FOUND,  /* no such session, command, file */
        ERR_STATE,      /* not now: already ended, busy, closing */
        ERR_LIMIT,      /* too many, too long, too large; the text names the limit */
        ERR_TIMEOUT,
        ERR_CANCELLED,
        ERR_CONNECT,    /* resolving, TCP, banner, key exchange */
        ERR_HOST_KEY,   /* unknown, changed or revoked host key */
        ERR_AUTH,       /* no method let us in */
        ERR_REMOTE,     /* the other machine refused: exec failed, channel closed */
        ERR_PROTOCOL,   /* the peer's bytes make no sense */
        ERR_SYSTEM,     /* our own machine: fds, processes, files */
        ERR_CODES       /* how many there are; never a code */
};

#define ERR_TEXT_MAX 1024 /* bytes with the NUL; a longer text is cut at the end */

struct err {
        enum err_code code;
        char text[ERR_TEXT_MAX];
};

/* Both return false always, so that a failing function can end with `return err_set(…)`. */
bool err_set(struct err *err, enum err_code code, const char *fmt, ...)
        __attribute__((format(printf, 3, 4)));

/* Puts "fmt: " before the text that is there; the code stays. */
bool err_context(struct err *err, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

/* "input", "not_found", … Constant. */
const char *err_code_name(enum err_code code);
