#pragma once
/*
 * postbox.h - frames to and from one worker, over its socketpair.
 *
 * Process: supervisor.
 * Memory:  frames passed to on_frame borrow from the read buffer, for the call only.
 *          postbox_free() may be called at any time, also from inside on_frame and on_end; nothing
 *          is called after it. NULL is fine.
 */
#include "base/err.h"
#include "wire/frame.h"

#include <stdbool.h>
#include <uv.h>

#define POSTBOX_QUEUE_MAX \
        (8 * 1024 * 1024)                /* bytes that a worker has not taken; then writers fail */
#define POSTBOX_FDS_MAX     64           /* that a worker has not taken */
#define POSTBOX_SCRATCH_LEN (128 * 1024) /* bytes read at a time; one buffer serves all */

enum postbox_end {
        POSTBOX_EOF,     /* the worker is gone */
        POSTBOX_GARBAGE, /* its bytes are no frames */
};

struct postbox;

struct postbox_owner {
        void (*on_frame)(void *arg, const struct frame *frame);
        void (*on_end)(void *arg, enum postbox_end end); /* once; nothing is read any more */
        void *arg;
};

/* Takes *fd. scratch: POSTBOX_SCRATCH_LEN bytes, not ours, shared by all postboxes of the loop. */
bool postbox_new(struct postbox **out_postbox, uv_loop_t *loop, int *fd, uint8_t *scratch,
                 const struct postbox_owner *owner, struct err *err);
void postbox_free(struct postbox *postbox);

/* Frames are written to the end of this; postbox_flush() sends them. */
struct buf *postbox_out(struct postbox *postbox);
void postbox_flush(struct postbox *postbox);

/*
 * The frame written next takes the fd along: its first byte carries it. False: POSTBOX_FDS_MAX
 * wait already. The fd is taken on success only.
 */
bool postbox_pass_fd(struct postbox *postbox, int *fd);

/* From now on what was sent is wiped from memory; room is made so that len bytes are not moved. */
void postbox_expect_secrets(struct postbox *postbox, size_t len);

size_t postbox_room(const struct postbox *postbox); /* bytes until POSTBOX_QUEUE_MAX */
