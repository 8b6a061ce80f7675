/*
 * Positions count the stream's bytes. `out` is how far they were given out, `at` how far they
 * were looked at; the bytes between are held back. A form found is a cover; covers that overlap
 * become one. What lies before `safe` can be part of no form that is still to come, because the
 * state's depth is the length of the longest beginning of one that the stream ends with.
 *
 * A cover that begins before `safe` is given out as REDACTED, even if a later form may make it
 * longer; the rest of it is then a cover that is silent.
 */
#include "session/secrecy/redactor_private.h"

#include "base/alloc.h"

#include <stdlib.h>
#include <string.h>

struct cover {
        uint64_t from;
        uint64_t to;
        bool is_silent;
};

struct redactor_stream {
        const struct redactor *redactor; /* not ours */
        uint64_t generation;
        uint32_t state;
        uint64_t out;
        uint64_t at;
        struct buf held;
        struct cover *covers; /* in their order, none overlaps another */
        size_t cover_count;
        size_t cover_room;
        unsigned count;
};

/* What one feed works with. */
struct feeding {
        struct str bytes;
        uint64_t base; /* position of the first of them */
        uint64_t held_from;
        redactor_sink *sink;
        void *arg;
};

struct redactor_stream *redactor_stream_new(const struct redactor *redactor)
{
        struct redactor_stream *stream = xcalloc(1, sizeof *stream);

        stream->redactor = redactor;
        stream->generation = redactor->generation;
        buf_init(&stream->held, UINT16_MAX); /* the depth of a node is less */
        return stream;
}

static void forget_held(struct redactor_stream *stream)
{
        if (stream->held.data != NULL)
                secret_wipe(stream->held.data, stream->held.cap);
        buf_reset(&stream->held);
}

void redactor_stream_free(struct redactor_stream *stream)
{
        if (stream == NULL)
                return;
        forget_held(stream);
        buf_fini(&stream->held);
        free(stream->covers);
        free(stream);
}

unsigned redactor_stream_count(const struct redactor_stream *stream)
{
        return stream->count;
}

/* ---- looking ---- */

static void push_cover(struct redactor_stream *stream, struct cover cover)
{
        if (stream->cover_count == stream->cover_room) {
                size_t room = stream->cover_room * 2 + 4;
                struct cover *grown = xcalloc(room, sizeof *grown);
                if (stream->cover_count > 0)
                        memcpy(grown, stream->covers, stream->cover_count * sizeof *grown);
                free(stream->covers);
                stream->covers = grown;
                stream->cover_room = room;
        }
        stream->covers[stream->cover_count++] = cover;
}

/* Forms end in the order in which they are found, so only the last covers can be touched. */
static void add_cover(struct redactor_stream *stream, uint64_t from, uint64_t to)
{
        struct cover *covers = stream->covers;
        bool is_silent = from < stream->out; /* its beginning is given out as REDACTED */

        if (is_silent)
                from = stream->out;
        while (stream->cover_count > 0 && covers[stream->cover_count - 1].from >= from
               && !covers[stream->cover_count - 1].is_silent)
                stream->cover_count--;
        struct cover *last = stream->cover_count > 0 ? &covers[stream->cover_count - 1] : NULL;
        if (last != NULL && last->to > from)
                last->to = to;
        else
                push_cover(stream, (struct cover){ from, to, is_silent });
}

/* Where, from `at` on, the first two bytes of some form are; the last byte is never passed over. */
static size_t skip(const struct redactor *redactor, const uint8_t *bytes, size_t at, size_t len)
{
        for (; at + 1 < len; at++) {
                size_t pair = (size_t)bytes[at] << 8 | bytes[at + 1];
                if ((redactor->pairs[pair >> 6] >> (pair & 63) & 1) != 0)
                        break;
        }
        return at;
}

static void look_at(struct redactor_stream *stream, struct str text)
{
        const struct redactor *redactor = stream->redactor;
        const uint8_t *bytes = (const uint8_t *)text.ptr;
        uint64_t base = stream->at;
        uint32_t state = stream->state;

        for (size_t at = 0; at < text.len; at++) {
                if (state == REDACTOR_ROOT)
                        at = skip(redactor, bytes, at, text.len);
                state = redactor_step(redactor, state, bytes[at]);
                uint16_t match = redactor->nodes[state].match;
                if (match > 0)
                        add_cover(stream, base + at + 1 - match, base + at + 1);
        }
        while (state != REDACTOR_ROOT && redactor->nodes[state].child == REDACTOR_ROOT)
                state = redactor->nodes[state].fail; /* nothing longer can come of it */
        stream->state = state;
        stream->at = base + text.len;
}

/* ---- giving out ---- */

static void give_plain(struct redactor_stream *stream, const struct feeding *feeding, uint64_t to)
{
        if (stream->out < feeding->base && stream->out < to) {
                uint64_t end = to < feeding->base ? to : feeding->base;
                feeding->sink(feeding->arg,
                              stream->held.data + (size_t)(stream->out - feeding->held_from),
                              (size_t)(end - stream->out));
                stream->out = end;
        }
        if (stream->out < to) {
                feeding->sink(feeding->arg,
                              feeding->bytes.ptr + (size_t)(stream->out - feeding->base),
                              (size_t)(to - stream->out));
                stream->out = to;
        }
}

static void give(struct redactor_stream *stream, const struct feeding *feeding, uint64_t safe)
{
        size_t used = 0;

        for (; used < stream->cover_count; used++) {
                const struct cover *cover = &stream->covers[used];
                if (cover->from >= safe && !cover->is_silent)
                        break;
                give_plain(stream, feeding, cover->from);
                if (!cover->is_silent) {
                        feeding->sink(feeding->arg, REDACTED, strlen(REDACTED));
                        stream->count++;
                }
                stream->out = cover->to;
        }
        stream->cover_count -= used;
        if (stream->cover_count > 0)
                memmove(stream->covers, stream->covers + used,
                        stream->cover_count * sizeof *stream->covers);
        give_plain(stream, feeding, safe);
}

static uint64_t safe_of(const struct redactor_stream *stream)
{
        return stream->at - stream->redactor->nodes[stream->state].depth;
}

/* Keeps what was not given out. */
static void hold(struct redactor_stream *stream, const struct feeding *feeding)
{
        size_t used = (size_t)(stream->out - feeding->held_from);
        size_t skipped = 0;

        if (used < stream->held.len) {
                size_t was = stream->held.len;
                buf_consume(&stream->held, used);
                secret_wipe(stream->held.data + stream->held.len, was - stream->held.len);
        } else {
                skipped = used - stream->held.len;
                forget_held(stream);
        }
        if (skipped < feeding->bytes.len)
                (void)buf_append(&stream->held, feeding->bytes.ptr + skipped,
                                 feeding->bytes.len - skipped); /* at most a depth: has room */
}

static void feed(struct redactor_stream *stream, struct str bytes, redactor_sink *sink, void *arg)
{
        struct feeding feeding = { bytes, stream->at, stream->at - stream->held.len, sink, arg };

        look_at(stream, bytes);
        give(stream, &feeding, safe_of(stream));
        hold(stream, &feeding);
}

/* A secret came in meanwhile: what is held back is looked at again. */
static void start_again(struct redactor_stream *stream, redactor_sink *sink, void *arg)
{
        struct buf held = stream->held;

        buf_init(&stream->held, UINT16_MAX);
        stream->generation = stream->redactor->generation;
        stream->state = REDACTOR_ROOT;
        stream->cover_count = 0; /* a silent one is never left behind: give() takes it at once */
        stream->at = stream->out;
        feed(stream, buf_str(&held), sink, arg);
        if (held.data != NULL)
                secret_wipe(held.data, held.cap);
        buf_fini(&held);
}

void redactor_stream_feed(struct redactor_stream *stream, struct str bytes, redactor_sink *sink,
                          void *arg)
{
        if (stream->generation != stream->redactor->generation)
                start_again(stream, sink, arg);
        if (bytes.len > 0)
                feed(stream, bytes, sink, arg);
}

void redactor_stream_finish(struct redactor_stream *stream, redactor_sink *sink, void *arg)
{
        struct feeding feeding = {
                { NULL, 0 }, stream->at, stream->at - stream->held.len, sink, arg
        };

        give(stream, &feeding, stream->at);
        forget_held(stream);
        stream->state = REDACTOR_ROOT;
}

void redactor_stream_peek(const struct redactor_stream *stream, struct str bytes,
                          redactor_sink *sink, void *arg)
{
        struct redactor_stream *copy = redactor_stream_new(stream->redactor);

        copy->generation = stream->generation;
        copy->state = stream->state;
        copy->out = stream->out;
        copy->at = stream->at;
        (void)buf_append(&copy->held, stream->held.data, stream->held.len); /* it fitted there */
        for (size_t i = 0; i < stream->cover_count; i++)
                push_cover(copy, stream->covers[i]);
        redactor_stream_feed(copy, bytes, sink, arg);
        if (copy->at - copy->out > REDACTOR_BEGINNING_MAX)
                sink(arg, REDACTED, strlen(REDACTED));
        else
                redactor_stream_finish(copy, sink, arg);
        redactor_stream_free(copy);
}
