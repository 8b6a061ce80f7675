/* The first byte says the pieces: in any, the input comes out again, with the same marks in it. */
#include "base/buf.h"
#include "fuzz.h"
#include "worker/shell/marker.h"

static void check_mark(const struct marker_event *event)
{
        bool is_start = event->kind == MARKER_START;

        fuzz_check(str_starts(event->bytes, is_start ? "\x1B]7723;S;" : "\x1B]7723;E;"));
        fuzz_check(event->nonce.len == (is_start ? MARKER_START_LEN : MARKER_END_LEN));
        fuzz_check(event->nonce.ptr == event->bytes.ptr + strlen("\x1B]7723;S;"));
        for (size_t i = 0; i < event->nonce.len; i++)
                fuzz_check(strchr("_-abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789",
                                  event->nonce.ptr[i]) != NULL && event->nonce.ptr[i] != 0);
        fuzz_check(event->bytes.ptr[event->bytes.len - 1] == '\a' && event->number >= 0);
}

/* Where the marks are, in marks; what is still held counts as text. */
static void find(const uint8_t *bytes, size_t len, size_t step, struct buf *marks)
{
        struct marker marker;
        size_t total = 0;

        buf_init(marks, SIZE_MAX / 2);
        marker_init(&marker);
        for (size_t at = 0; at < len; at += step) {
                size_t left = len - at < step ? len - at : step;
                const uint8_t *next = bytes + at;
                struct marker_event event;
                while ((event = marker_next(&marker, &next, &left)).kind != MARKER_MORE) {
                        fuzz_check(fuzz_same(event.bytes.ptr, event.bytes.len, bytes + total, event.bytes.len));
                        total += event.bytes.len;
                        if (event.kind == MARKER_TEXT)
                                continue;
                        check_mark(&event);
                        fuzz_check(buf_printf(marks, "%zu+%zu ", total, event.bytes.len));
                }
                fuzz_check(left == 0);
        }
        fuzz_check(fuzz_same(marker.held, marker.held_len, bytes + total, len - total));
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len)
{
        struct buf whole;
        struct buf pieces;

        if (len == 0)
                return 0;
        find(bytes + 1, len - 1, len, &whole);
        find(bytes + 1, len - 1, bytes[0] + (size_t)1, &pieces);
        fuzz_check(fuzz_same(whole.data, whole.len, pieces.data, pieces.len));
        buf_fini(&whole);
        buf_fini(&pieces);
        return 0;
}
