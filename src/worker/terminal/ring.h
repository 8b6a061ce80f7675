#pragma once
/*
 * ring.h - the last RING_SIZE bytes of a stream.
 *
 * Process: worker. Pure.
 * Memory:  fixed, in place; zeroed memory is an empty ring.
 */
#include <stddef.h>
#include <stdint.h>

#define RING_SIZE (64 * 1024) /* bytes; older ones are forgotten */

struct ring {
        uint64_t total; /* bytes that ever came */
        uint8_t bytes[RING_SIZE];
};

void ring_add(struct ring *ring, const void *bytes, size_t len);

/*
 * What is kept of the stream from the offset `from` on, or the first part of it: a piece without
 * a break; *out_len is 0 when there is none. Borrowed until the next ring_add().
 */
const uint8_t *ring_piece(const struct ring *ring, uint64_t from, size_t *out_len);

uint64_t ring_begin(const struct ring *ring); /* offset of the oldest byte that is kept */
