/*
 * Reading: all postboxes share one buffer, because libuv fills and hands it over in one go; only
 * the beginning of a frame that is not whole yet is kept, in `in`.
 * Writing: frames gather in `out`; flush tries to send at once, and what the socket does not take
 * moves to `sending` until libuv has written it. One write is under way at most.
 */
#include "session/postbox.h"

#include "base/alloc.h"
#include "base/secret.h"

#include <stdlib.h>
#include <string.h>

struct postbox {
        uv_pipe_t pipe;
        uv_write_t request;
        struct buf in;
        struct buf out;
        struct buf sending;
        bool is_sending;
        bool is_over;
        bool has_secrets;
        uint8_t *scratch; /* not ours */
        struct postbox_owner owner;
};

static void empty(struct postbox *postbox, struct buf *buf)
{
        if (postbox->has_secrets && buf->data != NULL)
                secret_wipe(buf->data, buf->cap);
        if (buf->cap > WIRE_PAYLOAD_MAX * 2)
                buf_fini(buf); /* one large command must not cost memory for ever */
        else
                buf_reset(buf);
}

static void on_closed(uv_handle_t *handle)
{
        struct postbox *postbox = handle->data;

        empty(postbox, &postbox->out);
        empty(postbox, &postbox->sending);
        buf_fini(&postbox->in);
        buf_fini(&postbox->out);
        buf_fini(&postbox->sending);
        free(postbox);
}

void postbox_free(struct postbox *postbox)
{
        if (postbox == NULL || uv_is_closing((uv_handle_t *)&postbox->pipe))
                return;
        postbox->is_over = true;
        uv_close((uv_handle_t *)&postbox->pipe, on_closed);
}

static void end(struct postbox *postbox, enum postbox_end how)
{
        if (postbox->is_over)
                return;
        postbox->is_over = true;
        (void)uv_read_stop((uv_stream_t *)&postbox->pipe);
        postbox->owner.on_end(postbox->owner.arg, how);
}

/* Hands over every whole frame; returns how many bytes they took. */
static size_t deliver(struct postbox *postbox, const uint8_t *bytes, size_t len)
{
        size_t done = 0;
        size_t used = 0;
        struct frame frame;

        while (!postbox->is_over) {
                switch (frame_parse(bytes + done, len - done, &frame, &used)) {
                case FRAME_MORE: return done;
                case FRAME_BAD: end(postbox, POSTBOX_GARBAGE); return len;
                case FRAME_READY:
                        postbox->owner.on_frame(postbox->owner.arg, &frame);
                        done += used;
                        break;
                }
        }
        return len;
}

/* Completes the frame that began in an earlier read; returns how many bytes that took. */
static size_t complete(struct postbox *postbox, const uint8_t *bytes, size_t len)
{
        struct buf *in = &postbox->in;
        uint32_t payload = 0;
        size_t taken = 0;

        while (in->len > 0 && taken < len) {
                size_t want = WIRE_HEADER_LEN;
                if (in->len >= WIRE_HEADER_LEN) {
                        memcpy(&payload, in->data, sizeof payload);
                        want = WIRE_HEADER_LEN
                               + (size_t)payload; /* <= max: the header was looked at */
                }
                size_t n = want - in->len < len - taken ? want - in->len : len - taken;
                if (!buf_append(in, bytes + taken, n)) {
                        end(postbox, POSTBOX_GARBAGE);
                        return len;
                }
                taken += n;
                buf_consume(in, deliver(postbox, in->data, in->len));
                if (postbox->is_over)
                        return len;
        }
        return taken;
}

static void on_alloc(uv_handle_t *handle, size_t wanted, uv_buf_t *out)
{
        struct postbox *postbox = handle->data;

        (void)wanted;
        *out = uv_buf_init((char *)postbox->scratch, POSTBOX_SCRATCH_LEN);
}

static void on_read(uv_stream_t *stream, ssize_t n, const uv_buf_t *chunk)
{
        struct postbox *postbox = stream->data;
        const uint8_t *bytes = (const uint8_t *)chunk->base;

        if (postbox->is_over || n == 0)
                return;
        if (n < 0) {
                end(postbox, POSTBOX_EOF);
                return;
        }
        size_t len = (size_t)n;
        size_t used = complete(postbox, bytes, len);
        used += used < len ? deliver(postbox, bytes + used, len - used) : 0;
        if (used < len && !postbox->is_over && !buf_append(&postbox->in, bytes + used, len - used))
                end(postbox, POSTBOX_GARBAGE);
}

bool postbox_new(struct postbox **out_postbox, uv_loop_t *loop, int *fd, uint8_t *scratch,
                 const struct postbox_owner *owner, struct err *err)
{
        struct postbox *postbox = xcalloc(1, sizeof *postbox);

        (void)uv_pipe_init(loop, &postbox->pipe, 0); /* cannot fail */
        postbox->pipe.data = postbox;
        postbox->request.data = postbox;
        postbox->scratch = scratch;
        postbox->owner = *owner;
        buf_init(&postbox->in, WIRE_HEADER_LEN + WIRE_PAYLOAD_MAX);
        buf_init(&postbox->out, POSTBOX_QUEUE_MAX);
        buf_init(&postbox->sending, POSTBOX_QUEUE_MAX);
        int rc = uv_pipe_open(&postbox->pipe, *fd);
        if (rc == 0) {
                *fd = -1;
                rc = uv_read_start((uv_stream_t *)&postbox->pipe, on_alloc, on_read);
        }
        if (rc != 0) {
                postbox_free(postbox);
                return err_set(err, ERR_SYSTEM, "no socket to a worker: %s", uv_strerror(rc));
        }
        *out_postbox = postbox;
        return true;
}

struct buf *postbox_out(struct postbox *postbox)
{
        return &postbox->out;
}

size_t postbox_room(const struct postbox *postbox)
{
        return POSTBOX_QUEUE_MAX - postbox->out.len;
}

void postbox_expect_secrets(struct postbox *postbox, size_t len)
{
        postbox->has_secrets = true;
        (void)buf_reserve(&postbox->out, len); /* no room: the writes that follow fail and say so */
}

static void on_written(uv_write_t *request, int status)
{
        struct postbox *postbox = request->data;

        postbox->is_sending = false;
        empty(postbox, &postbox->sending);
        if (status == 0)
                postbox_flush(postbox);
}

void postbox_flush(struct postbox *postbox)
{
        struct buf *out = &postbox->out;
        uv_buf_t all = uv_buf_init((char *)out->data, (unsigned)out->len);

        if (postbox->is_sending || postbox->is_over || out->len == 0)
                return;
        int sent = uv_try_write((uv_stream_t *)&postbox->pipe, &all, 1);
        if (sent == (int)out->len || (sent < 0 && sent != UV_EAGAIN)) {
                empty(postbox, out); /* a broken socket shows when it is read */
                return;
        }
        struct buf spare = postbox->sending;
        postbox->sending = *out;
        postbox->out = spare;
        size_t done = sent > 0 ? (size_t)sent : 0;
        uv_buf_t rest = uv_buf_init((char *)postbox->sending.data + done,
                                    (unsigned)(postbox->sending.len - done));
        postbox->is_sending =
                uv_write(&postbox->request, (uv_stream_t *)&postbox->pipe, &rest, 1, on_written)
                == 0;
}
