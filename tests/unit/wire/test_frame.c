#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/scoped.h"
#include "wire/frame.h"

#include <stdlib.h>
#include <string.h>

#define FRAMES     200u
#define STREAM_MAX (8 * 1024 * 1024)

static unsigned next_random(unsigned *seed)
{
        *seed = *seed * 1664525u + 1013904223u;
        return *seed >> 8;
}

/* The n-th frame of the test's stream; most are small, some are empty, some as long as can be. */
static size_t length_of(unsigned n)
{
        if (n % 50 == 7)
                return WIRE_PAYLOAD_MAX - 4;
        return n % 7 == 0 ? 0 : n * 37 % 900;
}

static void write_frame(struct buf *out, unsigned n)
{
        static uint8_t bytes[WIRE_PAYLOAD_MAX];
        struct wire_writer writer = wire_begin(out, n, (uint64_t)n << 40 | n);

        memset(bytes, (int)(n & 0xFF), length_of(n));
        wire_put_bytes(&writer, bytes, length_of(n));
        assert_true(wire_end(&writer));
}

static void check_frame(const struct frame *frame, unsigned n)
{
        struct wire_reader reader = wire_read(frame);
        struct str bytes = wire_get_bytes(&reader);

        assert_int_equal(frame->kind, n);
        assert_int_equal(frame->id, (uint64_t)n << 40 | n);
        assert_true(wire_read_done(&reader));
        assert_int_equal(bytes.len, length_of(n));
        for (size_t i = 0; i < bytes.len; i++)
                assert_int_equal((uint8_t)bytes.ptr[i], n & 0xFF);
}

/* Bytes arrive in pieces of any size: the frames that come out are those that went in. */
static void any_split_gives_the_same_frames(void **state)
{
        scoped_buf struct buf stream;
        scoped_buf struct buf in;
        struct frame frame;
        size_t used;
        unsigned seed = 1;

        (void)state;
        buf_init(&stream, STREAM_MAX);
        buf_init(&in, STREAM_MAX);
        for (unsigned n = 0; n < FRAMES; n++)
                write_frame(&stream, n);
        for (unsigned round = 0; round < 10; round++) {
                unsigned n = 0;
                for (size_t at = 0; at < stream.len;) {
                        unsigned most = round == 0 ? 1 : 1u << (round + 7);
                        size_t piece = 1 + next_random(&seed) % most;
                        if (piece > stream.len - at)
                                piece = stream.len - at;
                        assert_true(buf_append(&in, stream.data + at, piece));
                        at += piece;
                        enum frame_parse parse;
                        while ((parse = frame_parse(in.data, in.len, &frame, &used)) == FRAME_READY) {
                                check_frame(&frame, n++);
                                buf_consume(&in, used);
                        }
                        assert_int_equal(parse, FRAME_MORE);
                }
                assert_int_equal(n, FRAMES);
                assert_int_equal(in.len, 0);
        }
}

static void half_a_frame_is_no_frame(void **state)
{
        scoped_buf struct buf stream;
        struct frame frame = { .kind = 77 };
        size_t used = 77;

        (void)state;
        buf_init(&stream, STREAM_MAX);
        write_frame(&stream, 3);
        for (size_t len = 0; len < stream.len; len++) {
                scoped_free uint8_t *exact = malloc(len + 1); /* so that a read beyond it is seen */
                memcpy(exact, stream.data, len);
                assert_int_equal(frame_parse(exact, len, &frame, &used), FRAME_MORE);
        }
        assert_int_equal(frame.kind, 77);
        assert_int_equal(used, 77);
        assert_int_equal(frame_parse(stream.data, stream.len, &frame, &used), FRAME_READY);
        assert_int_equal(used, stream.len);
}

static enum frame_parse parse_length(uint32_t payload_len)
{
        uint8_t header[WIRE_HEADER_LEN] = { 0 };
        struct frame frame;
        size_t used;

        memcpy(header, &payload_len, sizeof payload_len);
        return frame_parse(header, sizeof header, &frame, &used);
}

static void a_hostile_length_is_refused_at_once(void **state)
{
        (void)state;
        assert_int_equal(parse_length(0), FRAME_READY);
        assert_int_equal(parse_length(1), FRAME_MORE);
        assert_int_equal(parse_length(WIRE_PAYLOAD_MAX), FRAME_MORE);
        assert_int_equal(parse_length(WIRE_PAYLOAD_MAX + 1), FRAME_BAD);
        assert_int_equal(parse_length(0x7FFFFFFF), FRAME_BAD);
        assert_int_equal(parse_length(0x80000000), FRAME_BAD);
        assert_int_equal(parse_length(UINT32_MAX - WIRE_HEADER_LEN), FRAME_BAD);
        assert_int_equal(parse_length(UINT32_MAX), FRAME_BAD);
}

static void a_field_beyond_the_payload_reads_as_empty(void **state)
{
        static const uint32_t lengths[] = { 1, 4, 0x7FFFFFFF, UINT32_MAX - 3, UINT32_MAX };

        (void)state;
        for (size_t i = 0; i < sizeof lengths / sizeof lengths[0]; i++) {
                scoped_free uint8_t *payload = malloc(4);
                struct frame frame = { .payload = payload, .len = 4 };
                memcpy(payload, &lengths[i], 4);
                struct wire_reader reader = wire_read(&frame);
                struct str bytes = wire_get_bytes(&reader);
                assert_int_equal(bytes.len, 0);
                assert_non_null(bytes.ptr);
                assert_int_equal(wire_get_u32(&reader), 0);
                assert_int_equal(wire_get_i64(&reader), 0);
                assert_int_equal(wire_get_bytes(&reader).len, 0);
                assert_false(wire_read_done(&reader));
        }
}

static void a_bad_reader_stays_bad(void **state)
{
        uint8_t payload[5] = { 0, 0, 0, 0, 9 };
        struct frame frame = { .payload = payload, .len = sizeof payload };
        struct wire_reader reader = wire_read(&frame);

        (void)state;
        assert_int_equal(wire_get_i64(&reader), 0); /* eight bytes of five */
        assert_int_equal(wire_get_u32(&reader), 0);
        assert_int_equal(reader.left, 5);
        assert_false(wire_read_done(&reader));
}

static void what_is_left_over_is_noticed(void **state)
{
        uint8_t payload[5] = { 1, 0, 0, 0, 9 };
        struct frame frame = { .payload = payload, .len = sizeof payload };
        struct wire_reader reader = wire_read(&frame);

        (void)state;
        assert_int_equal(wire_get_u32(&reader), 1);
        assert_false(wire_read_done(&reader));
        frame.len = 4;
        reader = wire_read(&frame);
        (void)wire_get_u32(&reader);
        assert_true(wire_read_done(&reader));
}

static void numbers_keep_their_value(void **state)
{
        static const int64_t numbers[] = { 0, 1, -1, INT64_MAX, INT64_MIN };
        scoped_buf struct buf out;
        struct frame frame;
        size_t used;

        (void)state;
        buf_init(&out, STREAM_MAX);
        struct wire_writer writer = wire_begin(&out, UINT32_MAX, UINT64_MAX);
        for (size_t i = 0; i < 5; i++)
                wire_put_i64(&writer, numbers[i]);
        wire_put_u32(&writer, UINT32_MAX);
        wire_put_text(&writer, NULL);
        wire_put_text(&writer, "text");
        wire_put_bytes(&writer, "a\0b", 3);
        assert_true(wire_end(&writer));
        assert_int_equal(frame_parse(out.data, out.len, &frame, &used), FRAME_READY);
        assert_int_equal(frame.kind, UINT32_MAX);
        assert_true(frame.id == UINT64_MAX);
        struct wire_reader reader = wire_read(&frame);
        for (size_t i = 0; i < 5; i++)
                assert_true(wire_get_i64(&reader) == numbers[i]);
        assert_true(wire_get_u32(&reader) == UINT32_MAX);
        assert_true(str_is(wire_get_bytes(&reader), ""));
        assert_true(str_is(wire_get_bytes(&reader), "text"));
        struct str bytes = wire_get_bytes(&reader);
        assert_int_equal(bytes.len, 3);
        assert_memory_equal(bytes.ptr, "a\0b", 3);
        assert_true(wire_read_done(&reader));
}

static void a_frame_that_is_too_long_leaves_no_trace(void **state)
{
        static uint8_t bytes[WIRE_PAYLOAD_MAX + 1];
        scoped_buf struct buf out;

        (void)state;
        buf_init(&out, STREAM_MAX);
        assert_true(buf_append_str(&out, "before"));
        for (size_t len = WIRE_PAYLOAD_MAX - 4; len <= WIRE_PAYLOAD_MAX + 1; len++) {
                struct wire_writer writer = wire_begin(&out, 1, 1);
                wire_put_bytes(&writer, bytes, len);
                assert_int_equal(wire_end(&writer), len == WIRE_PAYLOAD_MAX - 4);
                if (len == WIRE_PAYLOAD_MAX - 4)
                        out.len = strlen("before");
                assert_int_equal(out.len, strlen("before"));
        }
        assert_memory_equal(out.data, "before", sizeof "before");
}

static void a_full_buffer_leaves_no_trace(void **state)
{
        struct buf whole;

        (void)state;
        buf_init(&whole, STREAM_MAX);
        write_frame(&whole, 3);
        for (size_t max = 0; max < whole.len; max++) {
                scoped_buf struct buf out;
                buf_init(&out, max);
                struct wire_writer writer = wire_begin(&out, 3, 3);
                wire_put_bytes(&writer, whole.data, length_of(3));
                assert_false(wire_end(&writer));
                assert_int_equal(out.len, 0);
        }
        buf_fini(&whole);
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(any_split_gives_the_same_frames),
                cmocka_unit_test(half_a_frame_is_no_frame),
                cmocka_unit_test(a_hostile_length_is_refused_at_once),
                cmocka_unit_test(a_field_beyond_the_payload_reads_as_empty),
                cmocka_unit_test(a_bad_reader_stays_bad),
                cmocka_unit_test(what_is_left_over_is_noticed),
                cmocka_unit_test(numbers_keep_their_value),
                cmocka_unit_test(a_frame_that_is_too_long_leaves_no_trace),
                cmocka_unit_test(a_full_buffer_leaves_no_trace),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
