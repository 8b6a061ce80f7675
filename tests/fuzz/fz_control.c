/* Bytes at the control socket: a frame in them is in its bounds, and is written the same again. */
#include "fuzz.h"
#include "wire/control.h"

static struct buf out;

static void check_same(const struct frame *frame)
{
        fuzz_check(fuzz_same(out.data + WIRE_HEADER_LEN, out.len - WIRE_HEADER_LEN, frame->payload,
                             frame->len));
        buf_reset(&out);
}

static void read_as_all(const struct frame *frame)
{
        struct control_hello hello;
        struct control_login login;
        struct control_prompt prompt;
        struct control_answer answer;
        struct str text;

        if (control_read_hello(frame, &hello)) {
                fuzz_check(control_write_hello(&out, &hello));
                check_same(frame);
        }
        if (control_read_login(frame, &login)) {
                fuzz_check(login.host.len > 0 && login.port <= UINT16_MAX);
                fuzz_check(control_write_login(&out, &login));
                check_same(frame);
        }
        if (control_read_prompt(frame, &prompt)) {
                fuzz_check(prompt.text.len <= CONTROL_TEXT_MAX);
                fuzz_check(control_write_prompt(&out, 1, &prompt));
                check_same(frame);
        }
        if (control_read_answer(frame, &answer)) {
                fuzz_check(answer.answer.len <= CONTROL_ANSWER_MAX);
                fuzz_check(control_write_answer(&out, 1, &answer));
                check_same(frame);
        }
        if (control_read_end(frame, &text))
                fuzz_check(text.len <= CONTROL_TEXT_MAX);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len)
{
        struct frame frame;
        size_t used;

        buf_init(&out, WIRE_HEADER_LEN + WIRE_PAYLOAD_MAX);
        if (frame_parse(bytes, len, &frame, &used) == FRAME_READY)
                read_as_all(&frame);
        buf_fini(&out);
        return 0;
}
