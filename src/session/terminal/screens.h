#pragma once
/*
 * screens.h - the screens that callers wait for, and what workers say about them.
 *
 * How a read ends.
 * - the worker has sent all rows                 -> done(), with the screen
 * - the shell, the connection or the engine ends -> done(), with the reason
 * - the worker says nothing in time              -> done(), ERR_TIMEOUT
 * - the caller cancels                           -> nothing
 * done() is called in a turn of its own, exactly once.
 *
 * Process: supervisor.
 * Memory:  a read is gone when it has ended; callers hold its ticket. Rows are bounded by
 *          SCREEN_TEXT_MAX.
 */
#include "session/engine.h"
#include "session/secrecy/redactor.h"

struct screens;

#define SCREENS_MAX     64                  /* at a time; one more is refused */
#define SCREEN_TEXT_MAX (4 * 1024 * 1024)   /* bytes of one answer; a worker that sends more is wrong */
#define SCREEN_QUIET_MS 300                 /* output that pauses this long is taken for the reaction */
#define SCREEN_GRACE_MS 10000               /* for the answer, after the wait that was asked for */

struct screens *screens_new(uv_loop_t *loop, const struct redactor *redactor);
void screens_stop(struct screens *screens); /* ends all, closes the timer */
void screens_free(struct screens *screens); /* after the loop has ended */

struct screens_place {
        uint64_t connection;
        uint64_t shell;
        const char *session; /* its name; copied */
};

bool screens_add(struct screens *screens, const struct screens_place *place,
                 const struct wire_screen_read *asked, screen_done *done, void *arg,
                 uint64_t *out_ticket, struct err *err);
void screens_cancel(struct screens *screens, uint64_t ticket);

/* shell 0: all of the connection. */
void screens_lose(struct screens *screens, uint64_t connection, uint64_t shell, const char *why);

/* A frame of that connection's worker; false: it makes no sense. */
bool screens_on_row(struct screens *screens, uint64_t connection, const struct frame *frame);
bool screens_on_screen(struct screens *screens, uint64_t connection, const struct frame *frame);

/* ---- the pure part ---- */

/*
 * Takes the secrets out of rows that follow one another; where one is full, the next is its
 * continuation, as far as looking for secrets goes. Texts are replaced, each row stays one.
 */
void screen_rows_redact(struct screen_row *rows, size_t count, const struct redactor *redactor);
