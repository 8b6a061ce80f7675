/* A payload read as each message: what is taken is in its bounds and is written the same again. */
#include "fuzz.h"
#include "wire/message.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len)
{
        struct frame frame = { .payload = bytes, .len = len };
        struct wire_connect connect;
        struct wire_end end;
        struct wire_key key;
        struct wire_prompt prompt;
        struct wire_secret secret;
        struct wire_sudo sudo;
        struct buf out;

        buf_init(&out, WIRE_HEADER_LEN + WIRE_PAYLOAD_MAX);
        if (len <= WIRE_PAYLOAD_MAX && wire_read_connect(&frame, &connect)) {
                fuzz_check(wire_write_connect(&out, &connect));
                fuzz_check(fuzz_same(out.data + WIRE_HEADER_LEN, out.len - WIRE_HEADER_LEN, bytes, len));
        }
        buf_reset(&out);
        if (len <= WIRE_PAYLOAD_MAX && wire_read_end(&frame, &end)) {
                fuzz_check(end.how < WIRE_HOW_KINDS && end.status >= -1);
                fuzz_check(end.signal.len < WIRE_SIGNAL_NAME_MAX);
                fuzz_check(wire_write_end(&out, WIRE_ENDED, 1, &end));
                fuzz_check(fuzz_same(out.data + WIRE_HEADER_LEN, out.len - WIRE_HEADER_LEN, bytes, len));
        }
        buf_reset(&out);
        if (len <= WIRE_PAYLOAD_MAX && wire_read_key(&frame, &key)) {
                fuzz_check(wire_write_key(&out, &key));
                fuzz_check(fuzz_same(out.data + WIRE_HEADER_LEN, out.len - WIRE_HEADER_LEN, bytes, len));
        }
        buf_reset(&out);
        if (len <= WIRE_PAYLOAD_MAX && wire_read_prompt(&frame, &prompt)) {
                fuzz_check(prompt.kind < WIRE_PROMPT_KINDS && prompt.echo <= 1);
                fuzz_check(wire_write_prompt(&out, &prompt));
                fuzz_check(fuzz_same(out.data + WIRE_HEADER_LEN, out.len - WIRE_HEADER_LEN, bytes, len));
        }
        buf_reset(&out);
        if (len <= WIRE_PAYLOAD_MAX && wire_read_secret(&frame, &secret)) {
                fuzz_check(secret.kind < WIRE_PROMPT_INTERACTIVE && secret.is_good <= 1);
                fuzz_check(wire_write_secret(&out, &secret));
                fuzz_check(fuzz_same(out.data + WIRE_HEADER_LEN, out.len - WIRE_HEADER_LEN, bytes, len));
        }
        buf_reset(&out);
        if (len <= WIRE_PAYLOAD_MAX && wire_read_sudo(&frame, &sudo)) {
                fuzz_check(wire_write_sudo(&out, 1, &sudo));
                fuzz_check(fuzz_same(out.data + WIRE_HEADER_LEN, out.len - WIRE_HEADER_LEN, bytes, len));
        }
        buf_fini(&out);
        return 0;
}
