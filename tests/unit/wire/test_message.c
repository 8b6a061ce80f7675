#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/scoped.h"
#include "wire/message.h"

#include <stdlib.h>
#include <string.h>

#define OUT_MAX (256 * 1024)

static struct buf out;

static int begin(void **state)
{
        (void)state;
        buf_init(&out, OUT_MAX);
        return 0;
}

static int finish(void **state)
{
        (void)state;
        buf_fini(&out);
        return 0;
}

/* The one frame in out, which is of that kind and id. */
static struct frame written(enum wire_kind kind, uint64_t id)
{
        struct frame frame = { 0 };
        size_t used = 0;

        assert_int_equal(frame_parse(out.data, out.len, &frame, &used), FRAME_READY);
        assert_int_equal(used, out.len);
        assert_int_equal(frame.kind, kind);
        assert_int_equal(frame.id, id);
        return frame;
}

static void assert_str(struct str str, const char *text)
{
        assert_int_equal(str.len, strlen(text));
        assert_memory_equal(str.ptr, text, str.len);
}

static const struct wire_connect connect_sample = {
        .user = { "web", 3 },
        .host_key_algorithms = { "ssh-ed25519,rsa-sha2-512", 24 },
        .password = { "se\0cret", 7 },
        .use_agent = 1,
        .keepalive_s = 15,
        .keepalive_count = 3,
        .timeout_s = UINT32_MAX,
        .compression = 0,
        .keys_before_agent = 2,
        .kex = { "curve25519-sha256", 17 },
        .ciphers = { "aes256-ctr", 10 },
        .macs = { "hmac-sha2-256", 13 },
        .public_key_algorithms = { "ssh-ed25519", 11 },
        .auth_methods = { "publickey,password", 18 },
        .rsa_min_bits = 2048,
        .may_prompt = 1,
        .password_prompts = 3,
};

static const struct wire_key key_sample = {
        .name = { "~/.ssh/id", 9 },
        .pem = { "-----BEGIN", 10 },
        .passphrase = { "p\0w", 3 },
        .certificate = { "ssh-ed25519-cert-v01@openssh.com AAAA", 37 },
        .public_key = { "ssh-ed25519 AAAB", 16 },
};

static const struct wire_prompt prompt_sample = {
        .kind = WIRE_PROMPT_INTERACTIVE,
        .echo = 1,
        .key = 7,
        .text = { "Code: ", 6 },
        .instruction = { "from your phone", 15 },
};

static void connect_comes_back(void **state)
{
        struct wire_connect connect = { 0 };

        (void)state;
        assert_true(wire_write_connect(&out, &connect_sample));
        struct frame frame = written(WIRE_CONNECT, 0);
        assert_true(wire_read_connect(&frame, &connect));
        assert_str(connect.user, "web");
        assert_str(connect.host_key_algorithms, "ssh-ed25519,rsa-sha2-512");
        assert_int_equal(connect.password.len, 7);
        assert_memory_equal(connect.password.ptr, "se\0cret", 7);
        assert_int_equal(connect.use_agent, 1);
        assert_int_equal(connect.keepalive_s, 15);
        assert_int_equal(connect.keepalive_count, 3);
        assert_true(connect.timeout_s == UINT32_MAX);
        assert_int_equal(connect.compression, 0);
        assert_int_equal(connect.keys_before_agent, 2);
        assert_str(connect.kex, "curve25519-sha256");
        assert_str(connect.ciphers, "aes256-ctr");
        assert_str(connect.macs, "hmac-sha2-256");
        assert_str(connect.public_key_algorithms, "ssh-ed25519");
        assert_str(connect.auth_methods, "publickey,password");
        assert_int_equal(connect.rsa_min_bits, 2048);
        assert_int_equal(connect.may_prompt, 1);
        assert_int_equal(connect.password_prompts, 3);
}

static void a_key_comes_back(void **state)
{
        struct wire_key key = { 0 };

        (void)state;
        assert_true(wire_write_key(&out, &key_sample));
        struct frame frame = written(WIRE_KEY, 0);
        assert_true(wire_read_key(&frame, &key));
        assert_str(key.name, "~/.ssh/id");
        assert_str(key.pem, "-----BEGIN");
        assert_int_equal(key.passphrase.len, 3);
        assert_memory_equal(key.passphrase.ptr, "p\0w", 3);
        assert_str(key.certificate, "ssh-ed25519-cert-v01@openssh.com AAAA");
        assert_str(key.public_key, "ssh-ed25519 AAAB");
}

static void a_prompt_comes_back(void **state)
{
        struct wire_prompt prompt = { 0 };

        (void)state;
        assert_true(wire_write_prompt(&out, &prompt_sample));
        struct frame frame = written(WIRE_PROMPT, 0);
        assert_true(wire_read_prompt(&frame, &prompt));
        assert_int_equal(prompt.kind, WIRE_PROMPT_INTERACTIVE);
        assert_int_equal(prompt.echo, 1);
        assert_int_equal(prompt.key, 7);
        assert_str(prompt.text, "Code: ");
        assert_str(prompt.instruction, "from your phone");
}

static void a_prompt_of_no_kind_is_refused(void **state)
{
        struct wire_prompt prompt = prompt_sample;

        (void)state;
        prompt.kind = WIRE_PROMPT_KINDS;
        assert_true(wire_write_prompt(&out, &prompt));
        struct frame frame = written(WIRE_PROMPT, 0);
        assert_false(wire_read_prompt(&frame, &prompt));
        buf_reset(&out);
        prompt = prompt_sample;
        prompt.echo = 2;
        assert_true(wire_write_prompt(&out, &prompt));
        frame = written(WIRE_PROMPT, 0);
        assert_false(wire_read_prompt(&frame, &prompt));
}

static void a_secrets_verdict_comes_back(void **state)
{
        struct wire_secret secret = { .kind = WIRE_PROMPT_PASSPHRASE, .key = 3, .is_good = 1 };
        struct wire_secret back = { 0 };

        (void)state;
        assert_true(wire_write_secret(&out, &secret));
        struct frame frame = written(WIRE_SECRET, 0);
        assert_true(wire_read_secret(&frame, &back));
        assert_int_equal(back.kind, WIRE_PROMPT_PASSPHRASE);
        assert_int_equal(back.key, 3);
        assert_int_equal(back.is_good, 1);
}

static void a_code_is_no_secret_to_keep(void **state)
{
        struct wire_secret secret = { .kind = WIRE_PROMPT_INTERACTIVE, .is_good = 1 };
        struct wire_secret back;

        (void)state;
        assert_true(wire_write_secret(&out, &secret));
        struct frame frame = written(WIRE_SECRET, 0);
        assert_false(wire_read_secret(&frame, &back));
        buf_reset(&out);
        secret = (struct wire_secret){ .is_good = 2 };
        assert_true(wire_write_secret(&out, &secret));
        frame = written(WIRE_SECRET, 0);
        assert_false(wire_read_secret(&frame, &back));
}

static void an_empty_connect_comes_back(void **state)
{
        const struct wire_connect nothing = { 0 };
        struct wire_connect connect = connect_sample;

        (void)state;
        assert_true(wire_write_connect(&out, &nothing));
        struct frame frame = written(WIRE_CONNECT, 0);
        assert_true(wire_read_connect(&frame, &connect));
        assert_str(connect.user, "");
        assert_str(connect.password, "");
        assert_int_equal(connect.timeout_s, 0);
}

static const struct wire_end end_sample = {
        .how = WIRE_HOW_SIGNALED,
        .status = -1,
        .signal = { "KILL", 4 },
        .cwd = { "/srv/\xC3\xA9", 7 },
        .text = { "why", 3 },
        .shell_gone = 1,
};

static void every_end_comes_back(void **state)
{
        static const int32_t statuses[] = { -1, 0, 1, 255, INT32_MAX };

        (void)state;
        for (int how = 0; how < WIRE_HOW_KINDS; how++)
                for (size_t i = 0; i < sizeof statuses / sizeof statuses[0]; i++) {
                        enum wire_kind kind = i % 2 == 0 ? WIRE_ENDED : WIRE_SHELL_ENDED;
                        struct wire_end sent = end_sample;
                        struct wire_end end = { 0 };
                        sent.how = (enum wire_how)how;
                        sent.status = statuses[i];
                        buf_reset(&out);
                        assert_true(wire_write_end(&out, kind, 9, &sent));
                        struct frame frame = written(kind, 9);
                        assert_true(wire_read_end(&frame, &end));
                        assert_int_equal(end.how, how);
                        assert_int_equal(end.status, statuses[i]);
                        assert_str(end.signal, "KILL");
                        assert_str(end.cwd, "/srv/\xC3\xA9");
                        assert_str(end.text, "why");
                        assert_int_equal(end.shell_gone, 1);
                }
}

/* Written by hand, because wire_write_end() has no way to say it. */
static bool end_is_taken(uint32_t how, int64_t status, size_t signal_len)
{
        static const char letters[64] = "ABCDEFGHIJKLMNOPQRSTUVWXYZABCDEFGHIJKLMNOPQRSTUVWXYZABCDEFGHIJK";
        struct wire_end end = { .status = 77 };

        buf_reset(&out);
        struct wire_writer writer = wire_begin(&out, WIRE_ENDED, 1);
        wire_put_u32(&writer, how);
        wire_put_i64(&writer, status);
        wire_put_bytes(&writer, letters, signal_len);
        wire_put_text(&writer, "/");
        wire_put_text(&writer, "");
        wire_put_u32(&writer, 0);
        assert_true(wire_end(&writer));
        struct frame frame = written(WIRE_ENDED, 1);
        bool taken = wire_read_end(&frame, &end);
        assert_true(taken || end.status == 77); /* untouched on failure */
        return taken;
}

static void an_end_out_of_range_is_refused(void **state)
{
        (void)state;
        assert_true(end_is_taken(WIRE_HOW_EXITED, 0, 0));
        assert_true(end_is_taken(WIRE_HOW_KINDS - 1, 0, 0));
        assert_false(end_is_taken(WIRE_HOW_KINDS, 0, 0));
        assert_false(end_is_taken(UINT32_MAX, 0, 0));
        assert_true(end_is_taken(0, -1, 0));
        assert_false(end_is_taken(0, -2, 0));
        assert_false(end_is_taken(0, (int64_t)INT32_MAX + 1, 0));
        assert_false(end_is_taken(0, (int64_t)1 << 32, 0)); /* 0 in its lower half */
        assert_false(end_is_taken(0, INT64_MIN, 0));
        assert_true(end_is_taken(0, 0, WIRE_SIGNAL_NAME_MAX - 1));
        assert_false(end_is_taken(0, 0, WIRE_SIGNAL_NAME_MAX));
}

typedef bool decoder(const struct frame *frame);

static bool decode_connect(const struct frame *frame)
{
        struct wire_connect connect;

        return wire_read_connect(frame, &connect);
}

static bool decode_end(const struct frame *frame)
{
        struct wire_end end;

        return wire_read_end(frame, &end);
}

static bool decode_key(const struct frame *frame)
{
        struct wire_key key;

        return wire_read_key(frame, &key);
}

static bool decode_prompt(const struct frame *frame)
{
        struct wire_prompt prompt;

        return wire_read_prompt(frame, &prompt);
}

/* At every byte, and with one too many; copied, so that a read beyond the end is seen. */
static void no_part_is_taken(const struct frame *frame, decoder *decode)
{
        for (size_t len = 0; len <= frame->len + 1; len++) {
                scoped_free uint8_t *part = calloc(1, len + 1);
                struct frame cut = { .kind = frame->kind, .payload = part, .len = len };
                memcpy(part, frame->payload, len < frame->len ? len : frame->len);
                assert_int_equal(decode(&cut), len == frame->len);
        }
}

static void a_truncated_message_is_refused(void **state)
{
        (void)state;
        assert_true(wire_write_connect(&out, &connect_sample));
        struct frame frame = written(WIRE_CONNECT, 0);
        no_part_is_taken(&frame, decode_connect);
        buf_reset(&out);
        assert_true(wire_write_end(&out, WIRE_ENDED, 1, &end_sample));
        frame = written(WIRE_ENDED, 1);
        no_part_is_taken(&frame, decode_end);
        buf_reset(&out);
        assert_true(wire_write_key(&out, &key_sample));
        frame = written(WIRE_KEY, 0);
        no_part_is_taken(&frame, decode_key);
        buf_reset(&out);
        assert_true(wire_write_prompt(&out, &prompt_sample));
        frame = written(WIRE_PROMPT, 0);
        no_part_is_taken(&frame, decode_prompt);
}

/* Every length field in turn says more than there is. */
static void a_lying_length_is_refused(void **state)
{
        (void)state;
        assert_true(wire_write_end(&out, WIRE_ENDED, 1, &end_sample));
        size_t fields[] = { 12, 12 + 4 + 4, 12 + 4 + 4 + 4 + 7 }; /* signal, cwd, text */
        for (size_t i = 0; i < 3; i++)
                for (unsigned bit = 3; bit < 32; bit++) {
                        scoped_buf struct buf copy;
                        struct frame frame;
                        uint32_t len;
                        size_t used;
                        buf_init(&copy, OUT_MAX);
                        assert_true(buf_append(&copy, out.data, out.len));
                        uint8_t *at = copy.data + WIRE_HEADER_LEN + fields[i];
                        memcpy(&len, at, sizeof len);
                        assert_true(len <= 7);
                        len ^= 1u << bit;
                        memcpy(at, &len, sizeof len);
                        assert_int_equal(frame_parse(copy.data, copy.len, &frame, &used), FRAME_READY);
                        assert_false(decode_end(&frame));
                }
}

static void the_small_ones_come_back(void **state)
{
        (void)state;
        assert_true(wire_write_bare(&out, WIRE_STARTED, 5));
        struct frame frame = written(WIRE_STARTED, 5);
        assert_int_equal(frame.len, 0);

        buf_reset(&out);
        assert_true(wire_write_bytes(&out, WIRE_PARTIAL, 6, "a\0b", 3));
        frame = written(WIRE_PARTIAL, 6);
        struct wire_reader reader = wire_read(&frame);
        struct str bytes = wire_get_bytes(&reader);
        assert_int_equal(bytes.len, 3);
        assert_memory_equal(bytes.ptr, "a\0b", 3);
        assert_true(wire_read_done(&reader));

        buf_reset(&out);
        assert_true(wire_write_u32_bytes(&out, WIRE_OUTPUT, 7, 2, "err", 3));
        frame = written(WIRE_OUTPUT, 7);
        reader = wire_read(&frame);
        assert_int_equal(wire_get_u32(&reader), 2);
        assert_str(wire_get_bytes(&reader), "err");
        assert_true(wire_read_done(&reader));

        buf_reset(&out);
        assert_true(wire_write_two_bytes(&out, WIRE_HOST_KEY, 0, str_of("ssh-rsa"), str_of("")));
        frame = written(WIRE_HOST_KEY, 0);
        reader = wire_read(&frame);
        assert_str(wire_get_bytes(&reader), "ssh-rsa");
        assert_str(wire_get_bytes(&reader), "");
        assert_true(wire_read_done(&reader));

        buf_reset(&out);
        assert_true(wire_write_ready(&out, str_of("SSH-2.0-x"), str_of(""), str_of("aes256-ctr")));
        frame = written(WIRE_READY, 0);
        reader = wire_read(&frame);
        assert_str(wire_get_bytes(&reader), "SSH-2.0-x");
        assert_str(wire_get_bytes(&reader), "");
        assert_str(wire_get_bytes(&reader), "aes256-ctr");
        assert_true(wire_read_done(&reader));

        buf_reset(&out);
        assert_true(wire_write_u32(&out, WIRE_HOST_KEY_OK, 0, WIRE_HOST_KEY_NEW));
        frame = written(WIRE_HOST_KEY_OK, 0);
        reader = wire_read(&frame);
        assert_int_equal(wire_get_u32(&reader), WIRE_HOST_KEY_NEW);
        assert_true(wire_read_done(&reader));

        buf_reset(&out);
        assert_true(wire_write_shell_ready(&out, 8, str_of("bash"), 4194304));
        frame = written(WIRE_SHELL_READY, 8);
        reader = wire_read(&frame);
        assert_str(wire_get_bytes(&reader), "bash");
        assert_int_equal(wire_get_i64(&reader), 4194304);
        assert_true(wire_read_done(&reader));
}

static void what_does_not_fit_is_not_written(void **state)
{
        static char text[WIRE_PAYLOAD_MAX + 1];
        struct wire_connect connect = connect_sample;
        struct wire_end end = end_sample;
        struct str long_text = { text, sizeof text };

        (void)state;
        connect.password = long_text;
        assert_false(wire_write_connect(&out, &connect));
        end.text = long_text;
        assert_false(wire_write_end(&out, WIRE_ENDED, 1, &end));
        assert_false(wire_write_bytes(&out, WIRE_INPUT, 1, text, WIRE_PAYLOAD_MAX - 3));
        assert_false(wire_write_u32_bytes(&out, WIRE_OUTPUT, 1, 1, text, WIRE_PAYLOAD_MAX - 7));
        assert_false(wire_write_two_bytes(&out, WIRE_KEY, 0, str_of("name"), long_text));
        assert_false(wire_write_shell_ready(&out, 1, long_text, 1));
        assert_int_equal(out.len, 0);
        assert_true(wire_write_bytes(&out, WIRE_INPUT, 1, text, WIRE_PAYLOAD_MAX - 4));
}

static void a_request_for_sudo_comes_back(void **state)
{
        struct wire_sudo sudo = { .own_at = 4, .password = str_of("hunter2"), .whom = str_of("bob@web1"),
                                  .why_none = str_of("") };
        struct wire_sudo back = { 0 };

        (void)state;
        assert_true(wire_write_sudo(&out, 7, &sudo));
        struct frame frame = written(WIRE_RUN_SUDO, 7);
        assert_true(wire_read_sudo(&frame, &back));
        assert_int_equal(back.own_at, 4);
        assert_true(str_is(back.password, "hunter2"));
        assert_true(str_is(back.whom, "bob@web1"));
        assert_int_equal(back.why_none.len, 0);
        frame.len--;
        assert_false(wire_read_sudo(&frame, &back));
}

static void what_awaits_has_names(void **state)
{
        (void)state;
        assert_string_equal(wire_awaiting_name(WIRE_AWAITING_NOTHING), "nothing");
        assert_string_equal(wire_awaiting_name(WIRE_AWAITING_PASSWORD), "password");
        assert_string_equal(wire_awaiting_name(WIRE_AWAITING_LINE), "line");
        assert_string_equal(wire_awaiting_name(WIRE_AWAITING_PROGRAM), "program");
        assert_string_equal(wire_awaiting_name(WIRE_AWAITING_SHELL), "shell");
}

#define TEST(function) cmocka_unit_test_setup_teardown(function, begin, finish)

int main(void)
{
        const struct CMUnitTest tests[] = {
                TEST(connect_comes_back),
                TEST(an_empty_connect_comes_back),
                TEST(a_key_comes_back),
                TEST(a_prompt_comes_back),
                TEST(a_prompt_of_no_kind_is_refused),
                TEST(a_secrets_verdict_comes_back),
                TEST(a_code_is_no_secret_to_keep),
                TEST(every_end_comes_back),
                TEST(an_end_out_of_range_is_refused),
                TEST(a_truncated_message_is_refused),
                TEST(a_lying_length_is_refused),
                TEST(the_small_ones_come_back),
                TEST(what_does_not_fit_is_not_written),
                TEST(a_request_for_sudo_comes_back),
                TEST(what_awaits_has_names),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
