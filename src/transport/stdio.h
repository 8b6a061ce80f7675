#pragma once
/*
 * stdio.h - the client on standard input and output: lines in, lines out.
 *
 * stdio_new() moves file descriptor 1 to a private one and points 1 at 2, so that nothing else
 * in the process (a library, a child, a stray printf) can write into the protocol.
 *
 * Process: supervisor.
 * Memory:  input: see lines.h. Output that the client does not take is queued: above
 *          STDIO_QUEUE_HIGH nothing is read until it has drained, above STDIO_QUEUE_MAX the
 *          client counts as gone.
 * Errors:  a client that closes its end, either of them, is one on_eof().
 */
#include "base/err.h"

#include <stddef.h>

typedef struct uv_loop_s uv_loop_t;
struct stdio;

#define STDIO_QUEUE_HIGH (32 * 1024 * 1024) /* bytes unsent: stop reading */
#define STDIO_QUEUE_LOW  (8 * 1024 * 1024)  /* bytes unsent: read again */
#define STDIO_QUEUE_MAX  (64 * 1024 * 1024) /* bytes unsent: a client that never reads is gone */
#define STDIO_FLUSH_MS   200                /* stdio_stop() waits this long for unsent bytes */

/* Called from the loop, never from inside a function of this header. */
struct stdio_callbacks {
        void (*on_line)(void *arg, const char *bytes, size_t len); /* borrowed for the call */
        void (*on_too_long)(void *arg); /* a line beyond LINES_MAX was dropped */
        void (*on_eof)(void *arg);      /* once; nothing is called after it */
};

/* Takes over fd 0 and fd 1, and ignores SIGPIPE from now on. */
bool stdio_new(struct stdio **out_stdio, uv_loop_t *loop, const struct stdio_callbacks *callbacks,
               void *arg, struct err *err);

/* Sends whole lines, or queues them. Returns false when the client is gone. */
bool stdio_send(struct stdio *stdio, const char *bytes, size_t len);

/*
 * How it ends. The client closes stdin or stdout: on_eof(), and the owner calls stdio_stop().
 * stdio_stop() reads no more, sends what is queued for at most STDIO_FLUSH_MS and closes its
 * handles, so that the loop can run dry. stdio_free() after that; called earlier, or on what
 * stdio_new() could not finish, it closes at once and the memory goes when the loop has closed
 * the handles. Both accept NULL.
 */
void stdio_stop(struct stdio *stdio);
void stdio_free(struct stdio *stdio);
