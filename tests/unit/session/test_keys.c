#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/scoped.h"
#include "session/terminal/keys.h"

#include <string.h>

struct pair {
        const char *text;
        const char *bytes;
};

static void expect(const char *text, size_t len, enum keys_mode mode, const char *bytes,
                   size_t bytes_len)
{
        scoped_buf struct buf out;
        struct err err = { 0 };

        buf_init(&out, 2 * KEYS_BYTES_MAX);
        if (!keys_write(&out, (struct str){ text, len }, mode, &err))
                fail_msg("%s: %s", text, err.text);
        assert_int_equal(out.len, bytes_len);
        assert_memory_equal(out.data, bytes, bytes_len);
}

static void keys_are_what_a_keyboard_sends(void **state)
{
        static const struct pair pairs[] = {
                { "plain text", "plain text" },
                { "<enter>", "\r" },
                { "<return>", "\r" },
                { "a\nb", "a\rb" },
                { "a\r\nb", "a\rb" },
                { "<esc><Escape>", "\x1B\x1B" },
                { "<tab><space><shift-tab>", "\t \x1B[Z" },
                { "<ctrl-c><CTRL-C><ctrl-d><ctrl-z><ctrl-g>", "\x03\x03\x04\x1A\x07" },
                { "<ctrl-[><ctrl-\\><ctrl-]><ctrl-^><ctrl-_><ctrl-/>", "\x1B\x1C\x1D\x1E\x1F\x1F" },
                { "<ctrl-?>", "\x7F" },
                { "<alt-x><alt-X>", "\x1Bx\x1BX" },
                { "<alt-enter><alt-ctrl-a>", "\x1B\r\x1B\x01" },
                { "<alt-*><alt-<><alt->>", "\x1B*\x1B<\x1B>" },
                { "<alt-\xC3\xA4>", "\x1B\xC3\xA4" },
                { "<f1><f2><f3><f4>", "\x1BOP\x1BOQ\x1BOR\x1BOS" },
                { "<f5><f6><f7><f8>", "\x1B[15~\x1B[17~\x1B[18~\x1B[19~" },
                { "<f9><f10><f11><f12>", "\x1B[20~\x1B[21~\x1B[23~\x1B[24~" },
                { "<up><down><right><left>", "\x1B[A\x1B[B\x1B[C\x1B[D" },
                { "<home><end>", "\x1B[H\x1B[F" },
                { "<pageup><pagedown>", "\x1B[5~\x1B[6~" },
                { "<insert><delete><backspace>", "\x1B[2~\x1B[3~\x7F" },
                { "<down*3>", "\x1B[B\x1B[B\x1B[B" },
                { "<ctrl-a*2>", "\x01\x01" },
                { "<lt>a<gt>", "<a>" },
                { "<<a>", "<a>" },
                { "<<enter>", "<enter>" },
                { "a > b", "a > b" },
        };

        (void)state;
        for (size_t i = 0; i < sizeof pairs / sizeof *pairs; i++)
                expect(pairs[i].text, strlen(pairs[i].text), KEYS_NORMAL, pairs[i].bytes,
                       strlen(pairs[i].bytes));
        expect("<ctrl-space><ctrl-@>", 20, KEYS_NORMAL, "\0\0", 2);
}

static void cursor_keys_follow_the_mode(void **state)
{
        static const char keys[] = "<up><down><right><left><home><end><pageup><f1><down*2>";
        static const char bytes[] = "\x1BOA\x1BOB\x1BOC\x1BOD\x1BOH\x1BOF\x1B[5~\x1BOP\x1BOB\x1BOB";

        (void)state;
        expect(keys, sizeof keys - 1, KEYS_APPLICATION, bytes, sizeof bytes - 1);
}

static void expect_refused(const char *text, enum err_code code, const char *part)
{
        scoped_buf struct buf out;
        struct err err = { 0 };

        buf_init(&out, 2 * KEYS_BYTES_MAX);
        assert_false(keys_write(&out, str_of(text), KEYS_NORMAL, &err));
        assert_int_equal(err.code, code);
        if (strstr(err.text, part) == NULL || strstr(err.text, "nothing was typed") == NULL)
                fail_msg("%s: %s", text, err.text);
}

static void what_is_no_key_is_named(void **state)
{
        static const char *const wrong[] = { "<foo>",      "<ctrl-\xC3\xA4>", "<ctrl->", "<alt-foo>",
                                             "<f13>",      "<f0>",     "<>",      "<",
                                             "a < b",      "<enter",   "<down*>", "<down*0>",
                                             "<down*x>",   "<down*-1>", "<*3>",   "<alt-alt-x>",
                                             "<ctrl-foo>", "<a very long name that is no key>" };

        (void)state;
        for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++)
                expect_refused(wrong[i], ERR_INPUT, "there is no key <");
        expect_refused("ok<foo>", ERR_INPUT, "<foo>");
        expect_refused("<down*101>", ERR_LIMIT, "100");
}

static void what_becomes_too_much_is_refused(void **state)
{
        char text[8 * 64 + 1] = "";

        (void)state;
        for (int i = 0; i < 64; i++)
                memcpy(text + 8 * i, "<f5*100>", 9);
        expect_refused(text, ERR_LIMIT, "16384 bytes");
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(keys_are_what_a_keyboard_sends),
                cmocka_unit_test(cursor_keys_follow_the_mode),
                cmocka_unit_test(what_is_no_key_is_named),
                cmocka_unit_test(what_becomes_too_much_is_refused),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
