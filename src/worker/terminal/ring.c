#include "worker/terminal/ring.h"

#include <string.h>

void ring_add(struct ring *ring, const void *bytes, size_t len)
{
        const uint8_t *from = bytes;

        if (len > RING_SIZE) {
                ring->total += len - RING_SIZE;
                from += len - RING_SIZE;
                len = RING_SIZE;
        }
        size_t at = (size_t)(ring->total % RING_SIZE);
        size_t first = len < RING_SIZE - at ? len : RING_SIZE - at;
        if (first > 0)
                memcpy(ring->bytes + at, from, first);
        if (len > first)
                memcpy(ring->bytes, from + first, len - first);
        ring->total += len;
}

uint64_t ring_begin(const struct ring *ring)
{
        return ring->total > RING_SIZE ? ring->total - RING_SIZE : 0;
}

const uint8_t *ring_piece(const struct ring *ring, uint64_t from, size_t *out_len)
{
        if (from < ring_begin(ring))
                from = ring_begin(ring);
        size_t at = (size_t)(from % RING_SIZE);
        uint64_t left = from < ring->total ? ring->total - from : 0;

        *out_len = left < RING_SIZE - at ? (size_t)left : RING_SIZE - at;
        return ring->bytes + at;
}
