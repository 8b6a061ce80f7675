/* A stream of frames; their fields are read as numbers and as bytes by turns. */
#include "fuzz.h"
#include "wire/frame.h"

static void look(const struct frame *frame)
{
        struct wire_reader reader = wire_read(frame);

        for (size_t before = frame->len; !reader.bad && reader.left > 0; before = reader.left) {
                (void)wire_get_u32(&reader);
                fuzz_check(wire_get_bytes(&reader).len <= reader.left + before);
                (void)wire_get_i64(&reader);
                fuzz_check(reader.bad ? reader.left <= before : reader.left + 16 <= before);
        }
        fuzz_check(wire_read_done(&reader) == (!reader.bad && reader.left == 0));
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len)
{
        struct frame frame;
        size_t used = 0;

        for (; frame_parse(bytes, len, &frame, &used) == FRAME_READY; bytes += used, len -= used) {
                fuzz_check(used <= len && used == WIRE_HEADER_LEN + frame.len);
                look(&frame);
        }
        return 0;
}
