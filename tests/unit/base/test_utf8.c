#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/scoped.h"
#include "base/utf8.h"

#include <string.h>

#define COUNT(array)  (sizeof(array) / sizeof(array)[0])
#define REPLACEMENT   "\xEF\xBF\xBD"
#define CODE_POINTS   0x110000u
#define SURROGATE_MIN 0xD800u
#define SURROGATE_MAX 0xDFFFu

static size_t encode(uint32_t c, uint8_t out[4])
{
        if (c < 0x80) {
                out[0] = (uint8_t)c;
                return 1;
        }
        size_t len = c < 0x800 ? 2 : c < 0x10000 ? 3 : 4;
        for (size_t i = len - 1; i > 0; i--, c >>= 6)
                out[i] = (uint8_t)(0x80 | (c & 0x3F));
        out[0] = (uint8_t)((0xF00u >> len & 0xFF) | c);
        return len;
}

static void every_code_point_is_valid_but_surrogates(void **state)
{
        uint8_t bytes[4];
        size_t step;

        (void)state;
        for (uint32_t c = 0; c < CODE_POINTS; c++) {
                size_t len = encode(c, bytes);
                bool is_surrogate = c >= SURROGATE_MIN && c <= SURROGATE_MAX;
                enum utf8_result result = utf8_next(bytes, len, &step);
                if (result != (is_surrogate ? UTF8_INVALID : UTF8_VALID)
                    || (!is_surrogate && step != len))
                        fail_msg("U+%04X: %d, %zu bytes", c, (int)result, step);
                for (size_t cut = 1; cut < len && !is_surrogate; cut++)
                        assert_int_equal(utf8_next(bytes, cut, &step), UTF8_INCOMPLETE);
        }
}

/* Sequences of every length, told from valid ones by decoding them the long way. */
static void nothing_else_is_valid(void **state)
{
        uint8_t again[4];
        size_t step;

        (void)state;
        for (uint32_t two = 0; two < 0x10000; two++) {
                uint8_t bytes[4] = { (uint8_t)(two >> 8), (uint8_t)two, 0x80, 0xBF };
                if (utf8_next(bytes, sizeof bytes, &step) != UTF8_VALID)
                        continue;
                uint32_t c = step == 1 ? bytes[0] : bytes[0] & (0x7Fu >> step);
                for (size_t i = 1; i < step; i++)
                        c = c << 6 | (bytes[i] & 0x3F);
                assert_true(c < CODE_POINTS && (c < SURROGATE_MIN || c > SURROGATE_MAX));
                assert_int_equal(encode(c, again), step); /* not overlong */
                assert_memory_equal(again, bytes, step);
        }
}

static void bad_texts_are_repaired(void **state)
{
        static const char *const rows[][2] = {
                { "", "" },
                { "plain", "plain" },
                { "na\xC3\xAFve \xE2\x82\xAC \xF0\x9F\x98\x80", "na\xC3\xAFve \xE2\x82\xAC \xF0\x9F\x98\x80" },
                { "a\xFF" "b", "a" REPLACEMENT "b" },
                { "\x80\x80", REPLACEMENT REPLACEMENT },
                { "\xC0\xAF", REPLACEMENT REPLACEMENT },         /* overlong / */
                { "\xC1\x81", REPLACEMENT REPLACEMENT },
                { "\xE0\x9F\xBF", REPLACEMENT REPLACEMENT REPLACEMENT },
                { "\xED\xA0\x80", REPLACEMENT REPLACEMENT REPLACEMENT }, /* a surrogate */
                { "\xF4\x90\x80\x80", REPLACEMENT REPLACEMENT REPLACEMENT REPLACEMENT },
                { "\xF5", REPLACEMENT },
                { "\xE2\x82", REPLACEMENT },                     /* one for what begins well */
                { "\xE2\x82" "a", REPLACEMENT "a" },
                { "\xF0\x9F\x98" "\xC3\xA9", REPLACEMENT "\xC3\xA9" },
                { "\xF0\x9F\x98\xE2\x82\xAC", REPLACEMENT "\xE2\x82\xAC" },
                { "\xC3\xC3\xA9", REPLACEMENT "\xC3\xA9" },
        };

        (void)state;
        for (size_t i = 0; i < COUNT(rows); i++) {
                scoped_buf struct buf out;
                buf_init(&out, 100);
                assert_true(str_utf8_repair(&out, rows[i][0], strlen(rows[i][0])));
                assert_int_equal(out.len, strlen(rows[i][1]));
                if (out.len > 0)
                        assert_memory_equal(out.data, rows[i][1], out.len);
                assert_true(utf8_is_valid(out.data, out.len));
                assert_int_equal(utf8_is_valid(rows[i][0], strlen(rows[i][0])),
                                 strcmp(rows[i][0], rows[i][1]) == 0);
        }
}

static void a_nul_is_a_character(void **state)
{
        scoped_buf struct buf out;

        (void)state;
        buf_init(&out, 100);
        assert_true(utf8_is_valid("a\0b", 3));
        assert_true(str_utf8_repair(&out, "a\0b", 3));
        assert_memory_equal(out.data, "a\0b", 4);
}

static void a_full_buffer_is_told(void **state)
{
        scoped_buf struct buf out;

        (void)state;
        buf_init(&out, 4);
        assert_false(str_utf8_repair(&out, "12345", 5));
        buf_reset(&out);
        assert_false(str_utf8_repair(&out, "12\xFF", 3));
        buf_reset(&out);
        assert_true(str_utf8_repair(&out, "1\xFF", 2));
}

static void a_cut_splits_no_character(void **state)
{
        const char *text = "a\xC3\xA9\xE2\x82\xAC\xF0\x9F\x98\x80z"; /* 1 2 3 4 1 bytes */
        static const size_t cuts[] = { 0, 1, 1, 3, 3, 3, 6, 6, 6, 6, 10, 11 };

        (void)state;
        for (size_t len = 0; len < COUNT(cuts); len++)
                assert_int_equal(utf8_cut(text, len), cuts[len]);
        assert_int_equal(utf8_cut("a\xFF", 2), 2); /* what is no character cannot be split */
        assert_int_equal(utf8_cut("\x80\x80\x80\x80\x80\x80", 6), 6);
        assert_int_equal(utf8_cut("\xE2\x82\xAC\x80", 4), 4);
        assert_int_equal(utf8_cut("\xE2", 1), 0);
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(every_code_point_is_valid_but_surrogates),
                cmocka_unit_test(nothing_else_is_valid),
                cmocka_unit_test(bad_texts_are_repaired),
                cmocka_unit_test(a_nul_is_a_character),
                cmocka_unit_test(a_full_buffer_is_told),
                cmocka_unit_test(a_cut_splits_no_character),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
