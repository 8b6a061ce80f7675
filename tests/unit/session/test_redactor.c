/* The redactor against a search that is too simple to be wrong, at every way of cutting a text. */
#include "session/secrecy/redactor.h"
#include "session/secrecy/secret_forms.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define TEXT_MAX 65536

static struct redactor *with(const char *const *secrets)
{
        struct redactor *redactor = redactor_new();
        struct err err;

        for (; *secrets != NULL; secrets++)
                assert_true(redactor_add(redactor, str_of(*secrets), &err));
        return redactor;
}

/* ---- the simple search ---- */

struct covering {
        const char *text;
        size_t len;
        int *begins; /* length of the longest form that begins here */
};

static void cover(void *arg, struct str form)
{
        struct covering *covering = arg;

        for (size_t at = 0; form.len >= REDACTOR_SECRET_MIN && at + form.len <= covering->len; at++)
                if (memcmp(covering->text + at, form.ptr, form.len) == 0
                    && covering->begins[at] < (int)form.len)
                        covering->begins[at] = (int)form.len;
}

static unsigned simply(const char *const *secrets, struct str text, struct buf *out)
{
        int begins[1024] = { 0 };
        struct covering covering = { text.ptr, text.len, begins };
        unsigned count = 0;

        assert_true(text.len <= 1024);
        for (; *secrets != NULL; secrets++)
                secret_forms_each(str_of(*secrets), cover, &covering);
        for (size_t at = 0; at < text.len;) {
                if (begins[at] == 0) {
                        assert_true(buf_append(out, text.ptr + at++, 1));
                        continue;
                }
                size_t end = at + (size_t)begins[at];
                for (; at < end; at++) /* those that overlap are one */
                        if (begins[at] > 0 && at + (size_t)begins[at] > end)
                                end = at + (size_t)begins[at];
                assert_true(buf_append_str(out, REDACTED));
                count++;
        }
        return count;
}

/* ---- streams ---- */

static void append(void *arg, const void *bytes, size_t len)
{
        assert_true(len > 0);
        assert_true(buf_append(arg, bytes, len));
}

static void check_same(const struct buf *got, const struct buf *expected)
{
        assert_int_equal(got->len, expected->len);
        if (got->len > 0)
                assert_memory_equal(got->data, expected->data, got->len);
}

static void check_cut(const struct redactor *redactor, struct str text, size_t first, size_t piece,
                      const struct buf *expected, unsigned count)
{
        struct redactor_stream *stream = redactor_stream_new(redactor);
        struct buf got;

        buf_init(&got, TEXT_MAX);
        redactor_stream_feed(stream, (struct str){ text.ptr, first }, append, &got);
        for (size_t at = first; at < text.len; at += piece) {
                size_t len = text.len - at < piece ? text.len - at : piece;
                char *copy = malloc(len); /* of its own, so that a read beyond it is seen */
                assert_non_null(copy);
                memcpy(copy, text.ptr + at, len);
                redactor_stream_feed(stream, (struct str){ copy, len }, append, &got);
                free(copy);
        }
        redactor_stream_finish(stream, append, &got);
        check_same(&got, expected);
        assert_int_equal(redactor_stream_count(stream), count);
        redactor_stream_free(stream);
        buf_fini(&got);
}

static void check(const char *const *secrets, struct str text)
{
        struct redactor *redactor = with(secrets);
        struct buf expected;

        buf_init(&expected, TEXT_MAX);
        unsigned count = simply(secrets, text, &expected);
        for (size_t first = 0; first <= text.len; first++)
                check_cut(redactor, text, first, TEXT_MAX, &expected, count);
        for (size_t piece = 1; piece <= text.len; piece++)
                check_cut(redactor, text, 0, piece, &expected, count);
        buf_fini(&expected);
        redactor_free(redactor);
}

static const char *const some[] = { "hunter2", "a b/c+d\"e'f", "aaaa", "aaaaaab", "p\xC3\xA4ss", NULL };

static void found_at_every_cut(void **state)
{
        static const char *const texts[] = {
                "", "x", "hunter2", "the hunter2 is hunter2hunter2 and hunter", "hunterhunter2 huhunter2",
                "a b/c+d\"e'f a b/c+d\"e' a%20b%2Fc%2Bd%22e%27f a+b%2fc%2bd%22e%27f",
                "a b/c+d\\\"e'f a b\\/c+d\\\"e'f 'a b/c+d\"e'\\''f' a\\ b/c+d\\\"e\\'f",
                "aaaaaaaaaaaab aaaab aaa aaaaaaa", "p\xC3\xA4ss p\\u00e4ss p%C3%A4ss p\\xc3\\xa4ss",
                "68756e74657232 68756E74657232 686875", "aHVudGVyMg== eGh1bnRlcjJ4 eHhodW50ZXIyeHg=",
                "hunter2\nhunter\n2", "aaahunter2aaaa",
        };

        (void)state;
        for (size_t i = 0; i < sizeof texts / sizeof *texts; i++)
                check(some, str_of(texts[i]));
}

static void found_wherever_texts_are_made_of_secrets(void **state)
{
        static const char *const secrets[] = { "abab", "babba", "abbabbab", "bbbbb", NULL };
        char text[41] = "";
        unsigned seed = 1;

        (void)state;
        for (int round = 0; round < 150; round++) {
                for (size_t i = 0; i < sizeof text - 1; i++) {
                        seed = seed * 1103515245u + 12345u;
                        text[i] = "abbb"[seed >> 16 & 3];
                }
                check(secrets, (struct str){ text, sizeof text - 1 });
        }
}

static void check_text(const struct redactor *redactor, const char *text, const char *expected)
{
        struct buf out;

        buf_init(&out, TEXT_MAX);
        (void)redactor_text(redactor, str_of(text), &out);
        assert_true(str_is(buf_str(&out), expected));
        buf_fini(&out);
}

static void forms_of_a_secret(void **state)
{
        static const char *const secrets[] = { "S3cret!pw", NULL };
        struct redactor *redactor = with(secrets);

        (void)state; /* as base64(1) and xxd(1) write "S3cret!pw", "xS3cret!pw", "xxS3cret!pwy" */
        check_text(redactor, "S3cret!pw", REDACTED);
        check_text(redactor, "UzNjcmV0IXB3", REDACTED);
        check_text(redactor, "eFMzY3JldCFwdw==", "eF" REDACTED "w==");
        check_text(redactor, "eHhTM2NyZXQhcHd5", "eHh" REDACTED "d5");
        check_text(redactor, "5333637265742170" "77", REDACTED);
        check_text(redactor, "S3cret%21pw", REDACTED);
        check_text(redactor, "S3cret\\!pw", REDACTED);
        check_text(redactor, "S3cret!p", "S3cret!p");
        redactor_free(redactor);
}

static void what_is_no_secret_stays(void **state)
{
        static const char *const secrets[] = { "abc", "", "\n\r", "redacted", "[red", NULL };
        struct redactor *redactor = with(secrets);

        (void)state;
        assert_true(redactor_is_empty(redactor));
        assert_true(redactor_is_empty(NULL));
        check_text(redactor, "abc redacted", "abc redacted");
        redactor_free(redactor);
}

static void line_ends_behind_a_secret_are_not_part_of_it(void **state)
{
        static const char *const secrets[] = { "hunter2\r\n", NULL };
        struct redactor *redactor = with(secrets);

        (void)state;
        check_text(redactor, "hunter2 ", REDACTED " ");
        redactor_free(redactor);
}

static void only_what_may_be_a_secret_is_held_back(void **state)
{
        static const char *const secrets[] = { "hunter2", NULL };
        struct redactor *redactor = with(secrets);
        struct redactor_stream *stream = redactor_stream_new(redactor);
        struct buf out;

        (void)state;
        buf_init(&out, TEXT_MAX);
        redactor_stream_feed(stream, str_of("Password: "), append, &out);
        assert_true(str_is(buf_str(&out), "Password: "));
        redactor_stream_feed(stream, str_of("hunt"), append, &out);
        assert_true(str_is(buf_str(&out), "Password: "));
        redactor_stream_feed(stream, str_of("s"), append, &out);
        assert_true(str_is(buf_str(&out), "Password: hunts"));
        redactor_stream_feed(stream, str_of("hunter2"), append, &out);
        assert_true(str_is(buf_str(&out), "Password: hunts" REDACTED)); /* nothing longer can come */
        redactor_stream_free(stream);
        redactor_free(redactor);
        buf_fini(&out);
}

static void check_peek(const struct redactor_stream *stream, const char *more, const char *expected)
{
        struct buf out;

        buf_init(&out, TEXT_MAX);
        redactor_stream_peek(stream, str_of(more), append, &out);
        assert_true(str_is(buf_str(&out), expected));
        buf_fini(&out);
}

static void whoever_looks_now_sees_no_more_than_three_characters_of_it(void **state)
{
        static const char *const secrets[] = { "hunter2", NULL };
        struct redactor *redactor = with(secrets);
        struct redactor_stream *stream = redactor_stream_new(redactor);
        struct buf out;

        (void)state;
        buf_init(&out, TEXT_MAX);
        check_peek(stream, "it is h", "it is h");
        check_peek(stream, "it is hun", "it is hun");
        check_peek(stream, "it is hunt", "it is " REDACTED);
        check_peek(stream, "it is hunter2", "it is " REDACTED);
        check_peek(stream, "it is hunting", "it is hunting");
        redactor_stream_feed(stream, str_of("> hun"), append, &out);
        check_peek(stream, "", "hun");
        check_peek(stream, "ter2", REDACTED);
        check_peek(stream, "dred", "hundred");
        redactor_stream_finish(stream, append, &out);
        assert_true(str_is(buf_str(&out), "> hun"));
        redactor_stream_free(stream);
        redactor_free(redactor);
        buf_fini(&out);
}

static void a_secret_that_comes_later_counts_for_what_is_held_back(void **state)
{
        static const char *const secrets[] = { "hunter2", NULL };
        struct redactor *redactor = with(secrets);
        struct redactor_stream *stream = redactor_stream_new(redactor);
        struct err err;
        struct buf out;

        (void)state;
        buf_init(&out, TEXT_MAX);
        redactor_stream_feed(stream, str_of("x hunt"), append, &out);
        assert_true(redactor_add(redactor, str_of("untold"), &err));
        redactor_stream_feed(stream, str_of("old"), append, &out);
        redactor_stream_finish(stream, append, &out);
        assert_true(str_is(buf_str(&out), "x h" REDACTED));
        redactor_stream_free(stream);
        redactor_free(redactor);
        buf_fini(&out);
}

static void too_many_secrets_are_refused(void **state)
{
        struct redactor *redactor = redactor_new();
        char secret[1025];
        struct err err = { 0 };
        bool ok = true;

        (void)state;
        memset(secret, 'x', sizeof secret);
        for (int i = 0; i < 300 && ok; i++) {
                for (size_t at = 0; at < sizeof secret - 1; at++)
                        secret[at] = (char)('!' + (i * 7 + (int)at * (i + 3)) % 90);
                ok = redactor_add(redactor, (struct str){ secret, sizeof secret - 1 }, &err);
        }
        assert_false(ok);
        assert_int_equal(err.code, ERR_LIMIT);
        assert_false(redactor_add(redactor, (struct str){ secret, REDACTOR_SECRET_MAX + 1 }, &err));
        redactor_free(redactor);
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(found_at_every_cut),
                cmocka_unit_test(found_wherever_texts_are_made_of_secrets),
                cmocka_unit_test(forms_of_a_secret),
                cmocka_unit_test(what_is_no_secret_stays),
                cmocka_unit_test(line_ends_behind_a_secret_are_not_part_of_it),
                cmocka_unit_test(only_what_may_be_a_secret_is_held_back),
                cmocka_unit_test(whoever_looks_now_sees_no_more_than_three_characters_of_it),
                cmocka_unit_test(a_secret_that_comes_later_counts_for_what_is_held_back),
                cmocka_unit_test(too_many_secrets_are_refused),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
