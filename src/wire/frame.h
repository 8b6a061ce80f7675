#pragma once
/*
 * frame.h - one message between supervisor and worker: a fixed header and a payload of fields.
 *
 * Header, 16 bytes, native byte order (both ends are one program on one machine):
 *      u32 payload length (<= WIRE_PAYLOAD_MAX)   u32 kind   u64 id
 * Payload: the fields of that kind one after another, each u32, i64 or bytes (u32 length + bytes).
 *
 * A reader never trusts what it reads: a frame from a worker is as hostile as the host behind it.
 *
 * Process: supervisor and worker. Pure: no fd, no clock.
 * Memory:  a parsed frame borrows from the bytes it was parsed from.
 * Errors:  a writer that meets the limit marks the frame broken and wire_end() returns false;
 *          a reader that meets bad bytes marks itself bad and every later field reads as 0 or
 *          empty, so that a decoder checks once, with wire_read_done().
 */
#include "base/buf.h"
#include "base/str.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define WIRE_HEADER_LEN  16
#define WIRE_PAYLOAD_MAX (64 * 1024) /* bytes; longer things travel in several frames */

struct frame {
        uint32_t kind;
        uint64_t id;
        const uint8_t *payload;
        size_t len;
};

enum frame_parse { FRAME_MORE, FRAME_READY, FRAME_BAD };

/* Looks for one whole frame at the start of bytes; on FRAME_READY *out_used bytes belong to it. */
enum frame_parse frame_parse(const uint8_t *bytes, size_t len, struct frame *out_frame,
                             size_t *out_used);

struct wire_writer {
        struct buf *out; /* not ours */
        size_t start;    /* where the frame's header stands in out */
        bool broken;
};

/* Begins a frame at the end of out; every put adds a field; end fills in the length. */
struct wire_writer wire_begin(struct buf *out, uint32_t kind, uint64_t id);
void wire_put_u32(struct wire_writer *writer, uint32_t number);
void wire_put_i64(struct wire_writer *writer, int64_t number);
void wire_put_bytes(struct wire_writer *writer, const void *bytes, size_t len);
void wire_put_text(struct wire_writer *writer, const char *text); /* NULL is written as "" */

/* False: too long or out is full; out is then as it was before wire_begin(). */
bool wire_end(struct wire_writer *writer);

struct wire_reader {
        const uint8_t *at;
        size_t left;
        bool bad;
};

struct wire_reader wire_read(const struct frame *frame);
uint32_t wire_get_u32(struct wire_reader *reader);
int64_t wire_get_i64(struct wire_reader *reader);
struct str wire_get_bytes(struct wire_reader *reader); /* borrowed from the frame */

/* True if every field was there and nothing is left over. */
bool wire_read_done(const struct wire_reader *reader);
