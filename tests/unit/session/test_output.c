#include "session/command/output.h"

#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>

#include <cmocka.h>

#define MIB (1024 * 1024)

/* Byte at an offset: a pattern that is ASCII and has no short period. */
static char byte_at(uint64_t offset)
{
        return (char)('a' + (offset ^ offset >> 7 ^ offset >> 13) % 26);
}

static void append_pattern(struct output *output, uint64_t from, size_t len)
{
        char *bytes = malloc(len);

        assert_non_null(bytes);
        for (size_t i = 0; i < len; i++)
                bytes[i] = byte_at(from + i);
        output_append(output, bytes, len);
        free(bytes);
}

static void check_pattern(struct output *output, uint64_t offset, size_t len)
{
        char *bytes = malloc(len + 1);
        uint64_t skipped;

        assert_non_null(bytes);
        assert_int_equal(output_read(output, offset, bytes, len, &skipped), len);
        assert_int_equal(skipped, 0);
        for (size_t i = 0; i < len; i++)
                if (bytes[i] != byte_at(offset + i))
                        fail_msg("byte %zu is wrong", (size_t)offset + i);
        free(bytes);
}

static void text_is(struct output *output, const char *text)
{
        char got[256];
        uint64_t skipped;
        size_t n = output_read(output, 0, got, sizeof got - 1, &skipped);

        got[n] = 0;
        assert_string_equal(got, text);
}

static void a_small_output_reads_back(void **state)
{
        struct output *output = output_new();
        char got[8];
        uint64_t skipped;

        (void)state;
        output_append(output, "hello ", 6);
        output_append(output, "world\n", 6);
        text_is(output, "hello world\n");
        assert_int_equal(output_read(output, 6, got, 3, &skipped), 3);
        assert_memory_equal(got, "wor", 3);
        assert_int_equal(output_read(output, 12, got, 3, &skipped), 0);
        assert_int_equal(output_read(output, 99, got, 3, &skipped), 0);
        assert_int_equal(output_total(output), 12);
        output_settle(output);
        text_is(output, "hello world\n");
        output_free(output);
        output_free(NULL);
}

/* ---- with secrets ---- */

static struct output *discreet(struct redactor **out_redactor)
{
        struct output *output = output_new();
        struct err err;

        *out_redactor = redactor_new();
        output_set_redactor(output, *out_redactor);
        assert_true(redactor_add(*out_redactor, str_of("hunter2"), &err));
        return output;
}

static void partial_is(const struct output *output, const char *text)
{
        assert_true(str_is(output_partial(output), text));
}

static void offsets_are_those_of_what_is_shown(void **state)
{
        struct redactor *redactor;
        struct output *output = discreet(&redactor);
        char got[32];
        uint64_t skipped;

        (void)state;
        output_append(output, "a hun", 5);
        text_is(output, "a ");
        output_append(output, "ter2 \xFF z\n", 9);
        text_is(output, "a [redacted] \xEF\xBF\xBD z\n");
        assert_int_equal(output_redactions(output), 1);
        assert_int_equal(output_total(output), 19);
        assert_int_equal(output_read(output, 12, got, 1, &skipped), 1);
        assert_int_equal(got[0], ' ');
        output_settle(output);
        assert_int_equal(output_redactions(output), 1);
        output_free(output);
        redactor_free(redactor);
}

static void the_beginning_of_a_secret_comes_out_at_the_end(void **state)
{
        struct redactor *redactor;
        struct output *output = discreet(&redactor);

        (void)state;
        output_append(output, "> hun", 5);
        output_set_partial(output, NULL, 0);
        text_is(output, "> ");
        partial_is(output, "hun");
        output_append(output, "ter", 3);
        output_set_partial(output, NULL, 0);
        partial_is(output, "[redacted]");
        output_settle(output);
        text_is(output, "> hunter");
        partial_is(output, "");
        output_free(output);
        redactor_free(redactor);
}

static void a_partial_line_is_the_streams_continuation(void **state)
{
        struct redactor *redactor;
        struct output *output = discreet(&redactor);

        (void)state;
        output_append(output, "x\nhun", 5);
        output_set_partial(output, "ter2 it is", 10);
        partial_is(output, "[redacted] it is");
        output_set_partial(output, "dreds", 5);
        partial_is(output, "hundreds");
        text_is(output, "x\n");
        output_keep_partial(output);
        text_is(output, "x\nhundreds");
        output_set_partial(output, "hunter2", 7);
        output_keep_partial(output);
        output_settle(output);
        text_is(output, "x\nhundreds[redacted]");
        assert_int_equal(output_redactions(output), 1);
        output_free(output);
        redactor_free(redactor);
}

static void what_was_stored_before_a_secret_was_seen_stays(void **state)
{
        struct redactor *redactor = redactor_new();
        struct output *output = output_new();
        struct err err;

        (void)state;
        output_set_redactor(output, redactor);
        output_append(output, "hunter2\n", 8);
        output_set_partial(output, "hunter2", 7);
        partial_is(output, "hunter2");
        assert_true(redactor_add(redactor, str_of("hunter2"), &err));
        output_append(output, "hunter2\n", 8);
        output_set_partial(output, NULL, 0);
        text_is(output, "hunter2\n[redacted]\n");
        partial_is(output, "");
        output_free(output);
        redactor_free(redactor);
}

static void every_byte_of_four_megabytes_is_addressable(void **state)
{
        struct output *output = output_new();
        size_t total = 0;

        (void)state;
        for (size_t piece = 1; total < 4 * MIB; total += piece, piece = piece * 3 % 65521 + 1)
                append_pattern(output, total, piece);
        assert_int_equal(output_total(output), total);
        assert_int_equal(output_dropped(output), 0);
        for (int settled = 0; settled < 2; settled++) {
                check_pattern(output, 0, total);
                for (uint64_t at = 1; at + 70000 < total; at += 65521)
                        check_pattern(output, at, 70000);
                output_settle(output);
        }
        output_free(output);
}

static void what_the_file_does_not_take_is_dropped_and_counted(void **state)
{
        struct output *output = output_new();
        uint64_t total = 0;
        uint64_t skipped;
        char byte;

        (void)state;
        for (; total < OUTPUT_HEAD_MAX + OUTPUT_SPILL_MAX + 3 * MIB; total += 64 * 1024)
                append_pattern(output, total, 64 * 1024);
        uint64_t dropped = output_dropped(output);
        assert_true(dropped > 0);
        check_pattern(output, 0, MIB);
        check_pattern(output, OUTPUT_HEAD_MAX + OUTPUT_SPILL_MAX - 1000, 1000);
        check_pattern(output, total - OUTPUT_TAIL_MAX, OUTPUT_TAIL_MAX);
        assert_int_equal(output_read(output, OUTPUT_HEAD_MAX + OUTPUT_SPILL_MAX + 5, &byte, 1,
                                     &skipped),
                         1);
        assert_int_equal(skipped, dropped - 5);
        assert_int_equal(byte, byte_at(OUTPUT_HEAD_MAX + OUTPUT_SPILL_MAX + dropped));
        output_free(output);
}

static void a_disk_that_refuses_costs_the_middle_only(void **state)
{
        struct rlimit was;
        struct rlimit small;
        struct output *output = output_new();
        uint64_t total = 0;

        (void)state;
        (void)signal(SIGXFSZ, SIG_IGN);
        assert_int_equal(getrlimit(RLIMIT_FSIZE, &was), 0);
        small = was;
        small.rlim_cur = 100 * 1024;
        assert_int_equal(setrlimit(RLIMIT_FSIZE, &small), 0);
        for (; total < 2 * MIB; total += 64 * 1024)
                append_pattern(output, total, 64 * 1024);
        assert_int_equal(setrlimit(RLIMIT_FSIZE, &was), 0);
        assert_true(output_dropped(output) > 0);
        check_pattern(output, 0, OUTPUT_HEAD_MAX);
        check_pattern(output, total - OUTPUT_TAIL_MAX, OUTPUT_TAIL_MAX);
        output_free(output);
}

static void bad_utf8_becomes_the_replacement_character(void **state)
{
        static const struct {
                const char *in;
                const char *out;
        } cases[] = {
                { "gr\xC3\xBC\xC3\x9F", "gr\xC3\xBC\xC3\x9F" },
                { "a\xFF"
                  "b",
                  "a\xEF\xBF\xBD"
                  "b" },
                { "\xC3"
                  "a",
                  "\xEF\xBF\xBD"
                  "a" },
                { "\xE2\x82"
                  "x\xE2\x82\xAC",
                  "\xEF\xBF\xBDx\xE2\x82\xAC" },
                { "\xED\xA0\x80", "\xEF\xBF\xBD\xEF\xBF\xBD\xEF\xBF\xBD" },
                { "\xF0\x9F\x98\x80!", "\xF0\x9F\x98\x80!" },
                { "12345678\x80"
                  "12345678",
                  "12345678\xEF\xBF\xBD"
                  "12345678" },
        };

        (void)state;
        for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
                size_t len = strlen(cases[i].in);
                for (size_t piece = 1; piece <= len; piece++) { /* the same for any split */
                        struct output *output = output_new();
                        for (size_t at = 0; at < len; at += piece)
                                output_append(output, cases[i].in + at,
                                              len - at < piece ? len - at : piece);
                        text_is(output, cases[i].out);
                        output_free(output);
                }
        }
}

static void the_partial_is_its_last_four_kilobytes(void **state)
{
        struct output *output = output_new();
        char line[OUTPUT_PARTIAL_MAX + 11];

        (void)state;
        output_set_partial(output, "50%", 3);
        assert_true(str_is(output_partial(output), "50%"));
        output_set_partial(output, "", 0);
        assert_int_equal(output_partial(output).len, 0);
        memset(line, 'x', sizeof line);
        memcpy(line + 10, "\xC3\xBC", 2); /* the cut falls into it */
        output_set_partial(output, line, sizeof line);
        assert_int_equal(output_partial(output).len, OUTPUT_PARTIAL_MAX - 1);
        assert_int_equal(output_total(output), 0);
        output_free(output);
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(a_small_output_reads_back),
                cmocka_unit_test(offsets_are_those_of_what_is_shown),
                cmocka_unit_test(the_beginning_of_a_secret_comes_out_at_the_end),
                cmocka_unit_test(a_partial_line_is_the_streams_continuation),
                cmocka_unit_test(what_was_stored_before_a_secret_was_seen_stays),
                cmocka_unit_test(every_byte_of_four_megabytes_is_addressable),
                cmocka_unit_test(what_the_file_does_not_take_is_dropped_and_counted),
                cmocka_unit_test(a_disk_that_refuses_costs_the_middle_only),
                cmocka_unit_test(bad_utf8_becomes_the_replacement_character),
                cmocka_unit_test(the_partial_is_its_last_four_kilobytes),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
