#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/alloc.h"
#include "base/scoped.h"
#include "worker/shell/marker.h"

#include <stdlib.h>
#include <string.h>

#define COUNT(array) (sizeof(array) / sizeof(array)[0])
#define BEGUN        "09azAZ_-xyz"            /* nonces */
#define ENDED        "0123456789abcdefABCD_-"
#define OTHER        "ffffffffffffffffffffff"
#define INTRO        "\x1B]7723;"
#define START        INTRO "S;" BEGUN "\x07"
#define END          INTRO "E;" ENDED ";3;/srv/web\x07"
#define S            "<S " BEGUN " 0 >" /* as the story tells them */
#define E            "<E " ENDED " 3 /srv/web>"
#define STORY_MAX    (1024 * 1024)

/* What came out as one text: output as it is, marks as <kind nonce number rest>. */
static void tell(struct buf *story, const struct marker_event *event)
{
        switch (event->kind) {
        case MARKER_MORE: return;
        case MARKER_TEXT:
                assert_true(buf_append(story, event->bytes.ptr, event->bytes.len));
                return;
        case MARKER_START:
        case MARKER_END:
                assert_true(buf_printf(story, "<%c %.*s %lld %.*s>",
                                       event->kind == MARKER_START ? 'S' : 'E', (int)event->nonce.len,
                                       event->nonce.ptr, event->number, (int)event->rest.len,
                                       event->rest.len > 0 ? event->rest.ptr : ""));
                assert_true(event->bytes.len > event->nonce.len); /* should it turn out not to be ours */
                assert_memory_equal(event->bytes.ptr, INTRO, strlen(INTRO));
                assert_int_equal(event->bytes.ptr[event->bytes.len - 1], '\x07');
                return;
        }
        fail();
}

static void feed(struct marker *marker, const char *bytes, size_t len, struct buf *story)
{
        scoped_free uint8_t *exact = malloc(len + 1);
        const uint8_t *at = exact;
        unsigned turns = 0;

        memcpy(exact, bytes, len);
        for (;;) {
                struct marker_event event = marker_next(marker, &at, &len);
                if (event.kind == MARKER_MORE)
                        break;
                tell(story, &event);
                assert_true(++turns < STORY_MAX);
        }
        assert_int_equal(len, 0);
        assert_true(marker->held_len <= MARKER_MAX);
}

/* Whole, byte by byte and in every two pieces the story must be the same. */
static void check_bytes(const char *in, size_t len, const char *expected)
{
        for (size_t first = 0; first <= len; first++) {
                struct marker marker;
                scoped_buf struct buf story;
                buf_init(&story, STORY_MAX);
                marker_init(&marker);
                feed(&marker, in, first, &story);
                if (first > 0)
                        feed(&marker, in + first, len - first, &story);
                for (size_t i = 0; first == 0 && i < len; i++)
                        feed(&marker, in + i, 1, &story);
                assert_string_equal(story.data != NULL ? (char *)story.data : "", expected);
        }
}

static void check(const char *in, const char *expected)
{
        check_bytes(in, strlen(in), expected);
}

static void text_passes(void **state)
{
        (void)state;
        check("", "");
        check("plain\r\ntext", "plain\r\ntext");
        check("\x1B[1mred\x1B[0m", "\x1B[1mred\x1B[0m");
        check("\x1B]0;title\x07x", "\x1B]0;title\x07x");
        check("\x1B\x1B\x1Bx", "\x1B\x1B\x1Bx");
        check("\x1B]7x", "\x1B]7x");
        check("\x1B]7724;x", "\x1B]7724;x");
        check("\x1B]7723\x07x", "\x1B]7723\x07x");
}

static void marks_are_found(void **state)
{
        (void)state;
        check(START, S);
        check("a" START "b" END "c", "a" S "b" E "c");
        check(START END, S E); /* nothing between them */
        check(END END START START, E E S S);
        check(INTRO "E;" OTHER ";0;/\x07", "<E " OTHER " 0 />"); /* whose it is, the caller says */
        check(INTRO "E;" ENDED ";0;\x07", "<E " ENDED " 0 >");
        check(INTRO "E;" ENDED ";0\x07", "<E " ENDED " 0 >");
        check(INTRO "E;" ENDED ";265;/a;b;c\x07", "<E " ENDED " 265 /a;b;c>");
        check(INTRO "E;" ENDED ";1;/\xC3\xA9 \xFF\r\n\x07", "<E " ENDED " 1 /\xC3\xA9 \xFF\r\n>");
        check(INTRO "E;" ENDED ";999999999999999999;/\x07", "<E " ENDED " 999999999999999999 />");
}

static void what_is_not_quite_a_mark_is_text(void **state)
{
        static const char *const texts[] = {
                INTRO "\x07",
                INTRO "S\x07",
                INTRO "S;\x07",
                INTRO "E;\x07",
                INTRO "S;09azAZ_-xy\x07",                /* one too few */
                INTRO "S;09azAZ_-xyz0\x07",              /* one too many */
                INTRO "S;" BEGUN ";\x07",
                INTRO "S;" BEGUN ";1\x07",
                INTRO "s;" BEGUN "\x07",
                INTRO "X;" BEGUN "\x07",
                INTRO "S:" BEGUN "\x07",
                INTRO BEGUN "\x07",
                INTRO "S;09azAZ_-xy.\x07",
                INTRO "S;09azAZ_-xy'z\x07",
                INTRO "E;" ENDED "\x07",
                INTRO "E;" ENDED ";\x07",
                INTRO "E;" ENDED ";;/\x07",
                INTRO "E;" ENDED ":0;/\x07",
                INTRO "E;" ENDED "0;0;/\x07",
                INTRO "E;0123456789abcdefABCD_;0;/\x07", /* one too few */
                INTRO "E;" ENDED ";-1;/\x07",
                INTRO "E;" ENDED "; 1;/\x07",
                INTRO "E;" ENDED ";1 ;/\x07",
                INTRO "E;" ENDED ";12a;/\x07",
                INTRO "E;" ENDED ";%d;%s\x07",
                INTRO "E;" ENDED ";1234567890123456789;/\x07",
                INTRO "S;" BEGUN "\x1B\\",               /* the other end of an OSC is not ours */
                INTRO "E;" ENDED ";0;/\x1B\\",
                "\x1B ]7723;S;" BEGUN "\x07",
                "]7723;S;" BEGUN "\x07",
                "\x1B]07723;S;" BEGUN "\x07",
                "\x9D" "7723;S;" BEGUN "\x07",
        };

        (void)state;
        for (size_t i = 0; i < COUNT(texts); i++)
                check(texts[i], texts[i]);
}

/* An echo of the typed line has no ESC, and its nonces are broken by a quote. */
static void the_echoed_line_is_text(void **state)
{
        const char *line = " command printf '\\033]7723;S;09azA'Z_-xyz'\\a';command eval 'ls'";

        (void)state;
        check(line, line);
        check(INTRO "S;09azA'Z_-xyz'\x07", INTRO "S;09azA'Z_-xyz'\x07");
}

static void an_unterminated_mark_does_not_hide_the_next(void **state)
{
        (void)state;
        check(INTRO "S;" BEGUN START, INTRO "S;" BEGUN S);
        check("\x1B" START, "\x1B" S);
        check(INTRO START, INTRO S);
        check(INTRO "S" START, INTRO "S" S);
        check(INTRO "E;01234" END, INTRO "E;01234" E);
        check(INTRO "E;" ENDED ";0;/a\x1B" END, INTRO "E;" ENDED ";0;/a\x1B" E);
        check("\x1B]0;" END "\x07", "\x1B]0;" E "\x07"); /* inside another OSC */
}

static void what_may_become_a_mark_is_held(void **state)
{
        struct marker marker;
        scoped_buf struct buf story;

        (void)state;
        buf_init(&story, STORY_MAX);
        marker_init(&marker);
        feed(&marker, "text" INTRO "E;" ENDED ";", strlen("text" INTRO "E;" ENDED ";"), &story);
        assert_string_equal(story.data, "text");
        feed(&marker, "1;/", 3, &story);
        assert_string_equal(story.data, "text");
        feed(&marker, "\x07", 1, &story);
        assert_string_equal(story.data, "text<E " ENDED " 1 />");
        feed(&marker, "\x1B", 1, &story);
        feed(&marker, "[", 1, &story);
        assert_string_equal(story.data, "text<E " ENDED " 1 />\x1B[");
}

/* The longest mark there is, and one and two bytes more. */
static void a_mark_that_is_too_long_is_text(void **state)
{
        static const size_t splits[] = { 1, 7, 100, MARKER_MAX - 1, MARKER_MAX, MARKER_MAX + 1, SIZE_MAX };
        static const char head[] = INTRO "E;" ENDED ";0;";
        size_t cwd_max = MARKER_MAX - strlen(head) - 1;

        (void)state;
        for (size_t cwd_len = cwd_max; cwd_len < cwd_max + 3; cwd_len++) {
                scoped_free char *cwd = xcalloc(1, cwd_len + 1);
                memset(cwd, 'x', cwd_len);
                scoped_free char *in = xasprintf("%s%s\x07" "after" START, head, cwd);
                scoped_free char *expected = cwd_len == cwd_max ? xasprintf("<E " ENDED " 0 %s>after" S, cwd)
                                                                : xasprintf("%s%s\x07" "after" S, head, cwd);
                for (size_t s = 0; s < COUNT(splits); s++) {
                        struct marker marker;
                        scoped_buf struct buf story;
                        size_t len = strlen(in);
                        buf_init(&story, STORY_MAX);
                        marker_init(&marker);
                        for (size_t at = 0; at < len;) {
                                size_t piece = splits[s] < len - at ? splits[s] : len - at;
                                feed(&marker, in + at, piece, &story);
                                at += piece;
                        }
                        assert_string_equal(story.data, expected);
                }
        }
}

static void a_nul_is_text_or_no_mark(void **state)
{
        struct marker marker;
        const uint8_t bytes[] = "a\0b\x1B]7723;\0c";
        const uint8_t *at = bytes;
        size_t len = sizeof bytes - 1;
        size_t total = 0;

        (void)state;
        marker_init(&marker);
        for (;;) {
                struct marker_event event = marker_next(&marker, &at, &len);
                if (event.kind == MARKER_MORE)
                        break;
                assert_int_equal(event.kind, MARKER_TEXT);
                assert_memory_equal(event.bytes.ptr, bytes + total, event.bytes.len);
                total += event.bytes.len;
        }
        assert_int_equal(total, sizeof bytes - 1);
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(text_passes),
                cmocka_unit_test(marks_are_found),
                cmocka_unit_test(what_is_not_quite_a_mark_is_text),
                cmocka_unit_test(the_echoed_line_is_text),
                cmocka_unit_test(an_unterminated_mark_does_not_hide_the_next),
                cmocka_unit_test(what_may_become_a_mark_is_held),
                cmocka_unit_test(a_mark_that_is_too_long_is_text),
                cmocka_unit_test(a_nul_is_text_or_no_mark),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
